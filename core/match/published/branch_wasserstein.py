"""The Wasserstein distance between the branch decomposition trees of two merge trees.

Branches go to branches, and those that leave a branch to those that leave its image: a rooted partial isomorphism. What
is not mapped goes to the diagonal, with all that leaves it. With T[i] the branches from branch i on,
    W(T[i], T[j])^2 = |pair_i - pair_j|^2 + the best assignment of the branches that leave i to those that leave j,
    W(T[i], 0)^2 = persistence_i^2 / 2 + the same of all that leave i.
"""

import numpy as np

from core.match.published.assignment import assign
from core.match.published.branches import Branches, branch_decomposition
from core.match.published.types import Published
from core.tree.types import LevelSetTree

__all__ = ["branch_wasserstein"]


def branch_wasserstein(a: LevelSetTree, b: LevelSetTree) -> Published:
    """The Wasserstein distance W2 (nats) between two trees' branch decompositions, and the peaks and saddles of the
    branches mapped.

    The eldest branches go to each other. Without the paper's merging of close saddles (its first epsilon is 0) and
    without its local normalization, which geodesics need and distances do not. O(m n) assignments for m and n leaves.

    References: Pont, Vidal, Delon, Tierny 2021, "Wasserstein distances, geodesics and barycenters of merge trees",
    IEEE TVCG (arXiv 2107.07789).
    """
    x, y = branch_decomposition(a), branch_decomposition(b)
    below_x, below_y = x.children, y.children
    gone_x, gone_y = _gone(x), _gone(y)
    squares = ((x.pair[:, None] - y.pair[None, :]) ** 2).sum(axis=2)

    def left(i: int, j: int) -> tuple[float, list[tuple[int, int]]]:
        rows, columns = below_x[i], below_y[j]
        return assign(squares[np.ix_(rows, columns)], gone_x[rows], gone_y[columns])

    for i in reversed(range(len(x))):
        for j in reversed(range(len(y))):
            squares[i, j] += left(i, j)[0]
    mapped, todo = [], [(0, 0)]
    while todo:
        i, j = todo.pop()
        mapped.append((i, j))
        todo.extend((below_x[i][s], below_y[j][t]) for s, t in left(i, j)[1])
    peaks = [(int(x.leaf[i]), int(y.leaf[j])) for i, j in mapped]
    saddles = [(int(x.saddle[i]), int(y.saddle[j])) for i, j in mapped if i]
    return Published(tuple(sorted(peaks + saddles)), float(np.sqrt(squares[0, 0])))


def _gone(branches: Branches) -> np.ndarray:
    """(n,): what it costs (squared) to send each branch, with all that leaves it, to the diagonal."""
    gone = branches.persistence**2 / 2
    for branch in reversed(range(1, len(branches))):
        gone[branches.parent[branch]] += gone[branch]
    return gone
