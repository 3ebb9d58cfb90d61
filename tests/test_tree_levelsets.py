"""Level-set trees of densities: planted bumps against closed forms, and the laws every tree obeys."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.stats import chi2

from core.errors import InputError
from core.gaussians.mixture import GaussianMixture
from core.tree import layout, leaf_order, level_set_tree, level_sets, node_of, tree_with_regions
from core.tree.fields import Grid

FIELDS = arrays(
    float, array_shapes(min_dims=1, max_dims=3, min_side=3, max_side=6), elements=st.floats(-4, 0, width=16)
)


def mixture(means, weights=None, covariances=None):
    """Bumps of unit covariance and equal weight unless told otherwise."""
    means = np.asarray(means, dtype=float)
    count, dim = means.shape
    weights = np.full(count, 1 / count) if weights is None else np.asarray(weights)
    covariances = np.stack([np.eye(dim)] * count) if covariances is None else np.asarray(covariances)
    return GaussianMixture(weights, means, covariances)


def grid_of(field):
    return Grid(tuple(np.linspace(0.0, 1.0 + i, n) for i, n in enumerate(field.shape)), field)


def kept_alike(field, persistence, mass):
    """Level sets of a field, simplified as told, and those with no leaf removed."""
    full = level_sets(grid_of(field), simplify=0.0, min_mass=0.0)
    return full, full.simplified(persistence, mass)


# Known densities


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_two_bumps_have_their_levels_masses_and_moments(dim):
    gap = 6.0
    means = np.zeros((2, dim))
    means[1, 0] = gap
    tree = level_set_tree(mixture(means, [0.6, 0.4]))
    assert tree.kind == ("root", "leaf", "leaf")
    assert tree.id.tolist() == [2, 1, 3]
    # On the line of centers the saddle lies where 0.6 exp(-x^2/2) and 0.4 exp(-(gap-x)^2/2) balance in slope.
    x = np.linspace(0, gap, 100001)
    line = np.log(0.6 * np.exp(-(x**2) / 2) + 0.4 * np.exp(-((gap - x) ** 2) / 2)) - np.log(0.6)
    assert tree.level == pytest.approx([line.min(), 0.0, np.log(0.4 / 0.6)], abs=0.02)
    assert tree.mass[0] == pytest.approx(1.0)
    assert tree.peak[1:] == pytest.approx(means, abs=0.15)
    # Above the saddle a bump holds the probability of a ball: chi-squared of twice its depth.
    depth = tree.persistence[1:]
    assert tree.mass[1:] == pytest.approx(np.array([0.6, 0.4]) * chi2.cdf(2 * depth, dim), abs=0.01)
    radius = np.sqrt(2 * depth)
    assert tree.volume[1:] == pytest.approx({1: 2, 2: np.pi, 3: 4 * np.pi / 3}[dim] * radius**dim, rel=0.05)
    assert tree.mean[1:] == pytest.approx(means, abs=0.03)
    assert np.linalg.eigvalsh(tree.covariance).min() > 0.3


def test_nested_bumps_join_in_order():
    tree = level_set_tree(mixture([[0, 0], [4, 0], [2, 14]], [0.4, 0.35, 0.25]))
    near = sorted(tree.leaves, key=lambda row: tree.peak[row, 1])[:2]
    far = max(tree.leaves, key=lambda row: tree.peak[row, 1])
    assert tree.merge_level(*near) == pytest.approx(-1.3, abs=0.15)
    assert tree.merge_level(near[0], far) == tree.level[0] < -20
    joined = int(tree.parent[near[0]])
    assert tree.leaves_below[joined] == frozenset(near)
    assert tree.mass[joined] == pytest.approx(0.75, abs=0.001)


def test_deep_saddles_still_make_one_tree():
    tree = level_set_tree(mixture([[0, 0], [60, 0], [0, 60]], [0.5, 0.3, 0.2]))
    assert (tree.parent < 0).sum() == 1
    assert len(tree.leaves) == 3
    assert tree.level[0] == pytest.approx(-(30**2) / 2, rel=0.01)
    assert tree.mass[tree.leaves] == pytest.approx([0.5, 0.3, 0.2], abs=1e-3)


def test_one_bump_is_a_root_and_a_leaf():
    tree = level_set_tree(mixture([[1.0, -2.0]]))
    assert tree.id.tolist() == [0, 1]
    assert tree.parent.tolist() == [-1, 0]
    assert tree.mass.tolist() == [1.0, 1.0]
    assert tree.mean == pytest.approx(np.array([[1.0, -2.0]] * 2), abs=1e-6)


def test_a_shallow_saddle_stays_and_a_ripple_goes():
    saddle = level_set_tree(mixture([[-1.35, 0], [1.35, 0]]))
    assert len(saddle.leaves) == 2
    assert 0.2 < saddle.persistence[saddle.leaves].min() < 0.4
    assert len(level_set_tree(mixture([[-1.1, 0], [1.1, 0]])).leaves) == 1


def test_a_volume_preserving_affine_map_leaves_levels_masses_and_volumes():
    density = mixture([[0, 0], [5, 0], [1, 5], [-5, 4]], [0.4, 0.3, 0.2, 0.1])
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    matrix = turn @ np.array([[1.5, 0.4], [0.0, 1 / 1.5]])
    before = level_set_tree(density)
    after = level_set_tree(density.transformed(matrix, np.array([3.0, -1.0])))
    assert before.id.tolist() == after.id.tolist()
    np.testing.assert_allclose(before.level, after.level, atol=0.03)
    np.testing.assert_allclose(before.mass, after.mass, atol=0.005)
    np.testing.assert_allclose(before.volume[1:], after.volume[1:], rtol=0.03)
    np.testing.assert_allclose(before.mean @ matrix.T + [3.0, -1.0], after.mean, atol=0.05)


def test_node_of_finds_the_region_a_point_lies_in():
    found = tree_with_regions(mixture([[0, 0], [6, 0]], [0.6, 0.4]))
    rows = node_of(found, np.array([[0.1, 0.0], [6.0, 0.2], [3.0, 3.5], [99.0, 99.0]]))
    assert found.tree.ids(rows) == (1, 3, 2, 2)


# Beyond three dimensions


def test_five_dimensions_have_their_planted_bumps():
    means = 6.0 * np.eye(5)[:4]
    weights = np.array([0.4, 0.3, 0.2, 0.1])
    found = tree_with_regions(mixture(means, weights))
    tree = found.tree
    assert len(tree.leaves) == 4
    for row in tree.leaves:
        bump = int(np.linalg.norm(means - tree.peak[row], axis=1).argmin())
        assert tree.peak[row] == pytest.approx(means[bump], abs=0.05)
        assert tree.mean[row] == pytest.approx(means[bump], abs=0.3)
        assert 0.7 * weights[bump] < tree.mass[row] < 1.1 * weights[bump]
        assert np.linalg.eigvalsh(tree.covariance[row]).min() > 0.3
        assert node_of(found, means[bump : bump + 1])[0] == row
    # Halfway between two centers 6 sqrt(2) apart the heavier two come to 18/2 nats below, less what both add.
    assert tree.level[tree.parent[tree.row(1)]] == pytest.approx(np.log(7 / 4) - 9, abs=0.2)


def test_many_dimensions_keep_bumps_whose_regions_hold_little():
    means = np.zeros((2, 12))
    means[1, 0] = 4.0
    tree = level_set_tree(mixture(means))
    assert len(tree.leaves) == 2
    assert np.linalg.eigvalsh(tree.covariance).min() > 0


def test_a_graph_needs_a_mixture():
    class Flat:
        dim = 4

    with pytest.raises(InputError, match="GaussianMixture"):
        level_set_tree(Flat())


# Laws


@settings(max_examples=60, deadline=None)
@given(FIELDS, st.floats(0, 2), st.floats(0, 0.2))
def test_every_tree_is_a_tree_with_falling_levels_and_nested_masses(field, persistence, mass):
    for found in kept_alike(field, persistence, mass):
        tree = found.tree
        child = np.arange(1, len(tree))
        assert tree.parent[0] == -1
        assert (tree.parent[child] < child).all()
        assert (tree.parent[child] >= 0).all()
        assert (tree.level[child] >= tree.level[tree.parent[child]]).all()
        assert (tree.mass[child] <= tree.mass[tree.parent[child]] + 1e-12).all()
        assert (tree.volume[child] <= tree.volume[tree.parent[child]] + 1e-12).all()
        assert tree.mass[0] == pytest.approx(1.0)
        assert len(set(tree.id.tolist())) == len(tree)
        assert (tree.persistence >= 0).all()
        assert tree.persistence[tree.leaves].max() == pytest.approx(-tree.level[0], abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(FIELDS, st.floats(0, 2), st.floats(0, 0.2))
def test_simplification_keeps_ids_levels_and_thresholds(field, persistence, mass):
    full, simple = kept_alike(field, persistence, mass)
    tree = simple.tree
    known = {0} | set(full.tree.id.tolist())
    assert set(tree.id.tolist()) <= known
    for row in range(len(tree)):
        if tree.id[row]:
            assert tree.level[row] == full.tree.level[full.tree.row(tree.id[row])]
    if len(tree.leaves) > 1:
        assert tree.persistence[tree.leaves].min() >= persistence - 1e-12
        assert tree.mass[tree.leaves].min() >= mass - 1e-12


@settings(max_examples=60, deadline=None)
@given(FIELDS, st.floats(0, 2), st.floats(0, 0.2))
def test_regions_hold_the_mass_and_volume_of_their_nodes(field, persistence, mass):
    _, found = kept_alike(field, persistence, mass)
    tree = found.tree
    share = np.exp(found.grid.relative) / np.exp(found.grid.relative).sum()
    for row in range(len(tree)):
        inside = np.isin(found.region, [r for r in range(len(tree)) if row in tree.path(r)])
        assert tree.mass[row] == pytest.approx(share[inside].sum())
        assert tree.volume[row] == pytest.approx(inside.sum() * found.grid.cell_volume)
        if row and tree.id[0]:
            assert (found.grid.relative[inside] > tree.level[tree.parent[row]]).all()


@settings(max_examples=60, deadline=None)
@given(FIELDS)
def test_a_layout_gives_each_leaf_a_slot_and_crosses_no_branches(field):
    tree = level_sets(grid_of(field), simplify=0.0, min_mass=0.0).tree
    place = layout(tree)
    order = leaf_order(tree)
    assert sorted(order) == tree.leaves.tolist()
    assert place[list(order), 0].tolist() == list(range(len(order)))
    for below in tree.leaves_below:
        slots = sorted(place[list(below), 0])
        assert slots[-1] - slots[0] == len(slots) - 1


def test_a_layout_refuses_an_order_that_misses_a_leaf():
    tree = level_set_tree(mixture([[0, 0], [6, 0]]))
    with pytest.raises(InputError, match="permutation"):
        layout(tree, [1])
