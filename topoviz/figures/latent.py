"""A latent space: contours of its density, the regions of its leaves, its points, and over B, A's points mapped by T.

`spec` is the whole picture. On the page plotly draws only the `ground`, which no edit changes; the browser draws the
points, cut, outlines and names over it, from the ground's `layout.meta`, the trees' nodes and the facts in `live`.
"""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from topoviz.figures.density import Plane, cut_line, field, plane
from topoviz.figures.geometry.density import FLOOR, curve, names_at, projection
from topoviz.figures.geometry.points import flat, leaf_ids, mapped_points
from topoviz.figures.style import NodeStyle, Spec, bare_layout, lines, markup, node_styles, packed, translucent
from topoviz.figures.theme import THEMES, Theme
from topoviz.session.analysis import Analysis
from topoviz.session.state import Session, Side

__all__ = ["drawn", "figure", "ground", "live", "spec"]

_OWN, _MAPPED = 800, 800
_EMPTY: Spec = {"x": [], "y": []}


def figure(analysis: Analysis, session: Session, side: Side, theme: str) -> go.Figure:
    """The latent space of one side as a plotly object."""
    return go.Figure(spec(analysis, session, side, theme))


def spec(analysis: Analysis, session: Session, side: Side, theme: str) -> Spec:
    """The latent space of one side: a curve in one dimension, contours in two, else the plane of its leaves."""
    drawer = _curve if analysis.tree(side).dim == 1 else _plane
    return drawer(analysis, session, side, THEMES[theme])


def ground(analysis: Analysis, session: Session, side: Side, theme: str) -> Spec:
    """The part of one side's latent space that no edit changes; a curve in one dimension is drawn whole."""
    if analysis.tree(side).dim == 1:
        return spec(analysis, session, side, theme)
    sets = analysis.level_sets(side)
    tree, shown = sets.tree, plane(sets)
    xy = flat(analysis, side, _OWN)
    places = zip(tree.ids(tree.leaves), names_at(sets), strict=True)
    # Invisible: with these points plotly finds the window where there is no grid.
    unseen = _dots({"x": packed(xy[:, 0]), "y": packed(xy[:, 1])} if shown.window is None else _EMPTY, 1, "#000000", 0)
    return {
        "data": [*_bands(shown.bands, THEMES[theme]), unseen],
        "layout": _chart(session, side, THEMES[theme], shown)
        | {
            "meta": {
                "kind": "latent",
                "side": side,
                "outlines": shown.outlines,
                "peaks": {str(node): np.round(place, 3).tolist() for node, place in places},
                "points": np.round(xy.T, 3).tolist(),
                # Without a grid no field shows the leaves, so the points do.
                "owners": [] if tree.dim == 2 else _owners(analysis, side).tolist(),
                "field": field(sets) if tree.dim == 2 else None,
                "holes": [] if tree.holes is None else np.round(tree.holes.place @ projection(sets), 3).tolist(),
                **shown.regions,
            }
        },
    }


def live(analysis: Analysis, session: Session) -> Spec:
    """The part over the grounds that an edit changes: A's points with the start and end of their path, and the names
    of the models."""
    moving = mapped_points(analysis, _MAPPED)
    return {
        "models": [session.model_a, session.model_b],
        "overlay": None
        if moving is None
        else {
            "start": np.round(moving.start.T, 3).tolist(),
            "end": np.round(moving.end.T, 3).tolist(),
            "owners": moving.owners.tolist(),
        },
    }


def drawn(analysis: Analysis, side: Side) -> str:
    """How many of a side's points the page draws, in words; empty without a sample."""
    latent, metrics = analysis.latent(side), analysis.model(side).metrics
    if latent is None or not len(latent):
        return ""
    there = metrics.get("points")
    whole = max(there, len(latent)) if isinstance(there, int) and not isinstance(there, bool) else len(latent)
    shown = min(len(latent), _OWN)
    return f"{shown:,} of {whole:,} points drawn" if shown < whole else f"all {whole:,} points drawn"


def _plane(analysis: Analysis, session: Session, side: Side, theme: Theme) -> Spec:
    sets = analysis.level_sets(side)
    tree, shown = sets.tree, plane(sets)
    styles = node_styles(analysis, session, side, theme)
    leaves = [(int(row), styles[int(tree.id[row])]) for row in tree.leaves]
    cut = _cut(analysis, session, side)
    data = [
        *_bands(shown.bands, theme),
        _points(analysis, side, styles, theme),
        *(_mapped(analysis, session, theme) if side == "b" else ()),
        lines(cut["x"], cut["y"], color=theme.accent, width=1.4, dash="4px,3px"),
        *(_region(shown.outlines[str(tree.id[row])], style) for row, style in leaves),
    ]
    labels = [_label(place, style, theme) for place, (_, style) in zip(names_at(sets), leaves, strict=True)]
    return {"data": data, "layout": _chart(session, side, theme, shown) | {"annotations": labels}}


def _chart(session: Session, side: Side, theme: Theme, shown: Plane) -> Spec:
    x, y = ({"visible": False}, {"visible": False, "scaleanchor": "x"})
    if shown.window:
        x |= {"range": shown.window[0], "constrain": "domain"}
        y |= {"range": shown.window[1], "constrain": "domain"}
    return bare_layout(theme.name, xaxis=x, yaxis=y, dragmode="pan", uirevision=session.model(side))


def _cut(analysis: Analysis, session: Session, side: Side) -> Spec:
    sets = analysis.level_sets(side)
    return cut_line(sets, analysis.cut(session.level)) if sets.tree.dim == 2 else _EMPTY


def _bands(bands: tuple[Spec, ...], theme: Theme) -> list[Spec]:
    """The superlevel sets, darker with density. Holes have the opposite orientation, so they stay empty.

    A contour trace would be recomputed in the browser at every edit.
    """
    colors = sample_colorscale(list(theme.ramp), [(at + 1) / len(bands) for at in range(len(bands))]) if bands else []
    return [
        lines(band["x"], band["y"], color=translucent(theme.ink, 0.12), width=0.5)
        | {"fill": "toself", "fillcolor": color}
        for band, color in zip(bands, colors, strict=True)
    ]


def _dots(xy: Spec, size: float, color: Any, opacity: float) -> Spec:
    marker = {"size": size, "color": color, "opacity": opacity, "line": {"width": 0}}
    return {"type": "scatter", "mode": "markers", "hoverinfo": "skip", "marker": marker} | xy


def _points(analysis: Analysis, side: Side, styles: dict[int, NodeStyle], theme: Theme) -> Spec:
    """The side's own points; without a grid, in the colors of their leaves."""
    if analysis.latent(side) is None:
        return _dots(_EMPTY, 2.6, theme.soft, 0.45)
    xy = flat(analysis, side, _OWN)
    place = {"x": packed(xy[:, 0]), "y": packed(xy[:, 1])}
    if analysis.tree(side).dim == 2:
        return _dots(place, 2.6, theme.soft, 0.45)
    return _dots(place, 3.4, [styles[node].color for node in _owners(analysis, side).tolist()], 0.7)


def _owners(analysis: Analysis, side: Side) -> np.ndarray:
    """(n,): the ids of the leaves of the points that are drawn."""
    latent = analysis.latent(side)
    return np.empty(0, dtype=int) if latent is None else leaf_ids(analysis.level_sets(side), latent[:_OWN])


def _mapped(analysis: Analysis, session: Session, theme: Theme) -> tuple[Spec, ...]:
    moving = mapped_points(analysis, _MAPPED)
    if moving is None:
        return ()
    styles = node_styles(analysis, session, "a", theme)
    xy = (1 - session.morph) * moving.start + session.morph * moving.end
    color = [styles[int(node)].color for node in moving.owners]
    return (_dots({"x": packed(xy[:, 0]), "y": packed(xy[:, 1])}, 4.2, color, 0.85),)


def _region(outline: dict[str, list[float | None]], style: NodeStyle) -> Spec:
    fill = translucent(style.color, 0.10 if style.matched else 0.04)
    return lines(outline["x"], outline["y"], color=style.color, width=2) | {"fill": "toself", "fillcolor": fill}


def _label(place: np.ndarray, style: NodeStyle, theme: Theme) -> Spec:
    return {
        "x": float(place[0]), "y": float(place[1]), "text": markup(style), "showarrow": False,
        "font": {"size": 12, "color": theme.ink}, "bgcolor": translucent(theme.paper, 0.72), "borderpad": 1.5,
    }  # fmt: skip


def _curve(analysis: Analysis, session: Session, side: Side, theme: Theme) -> Spec:
    sets = analysis.level_sets(side)
    tree, drawn = sets.tree, curve(sets)
    styles = node_styles(analysis, session, side, theme)
    axis = packed(drawn.axis)
    data = [lines(axis, packed(drawn.height), color=theme.soft, width=1.6)]
    data += [lines(axis, packed(own), color=styles[node].color, width=3) for node, own in drawn.leaves.items()]
    labels = [
        _label(np.array([tree.peak[row, 0], tree.level[row] + 0.3]), styles[int(tree.id[row])], theme)
        for row in tree.leaves
    ]
    chart = bare_layout(
        theme.name,
        xaxis={"visible": False},
        yaxis={"visible": False, "range": [FLOOR, 0.6]},
        uirevision=session.model(side),
        annotations=labels,
        meta={"kind": "curve", "side": side},
    )
    return {"data": data, "layout": chart}
