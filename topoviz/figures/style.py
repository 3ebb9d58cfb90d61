"""What all views share: colors and labels of nodes, bare layouts, packed arrays.

A figure here is plain JSON, `{"data": [...], "layout": {...}}`: plotly's own objects check every value, which takes
longer than all the rest of an edit.
"""

import base64
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import plotly.graph_objects as go

from topoviz.figures.shades import leaf_colors
from topoviz.figures.theme import THEMES, Theme, rgb
from topoviz.session.analysis import Analysis, mapped_names
from topoviz.session.naming import leaf_name
from topoviz.session.state import Name, Session, Side

__all__ = [
    "NodeStyle", "Spec", "bare", "bare_layout", "escaped", "lines", "markup", "node_styles", "packed", "translucent",
]  # fmt: skip

Spec = dict[str, Any]

_FONT = "Inter, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class NodeStyle:
    """How one node is shown: its `color`, whether it is `matched`, its `label` (a name, or letter and number), and
    whether that is an `unconfirmed` name mapped from the other side."""

    color: str
    matched: bool
    label: str
    unconfirmed: bool = False


def node_styles(analysis: Analysis, session: Session, side: Side, theme: Theme) -> dict[int, NodeStyle]:
    """The style of each node of one side, by id. The result is shared; do not change it.

    A leaf's number is its rank in persistence, which neither edits nor simplification change. A matched pair has the
    color of its leaf in A. With many leaves, those of a branch have shades of one color.
    """
    return _node_styles(analysis, Session(names_a=session.names_a, names_b=session.names_b), side, theme)


# Every view needs them, and an edit needs them twice: for the old and for the new session.
@lru_cache(maxsize=64)
def _node_styles(analysis: Analysis, session: Session, side: Side, theme: Theme) -> dict[int, NodeStyle]:
    tree = analysis.tree(side)
    names = mapped_names(analysis, session)[0 if side == "a" else 1]
    colors = leaf_colors(analysis.tree("a"), theme)
    partner = {getattr(pair, side): pair.a for pair in analysis.matching.pairs}
    leaves = set(tree.ids(tree.leaves))
    styles = {}
    for node in map(int, tree.id):
        matched = node in partner
        plain = theme.soft if matched else theme.unmatched
        color = colors[partner[node]] if matched and node in leaves else plain
        label = leaf_name(side, node) if node in leaves else ""
        name = names.get(node, Name(label))
        styles[node] = NodeStyle(color, matched, name.text, not name.confirmed)
    return styles


def bare(theme: str, **layout: Any) -> go.Figure:
    """An empty figure on a theme's background, as a plotly object."""
    return go.Figure(layout=bare_layout(theme, **layout))


def bare_layout(theme: str, **layout: Any) -> Spec:
    """A layout on a theme's background, without margins, legend and plotly's hover."""
    return {
        "template": {},
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": _FONT, "size": 12, "color": THEMES[theme].ink},
        "showlegend": False,
        "hovermode": False,
        "dragmode": False,
        **layout,
    }


def packed(array: np.ndarray) -> Spec:
    """An array as plotly.js reads it without parsing numbers: base64 of its bytes, floats in single precision."""
    array = np.ascontiguousarray(array, dtype=np.float32 if array.dtype.kind == "f" else np.int32)
    spec: Spec = {"dtype": f"{array.dtype.kind}4", "bdata": base64.b64encode(array.tobytes()).decode()}
    return spec | ({"shape": ", ".join(map(str, array.shape))} if array.ndim > 1 else {})


def lines(x: Any, y: Any, **line: Any) -> Spec:
    """A trace of lines through packed or plain coordinates."""
    return {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "x": x, "y": y, "line": line}


def markup(style: NodeStyle) -> str:
    """A label in plotly's markup, in italics where the name is unconfirmed."""
    text = escaped(style.label)
    return f"<i>{text}</i>" if style.unconfirmed else text


def escaped(text: str) -> str:
    """Text escaped for plotly."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def translucent(color: str, alpha: float) -> str:
    """`color` (#rrggbb) as rgba."""
    red, green, blue = rgb(color)
    return f"rgba({red},{green},{blue},{alpha})"
