"""A latent density for plotly and the browser: packed lines with gaps, the field to cut, the node of each vertex."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from core.tree import LevelSets
from topoviz.figures.geometry.density import FLOOR, LEVELS, MANY, boundary, grid_of, outlines, window
from topoviz.figures.style import Spec, packed

__all__ = ["Plane", "cut_line", "field", "plane"]

_DEEPEST = -13.0
_REGION = 96
# Vertices per side of the grid that the browser cuts; with many leaves it is the whole grid.
_FIELD = 128

Line = dict[str, list[float | None]]


@dataclass(frozen=True, eq=False)
class Plane:
    """A latent space on the plane: the packed boundaries of its superlevel sets in `bands`, lowest first (none without
    a grid), each leaf's outline as x and y with gaps (the browser finds those of inner nodes in the field), the
    `window` of both axes (None: plotly chooses it), and, for the browser, the id of the node at each vertex."""

    bands: tuple[Spec, ...]
    outlines: dict[str, Line]
    window: tuple[list[float], list[float]] | None
    regions: dict[str, Any]


@lru_cache(maxsize=32)
def plane(sets: LevelSets) -> Plane:
    """The plane of a latent space of two dimensions, or of more under `projection`."""
    own = {str(node): _gapped(polygons) for node, polygons in outlines(sets).items()}
    if sets.tree.dim != 2:
        return Plane((), own, None, {"region": None})
    bands = tuple(cut_line(sets, float(level)) for level in LEVELS)
    return Plane(bands, own, window(sets), _regions(sets))


def cut_line(sets: LevelSets, level: float) -> Spec:
    """The boundary of the superlevel set at a relative level (nats), as packed x and y with gaps."""
    gap = np.full((1, 2), np.nan)
    # Every second vertex and the last one: finer lines than the screen's pixels only take time.
    parts = [part for line in boundary(sets, level) for part in (line[:-1:2], line[-1:], gap)]
    xy = np.concatenate(parts) if parts else gap
    return {"x": packed(xy[:, 0]), "y": packed(xy[:, 1])}


@lru_cache(maxsize=16)
def field(sets: LevelSets) -> dict[str, Any]:
    """The density for the browser to cut, row by row along x, relative to its peak: 16-bit shares of `low` nats (65535
    is the peak, 0 is `low` and all below)."""
    grid = grid_of(sets)
    step = 1 if len(sets.tree.leaves) > MANY else max(len(grid.axes[0]) // _FIELD, 1)
    axes = [axis[::step] for axis in grid.axes]
    share = 1 - np.clip(grid.relative[::step, ::step] / _DEEPEST, 0, 1)
    return {
        "data": base64.b64encode(np.round(65535 * share).astype("<u2").tobytes()).decode(),
        "low": _DEEPEST,
        "shape": [len(axis) for axis in axes],
        **{name: [float(axis[0]), float(axis[-1])] for name, axis in zip("xy", axes, strict=True)},
    }


def _gapped(polygons: Iterable[np.ndarray]) -> Line:
    """Polygons as one line with a gap after each."""
    x: list[float | None] = []
    y: list[float | None] = []
    for polygon in polygons:
        x += [*polygon[:, 0].tolist(), None]
        y += [*polygon[:, 1].tolist(), None]
    return {"x": x, "y": y}


def _regions(sets: LevelSets) -> dict[str, Any]:
    """The id of the deepest node at each vertex of a coarse grid, row by row along x; -1 below the floor."""
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
