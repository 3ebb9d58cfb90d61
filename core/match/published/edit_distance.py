"""The constrained edit distance between merge trees.

Nodes are relabeled, deleted and inserted; a mapping keeps ancestry, and disjoint subtrees go to disjoint subtrees.
With T[i] the subtree and F[i] the forest below row i, D is the least of
    D(T[i], T[j]):  D(F[i], F[j]) + relabel(i, j)
                    D(0, T[j]) + min_t D(T[i], T[j_t]) - D(0, T[j_t]),   and the same with the sides exchanged
    D(F[i], F[j]):  the best assignment of the trees in F[i] to those in F[j], some deleted or inserted
                    D(0, F[j]) + min_t D(F[i], F[j_t]) - D(0, F[j_t]),   and the same with the sides exchanged.
"""

from collections.abc import Callable

import numpy as np

from core.match.published.assignment import assign
from core.match.published.branches import branch_decomposition
from core.match.published.types import Published
from core.tree.types import LevelSetTree

__all__ = ["COSTS", "edit_distance"]

_Step = tuple[float, list[tuple[str, int, int]]]


def _wasserstein(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    drop_a, drop_b = (np.abs(pairs[:, 0] - pairs[:, 1]) / 2 for pairs in (a, b))
    return np.abs(a[:, None] - b[None, :]).max(axis=2), drop_a, drop_b


def _overhang(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    drop_a, drop_b = (np.abs(pairs[:, 0] - pairs[:, 1]) for pairs in (a, b))
    return np.abs(a[:, None] - b[None, :]).sum(axis=2), drop_a, drop_b


COSTS: dict[str, Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]] = {
    "wasserstein": _wasserstein,
    "overhang": _overhang,
}


def edit_distance(a: LevelSetTree, b: LevelSetTree, cost: str = "wasserstein") -> Published:
    """The constrained edit distance between two trees (nats) and the nodes that its mapping relabels.

    Every node carries the persistence pair that starts or ends there. To relabel (b, d) to (b', d') costs, by `cost`,
    'wasserstein': max(|b - b'|, |d - d'|), to delete a pair half its persistence; 'overhang': |b - b'| + |d - d'|, to
    delete a pair its persistence; in both never more than to delete the one and insert the other, and nodes
    relabeled at that price do not count as matched. The global minimum, the root of the paper's trees, has no node
    here: the highest peak's pair ends at the lowest saddle. O(m n) steps for m and n nodes.

    References: Sridharamurthy, Masood, Kamakshidasan, Natarajan 2018, "Edit distance between merge trees", IEEE TVCG
    (arXiv 2207.08511), for the costs; Zhang 1996, "A constrained edit distance between unordered labeled trees",
    Algorithmica 15, for the recursion.
    """
    away, drop_a, drop_b = COSTS[cost](*(_labels(tree) for tree in (a, b)))
    both = drop_a[:, None] + drop_b[None, :]
    edit = _ConstrainedEdit(a, b, np.minimum(away, both), drop_a, drop_b)
    pairs = tuple(sorted((i, j) for i, j in edit.mapping() if away[i, j] < both[i, j]))
    return Published(pairs, edit.tree[0][0])


def _labels(tree: LevelSetTree) -> np.ndarray:
    """(m, 2): the persistence pair at each row."""
    branches = branch_decomposition(tree)
    return branches.pair[branches.of_row]


class _ConstrainedEdit:
    """Zhang's recursion, from the leaves up."""

    def __init__(
        self, a: LevelSetTree, b: LevelSetTree, relabel: np.ndarray, drop_a: np.ndarray, drop_b: np.ndarray
    ) -> None:
        self.below_a, self.below_b = a.children, b.children
        self.relabel = relabel.tolist()
        self.tree_a, self.forest_a = _gone(a, drop_a)
        self.tree_b, self.forest_b = _gone(b, drop_b)
        self.tree = [[0.0] * len(b) for _ in range(len(a))]
        self.forest = [[0.0] * len(b) for _ in range(len(a))]
        for i in reversed(range(len(a))):
            for j in reversed(range(len(b))):
                self.forest[i][j] = min(self.of_forests(i, j))[0]
                self.tree[i][j] = min(self.of_trees(i, j))[0]

    def of_trees(self, i: int, j: int) -> list[_Step]:
        """The ways to map subtree i to subtree j: what each costs, and what it leaves to be mapped."""
        ways: list[_Step] = [(self.forest[i][j] + self.relabel[i][j], [("match", i, j)])]
        for t in self.below_b[j]:
            ways.append((self.tree_b[j] - self.tree_b[t] + self.tree[i][t], [("tree", i, t)]))
        for s in self.below_a[i]:
            ways.append((self.tree_a[i] - self.tree_a[s] + self.tree[s][j], [("tree", s, j)]))
        return ways

    def of_forests(self, i: int, j: int) -> list[_Step]:
        """The same for the forests below i and j."""
        rows, columns = self.below_a[i], self.below_b[j]
        costs = np.array([[self.tree[s][t] for t in columns] for s in rows]).reshape(len(rows), len(columns))
        drop_a, drop_b = np.array([self.tree_a[s] for s in rows]), np.array([self.tree_b[t] for t in columns])
        total, pairs = assign(costs, drop_a, drop_b)
        ways: list[_Step] = [(total, [("tree", rows[s], columns[t]) for s, t in pairs])]
        for t in columns:
            ways.append((self.forest_b[j] - self.forest_b[t] + self.forest[i][t], [("forest", i, t)]))
        for s in rows:
            ways.append((self.forest_a[i] - self.forest_a[s] + self.forest[s][j], [("forest", s, j)]))
        return ways

    def mapping(self) -> list[tuple[int, int]]:
        """The rows that the best mapping relabels."""
        pairs, todo = [], [("tree", 0, 0)]
        while todo:
            kind, i, j = todo.pop()
            if kind == "match":
                pairs.append((i, j))
            ways = self.of_trees(i, j) if kind == "tree" else self.of_forests(i, j)
            todo.extend(min(ways, key=lambda way: way[0])[1])
        return pairs


def _gone(tree: LevelSetTree, drop: np.ndarray) -> tuple[list[float], list[float]]:
    """What it costs to delete the subtree, and the forest below, of each row."""
    trees, forests = drop.tolist(), [0.0] * len(tree)
    for row in reversed(range(1, len(tree))):
        trees[row] += forests[row]
        forests[tree.parent[row]] += trees[row]
    trees[0] += forests[0]
    return trees, forests
