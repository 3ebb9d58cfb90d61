"""Which leaf a point belongs to, and so which points a node holds."""

from typing import Any

import numpy as np

from core.errors import invalid
from core.tree.levelsets import LevelSets, basin_log_weights, leaf_of, tree_with_regions
from core.tree.types import LevelSetTree

__all__ = ["leaves_of", "members", "row_of"]

# Of probability: a leaf without any still has a place.
_LEAST = 1e-12
_RIDGE = 1e-9


def leaves_of(model: Any, tree: LevelSetTree, latents: np.ndarray) -> np.ndarray:
    """(n,): for latents (n, k) the row in `tree` of the leaf that each belongs to.

    `model` is the density's `LevelSets`, or the model or density itself, whose level sets are then made. Where these
    have another tree (of another simplification, say), the leaf is that whose Gaussian, weighted by mass, is densest at
    the point. Raises `InputError` on latents of another width.
    """
    latents = np.asarray(latents, dtype=np.float64)
    if latents.ndim != 2 or latents.shape[1] != tree.dim:
        raise invalid("latents", f"of shape (n, {tree.dim})", f"shape {latents.shape}", "give the model's own latents")
    if not len(latents):
        return np.empty(0, dtype=int)
    if tree.dim > 3:
        return tree.leaves[basin_log_weights(tree, latents).argmax(axis=1)]
    sets = model if isinstance(model, LevelSets) else tree_with_regions(model)
    if np.array_equal(sets.tree.id, tree.id):
        return leaf_of(sets, latents)
    return tree.leaves[_log_weights(tree, latents).argmax(axis=1)]


def members(tree: LevelSetTree, owners: np.ndarray, row: int) -> np.ndarray:
    """The places in `owners` (n,), rows of leaves, of the points that the node at `row` holds."""
    return np.flatnonzero(np.isin(owners, list(tree.leaves_below[row])))


def row_of(tree: LevelSetTree, node: int) -> int:
    """The row of a node id. Raises `InputError` where the tree has no such node."""
    try:
        return tree.row(node)
    except KeyError:
        raise invalid("node", "the id of a node in the tree", node, "choose one that is shown") from None


def _log_weights(tree: LevelSetTree, latents: np.ndarray) -> np.ndarray:
    """(n, l): the log of each leaf's Gaussian times its mass at latents (n, k), up to a constant."""
    away = latents[:, None] - tree.mean[tree.leaves]
    spread = tree.covariance[tree.leaves]
    spread = spread + _RIDGE * (1 + np.trace(spread, axis1=1, axis2=2)[:, None, None]) * np.eye(tree.dim)
    precision = np.linalg.inv(spread)
    log_mass = np.log(np.maximum(tree.mass[tree.leaves], _LEAST))
    return log_mass + 0.5 * np.linalg.slogdet(precision)[1] - 0.5 * np.einsum("nli,lij,nlj->nl", away, precision, away)
