"""A model's points on the plane of a latent space, the leaves that they belong to, and A's points mapped into B."""

from dataclasses import dataclass

import numpy as np

from core.tree import LevelSets, leaf_of
from topoviz.figures.geometry.density import projection
from topoviz.session.analysis import Analysis
from topoviz.session.state import Side

__all__ = ["MappedPoints", "flat", "leaf_ids", "mapped_points"]


@dataclass(frozen=True, eq=False)
class MappedPoints:
    """A's points on the plane of B: `start` (n, 2), where they lie in A, shifted to the center of their images; `end`
    (n, 2), their images under the map; and `owners` (n,), the id of the leaf of A that each belongs to."""

    start: np.ndarray
    end: np.ndarray
    owners: np.ndarray


def leaf_ids(sets: LevelSets, z: np.ndarray) -> np.ndarray:
    """(n,): the id of the leaf that each of n points (n, k) most likely belongs to."""
    return sets.tree.id[leaf_of(sets, z)]


def flat(analysis: Analysis, side: Side, most: int) -> np.ndarray:
    """(n, 2): the first points of one side's sample, at most `most`, on its plane; empty without a sample."""
    latent = analysis.latent(side)
    return np.empty((0, 2)) if latent is None else latent[:most] @ projection(analysis.level_sets(side))


def mapped_points(analysis: Analysis, most: int) -> MappedPoints | None:
    """The first points of A's sample, at most `most`, on B's plane; None without a map, a sample, or a plane."""
    latent = analysis.latent("a")
    if analysis.mapped is None or latent is None or 1 in (analysis.tree("a").dim, analysis.tree("b").dim):
        return None
    end = analysis.mapped[:most] @ projection(analysis.level_sets_b)
    start = flat(analysis, "a", len(end))
    return MappedPoints(start - start.mean(0) + end.mean(0), end, leaf_ids(analysis.level_sets_a, latent[: len(end)]))
