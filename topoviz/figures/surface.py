"""The input density in three dimensions: its superlevel set at the cut, each place in the color of its leaf.

Each leaf has a mesh, so that a node can be highlighted without a new mesh. Each mesh costs plotly a hundredth of a
second, so many leaves share one mesh. Its color scale holds all colors, then all faded colors.
"""

import numpy as np
import plotly.graph_objects as go

from core.tree.fields import Surface
from topoviz.figures.geometry.surface import face_owners, level_set
from topoviz.figures.shades import shade
from topoviz.figures.style import NodeStyle, Spec, bare_layout, node_styles, packed
from topoviz.figures.theme import THEMES, Theme
from topoviz.session.analysis import Analysis
from topoviz.session.state import Session, Side

__all__ = ["MANY", "PAINT", "figure", "spec"]

MANY = 24
"""With more leaves than this, all share one mesh."""
PAINT = ("intensity", "colorscale", "cmax")
"""The keys of the shared mesh that depend on the leaves' colors."""

_FADED = 0.72
_EYE = {"x": 1.4, "y": 1.4, "z": 1.0}
_MATTE = {"ambient": 0.55, "diffuse": 0.6, "specular": 0.08, "roughness": 0.9, "fresnel": 0.05}


def figure(analysis: Analysis, session: Session, side: Side, theme: str) -> go.Figure:
    """The level set of one side's input density as a plotly object."""
    return go.Figure(spec(analysis, session, side, theme))


def spec(analysis: Analysis, session: Session, side: Side, theme: str) -> Spec:
    """The level set of one side's input density; without traces where the model has none."""
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
    level = analysis.cut(session.level)
    found, owner = level_set(field, level), face_owners(sets, field, level)
    look = {"type": "mesh3d", "opacity": 1.0, "flatshading": False, "lighting": _MATTE, "hoverinfo": "none"}
    if len(nodes) > MANY:
        whole, chart["meta"]["faces"], chart["meta"]["slots"] = _painted(found, owner, nodes, styles, THEMES[theme])
        return {"data": [look | whole], "layout": chart}
    data = [
        {**look, **_part(found.vertices, found.faces[owner == node]), "color": styles[node].color} for node in nodes
    ]
    return {"data": data, "layout": chart}


def _painted(
    found: Surface, owner: np.ndarray, nodes: list[int], styles: dict[int, NodeStyle], theme: Theme
) -> tuple[Spec, Spec, list[int]]:
    """One mesh in the colors of all leaves, with the faded ones last on its scale. It has the node of each face and the
    place of each node's color."""
    colors = list(dict.fromkeys(styles[node].color for node in nodes))
    slots = [colors.index(styles[node].color) for node in nodes]
    steps = [*colors, *(shade(color, -_FADED, theme) for color in colors)]
    place = np.zeros(max(nodes) + 1, dtype=np.int32)
    place[nodes] = np.arange(len(nodes))
    faces = place[owner]
    corners = np.zeros(len(found.vertices), dtype=np.int32)
    corners[found.faces] = owner[:, None]
    whole = {
        **_columns(found.vertices, found.faces),
        "customdata": packed(corners),
        "intensity": packed(np.array(slots, dtype=float)[faces]),
        "intensitymode": "cell",
        "colorscale": [[(at + end) / len(steps), color] for at, color in enumerate(steps) for end in (0, 1)],
        "cmin": -0.5,
        "cmax": len(steps) - 0.5,
        "showscale": False,
    }
    return whole, packed(faces), slots


def _part(vertices: np.ndarray, faces: np.ndarray) -> Spec:
    """The packed mesh of some faces, with only their own vertices."""
    used, corners = np.unique(faces, return_inverse=True)
    return _columns(vertices[used], corners)


def _columns(vertices: np.ndarray, faces: np.ndarray) -> Spec:
    columns = [*vertices.reshape(-1, 3).T, *faces.reshape(-1, 3).T]
    return {key: packed(column) for key, column in zip("xyzijk", columns, strict=True)}
