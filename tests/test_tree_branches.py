"""Branches: a partition of the tree into chains, with the persistence of the leaves, stable under simplification."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import gaussian_filter

from core.tree import level_sets
from core.tree.branches import branches
from core.tree.fields import Grid

FIELDS = arrays(
    float, array_shapes(min_dims=1, max_dims=3, min_side=3, max_side=6), elements=st.floats(-4, 0, width=16)
)


def full(field):
    grid = Grid(tuple(np.linspace(0.0, 1.0 + i, n) for i, n in enumerate(field.shape)), field)
    return level_sets(grid, simplify=0.0, min_mass=0.0)


def test_three_peaks_have_the_branches_drawn_by_hand():
    # Peaks 0, -1 and -0.5 with saddles -3 (second and third meet) and -4.
    tree = full(np.array([-5.0, 0, -4, -1, -3, -0.5, -5])).tree
    found = branches(tree)
    assert tree.ids(found.leaf) == (1, 3, 5)
    assert found.birth.tolist() == [0, -0.5, -1]
    assert found.death.tolist() == [-4, -4, -3]
    assert found.parent.tolist() == [-1, 0, 1]
    assert tree.ids(found.saddle) == (2, 2, 4)
    assert {tree.id[row]: int(branch) for row, branch in enumerate(found.of_node)} == {1: 0, 2: 0, 3: 1, 4: 1, 5: 2}


@settings(max_examples=80, deadline=None)
@given(FIELDS, st.floats(0, 2), st.floats(0, 0.2))
def test_branches_are_chains_that_part_the_tree(field, persistence, mass):
    tree = full(field).simplified(persistence, mass).tree
    found = branches(tree)
    assert sorted(found.leaf.tolist()) == tree.leaves.tolist()
    np.testing.assert_array_equal(found.birth, tree.level[found.leaf])
    np.testing.assert_allclose(found.persistence, tree.persistence[found.leaf], atol=1e-12)
    for branch, (leaf, saddle) in enumerate(zip(found.leaf.tolist(), found.saddle.tolist(), strict=True)):
        path = tree.path(leaf)
        chain = path[: path.index(saddle)] if branch else path
        assert sorted(chain) == np.flatnonzero(found.of_node == branch).tolist()
        if branch:
            assert found.of_node[saddle] == found.parent[branch]
            assert found.birth[branch] <= found.birth[found.parent[branch]]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.floats(0, 2), min_size=2, max_size=5))
def test_a_branch_keeps_its_id_and_ends_while_thresholds_move(seed, thresholds):
    sets = full(3 * gaussian_filter(np.random.default_rng(seed).normal(size=(18, 20)), 1.0))
    seen = {}
    for threshold in sorted(thresholds, reverse=True):
        tree = sets.simplified(threshold, 0.0).tree
        found = branches(tree)
        now = {
            (int(tree.id[leaf]), float(birth)): float(death)
            for leaf, birth, death in zip(found.leaf, found.birth, found.death, strict=True)
            if tree.id[0] and tree.id[leaf] != 1
        }
        assert seen.items() <= now.items()
        for leaf, saddle in zip(found.leaf[1:], found.saddle[1:], strict=True):
            assert tree.id[saddle] == tree.id[leaf] - 1
        seen = now
