"""A latent space: contours of its density, the regions of its leaves, its points; over B lies what T makes of A.

Traces, in order: bands of density, points, T(A) (empty on side A), the cut, one outline a leaf. `layout.meta` holds
what the browser needs to tell the node under the pointer, to draw its outline, and to morph A into B.
"""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from core.tree import LevelSets, leaf_of
from topoviz.figures.outlines import FLOOR, cut_line, grid_of, plane, projection
from topoviz.figures.style import NodeStyle, Spec, bare_layout, lines, markup, node_styles, packed, translucent
from topoviz.results import Analysis
from topoviz.session import Session, Side
from topoviz.theme import THEMES, Theme

__all__ = ["figure", "spec"]

# Points are what costs most when a plane is drawn again.
_OWN, _CARRIED = 300, 400
_EMPTY: Spec = {"x": [], "y": []}


def figure(analysis: Analysis, session: Session, side: Side, theme: str) -> go.Figure:
    """The latent space of one side as a plotly object."""
    return go.Figure(spec(analysis, session, side, theme))


def spec(analysis: Analysis, session: Session, side: Side, theme: str) -> Spec:
    """The latent space of one side: a curve in one dimension, contours in two, else the plane of its leaves."""
    drawer = _curve if analysis.tree(side).dim == 1 else _plane
    return drawer(analysis, session, side, THEMES[theme])


def _plane(analysis: Analysis, session: Session, side: Side, theme: Theme) -> Spec:
    sets = analysis.level_sets(side)
    tree, shown = sets.tree, plane(sets)
    styles = node_styles(analysis, session, side, theme)
    leaves = [(int(row), styles[int(tree.id[row])]) for row in tree.leaves]
    cut = cut_line(sets, analysis.cut(session.level)) if tree.dim == 2 else _EMPTY
    moving = _moving(analysis, session, theme) if side == "b" else None
    data = [
        *_bands(shown.bands, theme),
        _points(analysis, sets, side, styles, theme),
        moving["trace"] if moving else _dots(_EMPTY, 4.2, theme.unmatched, 0.85),
        lines(cut["x"], cut["y"], color=theme.accent, width=1.2, dash="dot"),
        *(_region(shown.outlines[str(tree.id[row])], style) for row, style in leaves),
    ]
    x, y = ({"visible": False}, {"visible": False, "scaleanchor": "x"})
    if shown.window:
        x |= {"range": shown.window[0], "constrain": "domain"}
        y |= {"range": shown.window[1], "constrain": "domain"}
    chart = bare_layout(
        theme.name,
        xaxis=x,
        yaxis=y,
        dragmode="pan",
        uirevision=session.model(side),
        annotations=[_label(place, style, theme) for place, (_, style) in zip(_peaks(sets), leaves, strict=True)],
        meta={
            "kind": "latent", "side": side, "outlines": shown.outlines, **shown.regions,
            "overlay": moving["ends"] if moving else None, "carried": len(shown.bands) + 1,
        },
    )  # fmt: skip
    return {"data": data, "layout": chart}


def _bands(bands: tuple[Spec, ...], theme: Theme) -> list[Spec]:
    """The superlevel sets over one another, darker with density. Holes turn the other way round, so they stay empty.

    A contour trace would be computed anew in the browser at every edit.
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


def _points(analysis: Analysis, sets: LevelSets, side: Side, styles: dict[int, NodeStyle], theme: Theme) -> Spec:
    """The side's own points; off a grid, where no field shows the leaves, in their leaves' colors."""
    latent = analysis.latent(side)
    if latent is None:
        return _dots(_EMPTY, 2.6, theme.soft, 0.45)
    latent = latent[:_OWN]
    xy = latent @ projection(sets)
    place = {"x": packed(xy[:, 0]), "y": packed(xy[:, 1])}
    if sets.tree.dim == 2:
        return _dots(place, 2.6, theme.soft, 0.45)
    return _dots(place, 3.4, [styles[int(node)].color for node in sets.tree.id[leaf_of(sets, latent)]], 0.7)


def _moving(analysis: Analysis, session: Session, theme: Theme) -> dict[str, Any] | None:
    """A's points over B, and both ends of their way: as they lie in A, centered on where they arrive; and T(A).

    None where there is no transform, no sample, or no plane to show it on.
    """
    latent = analysis.latent("a")
    if analysis.mapped is None or latent is None or analysis.tree("a").dim == 1:
        return None
    end = analysis.mapped[:_CARRIED] @ projection(analysis.level_sets_b)
    latent = latent[: len(end)]
    start = latent @ projection(analysis.level_sets_a)
    start = start - start.mean(0) + end.mean(0)
    styles = node_styles(analysis, session, "a", theme)
    color = [styles[int(node)].color for node in analysis.tree("a").id[leaf_of(analysis.level_sets_a, latent)]]
    xy = (1 - session.morph) * start + session.morph * end
    return {
        "trace": _dots({"x": packed(xy[:, 0]), "y": packed(xy[:, 1])}, 4.2, color, 0.85),
        "ends": {"start": np.round(start.T, 3).tolist(), "end": np.round(end.T, 3).tolist()},
    }


def _region(outline: dict[str, list[float | None]], style: NodeStyle) -> Spec:
    fill = translucent(style.color, 0.10 if style.matched else 0.04)
    return lines(outline["x"], outline["y"], color=style.color, width=2) | {"fill": "toself", "fillcolor": fill}


def _peaks(sets: LevelSets) -> np.ndarray:
    """(leaves, 2): where the leaves' names stand: at their peaks, off a grid at their means."""
    tree = sets.tree
    return (tree.peak if tree.dim == 2 else tree.mean)[tree.leaves] @ projection(sets)


def _label(place: np.ndarray, style: NodeStyle, theme: Theme) -> Spec:
    return {
        "x": float(place[0]), "y": float(place[1]), "text": markup(style), "showarrow": False,
        "font": {"size": 12, "color": theme.ink}, "bgcolor": translucent(theme.paper, 0.72), "borderpad": 1.5,
    }  # fmt: skip


def _curve(analysis: Analysis, session: Session, side: Side, theme: Theme) -> Spec:
    sets = analysis.level_sets(side)
    grid, tree = grid_of(sets), sets.tree
    styles = node_styles(analysis, session, side, theme)
    axis, height = packed(grid.axes[0]), np.maximum(grid.relative, FLOOR)
    data = [lines(axis, packed(height), color=theme.soft, width=1.6)]
    for row in tree.leaves:
        part = packed(np.where(sets.region == row, height, np.nan))
        data.append(lines(axis, part, color=styles[int(tree.id[row])].color, width=3))
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
