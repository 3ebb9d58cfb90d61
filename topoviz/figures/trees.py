"""Both trees in one figure, facing each other: A's leaves point right, B's left, links run between them.

`spec` is the whole picture, for files and reports. The page draws its own from the `facts`, since only the browser
knows its size and which branches are open. Both come from one layout.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.tree import ByHand, LevelSets, LevelSetTree
from topoviz.figures.geometry.facing import END, HEIGHT, WIDTH, Frame, Placed, row_count
from topoviz.figures.geometry.order import slots
from topoviz.figures.geometry.tree import whole_levels
from topoviz.figures.links import column, link_facts, links
from topoviz.figures.measures import error_bars, hole_facts, holes
from topoviz.figures.style import NodeStyle, Spec, bare_layout, lines, markup, node_styles, packed
from topoviz.figures.theme import THEMES, Theme
from topoviz.session.analysis import Analysis, by_hand
from topoviz.session.state import SIDES, Session, Side

__all__ = ["changes", "facts", "figure", "ground", "spec"]

_TICKS = 5


def figure(analysis: Analysis, session: Session, theme: str) -> go.Figure:
    """The two trees with their links as a plotly object."""
    return go.Figure(spec(analysis, session, theme))


def spec(analysis: Analysis, session: Session, theme: str, height: float = HEIGHT) -> Spec:
    """The two trees with their links and the level, for a picture `height` pixels high."""
    whole = ground(analysis, session, theme, height)
    level = {"color": THEMES[theme].accent, "width": 1.4, "dash": "4px,3px"}
    frame = Frame(analysis.cut(0.0), 1)
    cuts = [_upright(float(frame.across(analysis.cut(session.level), side)), level) for side in SIDES]
    return whole | {"layout": whole["layout"] | {"shapes": [*whole["layout"]["shapes"], *cuts]}}


def facts(analysis: Analysis, session: Session, theme: str) -> dict[str, Any]:
    """The facts from which the page draws the trees: nodes, links, holes, the scale. The result is shared; do not
    change it."""
    return _facts_of(analysis, _named(session), theme)


def changes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The changes from the `old` facts, which the page has, to the `new` ones; all facts where the nodes differ.

    Otherwise: the changed values of each changed node, by its place in the list; an unchanged link as its place among
    the old ones; and the other facts that differ.
    """
    if [node.keys() for node in old["nodes"]] != [node.keys() for node in new["nodes"]] or any(
        (before["side"], before["id"]) != (after["side"], after["id"])
        for before, after in zip(old["nodes"], new["nodes"], strict=True)
    ):
        return new
    found: dict[str, Any] = {key: new[key] for key in new if key not in ("nodes", "links") and new[key] != old[key]}
    found["change"] = {
        str(at): {key: value for key, value in after.items() if before[key] != value}
        for at, (before, after) in enumerate(zip(old["nodes"], new["nodes"], strict=True))
        if before != after
    }
    known = {(link["a"], link["b"]): at for at, link in enumerate(old["links"])}
    places = [known.get((link["a"], link["b"])) for link in new["links"]]
    found["links"] = [
        at if at is not None and old["links"][at] == link else link
        for at, link in zip(places, new["links"], strict=True)
    ]
    return found


def ground(analysis: Analysis, session: Session, theme: str, height: float = HEIGHT) -> Spec:
    """The two trees with their links; of a session, they show only the names. The result is shared; do not change
    it."""
    return _ground(analysis, _named(session), theme, height)


def _named(session: Session) -> Session:
    """The session with only the models, the names and the merged nodes."""
    return Session(
        model_a=session.model_a, model_b=session.model_b, names_a=session.names_a, names_b=session.names_b,
        merged_a=session.merged_a, merged_b=session.merged_b,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Layout:
    """Both trees in their frame, the styles of their nodes, and the places of their holes."""

    frame: Frame
    placed: dict[Side, Placed]
    styles: dict[Side, dict[int, NodeStyle]]
    holes: dict[Side, list[dict[str, Any]]]

    def meta(self, sets: dict[Side, LevelSets], session: Session) -> dict[str, Any]:
        """All facts except those of links."""
        frame = self.frame
        return {
            "kind": "trees", "floor": frame.floor, "width": WIDTH, "end": END,
            "column": [column(frame, side) for side in SIDES] if frame.crowded else None,
            "nodes": [
                fact
                for side in SIDES
                for fact in _facts(self.placed[side], self.styles[side], _opens(sets[side], by_hand(session, side)))
            ],
            "holes": [*self.holes["a"], *self.holes["b"]],
        }  # fmt: skip


def _laid(analysis: Analysis, session: Session, theme: Theme, height: float) -> _Layout:
    orders = slots(analysis)
    frame = Frame(analysis.cut(0.0), row_count(orders), height)
    placed: dict[Side, Placed] = {side: frame.placed(analysis.tree(side), orders[side], side) for side in SIDES}
    return _Layout(
        frame,
        placed,
        {side: node_styles(analysis, session, side, theme) for side in SIDES},
        {side: hole_facts(placed[side], frame) for side in SIDES},
    )


# An edit compares the old facts with the new ones; the old ones are cached.
@lru_cache(maxsize=16)
def _facts_of(analysis: Analysis, session: Session, theme: str) -> dict[str, Any]:
    colors = THEMES[theme]
    laid = _laid(analysis, session, colors, HEIGHT)
    gone = () if analysis.preview is None else analysis.preview.gone
    leaves = {pair.a for pair in analysis.matching.leaf_pairs}
    return laid.meta(_sets(analysis), session) | {
        "models": [session.model_a, session.model_b],
        "links": link_facts(analysis, laid.styles["a"], colors),
        "gone": [list(pair) for pair in gone],
        "inner": [[pair.a, pair.b] for pair in analysis.matching.pairs if pair.a not in leaves],
    }


@lru_cache(maxsize=16)
def _ground(analysis: Analysis, session: Session, theme: str, height: float) -> Spec:
    colors = THEMES[theme]
    laid = _laid(analysis, session, colors, height)
    frame, placed, styles = laid.frame, laid.placed, laid.styles
    curves, link_list = links(analysis, placed, styles["a"], frame, colors)
    data = [
        trace
        for side in SIDES
        for trace in (*_tree(placed[side], styles[side], frame, colors), *holes(laid.holes[side], frame, colors))
    ]
    chart = bare_layout(
        theme,
        xaxis={"visible": False, "range": [-0.06, END + 0.06], "fixedrange": True},
        yaxis={"visible": False, "range": list(frame.window), "fixedrange": True},
        annotations=[tick for side in SIDES for tick in _ticks(frame, side, colors)],
        shapes=[line for side in SIDES for line in _grid(frame, side, colors)],
        meta=laid.meta(_sets(analysis), session) | {"links": link_list},
    )
    return {"data": data + curves, "layout": chart}


def _sets(analysis: Analysis) -> dict[Side, LevelSets]:
    return {side: analysis.level_sets(side) for side in SIDES}


def _opens(sets: LevelSets, hand: ByHand) -> dict[int, dict[str, Any]]:
    """For each node that can be split: how many leaves are `inside`, and the node to split by, which is the saddle that
    was merged by hand or else the most persistent leaf that was simplified away."""
    found = {node: {"inside": len(leaves), "opens": leaves[0]} for node, leaves in sets.inside.items()}
    for node, saddle in sets.merged_at(hand).items():
        found[node] = {"inside": len(sets.inside.get(node, ())), "opens": saddle, "merged": True}
    return found


def _tree(placed: Placed, styles: Mapping[int, NodeStyle], frame: Frame, theme: Theme) -> tuple[Spec, ...]:
    """The branches, the nodes (leaves sized by mass), the errors of their levels, and the leaves' names."""
    place = placed.place
    gaps = np.full((len(place), 1, 2), np.nan)
    x, y = np.concatenate((placed.branches, gaps), axis=1).reshape(-1, 2).T
    width = round(0.7 + 0.7 * frame.scale, 2)
    shown = [styles[node] for node in placed.tree.id.tolist()]
    nodes = {
        "type": "scatter", "mode": "markers", "hoverinfo": "skip",
        "x": packed(place[:, 0]), "y": packed(place[:, 1]),
        "marker": {
            "size": packed(placed.size),
            "color": [style.color if leaf else theme.paper for style, leaf in zip(shown, placed.leaf, strict=True)],
            "line": {"width": width, "color": [style.color for style in shown]},
            "opacity": 1,
        },
    }  # fmt: skip
    return (
        lines(packed(x), packed(y), color=theme.soft, width=width),
        nodes,
        error_bars(placed, frame, theme),
        _names(placed, shown, frame, theme),
    )


def _names(placed: Placed, shown: list[NodeStyle], frame: Frame, theme: Theme) -> Spec:
    """Names next to leaves on the inner side, in one column where leaves are many, and above named inner nodes."""
    rows = [row for row, style in enumerate(shown) if style.label and placed.named.get(row, True)]
    position = f"middle {'right' if placed.side == 'a' else 'left'}"
    names = column(frame, placed.side)
    across = [names if placed.leaf[row] and frame.crowded else placed.place[row, 0] for row in rows]
    # Invisible marks keep the names away from the leaves.
    size = np.full(len(rows), 1.0) if frame.crowded else placed.size[rows]
    return {
        "type": "scatter", "mode": "markers+text", "hoverinfo": "skip", "cliponaxis": False,
        "x": packed(np.array(across, dtype=float)), "y": packed(placed.place[rows, 1]),
        "marker": {"opacity": 0, "size": packed(size)},
        "text": [f"\u00a0{markup(shown[row])}\u00a0" for row in rows],
        "textposition": [position if placed.leaf[row] else "top center" for row in rows],
        "textfont": {
            "size": 10 if frame.crowded else 12,
            "color": [theme.ink if shown[row].matched else theme.soft for row in rows],
        },
    }  # fmt: skip


def _facts(
    placed: Placed, styles: Mapping[int, NodeStyle], opens: Mapping[int, dict[str, Any]]
) -> list[dict[str, Any]]:
    """The facts from which the browser finds, marks and describes each node."""
    across, slots = placed.place.round(4).T.tolist()
    sizes, named = placed.size.round(1).tolist(), placed.named
    return [
        {
            **own, "side": placed.side, "named": named.get(row, True), "x": x, "y": y, "size": size,
            "color": style.color, "label": style.label, "matched": style.matched, "carried": style.unconfirmed,
            **opens.get(own["id"], {}),
        }
        for row, (own, x, y, size) in enumerate(zip(_own(placed.tree), across, slots, sizes, strict=True))
        for style in (styles[own["id"]],)
    ]  # fmt: skip


@lru_cache(maxsize=16)
def _own(tree: LevelSetTree) -> list[dict[str, Any]]:
    """The facts of each node that no edit changes."""
    ids = tree.id.tolist()
    return [
        {
            "id": node, "leaf": not tree.children[row],
            "mass": round(float(tree.mass[row]), 4), "level": round(float(tree.level[row]), 3),
            "persistence": round(float(tree.persistence[row]), 3), "holes": int(tree.betti[row, 1]),
            "up": ids[tree.parent[row]] if tree.parent[row] >= 0 else None,
            "down": [ids[child] for child in tree.children[row]],
            **_errors(tree, row),
        }
        for row, node in enumerate(ids)
    ]  # fmt: skip


def _errors(tree: LevelSetTree, row: int) -> dict[str, float]:
    """Standard errors, where they are known; that of mass belongs to the basin's mass, which is included."""
    errors = {} if tree.level_error is None else {"level_error": round(float(tree.level_error[row]), 3)}
    if tree.mass_error is None:
        return errors
    basin = {"basin": round(float(tree.basin_mass[row]), 4), "basin_error": round(float(tree.mass_error[row]), 4)}
    return errors | basin


def _upright(x: float, line: Spec) -> Spec:
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line, "layer": "below"}


def _grid(frame: Frame, side: Side, theme: Theme) -> list[Spec]:
    line = {"color": theme.faint, "width": 1}
    return [_upright(float(frame.across(-level, side)), line) for level in whole_levels(frame.floor, _TICKS)]


def _ticks(frame: Frame, side: Side, theme: Theme) -> list[Spec]:
    """Levels below the peak, in nats, along the foot of the figure."""
    look = {
        "y": 0, "yref": "paper", "yanchor": "bottom", "showarrow": False, "font": {"size": 10, "color": theme.soft},
        "bgcolor": theme.paper, "borderpad": 1,
    }  # fmt: skip
    return [
        {**look, "x": float(frame.across(-level, side)), "text": f"−{level}" if level else "0 nats"}
        for level in whole_levels(frame.floor, _TICKS)
    ]
