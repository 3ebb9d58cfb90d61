"""A latent density as lines: the boundaries of its superlevel sets and of its leaves, or its graph in one dimension.

Edits change nothing here, so each result is computed once.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.tree import LevelSets
from core.tree.fields import Grid, contours

__all__ = [
    "FLOOR", "LEVELS", "MANY", "Curve", "boundary", "curve", "grid_of", "names_at", "outlines", "projection", "window",
]  # fmt: skip

FLOOR = -9.0
"""Nats below the peak at which drawings of a density end."""
LEVELS = np.linspace(FLOOR, 0, 12, endpoint=False)
"""The relative levels (nats) of the superlevel sets that are drawn."""
MANY = 40
"""With more leaves, each is drawn with less detail."""
_WINDOW = -7.0
_LOWEST = -11.0
_DEPTH = 3.0
_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 49)), np.sin(np.linspace(0, 2 * np.pi, 49))])


@dataclass(frozen=True, eq=False)
class Curve:
    """A density in one dimension: its relative level `height` (n,) at `axis` (n,), not below `FLOOR`, and, by id, the
    part (n,) of each leaf, NaN elsewhere."""

    axis: np.ndarray
    height: np.ndarray
    leaves: dict[int, np.ndarray]


def curve(sets: LevelSets) -> Curve:
    """The graph of a density in one dimension."""
    grid, tree = grid_of(sets), sets.tree
    height = np.maximum(grid.relative, FLOOR)
    own = {int(tree.id[row]): np.where(sets.region == row, height, np.nan) for row in tree.leaves}
    return Curve(grid.axes[0], height, own)


@lru_cache(maxsize=64)
def boundary(sets: LevelSets, level: float) -> tuple[np.ndarray, ...]:
    """The closed polygons (p, 2) around the superlevel set at a relative level (nats), in two dimensions."""
    return tuple(line.points for line in contours(grid_of(sets), level))


@lru_cache(maxsize=32)
def outlines(sets: LevelSets) -> dict[int, tuple[np.ndarray, ...]]:
    """By id, the closed polygons (p, 2) around each leaf on the plane of `projection`. The result is shared; do not
    change it.

    In two dimensions this is a leaf's superlevel set just above its saddle, at most 3 nats below its peak; in more, the
    ellipse of 1.5 standard deviations of its region.
    """
    tree = sets.tree
    found = _outline if tree.dim == 2 else _ellipse
    return {int(tree.id[row]): found(sets, row) for row in tree.leaves.tolist()}


@lru_cache(maxsize=32)
def window(sets: LevelSets) -> tuple[list[float], list[float]] | None:
    """The ends of both axes around the density well above the floor, with a margin; None beyond two dimensions."""
    if sets.tree.dim != 2:
        return None
    grid = grid_of(sets)
    above = np.argwhere(grid.relative > _WINDOW)
    spans = []
    for axis, low, high in zip(grid.axes, above.min(0), above.max(0), strict=True):
        margin = 0.06 * (axis[high] - axis[low]) + 1e-6
        spans.append([float(axis[low] - margin), float(axis[high] + margin)])
    return spans[0], spans[1]


@lru_cache(maxsize=16)
def projection(sets: LevelSets) -> np.ndarray:
    """(k, 2): the plane's own axes, or, beyond two dimensions, those along which the leaves are furthest apart."""
    tree = sets.tree
    if tree.dim == 2:
        return np.eye(2)
    centers = tree.mean[tree.leaves]
    within = tree.covariance[tree.leaves].mean(0)
    spread = np.cov(centers.T) + 1e-3 * within if len(centers) > 1 else within
    return np.linalg.eigh(spread)[1][:, :-3:-1]


def names_at(sets: LevelSets) -> np.ndarray:
    """(leaves, 2): the places of the leaves' names on the plane: at their peaks, or at their means without a grid."""
    tree = sets.tree
    return (tree.peak if tree.dim == 2 else tree.mean)[tree.leaves] @ projection(sets)


def grid_of(sets: LevelSets) -> Grid:
    """The grid of level sets in at most three dimensions."""
    if not isinstance(sets.grid, Grid):
        raise TypeError("level sets on a graph of samples have no grid")
    return sets.grid


def _outline(sets: LevelSets, row: int) -> tuple[np.ndarray, ...]:
    tree = sets.tree
    parent, peak = int(tree.parent[row]), float(tree.level[row])
    level = peak - _DEPTH
    if parent >= 0:
        level = max(level, float(tree.level[parent]) + 0.03)
    found = _border(grid_of(sets), sets.region == row, max(level, _LOWEST))
    return tuple(_thinned(polygon, 2 if len(tree.leaves) > MANY else 1) for polygon in found)


def _border(grid: Grid, own: np.ndarray, level: float) -> list[np.ndarray]:
    """The boundary of the part of a superlevel set in a node's own vertices, computed in their bounding box."""
    box = []
    for axis in range(2):
        at = np.flatnonzero(own.any(axis=1 - axis))
        box.append(slice(max(at[0] - 1, 0), at[-1] + 2))
    part = grid.relative[tuple(box)]
    part = np.where(own[tuple(box)] | (part < level), part, level - 1.0)
    cropped = Grid(tuple(axis[cut] for axis, cut in zip(grid.axes, box, strict=True)), part)
    return [line.points for line in contours(cropped, level - part.max())]


def _ellipse(sets: LevelSets, row: int) -> tuple[np.ndarray, ...]:
    axes = projection(sets)
    flat = axes.T @ sets.tree.covariance[row] @ axes
    factor = np.linalg.cholesky(flat + 1e-9 * np.trace(flat) * np.eye(2))
    return (_thinned(sets.tree.mean[row] @ axes + 1.5 * (factor @ _CIRCLE).T, 1),)


def _thinned(polygon: np.ndarray, step: int) -> np.ndarray:
    """Every `step`th point of a polygon and its last, rounded to a thousandth."""
    return np.round(np.concatenate((polygon[:-1:step], polygon[-1:])), 3)
