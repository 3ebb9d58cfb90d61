"""Ours: the level-set trees of two latent densities, matched, and a map fitted to the matched nodes. No pairs."""

from core.baselines.types import Latents, Pairs
from core.errors import InputError
from core.maps.affine import LatentMap
from core.maps.fit import fit_map
from core.match import Matching, match_trees
from core.tree import level_set_tree

__all__ = ["matching_of", "ours", "ours_tree"]


def ours(source: Latents, target: Latents, pairs: Pairs | None = None, seed: int = 0) -> LatentMap:
    """The affine map of the matched nodes' means and covariances. Raises `InputError` where too few are matched."""
    return fit_map(matching_of(source, target), "affine")


def ours_tree(source: Latents, target: Latents, pairs: Pairs | None = None, seed: int = 0) -> LatentMap:
    """The tree-guided map: one affine piece per matched leaf. Raises `InputError` where too few are matched."""
    return fit_map(matching_of(source, target), "tree")


def matching_of(source: Latents, target: Latents) -> Matching:
    """The matching of the two latent densities' level-set trees. Raises `InputError` where a model is missing."""
    if source.model is None or target.model is None:
        raise InputError("level-set trees need a density on both sides; give latents that come with their models.")
    return match_trees(level_set_tree(source.model), level_set_tree(target.model))
