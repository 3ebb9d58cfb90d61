"""The graph that stands for a mixture beyond three dimensions, against grids of the plane."""

import numpy as np
import pytest

from core.gaussians.mixture import GaussianMixture
from core.tree import tree_with_regions
from core.tree.build import graph_merge_tree
from core.tree.critical import ascend, find_modes, find_saddles
from core.tree.graph import sample_graph
from core.worlds.suite import CASES
from core.worlds.tangled import WORLDS

LEAST, DEEPEST = 0.05, -8.0
"""Nats that a leaf must stand out by, and the level down to which the grid's own saddles are right to 0.02 nats."""


def scattered(seed, count=10):
    """Gaussians of random place, shape and weight; many of them overlap."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(scale=0.6, size=(count, 2, 2))
    covariances = factor @ np.swapaxes(factor, 1, 2) + 0.05 * np.eye(2)
    return GaussianMixture(rng.dirichlet(np.full(count, 3.0)), rng.normal(scale=2.5, size=(count, 2)), covariances)


def circle(count, width):
    """Beads of unequal weight on a circle of radius 3."""
    angle = 2 * np.pi * np.arange(count) / count
    weights = np.random.default_rng(count).uniform(0.6, 1.4, count)
    means = 3 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return GaussianMixture(weights / weights.sum(), means, np.tile(width**2 * np.eye(2), (count, 1, 1)))


def crescents(name):
    return next(case for case in CASES if case.name == name).world.mixture


PLANES = {
    **{f"scattered {seed}": scattered(seed) for seed in (1, 3, 5)},
    **{f"forty {seed}": scattered(seed, 40) for seed in (0, 124)},
    "steps that leap over a valley": scattered(105, 14),
    "beads": circle(8, 0.75),
    "ring": circle(30, 0.3),
    "moons": WORLDS["two-moons"].mixture,
    "nested": WORLDS["nested"].mixture,
    "crescents 3": crescents("56-crescents-3"),
    "crescents 5": crescents("49-crescents-5"),
}


def lifted(plane, dim):
    """The plane's density times a standard normal one, sheared and turned in `dim` dimensions."""
    count = len(plane.weights)
    means, covariances = np.zeros((count, dim)), np.tile(np.eye(dim), (count, 1, 1))
    means[:, :2], covariances[:, :2, :2] = plane.means, plane.covariances
    matrix = np.eye(dim) + 0.3 * np.random.default_rng(dim).normal(size=(dim, dim))
    return GaussianMixture(plane.weights, means, covariances).transformed(matrix, np.ones(dim)), matrix


def clear_leaves(merge):
    """Rows of the leaves that stand out by LEAST."""
    return [0, *(row for row in range(2, len(merge), 2) if merge.height[row] - merge.height[row - 1] > LEAST)]


def merge_levels(merge, rows):
    """(l, l): relative levels at which the leaves of `rows` join."""
    level = np.zeros((len(rows), len(rows)))
    for i, a in enumerate(rows):
        above = set()
        while a >= 0:
            above.add(a)
            a = merge.parent[a]
        for j, b in enumerate(rows):
            while b not in above:
                b = merge.parent[b]
            level[i, j] = merge.height[b] - merge.height.max()
    return level


def check_same_tree(plane, density, to_plane):
    """The graph of `density` has the leaves of the plane's grid, and they join at the grid's saddles."""
    grid = tree_with_regions(plane, size=512, simplify=0.0, min_mass=0.0).skeleton
    graph = sample_graph(density)[0]
    merge = graph_merge_tree(graph.log_density, graph.edges)
    on_grid, found = clear_leaves(grid.merge), clear_leaves(merge)
    assert len(found) == len(on_grid)
    peaks = to_plane(graph.places[merge.vertex[found]])
    distance = np.linalg.norm(grid.cells.points[grid.merge.vertex[on_grid], None] - peaks, axis=2)
    partner = distance.argmin(axis=1)
    assert sorted(partner) == list(range(len(found)))
    expected, levels = merge_levels(grid.merge, on_grid), merge_levels(merge, [found[i] for i in partner])
    known = expected > DEEPEST
    assert levels[known] == pytest.approx(expected[known], abs=0.05)


@pytest.mark.parametrize("name", PLANES)
def test_in_the_plane_the_graph_has_the_leaves_and_saddles_of_a_grid(name):
    check_same_tree(PLANES[name], PLANES[name], lambda z: z)


@pytest.mark.parametrize(
    ("name", "dim"),
    [
        ("scattered 3", 4),
        ("beads", 5),
        ("crescents 5", 6),
        ("moons", 6),
        ("steps that leap over a valley", 7),
        ("forty 124", 8),
        ("ring", 8),
    ],
)
def test_normal_dimensions_leave_the_tree_as_it_is(name, dim):
    density, matrix = lifted(PLANES[name], dim)
    check_same_tree(PLANES[name], density, lambda z: np.linalg.solve(matrix, (z - 1).T).T[:, :2])


@pytest.mark.parametrize("dim", [2, 5, 9])
def test_two_equal_bumps_have_one_saddle_halfway(dim):
    means = np.zeros((2, dim))
    means[1, 0] = 5.0
    q = GaussianMixture(np.full(2, 0.5), means, np.tile(np.eye(dim), (2, 1, 1)))
    start = np.random.default_rng(0).normal(size=(30, dim)) + means.mean(0)
    saddles, beside = find_saddles(q, start)
    assert saddles == pytest.approx(means.mean(0, keepdims=True), abs=1e-5)
    ends = ascend(q, beside[0])[0]
    assert sorted(ends[:, 0]) == pytest.approx([0, 5], abs=0.1)


def test_saddles_are_critical_points_with_one_direction_up():
    q = scattered(1)
    saddles, _ = find_saddles(q, q.sample(300, seed=0))
    assert len(saddles) >= 6
    step = 1e-4 * np.eye(2)
    for place in saddles:
        slope = [(q.log_density([place + e]) - q.log_density([place - e]))[0] / 2e-4 for e in step]
        assert slope == pytest.approx([0, 0], abs=1e-4)
        hessian = np.array(
            [
                [
                    q.log_density([place + a + b, place - a - b, place + a - b, place - a + b]) @ [1, 1, -1, -1]
                    for a in step
                ]
                for b in step
            ]
        )
        low, high = np.linalg.eigvalsh(hessian)
        assert low < 0 < high


def test_modes_that_no_component_has_are_found_from_samples():
    # Three long ridges that cross pairwise have a mode at each crossing besides those at their middles.
    angle = np.array([0.0, 2.0, 4.0]) * np.pi / 3
    means = 1.2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    turned = np.stack([np.cos(angle + np.pi / 2), np.sin(angle + np.pi / 2)], axis=1)
    covariances = 0.05 * np.eye(2) + 9.0 * turned[:, :, None] * turned[:, None, :]
    q = GaussianMixture(np.full(3, 1 / 3), means, covariances)
    check_same_tree(q, q, lambda z: z)
    assert len(find_modes(q, q.means)[0]) == 3
    assert len(find_modes(q, q.sample(200, seed=0))[0]) == 6


def test_the_graph_of_one_gaussian_has_one_leaf():
    q = GaussianMixture(np.ones(1), np.zeros((1, 5)), np.eye(5)[None])
    graph = sample_graph(q)[0]
    merge = graph_merge_tree(graph.log_density, graph.edges)
    assert len(merge) == 1


def test_the_same_seed_gives_the_same_graph():
    a, b = (sample_graph(lifted(PLANES["beads"], 5)[0], seed=4)[0] for _ in range(2))
    assert np.array_equal(a.log_density, b.log_density)
    assert np.array_equal(a.edges, b.edges)
