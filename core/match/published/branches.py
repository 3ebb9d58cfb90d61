"""The branch decomposition of a tree: its persistence pairs, and which branch each of them leaves.

By the elder rule the branch of the higher peak lives on where two meet.
"""

from dataclasses import dataclass

import numpy as np

from core.tree.types import LevelSetTree

__all__ = ["Branches", "branch_decomposition"]


@dataclass(frozen=True, eq=False)
class Branches:
    """n branches, the eldest first and each after the one that it leaves.

    `leaf` (n,) and `saddle` (n,) are rows of the tree, the eldest's `saddle` the root; `parent` (n,) is the branch
    left, -1 for the eldest; `pair` (n, 2) holds the levels (nats) of both ends, birth first. `of_row` (m,) is the
    branch that starts (at a leaf) or ends (at a saddle) at each row of the tree.
    """

    leaf: np.ndarray
    saddle: np.ndarray
    parent: np.ndarray
    pair: np.ndarray
    of_row: np.ndarray

    def __len__(self) -> int:
        return len(self.leaf)

    @property
    def persistence(self) -> np.ndarray:
        """(n,) in nats."""
        return self.pair[:, 0] - self.pair[:, 1]

    @property
    def children(self) -> list[list[int]]:
        """The branches that leave each branch."""
        below: list[list[int]] = [[] for _ in range(len(self))]
        for branch, parent in enumerate(self.parent.tolist()):
            if parent >= 0:
                below[parent].append(branch)
        return below


def branch_decomposition(tree: LevelSetTree) -> Branches:
    """The branches of a tree. Of peaks equally high the one of the lower id counts as higher."""
    order = tree.leaves[np.lexsort((tree.id[tree.leaves], -tree.level[tree.leaves]))]
    number = {int(leaf): branch for branch, leaf in enumerate(order)}
    eldest = [0] * len(tree)
    for row in reversed(range(len(tree))):
        own = tree.children[row]
        eldest[row] = min(eldest[child] for child in own) if own else number[row]
    saddle, parent = np.zeros(len(order), dtype=int), np.full(len(order), -1)
    of_row = np.array(eldest)
    for row in range(1, len(tree)):
        up = int(tree.parent[row])
        if eldest[row] != eldest[up]:
            saddle[eldest[row]], parent[eldest[row]] = up, eldest[up]
    for branch in reversed(range(1, len(order))):
        of_row[saddle[branch]] = branch
    pair = np.column_stack((tree.level[order], tree.level[saddle]))
    return Branches(order, saddle, parent, pair, of_row)
