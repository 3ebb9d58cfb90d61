"""The marks next to a tree's branches: the errors of its levels, and its holes.

A hole is drawn next to the branch of the node that surrounds it: a ring at the level where it closes, and a dashed line
down to where it is filled.
"""

from typing import Any

import numpy as np

from topoviz.figures.geometry.facing import Frame, Placed
from topoviz.figures.style import Spec, lines, packed, translucent
from topoviz.figures.theme import Theme

__all__ = ["error_bars", "hole_facts", "holes"]


def error_bars(placed: Placed, frame: Frame, theme: Theme) -> Spec:
    """One standard error of every node's level to either side; nothing where errors are not known."""
    known = placed.spread is not None
    bars = {
        "type": "data", "array": packed(np.empty(0) if placed.spread is None else placed.spread), "visible": known,
        # With end caps, many bars would hide everything else.
        "thickness": 1 if frame.crowded else 1.2, "width": 0 if frame.crowded else 2,
        "color": translucent(theme.ink, 0.45) if frame.crowded else theme.ink,
    }  # fmt: skip
    at = placed.place if known else np.empty((0, 2))
    unseen = {"size": 1, "opacity": 0}
    return {
        "type": "scatter", "mode": "markers", "hoverinfo": "skip", "marker": unseen,
        "x": packed(at[:, 0]), "y": packed(at[:, 1]), "error_x": bars,
    }  # fmt: skip


def holes(facts: list[dict[str, Any]], frame: Frame, theme: Theme) -> tuple[Spec, Spec]:
    """The dashed lines and the rings of one side's holes, as `hole_facts` places them."""
    gaps = [(value, fact["y"]) for fact in facts for value in (fact["x"], fact["end"], np.nan)]
    x, y = np.array(gaps).reshape(-1, 2).T
    ring = {
        "type": "scatter", "mode": "markers", "hoverinfo": "skip",
        "x": packed(np.array([fact["x"] for fact in facts], dtype=float)),
        "y": packed(np.array([fact["y"] for fact in facts], dtype=float)),
        "marker": {
            "size": _diameter(frame), "color": theme.paper, "opacity": 1,
            "line": {"width": 1.4, "color": theme.soft},
        },
    }  # fmt: skip
    return lines(packed(x), packed(y), color=theme.soft, width=1.2, dash="2px,2px"), ring


def hole_facts(placed: Placed, frame: Frame) -> list[dict[str, Any]]:
    """The facts from which the browser finds, marks and describes each hole: the place of its ring, the end of its
    line."""
    tree, found, shown = placed.tree, placed.tree.holes, placed.holes
    if found is None:
        return []
    return [
        {
            "side": placed.side, "hole": at, "node": int(tree.id[node]), "x": round(float(shown.top[at]), 4),
            "end": round(float(shown.bottom[at]), 4), "y": round(float(shown.slot[at]), 4),
            "top": round(float(found.top[at]), 3), "bottom": round(float(found.bottom[at]), 3),
            "size": _diameter(frame), "lane": int(shown.lane[at]),
        }
        for at, node in enumerate(found.node.tolist())
    ]  # fmt: skip


def _diameter(frame: Frame) -> float:
    return round(3.5 + 4.5 * frame.scale, 1)
