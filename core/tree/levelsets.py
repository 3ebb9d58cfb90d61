"""The level-set tree of a closed-form density, with the region of every node.

Stages: grid or graph, merge tree, outline (simplification), attributes. Only the last two depend on thresholds.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from core.tree.attributes import Cells, Moments, describe, moments
from core.tree.build import MergeTree, graph_merge_tree, grid_merge_tree
from core.tree.errors import Learned, learned_mixture, with_errors
from core.tree.fields.grid import Grid, density_of, latent_grid
from core.tree.graph import SampleGraph, sample_graph
from core.tree.holes import Cavities, Tunnels, cavities, count_holes, lasting_cavities, place_holes, tunnels
from core.tree.regime import SPACE, Regime, regime_of
from core.tree.simplify import ByHand, Outline, simplify
from core.tree.types import LevelSetTree

__all__ = [
    "LevelSets",
    "basin_log_weights",
    "leaf_log_weights",
    "leaf_of",
    "level_set_tree",
    "level_sets",
    "node_of",
    "tree_with_regions",
]

SIMPLIFY, MIN_MASS = 0.1, 0.002
_RIPPLE = 0.01
# The least probability of a leaf in logarithms, and the relative width of a flat Gaussian.
_LEAST, _RIDGE = 1e-12, 1e-9
_NOTHING = ByHand()


@dataclass(frozen=True, eq=False)
class Skeleton:
    """The parts that do not depend on thresholds: the merge tree of all vertices, the rows' own moments, those of the
    basins, the regions' masses, the cavities (None beyond three dimensions) and tunnels (only in space) of the field,
    and the number of training points and the learned mixture, if known."""

    merge: MergeTree
    cells: Cells
    own: Moments
    basins: Moments
    mass: np.ndarray
    cavities: Cavities | None = None
    tunnels: Tunnels | None = None
    points: int | None = None
    learned: Learned | None = None

    def level_above(self, share: float) -> float:
        """The level below which at most `share` of the probability lies."""
        height, mass = self._rising
        return float(height[min(np.searchsorted(mass, share), len(mass) - 1)])

    @cached_property
    def _rising(self) -> tuple[np.ndarray, np.ndarray]:
        order = np.argsort(self.merge.field)
        return self.merge.field[order], np.cumsum(self.cells.mass[order])


@dataclass(frozen=True, eq=False)
class LevelSets:
    """A level-set tree and, for every vertex of `grid`, the row of the deepest node whose region contains it.

    `region` has the grid's shape; beyond three dimensions `grid` is a graph of samples and `region` (n,).
    """

    grid: Grid | SampleGraph
    tree: LevelSetTree
    region: np.ndarray
    skeleton: Skeleton
    outline: Outline

    def simplified(
        self, persistence: float = SIMPLIFY, mass: float = MIN_MASS, by_hand: ByHand = _NOTHING
    ) -> "LevelSets":
        """The same level sets under other thresholds (nats, share of the probability) and edits `by_hand`, without a
        new grid."""
        return _simplified(self.grid, self.skeleton, persistence, mass, by_hand)

    @cached_property
    def inside(self) -> dict[int, tuple[int, ...]]:
        """The ids of the leaves that dissolved into each node, by its id, the most persistent first; ripples of less
        than a hundredth of a nat are omitted."""
        height = self.skeleton.merge.height
        persistence = np.append(np.inf, height[2::2] - height[1::2])
        kept = set(self.outline.source.tolist())
        found: dict[int, list[int]] = {}
        for rank in np.flatnonzero(persistence >= _RIPPLE).tolist():
            if 2 * rank not in kept:
                found.setdefault(int(self.tree.id[self.outline.position[2 * rank]]), []).append(2 * rank + 1)
        return {node: tuple(leaves) for node, leaves in found.items()}

    def merged_at(self, by_hand: ByHand) -> dict[int, int]:
        """The id of the lowest saddle merged by hand into each leaf, by the leaf's id."""
        merge, found = self.skeleton.merge, {}
        rows = [node - 1 for node in by_hand.merged if 0 < node <= len(merge)]
        for row in sorted(rows, key=lambda row: (-merge.height[row], -row)):
            found[int(self.tree.id[self.outline.position[row]])] = row + 1
        return found


def level_set_tree(model_or_density: Any, *, simplify: float = SIMPLIFY, min_mass: float = MIN_MASS) -> LevelSetTree:
    """The level-set tree of a density, or of a model's latent density.

    Leaves of persistence below `simplify` (nats) or mass below `min_mass` dissolve. Holes of less persistence do not
    count, nor those that only the outermost `min_mass` of the probability closes. A model's leaves also dissolve if
    they are not significant for its number of training points. Up to three dimensions the tree is computed on a grid,
    beyond that on a graph of modes and samples, for which the density must be a mixture (else `InputError`).

    >>> from core.gaussians.mixture import GaussianMixture
    >>> means = np.array([[0.0, 0.0], [6.0, 0.0]])
    >>> tree = level_set_tree(GaussianMixture(np.full(2, 0.5), means, np.stack([np.eye(2)] * 2)))
    >>> tree.kind, tree.ids(tree.leaves)
    (('root', 'leaf', 'leaf'), (1, 3))
    """
    return tree_with_regions(model_or_density, simplify=simplify, min_mass=min_mass).tree


def tree_with_regions(
    model_or_density: Any,
    *,
    simplify: float = SIMPLIFY,
    min_mass: float = MIN_MASS,
    size: int | None = None,
    points: int | None = None,
) -> LevelSets:
    """As `level_set_tree`, with the grid (`size` vertices along each axis) and every vertex's node. `points` is the
    number of training points of a density that is not a model."""
    density = density_of(model_or_density)
    points = getattr(model_or_density, "metrics", {}).get("points", points)
    if regime_of(density.dim) is Regime.PLANE:
        grid = latent_grid(density, size)
        return level_sets(
            grid,
            simplify=simplify,
            min_mass=min_mass,
            points=points,
            learned=learned_mixture(model_or_density, points),
        )
    graph, cells = sample_graph(density)
    merge = graph_merge_tree(graph.log_density, graph.edges)
    own = moments(cells, merge.node, len(merge))
    # In many dimensions the region of even a high peak has hardly any mass, so its basin decides.
    basins = moments(cells, merge.basin, len(merge))
    mass = np.maximum(own.accumulated(merge.parent).mass, basins.mass)
    learned = learned_mixture(model_or_density, points)
    skeleton = Skeleton(merge, cells, own, basins, mass, points=points, learned=learned)
    return _simplified(graph, skeleton, simplify, min_mass)


def level_sets(
    grid: Grid,
    *,
    simplify: float = SIMPLIFY,
    min_mass: float = MIN_MASS,
    points: int | None = None,
    learned: Learned | None = None,
) -> LevelSets:
    """The level sets of a field on a grid; `points` is the number of training points, if known. Masses are shares of
    the grid's total. Standard errors need the `learned` mixture."""
    field = grid.log_density
    merge = grid_merge_tree(field)
    weight = np.exp(grid.relative.ravel())
    volume = np.full(weight.size, grid.cell_volume)
    cells = Cells(grid.points(), weight / weight.sum(), volume, np.diag(grid.steps**2 / 12))
    own = moments(cells, merge.node, len(merge))
    found = cavities(field)
    through = tunnels(field, merge, found) if grid.dim == SPACE else None
    basins = moments(cells, merge.basin, len(merge))
    mass = own.accumulated(merge.parent).mass
    skeleton = Skeleton(merge, cells, own, basins, mass, found, through, points, learned)
    return _simplified(grid, skeleton, simplify, min_mass)


def node_of(level_sets: LevelSets, z: np.ndarray) -> np.ndarray:
    """(n,): the row of the deepest node whose region contains each point (n, k), by the nearest vertex."""
    return level_sets.region.ravel()[level_sets.grid.nearest(z)]


def leaf_of(level_sets: LevelSets, z: np.ndarray) -> np.ndarray:
    """(n,): the row of the most probable leaf of each point (n, k).

    It is the leaf whose Gaussian, weighted by mass, is densest there, among the leaves below the node whose region
    contains the point. Beyond three dimensions, where regions have hardly any mass, it is the leaf whose basin's
    Gaussian is densest among all leaves.
    """
    tree = level_sets.tree
    if regime_of(tree.dim) is Regime.SAMPLED:
        return tree.leaves[basin_log_weights(tree, z).argmax(axis=1)]
    rows = node_of(level_sets, z)
    below = np.array([[leaf in tree.leaves_below[row] for leaf in tree.leaves] for row in range(len(tree))])
    return tree.leaves[np.where(below[rows], leaf_log_weights(tree, z), -np.inf).argmax(axis=1)]


def leaf_log_weights(tree: LevelSetTree, z: np.ndarray) -> np.ndarray:
    """(n, l): the logarithm, up to a constant, of each leaf's responsibility for points (n, k), by its region's
    Gaussian. A flat Gaussian gets a small width."""
    rows = tree.leaves
    width = _RIDGE * (1 + np.trace(tree.covariance[rows], axis1=1, axis2=2))
    covariance = tree.covariance[rows] + width[:, None, None] * np.eye(tree.dim)
    return _log_weights(tree.mass[rows], tree.mean[rows], covariance, z)


def basin_log_weights(tree: LevelSetTree, z: np.ndarray) -> np.ndarray:
    """(n, l): as `leaf_log_weights`, by the Gaussians of the basins."""
    rows = tree.leaves
    return _log_weights(tree.basin_mass[rows], tree.basin_mean[rows], tree.basin_covariance[rows], z)


def _log_weights(mass: np.ndarray, mean: np.ndarray, covariance: np.ndarray, z: np.ndarray) -> np.ndarray:
    precision = np.linalg.inv(covariance)
    away = np.asarray(z, dtype=np.float64)[:, None] - mean
    squared = np.einsum("nli,lij,nlj->nl", away, precision, away, optimize=True)
    return np.log(np.maximum(mass, _LEAST)) + 0.5 * np.linalg.slogdet(precision)[1] - 0.5 * squared


def _simplified(
    grid: Grid | SampleGraph, skeleton: Skeleton, persistence: float, mass: float, by_hand: ByHand = _NOTHING
) -> LevelSets:
    merge, cells = skeleton.merge, skeleton.cells
    outline = simplify(merge, skeleton.mass, persistence, mass, skeleton.points, by_hand)
    betti, holes = np.tile([1, 0], (len(outline.source), 1)), None
    if skeleton.cavities is not None:
        floor = skeleton.level_above(mass)
        lasting = lasting_cavities(merge, skeleton.cavities, persistence, floor)
        holes = place_holes(merge, outline, lasting, cells.points)
        counted = lasting if skeleton.tunnels is None else skeleton.tunnels
        betti[:, 1] = count_holes(merge, outline, counted, persistence, floor)
    tree = describe(merge, outline, skeleton.own, skeleton.basins, cells.points, betti, holes)
    tree = with_errors(tree, merge, outline, grid, skeleton.learned)
    return LevelSets(grid, tree, outline.position[merge.node].reshape(grid.log_density.shape), skeleton, outline)
