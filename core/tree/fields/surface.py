"""Closed surfaces of a field in space, by marching cubes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import invalid
from core.tree.regime import SPACE

__all__ = ["Surface", "surface"]


@dataclass(frozen=True, eq=False)
class Surface:
    """Triangles turned outward: `vertices` (v, 3) in the axes' coordinates and `faces` (f, 3) int32."""

    vertices: np.ndarray
    faces: np.ndarray


def surface(axes: Sequence[np.ndarray], log_density: np.ndarray, level: float) -> Surface:
    """The boundary of {log-density - its maximum >= level} for a field (a, b, c) over three axes.

    It closes along the border of the grid; an empty set has no vertices and no faces. Vertices with a field of minus
    infinity lie outside.

    References: Lorensen and Cline 1987; Lewiner et al. 2003 (the cases used here).
    """
    from skimage.measure import marching_cubes  # a slow import that trees do not need

    if log_density.ndim != SPACE or log_density.shape != tuple(map(len, axes)):
        expected = "a field over three axes"
        raise invalid("log_density", expected, log_density.shape, "give one axis per dimension")
    field = np.asarray(log_density, dtype=np.float64)
    top = field.max(initial=-np.inf)
    if not np.isfinite(top) or not level < 0:
        return Surface(np.empty((0, 3)), np.empty((0, 3), dtype=np.int32))
    # Values far below the level do not move the surface, but infinities would.
    field = np.maximum(field - top, level - 100.0)
    padded = np.pad(field, 1, constant_values=min(float(field.min()), level) - 1.0)
    found, faces, _, _ = marching_cubes(padded, level, gradient_direction="ascent")
    index = found.astype(np.float64) - 1
    vertices = [np.interp(i, np.arange(len(axis)), axis) for i, axis in zip(index.T, axes, strict=True)]
    return Surface(np.stack(vertices, axis=1), faces.astype(np.int32))
