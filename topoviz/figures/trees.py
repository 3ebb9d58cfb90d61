"""Both trees in one figure, facing each other: A's leaves point right, B's left, links run between them.

`spec` is the whole picture. On the page plotly draws only the `ground`; the browser lays the level over it, which moves
without a new figure. `layout.meta` tells the browser where everything is.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.match import Pair
from core.tree import LevelSetTree
from topoviz.figures.frame import END, HEIGHT, REACH, WIDTH, Frame
from topoviz.figures.measures import error_bars, hole_facts, holes
from topoviz.figures.order import slots
from topoviz.figures.style import NodeStyle, Spec, bare_layout, lines, markup, node_styles, packed
from topoviz.results import Analysis
from topoviz.session import Session, Side
from topoviz.theme import THEMES, Theme
from topoviz.words import cost_shares, sureness

__all__ = ["figure", "ground", "spec"]

_SIDES: tuple[Side, Side] = ("a", "b")
_STEPS = np.linspace(0.0, 1.0, 24)
_EASE = _STEPS**2 * (3 - 2 * _STEPS)


def figure(analysis: Analysis, session: Session, theme: str) -> go.Figure:
    """The two trees with their links as a plotly object."""
    return go.Figure(spec(analysis, session, theme))


def spec(analysis: Analysis, session: Session, theme: str, height: float = HEIGHT) -> Spec:
    """The two trees with their links and the level, for a picture `height` pixels high."""
    whole = ground(analysis, session, theme, height)
    level = {"color": THEMES[theme].accent, "width": 1.4, "dash": "4px,3px"}
    frame = Frame(analysis.cut(0.0), 1)
    cuts = [_upright(float(frame.across(analysis.cut(session.level), side)), level) for side in _SIDES]
    return whole | {"layout": whole["layout"] | {"shapes": [*whole["layout"]["shapes"], *cuts]}}


def ground(analysis: Analysis, session: Session, theme: str, height: float = HEIGHT) -> Spec:
    """The two trees with their links."""
    colors = THEMES[theme]
    orders = slots(analysis)
    rows = max(len(orders["a"]), len(orders["b"]), 2)
    frame = Frame(analysis.cut(0.0), rows, height)
    styles = {side: node_styles(analysis, session, side, colors) for side in _SIDES}
    places: dict[Side, np.ndarray] = {side: frame.places(analysis.tree(side), orders[side], side) for side in _SIDES}
    named: dict[Side, dict[int, bool]] = {side: _named(analysis.tree(side), places[side], frame) for side in _SIDES}
    found = {side: hole_facts(analysis.tree(side), places[side], side, frame) for side in _SIDES}
    links, facts = _links(analysis, places, named, frame, styles["a"], colors)
    data = [
        trace
        for side in _SIDES
        for trace in (
            *_tree(analysis.tree(side), places[side], side, named[side], styles[side], frame, colors),
            *holes(found[side], frame, colors),
        )
    ]
    nodes = [
        fact
        for side in _SIDES
        for fact in _facts(analysis.tree(side), places[side], side, named[side], styles[side], frame)
    ]
    chart = bare_layout(
        theme,
        xaxis={"visible": False, "range": [-0.06, END + 0.06], "fixedrange": True},
        yaxis={"visible": False, "range": list(frame.window), "fixedrange": True},
        annotations=[tick for side in _SIDES for tick in _ticks(frame, side, colors)],
        shapes=[line for side in _SIDES for line in _grid(frame, side, colors)],
        meta={
            "kind": "trees", "floor": frame.floor, "width": WIDTH, "end": END,
            "column": [frame.column(side) for side in _SIDES] if frame.crowded else None,
            "nodes": nodes, "links": facts, "holes": [*found["a"], *found["b"]],
        },
    )  # fmt: skip
    return {"data": data + links, "layout": chart}


def _named(tree: LevelSetTree, place: np.ndarray, frame: Frame) -> dict[int, bool]:
    """Which leaves' rows have room for their names."""
    leaves = tree.leaves
    return dict(zip(leaves.tolist(), frame.named(place[leaves, 1], tree.mass[leaves]).tolist(), strict=True))


def _tree(
    tree: LevelSetTree,
    place: np.ndarray,
    side: Side,
    named: Mapping[int, bool],
    styles: Mapping[int, NodeStyle],
    frame: Frame,
    theme: Theme,
) -> tuple[Spec, ...]:
    """The branches; the nodes, leaves as large as they are heavy; the errors of their levels; the leaves' names."""
    steps = []
    for row, parent in enumerate(tree.parent):
        foot = -0.04 if side == "a" else END + 0.04
        start, joined = place[parent] if parent >= 0 else (foot, place[row, 1])
        steps += [(start, joined), (start, place[row, 1]), tuple(place[row]), (np.nan, np.nan)]
    x, y = np.array(steps).T
    width = round(0.7 + 0.7 * frame.scale, 2)
    leaf = np.isin(np.arange(len(tree)), tree.leaves)
    shown = [styles[node] for node in tree.id.tolist()]
    nodes = {
        "type": "scatter", "mode": "markers", "hoverinfo": "skip",
        "x": packed(place[:, 0]), "y": packed(place[:, 1]),
        "marker": {
            "size": packed(_sizes(tree, frame)),
            "color": [style.color if is_leaf else theme.paper for style, is_leaf in zip(shown, leaf, strict=True)],
            "line": {"width": width, "color": [style.color for style in shown]},
            "opacity": 1,
        },
    }  # fmt: skip
    return (
        lines(packed(x), packed(y), color=theme.soft, width=width),
        nodes,
        error_bars(tree, place, frame, theme),
        _names(tree, place, side, named, shown, frame, theme),
    )


def _names(
    tree: LevelSetTree,
    place: np.ndarray,
    side: Side,
    named: Mapping[int, bool],
    shown: list[NodeStyle],
    frame: Frame,
    theme: Theme,
) -> Spec:
    """Names stand beside leaves on the inner side, where leaves are many in one column, and above named inner nodes."""
    rows = [row for row, style in enumerate(shown) if style.label and named.get(row, True)]
    beside = f"middle {'right' if side == 'a' else 'left'}"
    inner = [frame.column(side) if row in named and frame.crowded else place[row, 0] for row in rows]
    # Unseen, the marks keep the names off the leaves.
    size = 1.0 if frame.crowded else _sizes(tree, frame)[rows]
    return {
        "type": "scatter", "mode": "markers+text", "hoverinfo": "skip", "cliponaxis": False,
        "x": packed(np.array(inner, dtype=float)), "y": packed(place[rows, 1]),
        "marker": {"opacity": 0, "size": packed(np.broadcast_to(size, len(rows)))},
        "text": [f"\u00a0{markup(shown[row])}\u00a0" for row in rows],
        "textposition": [beside if row in named else "top center" for row in rows],
        "textfont": {
            "size": 10 if frame.crowded else 12,
            "color": [theme.ink if shown[row].matched else theme.soft for row in rows],
        },
    }  # fmt: skip


def _sizes(tree: LevelSetTree, frame: Frame) -> np.ndarray:
    """(m,): the nodes' diameters in pixels."""
    leaf = np.isin(np.arange(len(tree)), tree.leaves)
    return np.where(leaf, frame.size(tree.mass), 2.5 + 4.5 * frame.scale)


def _facts(
    tree: LevelSetTree,
    place: np.ndarray,
    side: Side,
    named: Mapping[int, bool],
    styles: Mapping[int, NodeStyle],
    frame: Frame,
) -> list[dict[str, Any]]:
    """What the browser needs of each node to find, mark and describe it."""
    ids, leaves, sizes = tree.id.tolist(), set(tree.leaves.tolist()), _sizes(tree, frame)
    return [
        {
            "side": side, "id": node, "x": round(float(place[row, 0]), 4), "y": round(float(place[row, 1]), 4),
            "leaf": row in leaves, "named": named.get(row, True), "label": styles[node].label,
            "color": styles[node].color, "matched": styles[node].matched, "carried": styles[node].carried,
            "size": round(float(sizes[row]), 1),
            "mass": round(float(tree.mass[row]), 4), "level": round(float(tree.level[row]), 3),
            "persistence": round(float(tree.persistence[row]), 3), "holes": int(tree.betti[row, 1]),
            "up": ids[tree.parent[row]] if tree.parent[row] >= 0 else None,
            "down": [ids[child] for child in tree.children[row]],
            **_errors(tree, row),
        }
        for row, node in enumerate(ids)
    ]  # fmt: skip


def _errors(tree: LevelSetTree, row: int) -> dict[str, float]:
    """Standard errors where they are known; that of mass is of the basin's, so it comes with it."""
    errors = {} if tree.level_error is None else {"level_error": round(float(tree.level_error[row]), 3)}
    if tree.mass_error is None:
        return errors
    basin = {"basin": round(float(tree.basin_mass[row]), 4), "basin_error": round(float(tree.mass_error[row]), 4)}
    return errors | basin


def _upright(x: float, line: Spec) -> Spec:
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line, "layer": "below"}


def _levels(floor: float) -> list[int]:
    """Levels to name on the axis: whole nats, at most five above the floor."""
    step = next((step for step in (1, 2, 3) if -floor / step <= 5), 4)
    return list(range(0, int(np.ceil(-floor)), step))


def _grid(frame: Frame, side: Side, theme: Theme) -> list[Spec]:
    line = {"color": theme.faint, "width": 1}
    return [_upright(float(frame.across(-level, side)), line) for level in _levels(frame.floor)]


def _ticks(frame: Frame, side: Side, theme: Theme) -> list[Spec]:
    """Levels below the peak, in nats, along the foot of the figure."""
    look = {
        "y": 0, "yref": "paper", "yanchor": "bottom", "showarrow": False, "font": {"size": 10, "color": theme.soft},
        "bgcolor": theme.paper, "borderpad": 1,
    }  # fmt: skip
    return [
        {**look, "x": float(frame.across(-level, side)), "text": f"−{level}" if level else "0 nats"}
        for level in _levels(frame.floor)
    ]


def _links(
    analysis: Analysis,
    places: Mapping[Side, np.ndarray],
    named: Mapping[Side, Mapping[int, bool]],
    frame: Frame,
    styles: Mapping[int, NodeStyle],
    theme: Theme,
) -> tuple[list[Spec], list[dict[str, Any]]]:
    """One curve a matched pair of leaves, as wide as it is sure, and where each is; pinned ones bear a diamond.

    Of an explanation that is not the best one, what is new in it is dashed in the accent, what is gone from it dotted.
    """
    new = set() if analysis.preview is None else set(analysis.preview.new)
    traces, facts, pins = [], [], []

    def curve(a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
        (x0, y0), (x1, y1) = (
            (_reach(places[side][row], side, frame), places[side][row, 1])
            for side, row in zip(_SIDES, (analysis.tree("a").row(a), analysis.tree("b").row(b)), strict=True)
        )
        return x0 + (x1 - x0) * _STEPS, y0 + (y1 - y0) * _EASE

    def leads(a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
        """Where leaves are many, the way of a link beside the column of names."""
        x, y = [], []
        for side, node in zip(_SIDES, (a, b), strict=True):
            row = analysis.tree(side).row(node)
            end = frame.column(side) if named[side][row] else _reach(places[side][row], side, frame)
            x += [np.nan, places[side][row, 0], end]
            y += [np.nan, *[places[side][row, 1]] * 2]
        return np.array(x), np.array(y)

    for pair in analysis.matching.leaf_pairs:
        x, y = curve(pair.a, pair.b)
        color, fresh = styles[pair.a].color, (pair.a, pair.b) in new
        line = {"color": theme.accent if fresh else color, "dash": "7px,4px" if fresh else "solid"}
        whole = (x, y)
        if frame.crowded:
            whole = [np.concatenate(parts) for parts in zip(whole, leads(pair.a, pair.b), strict=True)]
        traces.append(lines(*map(packed, whole), width=_weight(pair, frame), **line) | {"opacity": 0.85})
        if pair.pinned:
            pins.append((x[12], y[12], color))
        facts.append(
            {
                "a": pair.a, "b": pair.b, "pinned": pair.pinned, "new": fresh, "color": line["color"],
                "confidence": round(pair.confidence, 3), "word": sureness(pair.confidence, pair.pinned),
                "terms": [[name, round(cost, 4), round(share, 3)] for name, cost, share in cost_shares(pair.terms)],
                "x": np.round(x, 4).tolist(), "y": np.round(y, 4).tolist(),
            }
        )  # fmt: skip
    for a, b in () if analysis.preview is None else analysis.preview.gone:
        x, y = curve(a, b)
        traces.append(lines(packed(x), packed(y), color=theme.soft, width=1.2, dash="1px,4px"))
    return [*traces, _diamonds(pins, theme)], facts


def _reach(place: np.ndarray, side: Side, frame: Frame) -> float:
    """Where a link leaves a leaf, past its name."""
    sign = 1 if side == "a" else -1
    return frame.column(side) + 0.7 * sign * REACH if frame.crowded else float(place[0]) + sign * REACH


def _weight(pair: Pair, frame: Frame) -> float:
    """The width of a link in pixels."""
    full = 3.5 if pair.pinned else 0.7 + 4.3 * pair.confidence**1.5
    return round(full * (0.35 + 0.65 * frame.scale), 2)


def _diamonds(pins: list[tuple[float, float, str]], theme: Theme) -> Spec:
    marker = {
        "symbol": "diamond", "size": 11, "color": [color for *_, color in pins], "opacity": 1,
        "line": {"width": 1.5, "color": theme.paper},
    }  # fmt: skip
    place = {"x": [round(float(x), 4) for x, *_ in pins], "y": [round(float(y), 4) for _, y, _ in pins]}
    return {"type": "scatter", "mode": "markers", "hoverinfo": "skip", "marker": marker} | place
