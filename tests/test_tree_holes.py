"""Betti numbers of the nodes' regions, and holes one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, label

from core.gaussians.mixture import GaussianMixture
from core.tree import level_set_tree, level_sets
from core.tree.fields import Grid


def beaded_ring(dim, beads=6, radius=4.0, deviation=1.1):
    """Equal round bumps on a circle of the first two axes, the first a little heavier."""
    angle = 2 * np.pi * np.arange(beads) / beads
    means = np.zeros((beads, dim))
    means[:, :2] = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    weights = np.full(beads, 1.0) + 0.3 * (np.arange(beads) == 0)
    covariance = deviation**2 * np.eye(dim)
    return GaussianMixture(weights / weights.sum(), means, np.stack([covariance] * beads))


@pytest.mark.parametrize("dim", [2, 3])
def test_a_beaded_ring_has_one_hole_and_its_beads_none(dim):
    tree = level_set_tree(beaded_ring(dim))
    assert len(tree.leaves) == 6
    assert tree.betti[0].tolist() == [1, 1]
    assert (tree.betti[tree.leaves] == [1, 0]).all()


def test_a_smooth_ring_is_one_leaf_with_a_hole():
    axis = np.linspace(-3, 3, 101)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    tree = level_sets(Grid((axis, axis), -8 * (np.hypot(x, y) - 2) ** 2 + 0.01 * x)).tree
    assert tree.id.tolist() == [0, 1]
    assert tree.betti.tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize(("shape", "tunnels_"), [("ball", 0), ("shell", 0), ("torus", 1)])
def test_solids_have_their_tunnels(shape, tunnels_):
    axis = np.linspace(-3, 3, 41)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    distance = {
        "ball": np.sqrt(x**2 + y**2 + z**2),
        "shell": np.sqrt(x**2 + y**2 + z**2) - 2,
        "torus": np.hypot(np.hypot(x, y) - 1.8, z),
    }[shape]
    tree = level_sets(Grid((axis,) * 3, -8 * distance**2 + 0.01 * x)).tree
    assert tree.betti[-1].tolist() == [1, tunnels_]


def test_three_far_bumps_close_no_hole_that_holds_probability():
    means = np.array([[0.0, 0.0], [10.0, 0.0], [5.0, 9.0]])
    density = GaussianMixture(np.array([0.4, 0.35, 0.25]), means, np.stack([np.eye(2)] * 3))
    assert level_set_tree(density).betti[0].tolist() == [1, 0]
    assert level_set_tree(density, min_mass=0.0).betti[0].tolist() == [1, 1]


# Holes one by one


def grid_of(field):
    return Grid(tuple(np.linspace(0.0, 1.0 + i, n) for i, n in enumerate(field.shape)), field)


def rugged(shape, seed):
    return 3 * gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.0)


def test_a_ring_has_its_hole_at_its_center():
    axis = np.linspace(-3, 3, 101)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    tree = level_sets(Grid((axis, axis), -8 * (np.hypot(x, y) - 2) ** 2 + 0.01 * x)).tree
    (hole,) = range(len(tree.holes))
    assert tree.id[tree.holes.node[hole]] == 1
    assert tree.holes.place[hole] == pytest.approx([0, 0], abs=0.1)
    assert tree.holes.top[hole] == pytest.approx(-0.04, abs=0.02)
    assert tree.holes.bottom[hole] == pytest.approx(-32, abs=0.1)


def test_a_shell_has_its_void_at_its_center():
    axis = np.linspace(-3, 3, 41)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    tree = level_sets(Grid((axis,) * 3, -2 * (np.sqrt(x**2 + y**2 + z**2) - 2) ** 2 + 0.01 * x)).tree
    assert len(tree.holes) == 1
    assert tree.holes.place[0] == pytest.approx([0, 0, 0], abs=0.1)
    assert tree.holes.persistence[0] == pytest.approx(8, abs=0.1)


def test_a_line_has_no_holes_and_a_graph_knows_of_none():
    bumps = GaussianMixture(np.full(2, 0.5), np.array([[0.0], [6.0]]), np.ones((2, 1, 1)))
    assert len(level_set_tree(bumps).holes) == 0
    bumps = GaussianMixture(np.full(2, 0.5), 6 * np.eye(4)[:2], np.stack([np.eye(4)] * 2))
    assert level_set_tree(bumps).holes is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 0.05))
def test_holes_in_the_plane_are_those_that_betti_counts(seed, persistence, mass):
    tree = level_sets(grid_of(rugged((20, 24), seed)), simplify=0.0, min_mass=0.0)
    tree = tree.simplified(persistence, mass).tree
    for row in range(len(tree)):
        inside = [row in tree.path(node) for node in tree.holes.node.tolist()]
        alive = tree.holes.bottom < tree.level[row]
        if tree.id[0] or row:
            assert tree.betti[row, 1] == (inside & alive).sum()
    assert (tree.holes.persistence >= persistence).all()
    assert (np.diff(tree.holes.persistence) <= 0).all()


@pytest.mark.parametrize("shape", [(24, 26), (11, 12, 13)])
def test_a_hole_is_a_part_of_the_complement_that_its_node_encloses(shape):
    found = level_sets(grid_of(rugged(shape, 1)), simplify=0.0, min_mass=0.0)
    tree, relative = found.tree, found.grid.relative
    assert len(tree.holes) > 3
    for node, top, place in zip(tree.holes.node, tree.holes.top, tree.holes.place, strict=True):
        padded = np.asarray(label(np.pad(relative < top, 1, constant_values=True))[0])
        parts = padded[(slice(1, -1),) * len(shape)]
        own = parts.ravel()[found.grid.nearest(place[None])[0]]
        assert own not in (0, padded.flat[0])
        touching = np.pad(parts == own, 1)
        around = sum(np.roll(touching, shift, axis) for axis in range(len(shape)) for shift in (-1, 1)) > 0
        rim = around[(slice(1, -1),) * len(shape)] & (relative >= top)
        assert all(node in tree.path(row) for row in np.unique(found.region[rim]))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_holes_survive_simplification_by_their_own_persistence(seed, persistence):
    full = level_sets(grid_of(rugged((9, 10, 11), seed)), simplify=0.0, min_mass=0.0)
    simple = full.simplified(persistence, 0.0).tree.holes
    lasting = full.tree.holes.persistence >= persistence
    for name in ("top", "bottom", "place"):
        np.testing.assert_array_equal(getattr(simple, name), getattr(full.tree.holes, name)[lasting])
