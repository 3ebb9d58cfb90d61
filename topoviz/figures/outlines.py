"""What of a latent space no edit changes, computed once: its field, its leaves' outlines, its window, its plane."""

import base64
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from core.tree import LevelSets
from core.tree.fields import Grid, contours
from topoviz.figures.style import Spec, packed

__all__ = ["BANDS", "FLOOR", "Plane", "cut_line", "field", "grid_of", "plane", "projection"]

FLOOR = -9.0
_WINDOW = -7.0
_LOWEST = -11.0
_DEEPEST = -13.0
_DEPTH = 3.0
BANDS = 12
_REGION = 96
# Vertices a side of the grid that the browser cuts, and from how many leaves on it is the whole one.
_FIELD, _FINE = 128, 40
_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 49)), np.sin(np.linspace(0, 2 * np.pi, 49))])

Line = dict[str, list[float | None]]


@dataclass(frozen=True, eq=False)
class Plane:
    """A latent space on the plane: the packed boundaries of its superlevel sets in `bands`, lowest first (none off a
    grid), each leaf's outline as x and y with gaps (the browser finds those of inner nodes in the field), the `window`
    of both axes (None: as plotly finds), and for the browser the id of the node at each vertex."""

    bands: tuple[Spec, ...]
    outlines: dict[str, Line]
    window: tuple[list[float], list[float]] | None
    regions: dict[str, Any]


@lru_cache(maxsize=32)
def plane(sets: LevelSets) -> Plane:
    """The plane of a latent space of two dimensions, or of more seen by `projection`."""
    tree = sets.tree
    if tree.dim != 2:
        outlines = {str(tree.id[row]): _ellipse(sets, int(row)) for row in tree.leaves}
        return Plane((), outlines, None, {"region": None})
    grid = grid_of(sets)
    outlines = {str(tree.id[row]): _outline(sets, row) for row in tree.leaves.tolist()}
    bands = tuple(cut_line(sets, float(level)) for level in np.linspace(FLOOR, 0, BANDS, endpoint=False))
    return Plane(bands, outlines, _window(grid), _regions(sets))


@lru_cache(maxsize=16)
def projection(sets: LevelSets) -> np.ndarray:
    """(k, 2): the plane's own axes, or beyond two dimensions those along which the leaves lie furthest apart."""
    tree = sets.tree
    if tree.dim == 2:
        return np.eye(2)
    centers = tree.mean[tree.leaves]
    within = tree.covariance[tree.leaves].mean(0)
    spread = np.cov(centers.T) + 1e-3 * within if len(centers) > 1 else within
    return np.linalg.eigh(spread)[1][:, :-3:-1]


@lru_cache(maxsize=256)
def cut_line(sets: LevelSets, level: float) -> Spec:
    """The boundary of the superlevel set at a relative level (nats), as packed x and y with gaps."""
    gap = np.full((1, 2), np.nan)
    # Every second vertex and the last one: lines closer than the screen's points only take time.
    parts = [part for line in contours(grid_of(sets), level) for part in (line.points[:-1:2], line.points[-1:], gap)]
    xy = np.concatenate(parts) if parts else gap
    return {"x": packed(xy[:, 0]), "y": packed(xy[:, 1])}


@lru_cache(maxsize=16)
def field(sets: LevelSets) -> dict[str, Any]:
    """The density for the browser to cut: relative to its peak, row by row along x, as shares of `low` nats in 16 bits
    (65535 the peak, 0 `low` and all below)."""
    grid = grid_of(sets)
    step = 1 if len(sets.tree.leaves) > _FINE else max(len(grid.axes[0]) // _FIELD, 1)
    axes = [axis[::step] for axis in grid.axes]
    share = 1 - np.clip(grid.relative[::step, ::step] / _DEEPEST, 0, 1)
    return {
        "data": base64.b64encode(np.round(65535 * share).astype("<u2").tobytes()).decode(),
        "low": _DEEPEST,
        "shape": [len(axis) for axis in axes],
        **{name: [float(axis[0]), float(axis[-1])] for name, axis in zip("xy", axes, strict=True)},
    }


def grid_of(sets: LevelSets) -> Grid:
    """The grid of level sets in at most three dimensions."""
    if not isinstance(sets.grid, Grid):
        raise TypeError("level sets on a graph of samples have no grid")
    return sets.grid


def _outline(sets: LevelSets, row: int) -> Line:
    """The boundary of a leaf's component just above its saddle, at most 3 nats down."""
    tree = sets.tree
    parent, peak = int(tree.parent[row]), float(tree.level[row])
    level = peak - _DEPTH
    if parent >= 0:
        level = max(level, float(tree.level[parent]) + 0.03)
    return _joined(
        _border(grid_of(sets), sets.region == row, max(level, _LOWEST)), step=2 if len(tree.leaves) > _FINE else 1
    )


def _border(grid: Grid, own: np.ndarray, level: float) -> list[np.ndarray]:
    """The boundary of what of a superlevel set lies in a node's own vertices: of the box around them only."""
    box = []
    for axis in range(2):
        at = np.flatnonzero(own.any(axis=1 - axis))
        box.append(slice(max(at[0] - 1, 0), at[-1] + 2))
    part = grid.relative[tuple(box)]
    part = np.where(own[tuple(box)] | (part < level), part, level - 1.0)
    cropped = Grid(tuple(axis[cut] for axis, cut in zip(grid.axes, box, strict=True)), part)
    return [line.points for line in contours(cropped, level - part.max())]


def _ellipse(sets: LevelSets, row: int) -> Line:
    """The ellipse of 1.5 deviations of a leaf's region on the plane of `projection`."""
    axes = projection(sets)
    flat = axes.T @ sets.tree.covariance[row] @ axes
    factor = np.linalg.cholesky(flat + 1e-9 * np.trace(flat) * np.eye(2))
    return _joined([sets.tree.mean[row] @ axes + 1.5 * (factor @ _CIRCLE).T])


def _joined(polygons: list[np.ndarray], step: int = 1) -> Line:
    """The polygons with gaps, of more points only every so many, but the last."""
    x: list[float | None] = []
    y: list[float | None] = []
    for polygon in polygons:
        points = np.concatenate((polygon[:-1:step], polygon[-1:]))
        x += [*np.round(points[:, 0], 3).tolist(), None]
        y += [*np.round(points[:, 1], 3).tolist(), None]
    return {"x": x, "y": y}


def _window(grid: Grid) -> tuple[list[float], list[float]]:
    """The box of what stands well above the floor, with a margin."""
    above = np.argwhere(grid.relative > _WINDOW)
    spans = []
    for axis, low, high in zip(grid.axes, above.min(0), above.max(0), strict=True):
        margin = 0.06 * (axis[high] - axis[low]) + 1e-6
        spans.append([float(axis[low] - margin), float(axis[high] + margin)])
    return spans[0], spans[1]


def _regions(sets: LevelSets) -> dict[str, Any]:
    """Ids of the deepest node at each vertex of a coarse grid, -1 below the floor, row by row along x."""
    grid = grid_of(sets)
    step = max(len(grid.axes[0]) // _REGION, 1)
    ids = np.where(grid.relative > FLOOR, sets.tree.id[sets.region], -1)[::step, ::step]
    x, y = grid.axes[0][::step], grid.axes[1][::step]
    return {
        "region": ids.astype(int).ravel().tolist(),
        "shape": list(ids.shape),
        "x": [float(x[0]), float(x[-1])],
        "y": [float(y[0]), float(y[-1])],
    }
