"""Both trees in one figure, facing each other: A's leaves point right, B's left, links run between them.

Across: the level, each tree's floor outside and its peak inside. Down: the leaves' slots, B's ordered so that links
cross as little as the tree allows. `layout.meta` tells the browser where nodes and links are.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.tree import LevelSetTree, layout, leaf_order
from topoviz.figures.style import NodeStyle, Spec, bare_layout, lines, markup, node_styles, packed
from topoviz.results import Analysis
from topoviz.session import Session, Side
from topoviz.theme import THEMES, Theme

__all__ = ["figure", "slots", "spec"]

_SIDES: tuple[Side, Side] = ("a", "b")
_WIDTH = 1.0
_GAP = 0.95
_REACH = 0.2
_STEPS = np.linspace(0.0, 1.0, 24)


def figure(analysis: Analysis, session: Session, theme: str) -> go.Figure:
    """The two trees with their links as a plotly object."""
    return go.Figure(spec(analysis, session, theme))


def spec(analysis: Analysis, session: Session, theme: str) -> Spec:
    """The two trees with their links."""
    colors = THEMES[theme]
    orders = slots(analysis)
    rows = max(len(orders["a"]), len(orders["b"]), 2)
    styles = {side: node_styles(analysis, session, side, colors) for side in _SIDES}
    floor = analysis.cut(0.0)
    places: dict[Side, np.ndarray] = {
        side: _place(analysis.tree(side), orders[side], side, rows, floor) for side in _SIDES
    }
    links, facts = _links(analysis, places, styles["a"])
    data = [trace for side in _SIDES for trace in _tree(analysis.tree(side), places[side], side, styles[side], colors)]
    chart = bare_layout(
        theme,
        xaxis={"visible": False, "range": [-0.06, 2 * _WIDTH + _GAP + 0.06], "fixedrange": True},
        yaxis={"visible": False, "range": [rows - 0.2, -0.6], "fixedrange": True},
        annotations=[tick for side in _SIDES for tick in _ticks(floor, side, colors)],
        shapes=[line for side in _SIDES for line in (*_grid(floor, side, colors), _cut(session.level, side, colors))],
        meta={
            "kind": "trees",
            "nodes": [
                node for side in _SIDES for node in _facts(analysis.tree(side), places[side], side, styles[side])
            ],
            "links": facts,
        },
    )
    return {"data": data + links, "layout": chart}


def slots(analysis: Analysis) -> dict[Side, tuple[int, ...]]:
    """The leaves' rows of both trees from top to bottom: A's own order, B's branches turned towards their partners."""
    tree_a, tree_b = analysis.tree("a"), analysis.tree("b")
    order_a = leaf_order(tree_a)
    slot = {int(tree_a.id[row]): at for at, row in enumerate(order_a)}
    partner = {pair.b: slot[pair.a] for pair in analysis.matching.leaf_pairs if pair.a in slot}
    wanted = {row: float(partner.get(int(tree_b.id[row]), np.nan)) for row in tree_b.leaves}

    def mean_slot(row: int) -> float:
        known = [wanted[leaf] for leaf in tree_b.leaves_below[row] if not np.isnan(wanted[leaf])]
        return float(np.mean(known)) if known else float(len(order_a))

    order_b, todo = [], [0]
    while todo:
        row = todo.pop()
        todo.extend(sorted(tree_b.children[row], key=lambda child: (-mean_slot(child), child)))
        if not tree_b.children[row]:
            order_b.append(row)
    return {"a": order_a, "b": tuple(order_b)}


def _place(tree: LevelSetTree, order: tuple[int, ...], side: Side, rows: int, floor: float) -> np.ndarray:
    """(m, 2): where each row stands in the figure, levels below the floor at the floor."""
    place = layout(tree, order)
    x = _across(1 - np.clip(place[:, 1] / floor, 0, 1), side)
    return np.column_stack((x, place[:, 0] + (rows - len(order)) / 2))


def _across(height: Any, side: Side) -> Any:
    """Where a fraction of the trees' height, 0 the floor and 1 the peak, stands across the figure."""
    return _WIDTH * height if side == "a" else 2 * _WIDTH + _GAP - _WIDTH * height


def _tree(
    tree: LevelSetTree, place: np.ndarray, side: Side, styles: Mapping[int, NodeStyle], theme: Theme
) -> tuple[Spec, Spec]:
    """The branches, and the nodes, leaves as large as they are heavy."""
    steps = []
    for row, parent in enumerate(tree.parent):
        foot = -0.04 if side == "a" else 2 * _WIDTH + _GAP + 0.04
        start, joined = place[parent] if parent >= 0 else (foot, place[row, 1])
        steps += [(start, joined), (start, place[row, 1]), tuple(place[row]), (np.nan, np.nan)]
    x, y = np.array(steps).T
    ids = tree.id.tolist()
    leaf = np.isin(np.arange(len(tree)), tree.leaves)
    marker = {
        "size": packed(np.where(leaf, _size(tree.mass), 7.0)),
        "color": [styles[node].color if is_leaf else theme.paper for node, is_leaf in zip(ids, leaf, strict=True)],
        "line": {"width": 1.4, "color": [styles[node].color for node in ids]},
        "opacity": 1,
    }
    shown = [styles[node] for node in ids]
    beside = f"middle {'right' if side == 'a' else 'left'}"
    nodes = {
        "type": "scatter", "mode": "markers+text", "hoverinfo": "skip", "marker": marker,
        "x": packed(place[:, 0]), "y": packed(place[:, 1]),
        # Names stand beside leaves, on the inner side, and above named inner nodes.
        "text": [f"\u00a0{markup(style)}\u00a0" for style in shown],
        "textposition": [beside if is_leaf else "top center" for is_leaf in leaf],
        "textfont": {"size": 12, "color": [theme.ink if style.matched else theme.soft for style in shown]},
        "cliponaxis": False,
    }  # fmt: skip
    return lines(packed(x), packed(y), color=theme.soft, width=1.4), nodes


def _size(mass: Any) -> Any:
    """The diameter of a leaf in pixels."""
    return 9 + 22 * np.sqrt(np.clip(mass, 0, 1))


def _facts(tree: LevelSetTree, place: np.ndarray, side: Side, styles: Mapping[int, NodeStyle]) -> list[dict[str, Any]]:
    """What the browser needs of each node to find, mark and describe it."""
    ids, leaves = tree.id.tolist(), set(tree.leaves.tolist())
    return [
        {
            "side": side, "id": node, "x": round(float(place[row, 0]), 4), "y": round(float(place[row, 1]), 4),
            "leaf": row in leaves, "color": styles[node].color, "label": styles[node].label,
            "matched": styles[node].matched, "carried": styles[node].carried,
            "mass": round(float(tree.mass[row]), 4), "level": round(float(tree.level[row]), 3),
            "persistence": round(float(tree.persistence[row]), 3), "holes": int(tree.betti[row, 1]),
            "up": ids[tree.parent[row]] if tree.parent[row] >= 0 else None,
            "down": [ids[child] for child in tree.children[row]],
        }
        for row, node in enumerate(ids)
    ]  # fmt: skip


def _cut(level: float, side: Side, theme: Theme) -> Spec:
    return _upright(_across(level, side), {"color": theme.accent, "width": 1, "dash": "dot"})


def _upright(x: float, line: Spec) -> Spec:
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line, "layer": "below"}


def _levels(floor: float) -> list[int]:
    """Levels to name on the axis: whole nats, at most five above the floor."""
    step = next((step for step in (1, 2, 3) if -floor / step <= 5), 4)
    return list(range(0, int(np.ceil(-floor)), step))


def _grid(floor: float, side: Side, theme: Theme) -> list[Spec]:
    line = {"color": theme.faint, "width": 1}
    return [_upright(float(_across(1 + level / floor, side)), line) for level in _levels(floor)]


def _ticks(floor: float, side: Side, theme: Theme) -> list[Spec]:
    """Levels below the peak, in nats, along the foot of the figure."""
    look = {
        "y": 0, "yref": "paper", "yanchor": "bottom", "showarrow": False, "font": {"size": 10, "color": theme.soft},
        "bgcolor": theme.paper, "borderpad": 1,
    }  # fmt: skip
    return [
        {**look, "x": float(_across(1 + level / floor, side)), "text": f"−{level}" if level else "0 nats"}
        for level in _levels(floor)
    ]


def _links(
    analysis: Analysis, places: Mapping[Side, np.ndarray], styles: Mapping[int, NodeStyle]
) -> tuple[list[Spec], list[dict[str, Any]]]:
    """One curve a matched pair of leaves, heavy where pinned, else as wide as it is sure; and where each is."""
    traces, facts = [], []
    for pair in analysis.matching.leaf_pairs:
        start = places["a"][analysis.tree("a").row(pair.a)]
        end = places["b"][analysis.tree("b").row(pair.b)]
        x0, x1 = start[0] + _REACH, end[0] - _REACH
        ease = _STEPS**2 * (3 - 2 * _STEPS)
        x, y = x0 + (x1 - x0) * _STEPS, start[1] + (end[1] - start[1]) * ease
        color, sure = styles[pair.a].color, pair.pinned or pair.confidence > 0.5
        width = 3.5 if pair.pinned else round(1 + 1.6 * pair.confidence, 2)
        trace = lines(packed(x), packed(y), color=color, width=width, dash="solid" if sure else "4px,3px")
        traces.append(trace | {"opacity": 1.0 if pair.pinned else round(0.4 + 0.5 * pair.confidence, 2)})
        facts.append(
            {
                "a": pair.a, "b": pair.b, "pinned": pair.pinned, "confidence": round(pair.confidence, 3),
                "color": color, "x": np.round(x, 4).tolist(), "y": np.round(y, 4).tolist(),
            }
        )  # fmt: skip
    return traces, facts
