"""From matched leaves to matched nodes."""

import numpy as np

from core.gaussians.procrustes import NodePairs
from core.match.exact import Solution
from core.match.types import Pair
from core.tree.types import LevelSetTree

__all__ = ["basin_pairs", "node_pairs"]


def node_pairs(
    a: LevelSetTree,
    b: LevelSetTree,
    best: Solution,
    pins: tuple[tuple[int, int], ...],
    bans: tuple[tuple[int, int], ...],
    confidence: np.ndarray | None,
    terms: dict[int, dict[str, float]],
) -> tuple[Pair, ...]:
    """The matched leaves, then the inner nodes whose matched leaves are each other's images.

    `confidence` (na,) is that of the leaves; None if the method gives none.
    """
    leaves: dict[int, tuple[int, float | None]] = {}
    pairs: list[Pair] = []
    for i, j in enumerate(best.partners):
        if j >= 0:
            sure = None if confidence is None else float(confidence[i])
            leaves[int(a.leaves[i])] = int(b.leaves[j]), sure
            ids = (int(a.id[a.leaves[i]]), int(b.id[b.leaves[j]]))
            pairs.append(Pair(*ids, 1.0 if ids in pins else sure, ids in pins, terms.get(i, {})))
    pinned = {pair for pair in pins if a.children[a.row(pair[0])]}
    taken_a, taken_b = {i for i, _ in pinned}, {j for _, j in pinned}
    for row, image in _inner(a, b, {row: image for row, (image, _) in leaves.items()}).items():
        ids = (int(a.id[row]), int(b.id[image]))
        if ids not in bans and ids[0] not in taken_a and ids[1] not in taken_b:
            below = [leaves[leaf][1] for leaf in a.leaves_below[row] if leaf in leaves]
            pairs.append(Pair(*ids, min((sure for sure in below if sure is not None), default=None)))
    return (*pairs, *(Pair(i, j, 1.0, True) for i, j in sorted(pinned)))


def _inner(a: LevelSetTree, b: LevelSetTree, leaves: dict[int, int]) -> dict[int, int]:
    """The rows of matched inner nodes: the roots, and below them the deepest with corresponding leaves."""
    images = {}
    for row in range(1, len(b)):
        if b.children[row]:
            # Rows go down the tree, so the deepest of nested nodes with the same matched leaves stays.
            images[b.leaves_below[row] & frozenset(leaves.values())] = row
    inner = {}
    for row in range(1, len(a)):
        below = frozenset(leaves[leaf] for leaf in a.leaves_below[row] if leaf in leaves)
        if a.children[row] and len(below) >= 2 and below in images:
            inner[images[below]] = row
    found = {row: image for image, row in inner.items()}
    return {0: 0} | found if leaves and a.children[0] and b.children[0] else found


def basin_pairs(
    a: LevelSetTree, rows_a: np.ndarray, b: LevelSetTree, rows_b: np.ndarray, trust: np.ndarray | float = 1.0
) -> NodePairs:
    """The basins' Gaussians at rows (n,) of two trees as pairs, weighted by their masses and by `trust` (n,)."""
    weights = trust * np.sqrt(np.maximum(a.basin_mass[rows_a] * b.basin_mass[rows_b], 1e-12))
    return NodePairs(
        weights / max(weights.sum(), 1e-300),
        a.basin_mean[rows_a],
        a.basin_covariance[rows_a],
        b.basin_mean[rows_b],
        b.basin_covariance[rows_b],
    )
