"""Merging, splitting and hiding by hand: what stays is as it was, and each can be taken back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from core.gaussians.mixture import GaussianMixture
from core.tree import ByHand, level_sets, tree_with_regions
from core.tree.fields import Grid

FIELDS = arrays(
    float, array_shapes(min_dims=1, max_dims=2, min_side=3, max_side=7), elements=st.floats(-4, 0, width=16)
)
NODES = st.lists(st.integers(0, 24), max_size=4, unique=True).map(tuple)
LEAST = 0.6
HANDS = st.builds(ByHand, NODES, NODES, NODES)


def full(field):
    """The level sets of a field on a grid, no leaf removed."""
    axes = tuple(np.linspace(0.0, 1.0 + at, size) for at, size in enumerate(field.shape))
    return level_sets(Grid(axes, field), simplify=0.0, min_mass=0.0)


def bumps():
    """Four bumps in two pairs, and a fifth that the threshold dissolves."""
    means = np.array([[0, 0], [4, 0], [0, 14], [4, 14], [-2.7, 0]], dtype=float)
    weights = np.array([0.24, 0.2, 0.2, 0.16, 0.2])
    return tree_with_regions(GaussianMixture(weights, means, np.stack([np.eye(2)] * 5)), simplify=LEAST)


def by_id(tree, values):
    return dict(zip(tree.id.tolist(), values.tolist(), strict=True))


@given(FIELDS, HANDS, st.floats(0, 2), st.floats(0, 0.2))
def test_what_is_done_by_hand_leaves_a_tree_with_all_the_mass(field, hand, persistence, mass):
    sets = full(field)
    tree = sets.simplified(persistence, mass, hand).tree
    assert set(tree.id.tolist()) <= {0, *sets.tree.id.tolist()}
    assert len(set(tree.id.tolist())) == len(tree)
    assert tree.mass[0] == pytest.approx(1)
    assert tree.basin_mass[0] == pytest.approx(1)
    for row, children in enumerate(tree.children):
        assert len(children) in (0, 2) or len(tree) == 2
        assert tree.mass[list(children)].sum() <= tree.mass[row] + 1e-9
        assert (tree.level[list(children)] >= tree.level[row]).all()


@given(FIELDS, HANDS)
def test_every_vertex_is_still_in_one_node(field, hand):
    sets = full(field).simplified(0.1, 0.0, hand)
    weight = np.exp(sets.grid.relative.ravel())
    share = np.bincount(sets.region.ravel(), weights=weight / weight.sum(), minlength=len(sets.tree))
    for row in reversed(range(1, len(share))):
        share[sets.tree.parent[row]] += share[row]
    assert share == pytest.approx(sets.tree.mass, abs=1e-9)


@given(FIELDS, NODES, NODES, NODES, st.floats(0, 2))
def test_hiding_leaves_the_others_as_they_are_and_showing_brings_back_what_was(field, merged, split, hidden, least):
    sets = full(field)
    before = sets.simplified(least, 0.0, ByHand(merged=merged, split=split)).tree
    after = sets.simplified(least, 0.0, ByHand(merged=merged, split=split, hidden=hidden)).tree
    if not merged:
        assert set(after.id.tolist()) <= {0, *before.id.tolist()}
        known = by_id(before, before.mass)
        changed = [node for node, mass in by_id(after, after.mass).items() if mass != pytest.approx(known.get(node))]
        # But for the root, which holds everything, and a last leaf under it.
        assert len(changed) <= 1 or len(after) == 2
        assert changed in ([], [int(after.id[0])]) or len(after) == 2
        if len(after) > 2:
            assert not set(hidden) & {int(node) for node in after.id[1:]}
    shown = sets.simplified(least, 0.0, ByHand(merged=merged, split=split)).tree
    assert shown.id.tolist() == before.id.tolist()
    assert shown.mass.tolist() == before.mass.tolist()


@given(FIELDS, st.integers(1, 20), st.floats(0, 1))
def test_a_merged_branch_is_one_leaf_of_all_its_mass(field, rank, least):
    sets = full(field)
    before = sets.simplified(least, 0.0).tree
    saddle = 2 * rank
    after = sets.simplified(least, 0.0, ByHand(merged=(saddle,))).tree
    if saddle not in before.id.tolist() or before.parent[before.row(saddle)] < 0:
        return
    row = before.row(saddle)
    below = before.ids(before.leaves_below[row])
    (stays,) = set(after.ids(after.leaves)) & set(below)
    assert after.mass[after.row(stays)] == pytest.approx(before.mass[row])
    assert after.peak[after.row(stays)] == pytest.approx(before.peak[row])
    assert set(before.ids(before.leaves)) - set(below) == set(after.ids(after.leaves)) - {stays}


@given(FIELDS, st.integers(0, 20), st.floats(0, 3), st.floats(0, 0.3))
def test_a_split_leaf_stays_with_those_that_it_joins(field, rank, least, mass):
    sets = full(field)
    leaf = 2 * rank + 1
    usual = sets.simplified(least, mass).tree
    tree = sets.simplified(least, mass, ByHand(split=(leaf,))).tree
    if leaf in sets.tree.id.tolist():
        assert leaf in tree.id.tolist()
        assert set(usual.ids(usual.leaves)) <= set(tree.ids(tree.leaves))
    else:
        assert tree.id.tolist() == usual.id.tolist()


def test_a_ripple_is_told_opened_and_merged_again():
    sets = bumps()
    usual = sets.tree.ids(sets.tree.leaves)
    ((node, (ripple, *_)),) = [(node, leaves) for node, leaves in sets.inside.items() if leaves]
    assert node in usual
    assert ripple not in usual
    opened = sets.simplified(LEAST, by_hand=ByHand(split=(ripple,)))
    assert set(opened.tree.ids(opened.tree.leaves)) == {*usual, ripple}
    assert ripple not in {leaf for leaves in opened.inside.values() for leaf in leaves}
    saddle = int(opened.tree.id[opened.tree.parent[opened.tree.row(ripple)]])
    hand = ByHand(merged=(saddle,), split=(ripple,))
    again = sets.simplified(LEAST, by_hand=hand)
    assert again.tree.id.tolist() == sets.tree.id.tolist()
    assert again.merged_at(hand) == {node: saddle}
    assert sets.merged_at(ByHand()) == {}


def test_a_merged_branch_whose_highest_leaf_is_hidden_is_its_next_one():
    sets = bumps()
    saddle = int(sets.tree.id[sets.tree.parent[sets.tree.row(1)]])
    pair = {int(sets.tree.id[row]) for row in sets.tree.leaves_below[sets.tree.row(saddle)]}
    (other,) = pair - {1}
    tree = sets.simplified(LEAST, by_hand=ByHand(merged=(saddle,), hidden=(1,))).tree
    assert pair & set(tree.ids(tree.leaves)) == {other}


def test_a_merged_branch_is_hidden_by_its_saddle():
    sets = bumps()
    saddle = int(sets.tree.id[sets.tree.parent[sets.tree.row(1)]])
    pair = {int(sets.tree.id[row]) for row in sets.tree.leaves_below[sets.tree.row(saddle)]}
    tree = sets.simplified(LEAST, by_hand=ByHand(merged=(saddle,), hidden=(saddle,))).tree
    assert set(tree.ids(tree.leaves)) == set(sets.tree.ids(sets.tree.leaves)) - pair


def test_a_hidden_saddle_that_dissolves_hides_what_is_left_of_its_branch():
    sets = bumps()
    saddle = int(sets.tree.id[sets.tree.parent[sets.tree.row(1)]])
    pair = {int(sets.tree.id[row]) for row in sets.tree.leaves_below[sets.tree.row(saddle)]}
    for least in (LEAST, 1.6):
        tree = sets.simplified(least, by_hand=ByHand(hidden=(saddle,))).tree
        assert not pair & set(tree.id.tolist())
    assert len(sets.simplified(LEAST, by_hand=ByHand(hidden=(1, 3, 5, 7))).tree.leaves) == 1
