"""The contour tree of a field on a grid: how the components of its level sets are born, join, split and die.

It combines the join tree of superlevel sets and the split tree of sublevel sets by removing leaves (Carr, Snoeyink and
Axen 2003). The join tree uses all 3^k - 1 neighbors and the split tree the 2k along the axes: a superlevel set is a
union of closed cubes around its vertices, and a sublevel set is its complement.
"""

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from core.errors import invalid
from core.tree.build import MergeTree, grid_merge_tree
from core.tree.regime import SPACE

__all__ = ["ContourTree", "contour_tree"]


@dataclass(frozen=True, eq=False)
class ContourTree:
    """c critical vertices, from the highest down (ties: the smaller number is higher), and the c - 1 arcs between them.

    `vertex` (c,) are grid numbers, `height` (c,) the field there, `arcs` (c-1, 2) the indices of the upper and the
    lower end of each arc.
    """

    vertex: np.ndarray
    height: np.ndarray
    arcs: np.ndarray

    def __len__(self) -> int:
        return len(self.vertex)

    @property
    def kind(self) -> tuple[str, ...]:
        """'maximum' (no arc above), 'minimum' (none below) or 'saddle' for each critical vertex."""
        above, below = (np.bincount(self.arcs[:, end], minlength=len(self)) for end in (1, 0))
        return tuple(
            "maximum" if not a else "minimum" if not b else "saddle" for a, b in zip(above, below, strict=True)
        )

    def simplified(self, persistence: float) -> "ContourTree":
        """The tree without leaves that are less than `persistence` (nats) from a saddle with another arc on their side.

        The shortest leaf is removed first, with its saddle if that becomes regular (Carr, Snoeyink and van de Panne
        2004). The highest and the lowest vertex always stay, and so does a shallow moat around a high island, because
        the island is connected through it.
        """
        arcs: list[tuple[set[int], set[int]]] = [(set(), set()) for _ in range(len(self))]
        for upper, lower in self.arcs.tolist():
            arcs[upper][1].add(lower)
            arcs[lower][0].add(upper)
        height: list[float] = self.height.tolist()
        gone: set[int] = set()

        def leaf(v: int) -> tuple[float, int] | None:
            """The height difference of a leaf and its saddle, if that has another arc on the same side."""
            sides = [side for side in (0, 1) if arcs[v][side]]
            if v in gone or v in (0, len(self) - 1) or len(sides) != 1 or len(arcs[v][sides[0]]) != 1:
                return None
            (saddle,) = arcs[v][sides[0]]
            return (abs(height[v] - height[saddle]), v) if len(arcs[saddle][1 - sides[0]]) > 1 else None

        queue = [entry for v in range(len(self)) if (entry := leaf(v))]
        heapify(queue)
        while queue and queue[0][0] < persistence:
            entry = heappop(queue)
            v = entry[1]
            if leaf(v) != entry:
                continue
            side = 0 if arcs[v][0] else 1
            (saddle,) = arcs[v][side]
            arcs[saddle][1 - side].discard(v)
            gone.add(v)
            ends = {saddle}
            if len(arcs[saddle][0]) == len(arcs[saddle][1]) == 1:
                (upper,), (lower,) = arcs[saddle]
                arcs[upper][1].symmetric_difference_update((saddle, lower))
                arcs[lower][0].symmetric_difference_update((saddle, upper))
                gone.add(saddle)
                ends = {upper, lower}
            for end in sorted(ends):
                if entry := leaf(end):
                    heappush(queue, entry)
        kept = np.array([v for v in range(len(self)) if v not in gone])
        pairs = [(v, lower) for v in kept.tolist() for lower in sorted(arcs[v][1])]
        return ContourTree(self.vertex[kept], self.height[kept], np.searchsorted(kept, np.array(pairs).reshape(-1, 2)))


def contour_tree(field: np.ndarray) -> ContourTree:
    """The contour tree of a finite field over a grid of one to three dimensions.

    Its maxima are the leaves of the superlevel sets' merge tree and its minima those of the sublevel sets'. Pad the
    field with a rim below all values to get one minimum for the outside; in the plane every other minimum is then the
    bottom of a hole. Raises `InputError` for other shapes and for a field with NaN or infinity.

    >>> tree = contour_tree(np.array([0.0, 3.0, 1.0, 2.0]))
    >>> tree.vertex.tolist(), tree.kind, tree.arcs.tolist()
    ([1, 3, 2, 0], ('maximum', 'maximum', 'minimum', 'minimum'), [[1, 2], [0, 2], [0, 3]])
    """
    if not 1 <= field.ndim <= SPACE or not field.size:
        raise invalid("field", "of 1 to 3 dimensions", field.shape, "read the density on a grid")
    if not np.isfinite(field).all():
        raise invalid("field", "finite", "NaN or infinity", "check the density")
    order = np.argsort(-field.ravel(), kind="stable")
    rank = np.empty(field.shape)
    rank.ravel()[order] = np.arange(field.size)
    # Ranks have no ties, so both trees order the vertices alike.
    join, split = grid_merge_tree(-rank), grid_merge_tree(rank, diagonal=False)
    vertex = order[np.unique(rank.ravel()[np.concatenate([join.vertex, split.vertex])]).astype(np.intp)]
    arcs = _combine(_augmented(join, vertex), _augmented(split, vertex))
    return ContourTree(vertex, field.ravel()[vertex], arcs)


def _augmented(tree: MergeTree, vertex: np.ndarray) -> np.ndarray:
    """(c,): the index of the next vertex on the path to the root, -1 at the root; `vertex` includes all the tree's."""
    row = tree.node[vertex]
    order = np.lexsort((-tree.field[vertex], row))
    position = np.full(len(tree.field), -1)
    position[vertex] = np.arange(len(vertex))
    above = tree.parent[row[order]]
    following = np.where(above < 0, -1, position[tree.vertex[above]])
    same = row[order[1:]] == row[order[:-1]]
    following[:-1] = np.where(same, order[1:], following[:-1])
    result = np.empty_like(following)
    result[order] = following
    return result


def _combine(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """The arcs of the contour tree, from the next vertex of each in the join tree and in the split tree.

    A vertex without a neighbor above in the join tree and with one below in the split tree is an upper leaf; its arc is
    that of the join tree. Upper leaves and, symmetrically, lower leaves are removed from both trees until one vertex
    remains.
    """
    follows = (lower.tolist(), upper.tolist())
    above: tuple[list[set[int]], ...] = tuple([set() for _ in range(len(lower))] for _ in range(2))
    for tree in (0, 1):
        for v, next_ in enumerate(follows[tree]):
            if next_ >= 0:
                above[tree][next_].add(v)
    arcs, todo = [], list(range(len(lower)))
    for v in todo:
        for own, other in ((0, 1), (1, 0)):
            if above[own][v] or len(above[other][v]) != 1:
                continue
            end = follows[own][v]
            arcs.append((v, end) if own == 0 else (end, v))
            above[own][end].discard(v)
            (before,), after = above[other][v], follows[other][v]
            above[other][v] = set()
            follows[other][before] = after
            if after >= 0:
                above[other][after] = above[other][after] - {v} | {before}
            todo.append(end)
            break
    return np.array(arcs, dtype=np.intp).reshape(-1, 2)
