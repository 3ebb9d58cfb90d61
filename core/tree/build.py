"""The superlevel merge tree of a vertex-weighted graph.

Vertices are ordered by height, ties by number (the smaller is higher). Each vertex points to its highest
neighbor; pointer jumping gives the basins of the peaks; the highest edge between each two basins, taken in
falling order by Kruskal's algorithm, gives the saddles. An ascending path never leaves a superlevel set, so
this is the tree that sorting all vertices and joining them one by one would give.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from core.errors import invalid

__all__ = ["MergeTree", "graph_merge_tree", "grid_merge_tree"]


@dataclass(frozen=True, eq=False)
class MergeTree:
    """2 L - 1 nodes over L peaks: row 2j is the leaf of persistence rank j, row 2j - 1 the saddle ending it.

    `vertex` (2L-1,) is a leaf's peak, or the vertex at which a saddle joins its two children; `height`
    (2L-1,) the field there; `parent` (2L-1,) a row, -1 at the root. `field` (n,) holds the heights of all
    vertices and `basin` (n,) the leaf row whose peak each climbs to. Rank 0 is the highest peak, which no
    saddle ends.
    """

    vertex: np.ndarray
    height: np.ndarray
    parent: np.ndarray
    field: np.ndarray
    basin: np.ndarray

    def __len__(self) -> int:
        return len(self.vertex)

    def children(self) -> list[list[int]]:
        """The two rows above each saddle, none for a leaf."""
        children: list[list[int]] = [[] for _ in range(len(self))]
        for row, parent in enumerate(self.parent.tolist()):
            if parent >= 0:
                children[parent].append(row)
        return children

    def accumulate(self, own: np.ndarray) -> np.ndarray:
        """Sums over each row's subtree of the rows' own values (2L-1, ...)."""
        children, order, total = self.children(), [int(np.flatnonzero(self.parent < 0)[0])], own.copy()
        for row in order:
            order.extend(children[row])
        for row in reversed(order[1:]):
            total[self.parent[row]] += total[row]
        return total

    @cached_property
    def node(self) -> np.ndarray:
        """(n,): the deepest node whose region (its component above its parent's level) holds each vertex.

        It is the last node at or above the vertex on the way from its leaf to the root; heights fall along
        that way, so the search doubles its stride.
        """
        strides = [np.where(self.parent < 0, np.arange(len(self)), self.parent)]
        while (longer := strides[-1][strides[-1]]).tolist() != strides[-1].tolist():
            strides.append(longer)
        row = self.basin.copy()
        for stride in reversed(strides):
            above = stride[row]
            np.copyto(row, above, where=self.height[above] >= self.field)
        return row


def grid_merge_tree(field: np.ndarray, diagonal: bool = True) -> MergeTree:
    """The merge tree of the superlevel sets of a field over a grid of one to three dimensions.

    With `diagonal` all 3^k - 1 vertices around one are its neighbors (8 in the plane, 26 in space), else the
    2k along the axes. The two are dual: superlevel sets are read with the former, their complements with the
    latter, as in digital topology, so a closed curve of either always parts the other.
    """
    if not np.isfinite(field).all():
        raise invalid("field", "finite", "NaN or infinity", "check the density")
    height = np.ascontiguousarray(field, dtype=np.float64)
    best = np.full(height.shape, -np.inf)
    step = np.zeros(height.shape, dtype=np.intp)
    offsets = _offsets(height.ndim, diagonal)
    strides = np.array(height.strides) // height.itemsize
    for offset in sorted([*offsets, *(tuple(-i for i in o) for o in offsets), (0,) * height.ndim]):
        here, there = _shifted(height.shape, offset)
        higher = height[there] > best[here]
        np.copyto(best[here], height[there], where=higher)
        np.copyto(step[here], int(np.dot(offset, strides)), where=higher)
    height = height.ravel()
    pointer = step.ravel() + np.arange(height.size)
    peaks, basin = _basins(height, pointer)

    def crossing() -> Iterator[np.ndarray]:
        labels, number = basin.reshape(field.shape), np.arange(height.size).reshape(field.shape)
        for offset in offsets:
            here, there = _shifted(field.shape, offset)
            apart = labels[here] != labels[there]
            yield np.stack([number[here][apart], number[there][apart]], axis=1)

    return _join(height, peaks, basin, np.concatenate(list(crossing())))


def graph_merge_tree(height: np.ndarray, edges: np.ndarray) -> MergeTree:
    """The merge tree of heights (n,) on a graph of edges (m, 2).

    Parts of the graph that no edge connects join at the lowest height.
    """
    height = np.asarray(height, dtype=np.float64)
    if not np.isfinite(height).all():
        raise invalid("height", "finite", "NaN or infinity", "check the density")
    edges = np.asarray(edges, dtype=np.intp).reshape(-1, 2)
    order = np.argsort(-height, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    best = rank.copy()
    np.minimum.at(best, edges[:, 0], rank[edges[:, 1]])
    np.minimum.at(best, edges[:, 1], rank[edges[:, 0]])
    peaks, basin = _basins(height, order[best])
    return _join(height, peaks, basin, edges[basin[edges[:, 0]] != basin[edges[:, 1]]])


def _offsets(dim: int, diagonal: bool) -> list[tuple[int, ...]]:
    """The offsets to the neighbors of larger vertex number."""
    reach = dim if diagonal else 1
    around = product((-1, 0, 1), repeat=dim)
    return [o for o in around if o > (0,) * dim and sum(map(abs, o)) <= reach]


def _shifted(shape: tuple[int, ...], offset: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Slices of the vertices that have a neighbor at `offset`, and of those neighbors."""
    here = tuple(slice(max(0, -o), n - max(0, o)) for n, o in zip(shape, offset, strict=True))
    there = tuple(slice(max(0, o), n - max(0, -o)) for n, o in zip(shape, offset, strict=True))
    return here, there


def _basins(height: np.ndarray, pointer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Peaks, highest first, and for each vertex the position among them of the one it climbs to."""
    while not np.array_equal(further := pointer[pointer], pointer):
        pointer = further
    peaks = np.flatnonzero(pointer == np.arange(len(pointer)))
    peaks = peaks[np.argsort(-height[peaks], kind="stable")]
    label = np.empty(len(pointer), dtype=np.intp)
    label[peaks] = np.arange(len(peaks))
    return peaks, label[pointer]


def _highest_crossings(height: np.ndarray, basin: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(b, 3): basin, basin and lower end of the highest edge between each two basins, in falling order."""
    ends = height[edges]
    level = ends.min(axis=1)
    low = np.where(ends[:, 0] == ends[:, 1], edges.max(axis=1), edges[np.arange(len(edges)), ends.argmin(axis=1)])
    pair = np.sort(basin[edges], axis=1)
    key = pair[:, 0] * (basin.max() + 1) + pair[:, 1]
    order = np.lexsort((low, -level, key))
    order = order[np.flatnonzero(np.diff(key[order], prepend=-1))]
    order = order[np.lexsort((key[order], low[order], -level[order]))]
    return np.column_stack([pair[order], low[order]])


def _join(height: np.ndarray, peaks: np.ndarray, basin: np.ndarray, edges: np.ndarray) -> MergeTree:
    """Kruskal over the basins: the lower peak of two components ends where they meet (the elder rule)."""
    count = len(peaks)
    owner, top = list(range(count)), list(range(count))
    parent, end = [-1] * (2 * count), [-1] * count

    def find(b: int) -> int:
        while owner[b] != b:
            owner[b] = owner[owner[b]]
            b = owner[b]
        return b

    def join(a: int, b: int, vertex: int) -> None:
        elder, younger = sorted((find(a), find(b)))
        if elder != younger:
            parent[top[elder]] = parent[top[younger]] = count + younger
            owner[younger], top[elder], end[younger] = elder, count + younger, vertex

    if len(edges):
        for a, b, vertex in _highest_crossings(height, basin, edges).tolist():
            join(a, b, vertex)
    lowest = int(height.argmin())
    for b in [b for b in range(1, count) if end[b] < 0]:
        join(0, b, lowest)
    return _ranked(height, peaks, basin, np.array(end), np.array(parent))


def _ranked(height: np.ndarray, peaks: np.ndarray, basin: np.ndarray, end: np.ndarray, parent: np.ndarray) -> MergeTree:
    """Rows by persistence. It is rounded, lest equal peaks change places by the last digit of a sum."""
    count = len(peaks)
    persistence = np.round(height[peaks] - height[end], 6)
    persistence[0] = np.inf
    order = np.lexsort((peaks, -persistence))
    row = np.empty(2 * count, dtype=np.intp)
    row[order] = 2 * np.arange(count)
    row[count + order] = 2 * np.arange(count) - 1
    vertex, above = np.empty(2 * count - 1, dtype=np.intp), np.empty(2 * count - 1, dtype=np.intp)
    real = np.r_[:count, count + 1 : 2 * count]
    vertex[row[real]] = np.concatenate([peaks, end[1:]])
    above[row[real]] = np.where(parent[real] < 0, -1, row[parent[real]])
    return MergeTree(vertex, height[vertex], above, height, row[basin])
