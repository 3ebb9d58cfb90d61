"""The path mapping distance: a deformation-based edit distance that needs no branch decomposition.

Paths of one tree are stretched to paths of the other at the difference of their lengths; what is not mapped is
contracted at its length. With T(p, i) the tree of the path from p down the tree to row i and all beyond it, T(p, i) to
T(q, j) costs the least of
    |len(p, i) - len(q, j)| + the best assignment of the trees T(i, c) to the trees T(j, c')
    T(p, c) to T(q, j), with what else is beyond i contracted, for any child c of i
    T(p, i) to T(q, c), with what else is beyond j contracted, for any child c of j.
"""

import numpy as np

from core.match.published.assignment import assign
from core.match.published.types import Published
from core.tree.types import LevelSetTree

__all__ = ["path_mapping"]


def path_mapping(a: LevelSetTree, b: LevelSetTree) -> Published:
    """The one-degree deformation-based edit distance (nats) between two trees, and the ends of the paths mapped.

    The paper's trees have a root edge, from the lowest saddle to the global minimum: here it has no length, for a
    density has no least value. Levels count by their differences alone. O(m n) steps, each on a table of the paths
    that end in the two nodes, so O(m n d e) for depths d and e.

    References: Wetzels, Garth 2022, "A deformation-based edit distance for merge trees", TopoInVis (arXiv 2208.05850).
    """
    problem = _PathMapping(a, b)
    return Published(problem.mapping(), float(problem.table[0][0][0, 0]))


class _Paths:
    """A tree's paths: `lengths[i]` holds those that end in row i, the longest first; `gone` what it costs to contract
    the edge above each row and all beyond it."""

    def __init__(self, tree: LevelSetTree) -> None:
        self.below = tree.children
        starts: list[np.ndarray] = [tree.level[:1]]
        self.gone = [0.0] * len(tree)
        for row in range(1, len(tree)):
            up = int(tree.parent[row])
            starts.append(np.append(starts[up], tree.level[up]))
        self.lengths = [tree.level[row] - start for row, start in enumerate(starts)]
        for row in reversed(range(len(tree))):
            self.gone[row] = float(self.lengths[row][-1]) + sum(self.gone[child] for child in self.below[row])

    def others(self, row: int, child: int) -> float:
        """What it costs to contract all beyond a row but one child."""
        return sum(self.gone[other] for other in self.below[row] if other != child)


class _PathMapping:
    """`table[i][j][p, q]`: what the tree of a's path p to row i costs against that of b's path q to row j."""

    def __init__(self, a: LevelSetTree, b: LevelSetTree) -> None:
        self.a, self.b = _Paths(a), _Paths(b)
        self.table = [[np.empty(0)] * len(b) for _ in range(len(a))]
        for i in reversed(range(len(a))):
            for j in reversed(range(len(b))):
                self.table[i][j] = np.minimum.reduce([cost for cost, _ in self.ways(i, j)])

    def ways(self, i: int, j: int) -> list[tuple[np.ndarray, list[tuple[int, int]] | tuple[int, int]]]:
        """What each way costs (paths to i, paths to j), and either the children then mapped or the row then in the
        place of i or j."""
        a, b = self.a, self.b
        rows, columns, long, wide = a.below[i], b.below[j], len(a.lengths[i]), len(b.lengths[j])
        ways: list = []
        shared, pairs = self.beyond(i, j)
        if len(pairs) > 1 or not (rows or columns):
            ways.append((shared + np.abs(a.lengths[i][:, None] - b.lengths[j][None, :]), pairs))
        ways += [(self.table[c][j][:long] + a.others(i, c), (c, j)) for c in rows]
        ways += [(self.table[i][c][:, :wide] + b.others(j, c), (i, c)) for c in columns]
        return ways

    def beyond(self, i: int, j: int) -> tuple[float, list[tuple[int, int]]]:
        """The best assignment of the trees beyond i to those beyond j. Where it has one pair only, the two paths are
        no worse off joined to those before."""
        rows, columns = self.a.below[i], self.b.below[j]
        costs = np.array([[self.table[s][t][-1, -1] for t in columns] for s in rows]).reshape(len(rows), len(columns))
        gone_a, gone_b = np.array([self.a.gone[s] for s in rows]), np.array([self.b.gone[t] for t in columns])
        total, pairs = assign(costs, gone_a, gone_b)
        return total, [(rows[s], columns[t]) for s, t in pairs]

    def mapping(self) -> tuple[tuple[int, int], ...]:
        """The ends (rows) of the paths that the best mapping maps."""
        pairs, todo = [], [(0, 0, 0, 0)]
        while todo:
            i, j, p, q = todo.pop()
            _, then = min(self.ways(i, j), key=lambda way: way[0][p, q])
            if isinstance(then, tuple):
                todo.append((*then, p, q))
            else:
                pairs.append((i, j))
                todo.extend((s, t, len(self.a.lengths[s]) - 1, len(self.b.lengths[t]) - 1) for s, t in then)
        return tuple(sorted(pairs))
