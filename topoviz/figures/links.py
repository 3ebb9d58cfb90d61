"""The links between two trees that face each other: as wide as they are sure, with the changes of an explanation."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.match import Pair
from topoviz.figures.geometry.facing import Frame, Placed
from topoviz.figures.style import NodeStyle, Spec, lines, packed
from topoviz.figures.theme import Theme
from topoviz.session.analysis import Analysis
from topoviz.session.state import SIDES, Side
from topoviz.vocabulary import cost_shares, link_share, rounded, sureness

__all__ = ["column", "link_facts", "links"]

_STEPS = np.linspace(0.0, 1.0, 24)
_EASE = _STEPS**2 * (3 - 2 * _STEPS)
_MIDDLE = len(_STEPS) // 2
_COLUMN, _REACH = 0.05, 0.2


def link_facts(analysis: Analysis, styles: Mapping[int, NodeStyle], theme: Theme) -> list[dict[str, Any]]:
    """The facts from which the browser draws and describes each matched pair of leaves; `styles` are those of A."""
    new = set() if analysis.preview is None else set(analysis.preview.new)
    return [
        {
            "a": pair.a, "b": pair.b, "pinned": pair.pinned, "new": (pair.a, pair.b) in new,
            "color": theme.accent if (pair.a, pair.b) in new else styles[pair.a].color,
            "confidence": rounded(pair.confidence), "word": sureness(pair.confidence, pair.pinned),
            "terms": [[name, round(cost, 4), round(share, 3)] for name, cost, share in cost_shares(pair.terms)],
        }
        for pair in analysis.matching.leaf_pairs
    ]  # fmt: skip


def links(
    analysis: Analysis, placed: Mapping[Side, Placed], styles: Mapping[int, NodeStyle], frame: Frame, theme: Theme
) -> tuple[list[Spec], list[dict[str, Any]]]:
    """One curve for each matched pair of leaves, and `link_facts` with its position; pinned pairs have a diamond.

    In an explanation other than the best, new pairs are dashed in the accent color and lost pairs dotted.
    """
    traces, facts, pins = [], [], []
    for pair, fact in zip(analysis.matching.leaf_pairs, link_facts(analysis, styles, theme), strict=True):
        x, y = _curve(placed, frame, pair.a, pair.b)
        whole = (x, y)
        if frame.crowded:
            whole = [np.concatenate(parts) for parts in zip(whole, _leads(placed, frame, pair.a, pair.b), strict=True)]
        line = {"color": fact["color"], "dash": "7px,4px" if fact["new"] else "solid"}
        traces.append(lines(*map(packed, whole), width=_weight(pair, frame), **line) | {"opacity": 0.85})
        if pair.pinned:
            pins.append((x[_MIDDLE], y[_MIDDLE], styles[pair.a].color))
        facts.append({**fact, "x": np.round(x, 4).tolist(), "y": np.round(y, 4).tolist()})
    for a, b in () if analysis.preview is None else analysis.preview.gone:
        x, y = _curve(placed, frame, a, b)
        traces.append(lines(packed(x), packed(y), color=theme.soft, width=1.2, dash="1px,4px"))
    return [*traces, _diamonds(pins, theme)], facts


def column(frame: Frame, side: Side) -> float:
    """The position of the column of names when leaves are many, beyond the peaks."""
    return float(frame.across(0.0, side)) + (_COLUMN if side == "a" else -_COLUMN)


def _curve(placed: Mapping[Side, Placed], frame: Frame, a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
    """The curve from leaf `a` to leaf `b`, beyond their names."""
    (x0, y0), (x1, y1) = (placed[side].at(node) for side, node in zip(SIDES, (a, b), strict=True))
    x0, x1 = _reach(frame, x0, "a"), _reach(frame, x1, "b")
    return x0 + (x1 - x0) * _STEPS, y0 + (y1 - y0) * _EASE


def _leads(placed: Mapping[Side, Placed], frame: Frame, a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
    """The path of a link next to the columns of names, when leaves are many."""
    x, y = [], []
    for side, node in zip(SIDES, (a, b), strict=True):
        row = placed[side].tree.row(node)
        across, slot = placed[side].place[row]
        x += [np.nan, across, column(frame, side) if placed[side].named[row] else _reach(frame, across, side)]
        y += [np.nan, slot, slot]
    return np.array(x), np.array(y)


def _reach(frame: Frame, x: float, side: Side) -> float:
    """The start of a link beyond the name of a leaf at `x`."""
    sign = 1 if side == "a" else -1
    return column(frame, side) + 0.7 * sign * _REACH if frame.crowded else float(x) + sign * _REACH


def _weight(pair: Pair, frame: Frame) -> float:
    """The width of a link in pixels."""
    full = 3.5 if pair.pinned else 0.7 + 4.3 * link_share(pair.confidence)
    return round(full * (0.35 + 0.65 * frame.scale), 2)


def _diamonds(pins: list[tuple[float, float, str]], theme: Theme) -> Spec:
    marker = {
        "symbol": "diamond", "size": 11, "color": [color for *_, color in pins], "opacity": 1,
        "line": {"width": 1.5, "color": theme.paper},
    }  # fmt: skip
    place = {"x": [round(float(x), 4) for x, *_ in pins], "y": [round(float(y), 4) for _, y, _ in pins]}
    return {"type": "scatter", "mode": "markers", "hoverinfo": "skip", "marker": marker} | place
