"""The contour tree by its laws: its leaves, the two trees that it holds, reflection, holes and simplification."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import gaussian_filter

from core.errors import InputError
from core.tree import level_sets
from core.tree.build import graph_merge_tree, grid_merge_tree
from core.tree.contour import contour_tree
from core.tree.fields import Grid

FIELDS = arrays(float, array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6), elements=st.integers(0, 5))
SEEDS = st.integers(0, 10_000)


def rugged(shape, seed):
    return gaussian_filter(np.random.default_rng(seed).normal(size=shape), 0.8)


def ranks(field):
    """Heights without ties: the smaller number is the higher."""
    order = np.argsort(-field.ravel(), kind="stable")
    rank = np.empty(field.shape)
    rank.ravel()[order] = np.arange(field.size)
    return rank


def pairs(tree, vertex):
    """Each leaf of a merge tree and the vertex that ends it, -1 for none."""
    ends = [-1, *vertex[tree.vertex[1::2]].tolist()]
    return set(zip(vertex[tree.vertex[::2]].tolist(), ends, strict=True))


def is_tree(tree):
    joined = {frozenset(arc) for arc in tree.arcs.tolist()}
    reached, todo = {0}, [0]
    while todo:
        v = todo.pop()
        for arc in [arc for arc in joined if v in arc]:
            todo.extend(arc - {v} - reached)
            reached |= arc
    return len(tree.arcs) == len(tree) - 1 == len(reached) - 1


@settings(max_examples=100, deadline=None)
@given(FIELDS)
def test_it_is_a_tree_whose_arcs_go_down(field):
    tree = contour_tree(field)
    assert is_tree(tree)
    assert (tree.arcs[:, 0] < tree.arcs[:, 1]).all()
    assert (np.diff(tree.height) <= 0).all()
    np.testing.assert_array_equal(tree.height, field.ravel()[tree.vertex])


@settings(max_examples=100, deadline=None)
@given(FIELDS)
def test_the_join_and_the_split_tree_can_be_had_back(field):
    tree, everywhere = contour_tree(field), np.arange(field.size)
    falling = np.arange(len(tree), dtype=float)
    join, split = grid_merge_tree(-ranks(field)), grid_merge_tree(ranks(field), diagonal=False)
    assert pairs(graph_merge_tree(-falling, tree.arcs), tree.vertex) == pairs(join, everywhere)
    assert pairs(graph_merge_tree(falling, tree.arcs), tree.vertex) == pairs(split, everywhere)


@settings(max_examples=100, deadline=None)
@given(FIELDS)
def test_maxima_and_minima_are_the_leaves_of_both_trees(field):
    tree = contour_tree(field)
    kind = np.array(tree.kind)
    join, split = grid_merge_tree(-ranks(field)), grid_merge_tree(ranks(field), diagonal=False)
    assert set(tree.vertex[kind == "maximum"]) == set(join.vertex[::2])
    if len(tree) > 1:
        assert set(tree.vertex[kind == "minimum"]) == set(split.vertex[::2])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=2, max_size=30, unique=True))
def test_reflection_exchanges_roles_on_a_line(values):
    assert reflected(np.array(values, dtype=float))


def test_reflection_exchanges_roles_of_smooth_bumps_and_pits():
    x, y = np.meshgrid(np.linspace(-3, 3, 61), np.linspace(-3, 3, 57), indexing="ij")
    places = [(-1.5, -1.2, 1.0), (1.4, -1.3, 0.8), (0.1, 1.5, -0.9), (1.6, 1.3, -0.6)]
    field = sum(s * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 0.7) for a, b, s in places) + 0.01 * x
    assert len(contour_tree(field)) > 6
    assert reflected(field)


def reflected(field):
    tree, other = contour_tree(field), contour_tree(-field)
    arcs = {tuple(arc) for arc in tree.vertex[tree.arcs].tolist()}
    swapped = {tuple(arc[::-1]) for arc in other.vertex[other.arcs].tolist()}
    roles = {"maximum": "minimum", "minimum": "maximum", "saddle": "saddle"}
    return arcs == swapped and tree.kind == tuple(roles[kind] for kind in reversed(other.kind))


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.floats(0, 0.5))
def test_inner_minima_are_the_bottoms_of_holes(seed, persistence):
    field = rugged((14, 15), seed)
    found = level_sets(Grid((np.arange(14.0), np.arange(15.0)), field), simplify=0.0, min_mass=0.0)
    padded = contour_tree(np.pad(field, 1, constant_values=field.min() - 1))

    def bottoms(tree):
        low = tree.vertex[np.array(tree.kind) == "minimum"]
        return {(i - 1.0, j - 1.0) for i, j in zip(*np.unravel_index(low, (16, 17)), strict=True)} - {(14.0, 15.0)}

    holes = {tuple(place) for place in found.tree.holes.place.tolist()}
    assert bottoms(padded) == holes
    lasting = found.simplified(persistence, 0.0).tree.holes.place.tolist()
    assert {tuple(place) for place in lasting} <= bottoms(padded.simplified(persistence))


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from([(40,), (14, 15), (7, 8, 9)]), st.floats(0, 1))
def test_a_simplified_tree_is_one_with_no_short_leaf(seed, shape, persistence):
    full = contour_tree(rugged(shape, seed))
    tree = full.simplified(persistence)
    assert is_tree(tree)
    assert set(tree.vertex) <= set(full.vertex)
    assert {full.vertex[0], full.vertex[-1]} <= set(tree.vertex)
    degree = np.bincount(tree.arcs.ravel(), minlength=len(tree))
    for upper, lower in tree.arcs.tolist():
        for leaf, saddle, side in ((upper, lower, 1), (lower, upper, 0)):
            inner = 0 < leaf < len(tree) - 1
            if inner and degree[leaf] == 1 and (tree.arcs[:, side] == saddle).sum() > 1:
                assert tree.height[upper] - tree.height[lower] >= persistence


@pytest.mark.parametrize(("field", "says"), [(np.zeros((2,) * 4), "dimensions"), (np.array([0, np.inf]), "finite")])
def test_what_is_no_field_is_refused(field, says):
    with pytest.raises(InputError, match=says):
        contour_tree(field)
