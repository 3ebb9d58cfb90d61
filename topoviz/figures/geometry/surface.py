"""The input density in three dimensions: the closed surface around its superlevel set, and the leaf at each place.

The surface is that of the data's density; the leaf of a place is the leaf of its latent.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import map_coordinates, zoom

from core.tree import LevelSets
from core.tree.fields import Surface, surface
from topoviz.figures.geometry.points import leaf_ids

if TYPE_CHECKING:
    from core.model.autoencoder import InputField

__all__ = ["face_owners", "latent_at", "level_set", "smooth_level_set"]

# The field is clipped this many nats below the level before splines interpolate it.
_DEEP = 12.0
_FINER = 2


@lru_cache(maxsize=8)
def level_set(field: "InputField", level: float) -> Surface:
    """The boundary of the superlevel set at a relative level (nats)."""
    return surface(field.axes, field.log_density, level)


@lru_cache(maxsize=4)
def smooth_level_set(field: "InputField", level: float) -> Surface:
    """`level_set` for large pictures: from cubic splines through the field, with twice its vertices along each axis."""
    peak = float(field.log_density.max())
    fine = np.asarray(zoom(np.maximum(field.log_density - peak, level - _DEEP), _FINER, order=3, mode="nearest"))
    axes = [np.interp(np.linspace(0, len(axis) - 1, n), np.arange(len(axis)), axis)
            for axis, n in zip(field.axes, fine.shape, strict=True)]  # fmt: skip
    # `surface` takes levels relative to the field's own peak, which splines may exceed a little.
    return surface(axes, fine, min(level - float(fine.max()), -1e-6))


@lru_cache(maxsize=8)
def face_owners(sets: LevelSets, field: "InputField", level: float) -> np.ndarray:
    """(f,): the id of the leaf of each face of `level_set`, taken at its first corner."""
    found = level_set(field, level)
    if not len(found.faces):
        return np.empty(0, dtype=int)
    return leaf_ids(sets, latent_at(field, found.vertices[found.faces[:, 0]]))


def latent_at(field: "InputField", places: np.ndarray) -> np.ndarray:
    """(n, k): the latents of places (n, 3), interpolated linearly, and constant beyond the border of the grid."""
    index = [(place - axis[0]) / (axis[-1] - axis[0]) * (len(axis) - 1)
             for place, axis in zip(places.T, field.axes, strict=True)]  # fmt: skip
    columns = np.moveaxis(field.latent, -1, 0)
    # A model may keep latents in half precision, which `map_coordinates` does not read.
    found = [map_coordinates(column.astype(np.float64), index, order=1, mode="nearest") for column in columns]
    return np.stack(found, axis=1)
