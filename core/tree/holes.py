"""Holes of superlevel sets in the plane and in space: the second Betti number of every node.

A cavity is a component of the complement that does not reach the border. It belongs to a minimum of the field: with
falling level it closes at the saddle where the complement's merge tree joins it to another component, and fills at the
minimum. In the plane cavities are the holes. In space they are voids (b2), and tunnels follow from the Euler
characteristic, b1 = b0 + b2 - chi.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from core.tree.build import MergeTree, grid_merge_tree
from core.tree.simplify import Outline
from core.tree.types import Holes

__all__ = ["Cavities", "Tunnels", "cavities", "count_holes", "lasting_cavities", "place_holes", "tunnels"]


@dataclass(frozen=True, eq=False)
class Cavities:
    """h cavities, each present for levels in (field at `bottom`, field at `top`]; both are vertices (h,)."""

    bottom: np.ndarray
    top: np.ndarray


@dataclass(frozen=True, eq=False)
class Tunnels:
    """The vertices (h,), highest first, at which b1 of the superlevel set changes, and the changes (h,)."""

    vertex: np.ndarray
    change: np.ndarray


def cavities(field: np.ndarray) -> Cavities:
    """The cavities of a field over a grid, whose complement is connected along the axes only.

    A rim below all values represents the outside. On a line there are no cavities.
    """
    if field.ndim == 1:
        return Cavities(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))
    outside = -field.min() + 1.0
    tree = grid_merge_tree(np.pad(-field, 1, constant_values=outside), diagonal=False)
    padded = np.array(field.shape) + 2
    inside = np.stack(np.unravel_index(tree.vertex[1:], padded)) - 1
    vertex = np.asarray(np.ravel_multi_index(tuple(inside), field.shape))
    return Cavities(bottom=vertex[1::2], top=vertex[0::2])


def tunnels(field: np.ndarray, merge: MergeTree, voids: Cavities) -> Tunnels:
    """The changes of b1 with falling level, for a field over a 3-D grid of closed cubes around the vertices.

    A cell shared by several cubes appears with the highest of them. So the Euler characteristic changes at a vertex by
    the signed number of cells of which it is the highest; components and voids change at the nodes of their trees.
    """
    order = np.argsort(-merge.field, kind="stable")
    rank = np.empty(field.shape, dtype=np.intp)
    rank.ravel()[order] = np.arange(field.size)
    change = np.zeros(field.size + 1, dtype=np.intp)
    for shared in product((False, True), repeat=field.ndim):
        first = np.pad(rank, [(int(s), int(s)) for s in shared], constant_values=field.size)
        for axis in np.flatnonzero(shared):
            along = np.moveaxis(first, axis, 0)
            first = np.moveaxis(np.minimum(along[:-1], along[1:]), 0, axis)
        cell_dim = field.ndim - sum(shared)
        change += (-1) ** (cell_dim + 1) * np.bincount(first.ravel(), minlength=field.size + 1)
    change = change[rank.ravel()]
    np.add.at(change, merge.vertex, np.where(np.arange(len(merge)) % 2 == 0, 1, -1))
    np.add.at(change, voids.top, 1)
    np.add.at(change, voids.bottom, -1)
    vertex = order[change[order] != 0]
    return Tunnels(vertex, change[vertex])


def lasting_cavities(merge: MergeTree, found: Cavities, min_persistence: float, floor: float) -> Cavities:
    """The cavities with a persistence of at least `min_persistence` nats that close at or above the field's level
    `floor`, the most persistent first."""
    top, bottom = merge.field[found.top], merge.field[found.bottom]
    order = np.lexsort((found.bottom, bottom - top))
    order = order[((top >= floor) & (top > bottom) & (top - bottom >= min_persistence))[order]]
    return Cavities(found.bottom[order], found.top[order])


def place_holes(merge: MergeTree, outline: Outline, lasting: Cavities, points: np.ndarray) -> Holes:
    """The holes of a simplified tree, given the places of the vertices (n, k)."""
    peak = merge.field.max()
    return Holes(
        node=outline.position[merge.node[lasting.top]],
        top=merge.field[lasting.top] - peak,
        bottom=merge.field[lasting.bottom] - peak,
        place=points[lasting.bottom],
    )


def count_holes(
    merge: MergeTree, outline: Outline, holes: Cavities | Tunnels, min_persistence: float, floor: float
) -> np.ndarray:
    """(m,): the number of holes of each node's component at levels between its own and its parent's.

    All cavities count. Tunnels count if they last for `min_persistence` nats above the field's level `floor`, which is
    the lowest level of the root.
    """
    level = np.where(outline.source < 0, merge.field.min(), merge.height[outline.source])
    if isinstance(holes, Cavities):
        home = outline.position[merge.node[holes.top]]
        count = _alive(outline.parent, level, home, merge.field[holes.bottom])
    else:
        base = np.where(outline.parent < 0, floor, np.maximum(floor, level[outline.parent]))
        home, height = outline.position[merge.node[holes.vertex]], merge.field[holes.vertex]
        count = np.zeros(len(level), dtype=np.intp)
        for row, own in enumerate(_within(outline.parent, home)):
            count[row] = _lasting(height[own], holes.change[own], base[row], level[row], min_persistence)
    if outline.source[0] < 0:
        # A root without a saddle of its own has one leaf and therefore that leaf's holes.
        count[0] = count[1]
    return count


def _alive(parent: np.ndarray, level: np.ndarray, home: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """The number of holes per node: those that close in its region (`home`) and fill (`bottom`) below its own level."""
    count = np.zeros(len(level), dtype=np.intp)
    for row, filled in zip(home.tolist(), bottom.tolist(), strict=True):
        while row >= 0 and filled < level[row]:
            count[row] += 1
            row = int(parent[row])
    return count


def _within(parent: np.ndarray, home: np.ndarray) -> list[np.ndarray]:
    """For each node the increasing indices of the entries of `home` that lie in its subtree."""
    members = [np.flatnonzero(home == row) for row in range(len(parent))]
    for row in reversed(range(1, len(parent))):
        members[parent[row]] = np.concatenate([members[parent[row]], members[row]])
    return [np.sort(own) for own in members]


def _lasting(falling: np.ndarray, change: np.ndarray, low: float, high: float, duration: float) -> int:
    """The largest n such that b1 >= n over `duration` nats of the levels in (low, high], or over half of them.

    b1 changes by `change` at the `falling` heights.
    """
    if high <= low or not len(falling):
        return 0
    b1 = np.cumsum(change)
    edges = np.clip(np.append(falling, low), low, high)
    time = edges[:-1] - edges[1:]
    order = np.argsort(-b1, kind="stable")
    spent = np.cumsum(time[order])
    enough = np.flatnonzero((spent >= min(duration, (high - low) / 2)) & (spent > 0))
    return max(0, int(b1[order][enough[0]])) if len(enough) else 0
