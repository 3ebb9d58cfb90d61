"""The branch decomposition of a tree: its persistence pairs, and which branch each of them leaves.

By the elder rule the branch of the higher peak lives on where two meet.
"""

from dataclasses import dataclass

import numpy as np

from core.tree.branches import branches
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
    found = branches(tree)
    of_row = found.of_node.copy()
    for branch in reversed(range(1, len(found))):
        of_row[found.saddle[branch]] = branch
    pair = np.column_stack((found.birth, found.death))
    return Branches(found.leaf, found.saddle, found.parent, pair, of_row)
