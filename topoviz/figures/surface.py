"""The input density in three dimensions: its superlevel set at the cut, colored by the leaf that each place belongs to.

The level set is that of the data's density; a place's leaf is found by carrying it to the latent space. One mesh a
leaf, so that a node can be lit without a new mesh.
"""

import numpy as np
import plotly.graph_objects as go
from scipy.ndimage import map_coordinates

from core.levelset import surface
from core.tree import LevelSets, leaf_of
from topoviz.figures.style import Spec, bare_layout, node_styles, packed
from topoviz.results import Analysis
from topoviz.session import Session, Side
from topoviz.theme import THEMES

__all__ = ["figure", "spec"]

_EYE = {"x": 1.4, "y": 1.4, "z": 1.0}
_MATTE = {"ambient": 0.55, "diffuse": 0.6, "specular": 0.08, "roughness": 0.9, "fresnel": 0.05}


def figure(analysis: Analysis, session: Session, side: Side, theme: str) -> go.Figure:
    """The level set of one side's input density as a plotly object."""
    return go.Figure(spec(analysis, session, side, theme))


def spec(analysis: Analysis, session: Session, side: Side, theme: str) -> Spec:
    """The level set of one side's input density, one mesh a leaf; without traces where the model keeps none."""
    axis = {"visible": False, "showbackground": False}
    camera = {"eye": _EYE, "projection": {"type": "perspective"}}
    scene = {"xaxis": axis, "yaxis": axis, "zaxis": axis, "aspectmode": "data", "dragmode": "orbit", "camera": camera}
    chart = bare_layout(theme, scene=scene, uirevision=session.model(side), hovermode="closest")
    field, sets = analysis.model(side).input_field, analysis.level_sets(side)
    nodes = [] if field is None else [int(sets.tree.id[row]) for row in sets.tree.leaves]
    chart["meta"] = {"kind": "surface", "side": side, "nodes": nodes}
    if field is None:
        return {"data": [], "layout": chart}
    styles = node_styles(analysis, session, side, THEMES[theme])
    found = surface(field.axes, field.log_density, analysis.cut(session.level))
    owner = _owners(sets, field, found)
    look = {"type": "mesh3d", "opacity": 1.0, "flatshading": False, "lighting": _MATTE, "hoverinfo": "none"}
    data = [
        {**look, **_part(found.vertices, found.faces[owner == node]), "color": styles[node].color} for node in nodes
    ]
    return {"data": data, "layout": chart}


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


def _part(vertices: np.ndarray, faces: np.ndarray) -> Spec:
    """The packed mesh of some faces, with only the vertices they use."""
    used, corners = np.unique(faces, return_inverse=True)
    columns = [*vertices[used].reshape(-1, 3).T, *corners.reshape(-1, 3).T]
    return {key: packed(column) for key, column in zip("xyzijk", columns, strict=True)}
