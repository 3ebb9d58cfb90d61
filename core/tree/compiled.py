"""The loops over all vertices, compiled by numba at their first call and cached on disk.

It is imported only when a tree is built, because numba takes a third of a second to load.
"""

from collections.abc import Callable

import numba
import numpy as np

__all__ = ["accumulate", "compiled", "look_around", "sums", "sweep"]


def compiled(function: Callable) -> Callable:
    """The compiled function, cached on disk if there is a writable folder."""
    try:
        return numba.njit(cache=True)(function)
    except RuntimeError:
        return numba.njit(function)


@compiled
def _find(owner: np.ndarray, basin: int) -> int:
    while owner[basin] != basin:
        owner[basin] = owner[owner[basin]]
        basin = owner[basin]
    return basin


@compiled
def _join(
    elder: int, younger: int, vertex: int, owner: np.ndarray, top: np.ndarray, end: np.ndarray, parent: np.ndarray
) -> None:
    """Ends the younger of two components at a new node, which becomes the top of the elder."""
    saddle = 2 * younger - 1
    parent[top[elder]] = parent[top[younger]] = saddle
    owner[younger], top[elder], end[younger], parent[saddle] = elder, saddle, vertex, -1


@compiled
def look_around(
    places: np.ndarray, rank: np.ndarray, patch: np.ndarray, neighbors: int, diagonal: bool, moves: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For each vertex (n,) of a grid the least rank among it and its neighbors, and whether it may join components.

    `rank` counts from the highest vertex down. A vertex is at `places` (n,) in it, and the 3^k vertices of its patch at
    the offsets `patch` (3^k,) from there; `neighbors` has a bit for each one that is a neighbor. If higher vertices of
    the patch connect all higher neighbors, the vertex joins nothing. A row of `moves` (k, 3) is for one axis: the
    number of bits by which a step along it shifts a patch, and the bits that can move up and down.
    """
    least, saddle = np.empty(len(places), dtype=np.int32), np.empty(len(places), dtype=np.bool_)
    for v in range(len(places)):
        own = best = rank[places[v]]
        higher = 0
        for j in range(len(patch)):
            other = rank[places[v] + patch[j]]
            higher |= np.int64(other < own) << j
            if neighbors >> j & 1:
                best = min(best, other)
        least[v] = best
        near = higher & neighbors
        reached, spread = 0, near & -near
        while spread != reached:
            reached = spread
            for axis in range(len(moves)):
                source = spread if diagonal else reached
                spread |= (source & moves[axis, 1]) << moves[axis, 0] | (source & moves[axis, 2]) >> moves[axis, 0]
            spread &= higher
        saddle[v] = near & ~reached != 0
    return least, saddle


@compiled
def sweep(
    falling: np.ndarray,
    run_ends: np.ndarray,
    least: np.ndarray,
    saddle: np.ndarray,
    places: np.ndarray,
    rank: np.ndarray,
    first: np.ndarray,
    around: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Joins n vertices one by one with the elder rule: peaks (L,), end (L,), parent (2L-1,), basin (n,) and node (n,).

    `falling` (n,) lists the vertices from the highest down, `run_ends` (n,) is true at the last of equal heights,
    `least` (n,) is the least rank among a vertex and its neighbors, `saddle` (n,) is false if a vertex joins nothing.
    Vertex v is at p = places[v] in `rank`; its neighbors are at p + around[first[v]:first[v + 1]], or at p + around if
    `first` is empty. Peaks are numbered from the highest; row 2j is peak j, and row 2j - 1 is the saddle at the vertex
    that ends it, -1 if there is none. `basin` has peaks, `node` rows.
    """
    n = len(falling)
    basin, node = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    of_rank, owner, top = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    peaks, end, parent = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64), np.empty(2 * n, dtype=np.int64)
    count, low, high, run_start = 0, 0, len(around), 0
    for i in range(n):
        v = falling[i]
        if least[v] == i:
            of_rank[i] = owner[count] = count
            peaks[count], end[count], top[count], parent[2 * count] = v, -1, 2 * count, -1
            count += 1
        else:
            of_rank[i] = of_rank[least[v]]
        if saddle[v]:
            if len(first):
                low, high = first[v], first[v + 1]
            other = -1
            while other < count:
                root, other = _find(owner, of_rank[i]), count
                for j in range(low, high):
                    r = rank[places[v] + around[j]]
                    if r < i and of_rank[r] < other and _find(owner, of_rank[r]) != root:
                        other = of_rank[r]
                if other < count:
                    second = _find(owner, other)
                    _join(min(root, second), max(root, second), v, owner, top, end, parent)
        if run_ends[i]:
            if i == n - 1:
                for b in range(1, count):
                    if end[b] < 0:
                        _join(0, b, falling[run_start], owner, top, end, parent)
            for t in range(run_start, i + 1):
                basin[falling[t]], node[falling[t]] = of_rank[t], top[_find(owner, of_rank[t])]
            run_start = i + 1
    return peaks[:count].copy(), end[:count].copy(), parent[: 2 * count - 1].copy(), basin, node


@compiled
def sums(
    points: np.ndarray, mass: np.ndarray, row: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per row the sums of mass (count,), mass z (count, k) and mass z z' (count, k, k) over its vertices."""
    k = points.shape[1]
    total, first, second = np.zeros(count), np.zeros((count, k)), np.zeros((count, k, k))
    for v in range(len(points)):
        r = row[v]
        total[r] += mass[v]
        for i in range(k):
            weighted = mass[v] * points[v, i]
            first[r, i] += weighted
            for j in range(i + 1):
                second[r, i, j] += weighted * points[v, j]
    for i in range(k):
        for j in range(i):
            second[:, j, i] = second[:, i, j]
    return total, first, second


@compiled
def accumulate(parent: np.ndarray, values: np.ndarray) -> None:
    """Adds the values of its subtree to each row of `values` (m, c), in place."""
    pending = np.zeros(len(parent), dtype=np.int64)
    for row in range(len(parent)):
        if parent[row] >= 0:
            pending[parent[row]] += 1
    for leaf in np.flatnonzero(pending == 0):
        row, above = leaf, parent[leaf]
        while above >= 0:
            values[above] += values[row]
            pending[above] -= 1
            if pending[above]:
                break
            row, above = above, parent[above]
