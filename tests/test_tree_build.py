"""The merge tree against a slow reference, on grids and graphs, with and without ties."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import gaussian_filter

from core.errors import InputError
from core.tree.build import MergeTree, graph_merge_tree, grid_merge_tree

FIELDS = arrays(float, array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6), elements=st.integers(0, 5))


def neighbors(shape, diagonal=True):
    """Every pair of adjacent vertices, by brute force."""
    reach = len(shape) if diagonal else 1
    for vertex in np.ndindex(*shape):
        for offset in product((-1, 0, 1), repeat=len(shape)):
            other = tuple(np.add(vertex, offset))
            inside = all(0 <= i < n for i, n in zip(other, shape, strict=True))
            if inside and 0 < sum(map(abs, offset)) <= reach:
                yield int(np.ravel_multi_index(vertex, shape)), int(np.ravel_multi_index(other, shape))


def joined_one_by_one(height, pairs):
    """(peak, vertex that ends it, -1 for none) of every peak: vertices in falling order, union-find."""
    around = {v: set() for v in range(len(height))}
    for u, v in pairs:
        around[u].add(v)
        around[v].add(u)
    owner, ends = {}, {}

    def find(v):
        while owner[v] != v:
            v = owner[v]
        return v

    order = sorted(range(len(height)), key=lambda v: (-height[v], v))
    age = {v: i for i, v in enumerate(order)}
    for v in order:
        owner[v] = v
        roots = sorted({find(u) for u in around[v] if u in owner} - {v}, key=age.get)
        for root in roots[1:]:
            ends[root] = v
        if roots:
            owner[v] = roots[0]
            for root in roots[1:]:
                owner[root] = roots[0]
        else:
            ends[v] = -1
    return set(ends.items())


def pairs_of(tree: MergeTree):
    return set(zip(tree.vertex[::2].tolist(), [-1, *tree.vertex[1::2].tolist()], strict=True))


@settings(max_examples=150, deadline=None)
@given(FIELDS, st.booleans())
def test_grid_tree_is_that_of_sorting_and_joining(field, diagonal):
    expected = joined_one_by_one(field.ravel(), neighbors(field.shape, diagonal))
    assert pairs_of(grid_merge_tree(field, diagonal)) == expected


@pytest.mark.parametrize("shape", [(200,), (24, 31), (9, 10, 11)])
def test_random_fields_agree_with_the_reference(shape):
    field = gaussian_filter(np.random.default_rng(1).normal(size=shape), 1.0)
    assert pairs_of(grid_merge_tree(field)) == joined_one_by_one(field.ravel(), neighbors(shape))


@settings(max_examples=50, deadline=None)
@given(FIELDS)
def test_a_grid_and_its_edge_list_have_one_tree(field):
    grid = grid_merge_tree(field)
    graph = graph_merge_tree(field.ravel(), np.array(list(neighbors(field.shape)), dtype=int))
    for name in ("vertex", "height", "parent", "basin", "node"):
        np.testing.assert_array_equal(getattr(grid, name), getattr(graph, name))


@settings(max_examples=50, deadline=None)
@given(FIELDS)
def test_node_is_the_first_ancestor_with_a_parent_below_the_vertex(field):
    tree = grid_merge_tree(field)
    for vertex, row in enumerate(tree.basin.tolist()):
        while tree.parent[row] >= 0 and tree.height[tree.parent[row]] >= tree.field[vertex]:
            row = tree.parent[row]
        assert tree.node[vertex] == row


def test_parts_that_no_edge_joins_still_make_one_tree():
    tree = graph_merge_tree(np.array([3.0, 1.0, 2.0, 0.5]), np.array([[0, 1], [2, 3]]))
    assert tree.height.tolist() == [3.0, 0.5, 2.0]
    assert tree.parent.tolist() == [1, -1, 1]


def test_rank_follows_persistence_and_equal_peaks_keep_their_order():
    tree = grid_merge_tree(np.array([5.0, 0.0, 1.0, 0.9, 4.0 + 1e-12, 1.0, 4.0, 0.0]))
    assert tree.vertex[::2].tolist() == [0, 4, 6, 2]
    assert (np.diff(tree.height[2::2] - tree.height[1::2]) <= 1e-6).all()


def test_a_field_with_nan_is_refused():
    with pytest.raises(InputError, match="finite"):
        grid_merge_tree(np.array([0.0, np.nan]))
