"""Branch decomposition: every leaf's branch from its peak down to the saddle where it meets a higher one.

The elder rule pairs peaks and saddles as persistent homology does (Edelsbrunner, Letscher and Zomorodian 2002), and the
branches form a tree of their own (Pascucci, Cole-McLaughlin and Scorzelli 2004).
"""

from dataclasses import dataclass

import numpy as np

from core.tree.types import LevelSetTree

__all__ = ["Branches", "branches"]


@dataclass(frozen=True, eq=False)
class Branches:
    """L branches: that of the highest peak, then the others by decreasing persistence.

    `leaf` (L,) is the row of each branch's leaf, `saddle` (L,) the row of the node at which it ends (the root for the
    first), `parent` (L,) the index of the branch that continues there, -1 for the first. `birth` and `death` (L,) are
    the relative levels (nats) of the two ends. `of_node` (m,) is the branch of each row of the tree.
    """

    leaf: np.ndarray
    saddle: np.ndarray
    parent: np.ndarray
    birth: np.ndarray
    death: np.ndarray
    of_node: np.ndarray

    def __len__(self) -> int:
        return len(self.leaf)

    @property
    def persistence(self) -> np.ndarray:
        """(L,): birth minus death, in nats."""
        return self.birth - self.death


def branches(tree: LevelSetTree) -> Branches:
    """The branches of a tree by the elder rule; among equal peaks the one with the smaller id is the elder.

    >>> from core.gaussians.mixture import GaussianMixture
    >>> from core.tree.levelsets import level_set_tree
    >>> means = np.array([[0.0, 0.0], [6.0, 0.0]])
    >>> tree = level_set_tree(GaussianMixture(np.array([0.6, 0.4]), means, np.stack([np.eye(2)] * 2)))
    >>> found = branches(tree)
    >>> tree.ids(found.leaf), tree.ids(found.saddle), found.parent.tolist()
    ((1, 3), (2, 2), [-1, 0])
    """
    age = np.empty(len(tree), dtype=np.intp)
    age[np.lexsort((tree.id, -tree.level))] = np.arange(len(tree))
    eldest = np.arange(len(tree))
    for row in reversed(range(len(tree))):
        if children := list(tree.children[row]):
            eldest[row] = min(eldest[children], key=lambda leaf: age[leaf])
    saddle = np.zeros(len(tree), dtype=np.intp)
    for row in range(1, len(tree)):
        if eldest[row] != eldest[tree.parent[row]]:
            saddle[eldest[row]] = tree.parent[row]
    death = tree.level[saddle]
    first = tree.leaves != eldest[0]
    leaf = tree.leaves[np.lexsort((tree.id[tree.leaves], death[tree.leaves] - tree.level[tree.leaves], first))]
    position = np.empty(len(tree), dtype=np.intp)
    position[leaf] = np.arange(len(leaf))
    parent = position[eldest[saddle[leaf]]]
    parent[0] = -1
    return Branches(leaf, saddle[leaf], parent, tree.level[leaf], death[leaf], position[eldest])
