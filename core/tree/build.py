"""The superlevel merge tree of a vertex-weighted graph.

Vertices are ordered by height, ties by number (the smaller is higher), and joined one by one (Carr, Snoeyink and Axen
2003). Each belongs to the basin of its highest neighbor, because an ascending path never leaves a superlevel set. So
union-find runs over basins and visits only vertices whose higher neighbors are not connected; on a grid the 3^k
vertices around one show this.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from core.errors import invalid

__all__ = ["MergeTree", "accumulate", "graph_merge_tree", "grid_merge_tree"]


@dataclass(frozen=True, eq=False)
class MergeTree:
    """2 L - 1 nodes over L peaks: row 2j is the leaf of persistence rank j, row 2j - 1 the saddle that ends it.

    `vertex` (2L-1,) is a leaf's peak, or the vertex at which a saddle joins its two children; `height` (2L-1,) is the
    field there; `parent` (2L-1,) is a row, -1 at the root. `field` (n,) has the heights of all vertices, `basin` (n,)
    the row of the leaf to whose peak each ascends, `node` (n,) the deepest row whose region (its component above its
    parent's level) contains each. Rank 0 is the highest peak, which no saddle ends.
    """

    vertex: np.ndarray
    height: np.ndarray
    parent: np.ndarray
    field: np.ndarray
    basin: np.ndarray
    node: np.ndarray

    def __len__(self) -> int:
        return len(self.vertex)

    def children(self) -> list[list[int]]:
        """The two rows above each saddle, none for a leaf."""
        children: list[list[int]] = [[] for _ in range(len(self))]
        for row, parent in enumerate(self.parent.tolist()):
            if parent >= 0:
                children[parent].append(row)
        return children


def accumulate(parent: np.ndarray, values: np.ndarray) -> None:
    """Adds the values of its subtree to each row of `values` (m, ...), in place; `parent` (m,) is -1 at the root."""
    from core.tree import compiled

    compiled.accumulate(parent, values.reshape(len(values), -1))


def grid_merge_tree(field: np.ndarray, diagonal: bool = True) -> MergeTree:
    """The merge tree of the superlevel sets of a field over a grid of one to three dimensions.

    With `diagonal` all 3^k - 1 vertices around one are its neighbors (8 in the plane, 26 in space), else the 2k along
    the axes. The two are dual in digital topology: with the former for superlevel sets and the latter for their
    complements, a closed curve of one always separates the other.
    """
    from core.tree import compiled

    if not np.isfinite(field).all():
        raise invalid("field", "finite", "NaN or infinity", "check the density")
    height = np.ascontiguousarray(field, dtype=np.float64).ravel()
    falling, run_ends, rank = _order(height)
    # A rim below all values gives every vertex all its neighbors.
    padded = np.full(np.add(field.shape, 2), height.size, dtype=np.int32)
    inner = (slice(1, -1),) * field.ndim
    padded[inner] = rank.reshape(field.shape)
    places = np.arange(padded.size).reshape(padded.shape)[inner].ravel()
    patch, neighbors, moves = _patch(padded.shape, diagonal)
    least, saddle = compiled.look_around(places, padded.ravel(), patch, neighbors, diagonal, moves)
    around = patch[neighbors >> np.arange(len(patch)) & 1 > 0]
    alike = np.empty(0, dtype=np.intp)
    return _swept(height, falling, run_ends, least, saddle, places, padded.ravel(), alike, around)


def graph_merge_tree(height: np.ndarray, edges: np.ndarray) -> MergeTree:
    """The merge tree of heights (n,) on a graph of edges (m, 2).

    Parts of the graph that no edge connects join at the lowest height.
    """
    height = np.asarray(height, dtype=np.float64)
    if not np.isfinite(height).all():
        raise invalid("height", "finite", "NaN or infinity", "check the density")
    edges = np.asarray(edges, dtype=np.intp).reshape(-1, 2)
    source, target = np.concatenate([edges, edges[:, ::-1]]).T
    falling, run_ends, rank = _order(height)
    least = rank.copy()
    np.minimum.at(least, source, rank[target])
    by_source = np.argsort(source, kind="stable")
    first = np.searchsorted(source[by_source], np.arange(len(height) + 1))
    around = (target - source)[by_source]
    places, saddle = np.arange(len(height)), np.ones(len(height), dtype=bool)
    return _swept(height, falling, run_ends, least, saddle, places, rank, first, around)


def _order(height: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The vertices in falling order, ties by number; the ends of runs of equal heights; the rank of each vertex.

    An unstable sort takes a third of the time of a stable one, so ties are sorted afterwards.
    """
    falling = np.argsort(-height)
    level = height[falling]
    run_ends = np.append(level[1:] != level[:-1], True)
    tied = ~run_ends
    tied[1:] |= tied[:-1]
    if (tied := np.flatnonzero(tied)).size:
        run = np.cumsum(run_ends)[tied] - run_ends[tied]
        falling[tied] = falling[tied][np.lexsort((falling[tied], run))]
    rank = np.empty(len(height), dtype=np.int32)
    rank[falling] = np.arange(len(height), dtype=np.int32)
    return falling, run_ends, rank


def _patch(shape: tuple[int, ...], diagonal: bool) -> tuple[np.ndarray, int, np.ndarray]:
    """The offsets of the 3^k vertices around one, the bits of those that are neighbors, and the moves between them."""
    dim = len(shape)
    offsets = np.array(list(product((-1, 0, 1), repeat=dim)))
    bits = 1 << np.arange(len(offsets))
    reach = np.abs(offsets).sum(axis=1)
    near = (reach > 0) & (reach <= (dim if diagonal else 1))
    moves = [[3 ** (dim - 1 - i), bits[offsets[:, i] < 1].sum(), bits[offsets[:, i] > -1].sum()] for i in range(dim)]
    strides = np.cumprod([1, *shape[:0:-1]])[::-1]
    return offsets @ strides, int(bits[near].sum()), np.array(moves)


def _swept(height: np.ndarray, *surroundings: np.ndarray) -> MergeTree:
    """The tree with its rows in order of persistence, which is rounded so that the last digit of a sum does not decide
    the order of equal peaks."""
    from core.tree import compiled

    peaks, end, parent, basin, node = compiled.sweep(*surroundings)
    persistence = np.round(height[peaks] - height[end], 6)
    persistence[0] = np.inf
    rank = np.empty(len(peaks), dtype=np.intp)
    rank[np.lexsort((peaks, -persistence))] = np.arange(len(peaks))
    row = np.empty(2 * len(peaks) - 1, dtype=np.intp)
    row[::2], row[1::2] = 2 * rank, 2 * rank[1:] - 1
    vertex, above = np.empty_like(row), np.empty_like(row)
    vertex[row[::2]], vertex[row[1::2]] = peaks, end[1:]
    above[row] = np.where(parent < 0, -1, row[parent])
    return MergeTree(vertex, height[vertex], above, height, row[::2].take(basin), row.take(node))
