"""What all views share: which color and label a node has, and a bare figure."""

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from topoviz.results import Analysis, carried_names
from topoviz.session import Name, Session, Side
from topoviz.theme import THEMES, Theme, node_color

__all__ = ["NodeStyle", "bare", "node_styles", "translucent"]

_FONT = "Inter, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class NodeStyle:
    """How one node is shown: its `color`, whether it is `matched`, its `label` (a name, or letter and number) and
    whether that is a name carried over and not yet confirmed."""

    color: str
    matched: bool
    label: str
    carried: bool = False


def node_styles(analysis: Analysis, session: Session, side: Side, theme: Theme) -> dict[int, NodeStyle]:
    """The style of each node of one side, by id.

    A leaf's number is its rank in persistence, which neither edits nor simplification change; a matched pair has the
    color of its leaf in A.
    """
    tree = analysis.tree(side)
    names = carried_names(analysis, session)[0 if side == "a" else 1]
    leaves_a = sorted(analysis.tree("a").ids(analysis.tree("a").leaves))
    partner = {getattr(pair, side): pair.a for pair in analysis.matching.pairs}
    leaves = set(tree.ids(tree.leaves))
    styles = {}
    for node in map(int, tree.id):
        matched = node in partner
        if matched and node in leaves:
            color = node_color(leaves_a.index(partner[node]), len(leaves_a))
        else:
            color = theme.soft if matched else theme.unmatched
        label = f"{side.upper()}{(node + 1) // 2}" if node in leaves else ""
        name = names.get(node, Name(label))
        styles[node] = NodeStyle(color, matched, name.text, not name.confirmed)
    return styles


def bare(theme: str, **layout: Any) -> go.Figure:
    """An empty figure on a theme's ground: no margins, no legend, no hover of plotly's own."""
    colors = THEMES[theme]
    return go.Figure(
        layout={
            "template": "none",
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": _FONT, "size": 12, "color": colors.ink},
            "showlegend": False,
            "hovermode": False,
            "dragmode": False,
            **layout,
        }
    )


def translucent(color: str, alpha: float) -> str:
    """`color` (#rrggbb) as rgba."""
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"
