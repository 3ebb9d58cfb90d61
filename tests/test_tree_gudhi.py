"""Persistence pairs and Betti numbers of two hundred random fields against GUDHI.

GUDHI's top-dimensional cells are closed cubes, which meet at corners: its superlevel sets hang together as ours do.
"""

from functools import cache

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from core.tree.build import grid_merge_tree
from core.tree.holes import cavities, tunnels

gudhi = pytest.importorskip("gudhi")

SIDES = {2: 33, 3: 14}


@cache
def fields(dim):
    """A hundred random fields: white to smooth, every third of few values, one in four long and narrow."""
    rng = np.random.default_rng(dim)
    made = []
    for number in range(100):
        shape = rng.integers(5, SIDES[dim], size=dim)
        shape[0] = 2 if number % 4 == 0 else shape[0]
        field = gaussian_filter(rng.normal(size=shape), rng.uniform(0, 2))
        made.append(np.round(3 * field / field.std()) if number % 3 == 0 else field)
    return made


@cache
def intervals(dim):
    """Of each field and in each dimension: (i, 2) levels at which a class comes and goes."""
    found = []
    for field in fields(dim):
        complex_ = gudhi.CubicalComplex(top_dimensional_cells=-field)  # pyright: ignore
        complex_.compute_persistence(min_persistence=0.0)
        pairs = [-complex_.persistence_intervals_in_dimension(d).reshape(-1, 2) for d in range(dim)]
        found.append([pair[pair[:, 0] > pair[:, 1]] for pair in pairs])
    return found


def lasting(born, gone):
    """Pairs (i, 2) without those of no length, in one order."""
    pairs = np.column_stack([born, gone])
    pairs = pairs[pairs[:, 0] > pairs[:, 1]]
    return pairs[np.lexsort(pairs.T)]


def alive(pairs, level):
    """How many classes of a superlevel set {field >= level}."""
    return int(((pairs[:, 0] >= level) & (pairs[:, 1] < level)).sum())


@pytest.mark.parametrize("dim", [2, 3])
def test_components_come_and_go_where_those_of_gudhi_do(dim):
    for field, theirs in zip(fields(dim), intervals(dim), strict=True):
        tree = grid_merge_tree(field)
        ours = lasting(tree.height[::2], np.append(-np.inf, tree.height[1::2]))
        np.testing.assert_allclose(ours, lasting(*theirs[0].T), rtol=0, atol=1e-9)


@pytest.mark.parametrize("dim", [2, 3])
def test_cavities_come_and_go_where_those_of_gudhi_do(dim):
    for field, theirs in zip(fields(dim), intervals(dim), strict=True):
        found = cavities(field)
        ours = lasting(field.ravel()[found.top], field.ravel()[found.bottom])
        np.testing.assert_allclose(ours, lasting(*theirs[dim - 1].T), rtol=0, atol=1e-9)


@pytest.mark.parametrize("dim", [2, 3])
def test_betti_numbers_at_random_levels_are_those_of_gudhi(dim):
    rng = np.random.default_rng(5)
    for field, theirs in zip(fields(dim), intervals(dim), strict=True):
        merge, holes = grid_merge_tree(field), cavities(field)
        components = np.column_stack([merge.height[::2], np.append(-np.inf, merge.height[1::2])])
        closed = np.column_stack([field.ravel()[holes.top], field.ravel()[holes.bottom]])
        through = tunnels(field, merge, holes) if dim == 3 else None
        for level in rng.choice(field.ravel(), 6):
            ours = [alive(components, level), alive(closed, level)]
            if through is not None:
                ours.insert(1, int(through.change[merge.field[through.vertex] >= level].sum()))
            assert ours == [alive(pairs, level) for pairs in theirs]
