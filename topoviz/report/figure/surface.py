"""An input density on paper: the surface of its superlevel set, each pixel in the color of its leaf."""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from core.tree import LevelSets
from topoviz.figures.geometry.points import leaf_ids
from topoviz.figures.geometry.surface import latent_at, smooth_level_set
from topoviz.report.figure.rendering import Picture, render
from topoviz.report.figure.scene import Scene
from topoviz.report.figure.sheet import MM, Box
from topoviz.session.composition import Camera
from topoviz.session.state import Side

if TYPE_CHECKING:
    from core.model.autoencoder import InputField

__all__ = ["draw"]


def draw(box: Box, scene: Scene, side: Side) -> None:
    """One side's level set at the cut in a box, or why there is none; in a linked figure, also each leaf's part."""
    sheet, analysis = box.sheet, scene.analysis
    field = analysis.model(side).input_field
    colors = tuple((node, style.color) for node, style in scene.styles[side].items())
    size = (max(round(box.height / MM * sheet.dpi), 8), max(round(box.width / MM * sheet.dpi), 8))
    camera = scene.composition.cameras[0 if side == "a" else 1] or Camera()
    level = analysis.cut(scene.session.level)
    drawn = None if field is None else _picture(analysis.level_sets(side), field, level, colors, size, camera)
    if drawn is None:
        why = "no input density kept" if field is None else "nothing above the cut"
        box.text(box.width / 2, box.height / 2, why, across="center", color=scene.theme.soft)
        return
    box.image(drawn.pixels, name=f"input-{side}")
    if sheet.linked:
        _masks(box, drawn, side)


# While the user composes a figure, most pictures stay the same.
@lru_cache(maxsize=6)
def _picture(
    sets: LevelSets, field: "InputField", level: float, colors: tuple[tuple[int, str], ...], size: tuple[int, int],
    camera: Camera,
) -> Picture | None:  # fmt: skip
    """The level set in the leaves' colors at `size` (height, width) pixels; None where nothing lies above the level."""
    found = smooth_level_set(field, level)
    if not len(found.faces):
        return None
    latent = latent_at(field, found.vertices)
    return render(found, latent, lambda z: leaf_ids(sets, z), dict(colors), size, camera)


def _masks(box: Box, drawn: Picture, side: Side) -> None:
    """One picture per leaf, cut to its visible part, for a script to highlight and to find under the pointer."""
    height, width = drawn.owner.shape
    for node in np.unique(drawn.owner[drawn.owner >= 0]).tolist():
        own = drawn.owner == node
        rows, columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
        top, foot, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        part = drawn.pixels[top:foot, left:right].copy()
        part[..., 3] *= own[top:foot, left:right]
        at = Box(box.sheet, box.x + left / width * box.width, box.y + top / height * box.height,
                 (right - left) / width * box.width, (foot - top) / height * box.height)  # fmt: skip
        box.image(part, name=f"solid-{side}-{node}", order=1.1, at=at)
