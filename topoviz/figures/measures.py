"""Beside a tree's branches: how sure its levels are, and its holes.

A hole hangs beside the branch of the node that surrounds it: a ring at the level where it closes, a dashed line down
to where it is filled.
"""

from typing import Any

import numpy as np

from topoviz.figures.frame import WIDTH, Frame, Placed
from topoviz.figures.style import Spec, lines, packed, translucent
from topoviz.figures.theme import Theme

__all__ = ["error_bars", "hole_facts", "holes"]

# Pixels between a branch and the holes beside it, and from one to the next; where leaves are many, shares of a slot.
_AWAY, _LEAST, _MOST = 13.0, 0.18, 0.7
_LANES = 4


def error_bars(placed: Placed, frame: Frame, theme: Theme) -> Spec:
    """A standard error each way of every node's level; nothing where errors are not known."""
    errors = placed.tree.level_error
    known = errors is not None
    spread = WIDTH / abs(frame.floor) * (np.empty(0) if errors is None else errors)
    bars = {
        "type": "data", "array": packed(spread), "visible": known,
        # Many bars with feet would be all there is to see.
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
    """What the browser needs of each hole to find, mark and describe it: where its ring stands, where its line ends."""
    tree, side, found = placed.tree, placed.side, placed.tree.holes
    if found is None:
        return []
    start, end = frame.across(found.top, side), frame.across(found.bottom, side)
    away = float(np.clip(_AWAY / frame.pitch, _LEAST, _MOST))
    lanes = np.array(_lanes(found.node, found.top, found.bottom))
    slot = placed.place[found.node, 1] + away * (1 + 0.75 * lanes)
    return [
        {
            "side": side, "hole": at, "node": int(tree.id[node]), "x": round(float(start[at]), 4),
            "end": round(float(end[at]), 4), "y": round(float(slot[at]), 4),
            "top": round(float(found.top[at]), 3), "bottom": round(float(found.bottom[at]), 3),
            "size": _diameter(frame), "lane": int(lanes[at]),
        }
        for at, node in enumerate(found.node.tolist())
    ]  # fmt: skip


def _diameter(frame: Frame) -> float:
    return round(3.5 + 4.5 * frame.scale, 1)


def _lanes(node: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> list[int]:
    """A lane for each hole, such that on one branch no two share a lane at a level; beyond the last they do."""
    lanes = [0] * len(node)
    free: dict[tuple[int, int], float] = {}
    for at in np.argsort(-top, kind="stable").tolist():
        owner = int(node[at])
        lane = next((k for k in range(_LANES) if free.get((owner, k), np.inf) > top[at]), _LANES - 1)
        lanes[at], free[owner, lane] = lane, float(bottom[at])
    return lanes
