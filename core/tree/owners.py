"""The assignment of points to leaves, and so the members of a node."""

from typing import Any

import numpy as np

from core.errors import invalid
from core.tree.levelsets import LevelSets, basin_log_weights, leaf_log_weights, leaf_of, tree_with_regions
from core.tree.regime import Regime, regime_of
from core.tree.types import LevelSetTree

__all__ = ["leaves_of", "members", "row_of"]


def leaves_of(model: Any, tree: LevelSetTree, latents: np.ndarray) -> np.ndarray:
    """(n,): the row in `tree` of the leaf of each latent (n, k).

    `model` is the density's `LevelSets`, or the model or density itself, whose level sets are then computed. If these
    have another tree (for example of another simplification), the leaf is the one whose Gaussian, weighted by mass, is
    densest at the point. Raises `InputError` on latents of another width.
    """
    latents = np.asarray(latents, dtype=np.float64)
    if latents.ndim != 2 or latents.shape[1] != tree.dim:
        raise invalid("latents", f"of shape (n, {tree.dim})", f"shape {latents.shape}", "give the model's own latents")
    if not len(latents):
        return np.empty(0, dtype=int)
    if regime_of(tree.dim) is Regime.SAMPLED:
        return tree.leaves[basin_log_weights(tree, latents).argmax(axis=1)]
    sets = model if isinstance(model, LevelSets) else tree_with_regions(model)
    if np.array_equal(sets.tree.id, tree.id):
        return leaf_of(sets, latents)
    return tree.leaves[leaf_log_weights(tree, latents).argmax(axis=1)]


def members(tree: LevelSetTree, owners: np.ndarray, row: int) -> np.ndarray:
    """The indices in `owners` (n,), rows of leaves, of the points in the node at `row`."""
    return np.flatnonzero(np.isin(owners, list(tree.leaves_below[row])))


def row_of(tree: LevelSetTree, node: int) -> int:
    """The row of a node id. Raises `InputError` if the tree has no such node."""
    try:
        return tree.row(node)
    except KeyError:
        raise invalid("node", "the id of a node in the tree", node, "choose one that is shown") from None
