"""A density on a regular grid, which trees, contours and surfaces share.

Axis i of the field runs along latent coordinate i ('ij' indexing); vertex numbers are C-order positions.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, cast

import numpy as np

from core.errors import invalid

__all__ = ["Density", "Grid", "density_of", "latent_grid"]

SIZES = {1: 2048, 2: 256, 3: 64}
CHUNK = 8192


class Density(Protocol):
    """A density with level sets: a closed-form log-density with a box that contains it."""

    @property
    def dim(self) -> int: ...

    def log_density(self, z: np.ndarray, /) -> np.ndarray: ...

    def bounds(self) -> tuple[np.ndarray, np.ndarray]: ...


@dataclass(frozen=True, eq=False)
class Grid:
    """`axes`: k increasing arrays with equal steps; `log_density`: their field, in nats.

    >>> grid = Grid((np.array([0.0, 0.5, 1.0]),), np.array([-3.0, -1.0, -2.0]))
    >>> grid.cell_volume, grid.relative.tolist()
    (0.5, [-2.0, 0.0, -1.0])
    """

    axes: tuple[np.ndarray, ...]
    log_density: np.ndarray

    @property
    def dim(self) -> int:
        """Number of axes k."""
        return len(self.axes)

    @cached_property
    def steps(self) -> np.ndarray:
        """(k,): the distance between neighbors along each axis."""
        return np.array([(axis[-1] - axis[0]) / (len(axis) - 1) for axis in self.axes])

    @property
    def cell_volume(self) -> float:
        """The k-volume that each vertex stands for."""
        return float(np.prod(self.steps))

    @cached_property
    def relative(self) -> np.ndarray:
        """The field relative to its peak (nats, at most 0)."""
        return self.log_density - self.log_density.max()

    def points(self) -> np.ndarray:
        """(N, k): the vertices in C order."""
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), axis=-1).reshape(-1, self.dim)

    def nearest(self, z: np.ndarray) -> np.ndarray:
        """(n,): the number of the vertex nearest to each point (n, k)."""
        z = np.asarray(z, dtype=np.float64)
        origin = np.array([axis[0] for axis in self.axes])
        last = np.array(self.log_density.shape) - 1
        position = np.clip(np.rint((z - origin) / self.steps), 0, last).astype(np.intp)
        return np.asarray(np.ravel_multi_index(tuple(position.T), self.log_density.shape))


def density_of(source: object) -> Density:
    """The latent density of a model (its `prior`), or `source` itself if it is a density."""
    return cast(Density, getattr(source, "prior", source))


def latent_grid(density: Any, size: int | None = None) -> Grid:
    """The grid of a density, or of a model's latent density, over the box of its `bounds()`.

    `size` is the number of vertices along each axis (default 2048, 256 and 64 in one to three dimensions).
    Raises `InputError` beyond three dimensions, where `core.tree` works on a graph of samples instead.
    """
    density = density_of(density)
    if density.dim not in SIZES:
        raise invalid("density", "of 1 to 3 dimensions for a grid", density.dim, "use `level_set_tree`")
    size = SIZES[density.dim] if size is None else size
    if size < 3:
        raise invalid("size", "at least 3", size, "choose a finer grid")
    low, high = density.bounds()
    axes = tuple(np.linspace(a, b, size) for a, b in zip(low, high, strict=True))
    points = Grid(axes, np.empty(0)).points()
    field = [density.log_density(points[at : at + CHUNK]) for at in range(0, len(points), CHUNK)]
    return Grid(axes, np.concatenate(field).astype(np.float64).reshape((size,) * density.dim))
