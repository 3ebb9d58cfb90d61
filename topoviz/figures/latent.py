"""A latent space: contours of its density, the regions of its leaves, its points; over B lies what T makes of A.

Traces, in order: the density, points, T(A) (empty on side A), one outline a leaf, the cut. `layout.meta` holds what
the browser needs to tell the node under the pointer and to draw its outline.
"""

import numpy as np
import plotly.graph_objects as go

from core.errors import InputError
from core.levelset import Grid, contours
from core.tree import LevelSets, leaf_of
from topoviz.figures.style import bare, node_styles, translucent
from topoviz.results import Analysis, cut_level
from topoviz.session import Session, Side
from topoviz.theme import THEMES

__all__ = ["CUT", "OVERLAY", "cut_line", "figure", "overlay"]

OVERLAY, CUT = 2, 3
_FLOOR = -9.0
_STEPS = 12
_SHOWN = 600
_REGION = 96


def figure(analysis: Analysis, session: Session, side: Side, theme: str) -> go.Figure:
    """The latent space of one side: two-dimensional as contours, one-dimensional as a curve, else its first two
    axes.
    """
    sets = analysis.level_sets(side)
    drawer = {1: _curve, 2: _plane}.get(sets.tree.dim, _scatter)
    return drawer(analysis, session, side, theme)


def overlay(analysis: Analysis, session: Session, theme: str) -> dict:
    """What the browser moves: A's latents `start`, their images `end` (each [x, y]), and their `color`s."""
    empty = {"start": [[], []], "end": [[], []], "color": []}
    points = analysis.latent("a")
    if analysis.mapped is None or points is None or points.shape[1] != 2 or analysis.mapped.shape[1] != 2:
        return empty
    sets = analysis.level_sets_a
    shown = points[:_SHOWN]
    rows = leaf_of(sets, shown)
    styles = node_styles(analysis, session, "a", THEMES[theme])
    color = [styles[int(sets.tree.id[row])].color for row in rows]
    return {
        "start": np.round(shown.T.astype(float), 3).tolist(),
        "end": np.round(analysis.mapped[:_SHOWN].T.astype(float), 3).tolist(),
        "color": color,
    }


def cut_line(analysis: Analysis, session: Session, side: Side) -> dict[str, list[float | None]]:
    """The boundary of the superlevel set at the cut, as x and y with gaps."""
    sets = analysis.level_sets(side)
    return _joined([line.points for line in contours(_grid(sets), cut_level(sets.tree, session.level))])


def _joined(polygons: list[np.ndarray]) -> dict[str, list[float | None]]:
    x: list[float | None] = []
    y: list[float | None] = []
    for points in polygons:
        x += [*np.round(points[:, 0], 3).tolist(), None]
        y += [*np.round(points[:, 1], 3).tolist(), None]
    return {"x": x, "y": y}


def _plane(analysis: Analysis, session: Session, side: Side, theme: str) -> go.Figure:
    colors = THEMES[theme]
    sets = analysis.level_sets(side)
    grid, tree = _grid(sets), sets.tree
    styles = node_styles(analysis, session, side, colors)
    shown = _window(sets)
    drawn = bare(
        theme,
        xaxis={"visible": False, "range": shown[0], "constrain": "domain"},
        yaxis={"visible": False, "range": shown[1], "scaleanchor": "x", "constrain": "domain"},
        dragmode="pan",
    )
    step = max(len(grid.axes[0]) // 128, 1)
    field = np.maximum(grid.relative[::step, ::step], _FLOOR).T.astype(np.float32)
    drawn.add_contour(
        x=grid.axes[0][::step].astype(np.float32),
        y=grid.axes[1][::step].astype(np.float32),
        z=field,
        zmin=_FLOOR,
        zmax=0,
        colorscale=[[at / (len(colors.ramp) - 1), color] for at, color in enumerate(colors.ramp)],
        contours={"start": _FLOOR, "end": 0, "size": -_FLOOR / _STEPS, "coloring": "fill"},
        line={"width": 0.5, "color": translucent(colors.ink, 0.12)},
        showscale=False,
        hoverinfo="skip",
    )
    points = analysis.latent(side)
    points = np.empty((0, 2)) if points is None else points[:_SHOWN]
    drawn.add_scatter(
        x=points[:, 0],
        y=points[:, 1],
        mode="markers",
        marker={"size": 2.6, "color": colors.soft, "opacity": 0.45},
        hoverinfo="skip",
    )
    _add_overlay(drawn, analysis, session, side, theme)
    drawn.add_scatter(
        **cut_line(analysis, session, side),
        mode="lines",
        line={"color": colors.accent, "width": 1.2, "dash": "dot"},
        hoverinfo="skip",
    )
    outlines = {int(tree.id[row]): _outline(sets, row) for row in range(len(tree))}
    for row in tree.leaves:
        node = int(tree.id[row])
        style = styles[node]
        drawn.add_scatter(
            **outlines[node],
            mode="lines",
            line={"color": style.color, "width": 2},
            fill="toself",
            fillcolor=translucent(style.color, 0.10 if style.matched else 0.04),
            hoverinfo="skip",
        )
        drawn.add_annotation(
            x=float(tree.peak[row, 0]),
            y=float(tree.peak[row, 1]),
            text=f"<i>{style.label}</i>" if style.carried else style.label.replace("<", "&lt;"),
            showarrow=False,
            font={"size": 12, "color": colors.ink},
            bgcolor=translucent(colors.paper, 0.72),
            borderpad=1.5,
        )
    drawn.update_layout(
        uirevision=session.model(side), meta={"kind": "latent", "side": side, "outlines": outlines, **_regions(sets)}
    )
    return drawn


def _grid(sets: LevelSets) -> Grid:
    """The grid of level sets in at most three dimensions."""
    if not isinstance(sets.grid, Grid):
        raise TypeError("level sets on a graph of samples have no grid")
    return sets.grid


def _add_overlay(drawn: go.Figure, analysis: Analysis, session: Session, side: Side, theme: str) -> None:
    moving = overlay(analysis, session, theme) if side == "b" else {"start": [[], []], "end": [[], []], "color": []}
    start, end = np.array(moving["start"], dtype=float), np.array(moving["end"], dtype=float)
    place = (1 - session.morph) * start + session.morph * end
    drawn.add_scatter(
        x=place[0],
        y=place[1],
        mode="markers",
        marker={
            "size": 4.2,
            "color": moving["color"] or THEMES[theme].unmatched,
            "opacity": 0.85,
            "line": {"width": 0},
        },
        hoverinfo="skip",
    )


def _outline(sets: LevelSets, row: int) -> dict[str, list[float | None]]:
    """The boundary of a node's component as x and y: a leaf's just above its saddle (at most 3 nats down), an inner
    node's just below the joining."""
    grid, tree = _grid(sets), sets.tree
    parent = int(tree.parent[row])
    leaf = not tree.children[row]
    peak = float(tree.level[row])
    level = (
        max(float(tree.level[parent]) + 0.03, peak - 3.0) if leaf and parent >= 0 else peak - (3.0 if leaf else 0.03)
    )
    inside = _descendants(sets, row)
    return _joined(
        [
            line.points
            for line in contours(grid, max(level, -11.0))
            if line.node(sets.region, tree.parent, tree.level) in inside
        ]
    )


def _descendants(sets: LevelSets, row: int) -> set[int]:
    found, todo = set(), [row]
    while todo:
        at = todo.pop()
        found.add(at)
        todo.extend(sets.tree.children[at])
    return found


def _window(sets: LevelSets) -> tuple[list[float], list[float]]:
    """The box of what lies above the floor, with a margin."""
    grid = _grid(sets)
    above = np.argwhere(grid.relative > -7.0)
    spans = []
    for axis, low, high in zip(grid.axes, above.min(0), above.max(0), strict=True):
        margin = 0.06 * (axis[high] - axis[low]) + 1e-6
        spans.append([float(axis[low] - margin), float(axis[high] + margin)])
    return spans[0], spans[1]


def _regions(sets: LevelSets) -> dict:
    """Ids of the deepest node at each vertex of a coarse grid, -1 below the floor, row by row along x."""
    grid = _grid(sets)
    step = max(len(grid.axes[0]) // _REGION, 1)
    ids = np.where(grid.relative > _FLOOR, sets.tree.id[sets.region], -1)[::step, ::step]
    x, y = grid.axes[0][::step], grid.axes[1][::step]
    return {
        "region": ids.astype(int).ravel().tolist(),
        "shape": list(ids.shape),
        "x": [float(x[0]), float(x[-1])],
        "y": [float(y[0]), float(y[-1])],
    }


def _curve(analysis: Analysis, session: Session, side: Side, theme: str) -> go.Figure:
    colors = THEMES[theme]
    sets = analysis.level_sets(side)
    styles = node_styles(analysis, session, side, colors)
    drawn = bare(theme, xaxis={"visible": False}, yaxis={"visible": False, "range": [_FLOOR, 0.6]})
    grid = _grid(sets)
    axis, height = grid.axes[0], np.maximum(grid.relative, _FLOOR)
    drawn.add_scatter(x=axis, y=height, mode="lines", line={"color": colors.soft, "width": 1.6}, hoverinfo="skip")
    for row in sets.tree.leaves:
        style = styles[int(sets.tree.id[row])]
        part = np.where(sets.region == row, height, np.nan)
        drawn.add_scatter(x=axis, y=part, mode="lines", line={"color": style.color, "width": 3}, hoverinfo="skip")
        drawn.add_annotation(
            x=float(sets.tree.peak[row, 0]), y=float(sets.tree.level[row]) + 0.3, text=style.label, showarrow=False
        )
    drawn.update_layout(uirevision=session.model(side), meta={"kind": "curve", "side": side})
    return drawn


def _scatter(analysis: Analysis, session: Session, side: Side, theme: str) -> go.Figure:
    """Points on the two axes along which the leaves lie furthest apart, in their leaves' colors."""
    colors = THEMES[theme]
    sets = analysis.level_sets(side)
    tree = sets.tree
    styles = node_styles(analysis, session, side, colors)
    centers = tree.mean[tree.leaves]
    points = analysis.latent(side)
    if points is None:
        raise InputError("this model keeps no sample to show; train it again.")
    spread = centers if len(centers) > 2 else points
    axes = np.linalg.svd(spread - spread.mean(0), full_matrices=False)[2][:2].T
    place = points[: 2 * _SHOWN] @ axes
    rows = leaf_of(sets, points[: 2 * _SHOWN])
    drawn = bare(theme, xaxis={"visible": False}, yaxis={"visible": False, "scaleanchor": "x"}, dragmode="pan")
    drawn.add_scatter(
        x=place[:, 0],
        y=place[:, 1],
        mode="markers",
        marker={"size": 4, "color": [styles[int(tree.id[row])].color for row in rows], "opacity": 0.8},
        hoverinfo="skip",
    )
    for row, center in zip(tree.leaves, centers @ axes, strict=True):
        drawn.add_annotation(
            x=float(center[0]), y=float(center[1]), text=styles[int(tree.id[row])].label, showarrow=False,
            bgcolor=translucent(colors.paper, 0.72),
        )  # fmt: skip
    drawn.update_layout(uirevision=session.model(side), meta={"kind": "scatter", "side": side})
    return drawn
