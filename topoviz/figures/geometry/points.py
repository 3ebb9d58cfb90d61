"""A model's points on the plane of a latent space, the leaves that they belong to, and A's points over B."""

from dataclasses import dataclass

import numpy as np

from core.tree import LevelSets, leaf_of
from topoviz.figures.geometry.density import projection
from topoviz.session.analysis import Analysis
from topoviz.session.state import Side

__all__ = ["MappedPoints", "flat", "leaf_ids", "mapped_points"]


@dataclass(frozen=True, eq=False)
class MappedPoints:
    """A's points over B, on the plane of B: where they begin (`start`, (n, 2)), as they lie in A but centered on where
    they arrive; where the map takes them (`end`, (n, 2)); and the id of the leaf of A that each belongs to (`owners`,
    (n,))."""

    start: np.ndarray
    end: np.ndarray
    owners: np.ndarray


def leaf_ids(sets: LevelSets, z: np.ndarray) -> np.ndarray:
    """(n,): the id of the leaf that each of some points (n, k) belongs to most."""
    return sets.tree.id[leaf_of(sets, z)]


def flat(analysis: Analysis, side: Side, most: int) -> np.ndarray:
    """(n, 2): the first points of one side's sample, at most so many, on its plane; none where its model keeps none."""
    latent = analysis.latent(side)
    return np.empty((0, 2)) if latent is None else latent[:most] @ projection(analysis.level_sets(side))


def mapped_points(analysis: Analysis, most: int) -> MappedPoints | None:
    """The first points of A's sample, at most so many, over B; None where there is no map, no sample, or no plane to
    show them on."""
    latent = analysis.latent("a")
    if analysis.mapped is None or latent is None or 1 in (analysis.tree("a").dim, analysis.tree("b").dim):
        return None
    end = analysis.mapped[:most] @ projection(analysis.level_sets_b)
    start = flat(analysis, "a", len(end))
    return MappedPoints(start - start.mean(0) + end.mean(0), end, leaf_ids(analysis.level_sets_a, latent[: len(end)]))
