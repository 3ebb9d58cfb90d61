"""The level-set tree of a closed-form density, with the region of every node.

grid or graph -> merge tree -> outline (simplification) -> attributes. Only the last two depend on the thresholds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.levelset.grid import Grid, density_of, latent_grid
from core.tree.attributes import Cells, Moments, describe, moments
from core.tree.build import MergeTree, grid_merge_tree
from core.tree.simplify import simplify
from core.tree.types import LevelSetTree

__all__ = ["LevelSets", "level_set_tree", "level_sets", "node_of", "tree_with_regions"]

SIMPLIFY, MIN_MASS = 0.1, 0.002


@dataclass(frozen=True, eq=False)
class Skeleton:
    """What no threshold changes: the merge tree of all vertices and the sums over its rows."""

    merge: MergeTree
    own: Moments
    mass: np.ndarray


@dataclass(frozen=True, eq=False)
class LevelSets:
    """A level-set tree and, for every vertex of `grid`, the row of the deepest node whose region holds it."""

    grid: Grid
    tree: LevelSetTree
    region: np.ndarray
    skeleton: Skeleton

    def simplified(self, persistence: float = SIMPLIFY, mass: float = MIN_MASS) -> "LevelSets":
        """The same level sets under other thresholds (nats, share of the probability), without a new grid."""
        return _simplified(self.grid, self.skeleton, persistence, mass)


def level_set_tree(
    model_or_density: Any, *, simplify: float = SIMPLIFY, min_mass: float = MIN_MASS
) -> LevelSetTree:
    """The level-set tree of a density, or of a model's latent density.

    Leaves of persistence below `simplify` (nats) or mass below `min_mass` are dissolved. Up to three dimensions the
    tree is that of a grid.

    >>> from core.prior.mixture import GaussianMixture
    >>> means = np.array([[0.0, 0.0], [6.0, 0.0]])
    >>> tree = level_set_tree(GaussianMixture(np.full(2, 0.5), means, np.stack([np.eye(2)] * 2)))
    >>> tree.kind, tree.ids(tree.leaves)
    (('root', 'leaf', 'leaf'), (1, 3))
    """
    return tree_with_regions(model_or_density, simplify=simplify, min_mass=min_mass).tree


def tree_with_regions(
    model_or_density: Any, *, simplify: float = SIMPLIFY, min_mass: float = MIN_MASS, size: int | None = None
) -> LevelSets:
    """`level_set_tree` with the grid (`size` vertices along each axis) and every vertex's node."""
    return level_sets(latent_grid(density_of(model_or_density), size), simplify=simplify, min_mass=min_mass)


def level_sets(grid: Grid, *, simplify: float = SIMPLIFY, min_mass: float = MIN_MASS) -> LevelSets:
    """The level sets of a field that is on its grid already. Masses are shares of what the grid holds."""
    merge = grid_merge_tree(grid.log_density)
    weight = np.exp(grid.relative.ravel())
    cells = Cells(
        points=grid.points(),
        mass=weight / weight.sum(),
        volume=np.full(weight.size, grid.cell_volume),
        spread=np.diag(grid.steps**2 / 12),
    )
    own = moments(cells, merge.node, len(merge))
    return _simplified(grid, Skeleton(merge, own, merge.accumulate(own.mass)), simplify, min_mass)


def node_of(level_sets: LevelSets, z: np.ndarray) -> np.ndarray:
    """(n,): for points (n, k) the row of the deepest node whose region holds each, by the nearest vertex."""
    return level_sets.region.ravel()[level_sets.grid.nearest(z)]


def _simplified(grid: Grid, skeleton: Skeleton, persistence: float, mass: float) -> LevelSets:
    outline = simplify(skeleton.merge, skeleton.mass, persistence, mass)
    betti = np.tile([1, 0], (len(outline.source), 1))
    tree = describe(skeleton.merge, outline, skeleton.own, grid.points(), betti)
    region = outline.position[skeleton.merge.node].reshape(grid.log_density.shape)
    return LevelSets(grid, tree, region, skeleton)
