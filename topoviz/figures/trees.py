"""Both trees in one figure, facing each other: A's leaves point right, B's left, links run between them.

Across: the level, each tree's floor outside and its peak inside. Down: the leaves' slots, B's ordered so that links
cross as little as the tree allows. `layout.meta` tells the browser where nodes and links are.
"""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from core.tree import LevelSetTree, layout, leaf_order
from topoviz.figures.style import NodeStyle, bare, node_styles
from topoviz.results import Analysis, cut_level
from topoviz.session import Session, Side
from topoviz.theme import THEMES

__all__ = ["figure", "slots"]

_WIDTH = 1.0
_GAP = 0.95
_LABEL = 0.05
_STEPS = np.linspace(0.0, 1.0, 24)


def figure(analysis: Analysis, session: Session, theme: str) -> go.Figure:
    """The two trees with their links."""
    colors = THEMES[theme]
    orders = slots(analysis)
    rows = max(len(orders["a"]), len(orders["b"]), 2)
    drawn = bare(
        theme,
        xaxis={"visible": False, "range": [-0.06, 2 * _WIDTH + _GAP + 0.06], "fixedrange": True},
        yaxis={"visible": False, "range": [rows - 0.4, -0.75], "fixedrange": True},
    )
    meta: dict = {"kind": "trees", "nodes": [], "links": []}
    places = {}
    for side in ("a", "b"):
        styles = node_styles(analysis, session, side, colors)
        places[side] = _place(analysis.tree(side), orders[side], side, rows)
        _draw_tree(drawn, meta, analysis, session, side, places[side], styles, theme)
    _draw_links(drawn, meta, analysis, places, node_styles(analysis, session, "a", colors))
    drawn.update_layout(meta=meta)
    return drawn


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


def _place(tree: LevelSetTree, order: tuple[int, ...], side: Side, rows: int) -> np.ndarray:
    """(m, 2): where each row stands in the figure."""
    place = layout(tree, order)
    floor = cut_level(tree, 0.0)
    height = 1 - np.clip(place[:, 1] / floor, 0, 1)
    x = _WIDTH * height if side == "a" else 2 * _WIDTH + _GAP - _WIDTH * height
    return np.column_stack((x, place[:, 0] + (rows - len(order)) / 2))


def _draw_tree(
    drawn: go.Figure,
    meta: dict,
    analysis: Analysis,
    session: Session,
    side: Side,
    place: np.ndarray,
    styles: Mapping[int, NodeStyle],
    theme: str,
) -> None:
    colors = THEMES[theme]
    tree = analysis.tree(side)
    ids = [int(node) for node in tree.id]
    lines: dict[str, list[float | None]] = {"x": [], "y": []}
    for row, parent in enumerate(tree.parent):
        start = place[parent, 0] if parent >= 0 else (-0.04 if side == "a" else 2 * _WIDTH + _GAP + 0.04)
        joined = place[parent, 1] if parent >= 0 else place[row, 1]
        lines["x"] += [start, start, place[row, 0], None]
        lines["y"] += [joined, place[row, 1], place[row, 1], None]
    drawn.add_scatter(**lines, mode="lines", line={"color": colors.soft, "width": 1.4}, hoverinfo="skip")
    leaf = np.isin(np.arange(len(tree)), tree.leaves)
    size = np.where(leaf, 9 + 22 * np.sqrt(np.clip(tree.mass, 0, 1)), 7)
    drawn.add_scatter(
        x=place[:, 0],
        y=place[:, 1],
        mode="markers",
        marker={
            "size": size,
            "color": [styles[node].color if is_leaf else colors.paper for node, is_leaf in zip(ids, leaf, strict=True)],
            "line": {"width": 1.4, "color": [styles[node].color for node in ids]},
            "opacity": 1,
        },
        hoverinfo="skip",
    )
    toward = 1 if side == "a" else -1
    for row, node in enumerate(ids):
        style = styles[node]
        meta["nodes"].append(
            {
                "side": side, "id": node, "x": round(float(place[row, 0]), 4), "y": round(float(place[row, 1]), 4),
                "leaf": bool(leaf[row]), "color": style.color, "label": style.label,
                "mass": round(float(tree.mass[row]), 4), "level": round(float(tree.level[row]), 3),
                "persistence": round(float(tree.persistence[row]), 3), "holes": int(tree.betti[row, 1]),
                "up": ids[tree.parent[row]] if tree.parent[row] >= 0 else None,
                "down": [ids[child] for child in tree.children[row]],
            }
        )  # fmt: skip
        if not style.label:
            continue
        text = f"<i>{_escape(style.label)}</i>" if style.carried else _escape(style.label)
        drawn.add_annotation(
            x=place[row, 0] + (toward * _LABEL if leaf[row] else 0),
            y=place[row, 1] - (0 if leaf[row] else 0.32),
            text=text,
            showarrow=False,
            xanchor=("left" if side == "a" else "right") if leaf[row] else "center",
            font={"size": 12, "color": colors.ink if style.matched else colors.soft},
        )
    level = session.level * _WIDTH
    x = level if side == "a" else 2 * _WIDTH + _GAP - level
    drawn.add_shape(
        type="line", x0=x, x1=x, y0=0, y1=1, yref="paper", line={"color": colors.accent, "width": 1, "dash": "dot"}
    )


def _draw_links(
    drawn: go.Figure,
    meta: dict,
    analysis: Analysis,
    places: Mapping[str, np.ndarray],
    styles: Mapping[int, NodeStyle],
) -> None:
    """One curve a matched pair of leaves: heavy where pinned, else as wide as it is sure."""
    for pair in analysis.matching.leaf_pairs:
        start = places["a"][analysis.tree("a").row(pair.a)]
        end = places["b"][analysis.tree("b").row(pair.b)]
        reach = 0.17
        x0, x1 = start[0] + reach, end[0] - reach
        ease = _STEPS**2 * (3 - 2 * _STEPS)
        x, y = x0 + (x1 - x0) * _STEPS, start[1] + (end[1] - start[1]) * ease
        drawn.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={
                "color": styles[pair.a].color,
                "width": 3.5 if pair.pinned else 1 + 1.6 * pair.confidence,
                "dash": "solid" if pair.pinned or pair.confidence > 0.5 else "4px,3px",
            },
            opacity=1.0 if pair.pinned else 0.4 + 0.5 * pair.confidence,
            hoverinfo="skip",
        )
        meta["links"].append(
            {
                "a": pair.a, "b": pair.b, "pinned": pair.pinned, "confidence": round(pair.confidence, 3),
                "color": styles[pair.a].color, "x": np.round(x, 4).tolist(), "y": np.round(y, 4).tolist(),
            }
        )  # fmt: skip


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
