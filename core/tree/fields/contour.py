"""Contour lines of a planar field, as closed polygons, each with the tree node whose region it bounds."""

from dataclasses import dataclass

import numpy as np

from core.errors import invalid
from core.tree.fields.grid import Grid

__all__ = ["Contour", "contours"]


@dataclass(frozen=True, eq=False)
class Contour:
    """A closed polygon `points` (p, 2) in latent coordinates, first point last, at a relative `level` (nats).

    `vertex` is the number of a grid vertex just inside the superlevel set that the polygon bounds.
    """

    points: np.ndarray
    level: float
    vertex: int

    def node(self, region: np.ndarray, parent: np.ndarray, level: np.ndarray) -> int:
        """The row whose component the polygon bounds, from the vertices' rows and a tree's columns."""
        row = int(region.ravel()[self.vertex])
        while parent[row] >= 0 and level[parent[row]] >= self.level:
            row = int(parent[row])
        return row


def contours(grid: Grid, level: float) -> tuple[Contour, ...]:
    """The boundary of {relative log-density >= level}, outer and inner curves; none if the set is empty.

    Curves close along the border of the grid. The high corners of a saddle cell are connected, as in the tree.
    """
    from skimage.measure import find_contours  # a slow import that trees do not need

    if grid.dim != 2:
        raise invalid("grid", "of 2 dimensions", grid.dim, "use `surface` in space")
    field = grid.relative
    outside = min(float(field.min()), level) - 1.0
    padded = np.pad(field, 1, constant_values=outside)
    found = []
    for curve in find_contours(padded, level, fully_connected="high"):
        last = np.array(field.shape) - 1
        index = np.clip(curve - 1, 0, last)
        low, high = np.floor(curve[0]).astype(int), np.ceil(curve[0]).astype(int)
        inside = low if padded[tuple(low)] >= padded[tuple(high)] else high
        vertex = int(np.ravel_multi_index(tuple(np.clip(inside - 1, 0, last)), field.shape))
        origin = np.array([axis[0] for axis in grid.axes])
        found.append(Contour(origin + index * grid.steps, level, vertex))
    return tuple(found)
