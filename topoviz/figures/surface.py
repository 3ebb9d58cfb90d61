"""The input density in three dimensions: its superlevel set at the cut, colored by the leaf that each place belongs to.

The level set is that of the data's density; a place's leaf is found by carrying it to the latent space. One mesh a
leaf, so that a node can be lit without a new mesh.
"""

import numpy as np
import plotly.graph_objects as go
from scipy.ndimage import map_coordinates

from core.levelset import surface
from core.tree import LevelSets, leaf_of
from topoviz.figures.style import bare, node_styles
from topoviz.results import Analysis, cut_level
from topoviz.session import Session, Side
from topoviz.theme import THEMES

__all__ = ["figure"]

_EYE = {"x": 1.3, "y": 1.3, "z": 0.95}
_MATTE = {"ambient": 0.55, "diffuse": 0.6, "specular": 0.08, "roughness": 0.9, "fresnel": 0.05}


def figure(analysis: Analysis, session: Session, side: Side, theme: str) -> go.Figure:
    """The level set of one side's input density; an empty scene where the model keeps none."""
    colors = THEMES[theme]
    axis = {"visible": False, "showbackground": False}
    drawn = bare(
        theme,
        scene={
            "xaxis": axis, "yaxis": axis, "zaxis": axis, "aspectmode": "data", "dragmode": "orbit",
            "camera": {"eye": _EYE, "projection": {"type": "perspective"}},
        },
        uirevision=session.model(side),
        hovermode="closest",
    )  # fmt: skip
    field = analysis.model(side).input_field
    if field is None:
        return drawn
    sets = analysis.level_sets(side)
    styles = node_styles(analysis, session, side, colors)
    found = surface(field.axes, field.log_density, cut_level(sets.tree, session.level))
    owner = _owners(sets, field, found)
    ids = [int(sets.tree.id[row]) for row in sets.tree.leaves]
    for node in ids:
        drawn.add_mesh3d(
            **_part(found.vertices, found.faces[owner == node]),
            color=styles[node].color,
            opacity=1.0,
            flatshading=False,
            lighting=_MATTE,
            hoverinfo="none",
        )
    drawn.update_layout(meta={"kind": "surface", "side": side, "nodes": ids})
    return drawn


def _owners(sets: LevelSets, field, found) -> np.ndarray:
    """(f,): the id of the leaf that each face belongs to, by the latent of its first corner."""
    if not len(found.faces):
        return np.empty(0, dtype=int)
    corner = found.vertices[found.faces[:, 0]]
    index = [(corner[:, at] - axis[0]) / (axis[-1] - axis[0]) * (len(axis) - 1) for at, axis in enumerate(field.axes)]
    latent = np.stack(
        [
            map_coordinates(field.latent[..., at], index, order=1, mode="nearest")
            for at in range(field.latent.shape[-1])
        ],
        axis=1,
    )
    return sets.tree.id[leaf_of(sets, latent)]


def _part(vertices: np.ndarray, faces: np.ndarray) -> dict[str, np.ndarray]:
    """The mesh of some faces, with only the vertices they use."""
    used, corners = np.unique(faces, return_inverse=True)
    corners = corners.reshape(-1, 3).astype(np.int32)
    x, y, z = vertices[used].astype(np.float32).T if len(used) else np.empty((3, 0), np.float32)
    return {"x": x, "y": y, "z": z, "i": corners[:, 0], "j": corners[:, 1], "k": corners[:, 2]}
