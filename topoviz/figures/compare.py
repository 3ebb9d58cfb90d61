"""The translators side by side: one line for each, one panel for each figure of merit; ours in the accent color."""

from collections.abc import Mapping, Sequence
from typing import Any

from topoviz.figures.style import Spec, bare_layout, escaped
from topoviz.figures.theme import THEMES

__all__ = ["spec"]

# For each panel: the key, the title, and the value beyond which a dot is drawn at the edge.
_PANELS: tuple[tuple[str, str, tuple[float | None, float | None]], ...] = (
    ("r2", "R² on true pairs", (0.0, 1.0)),
    ("label_accuracy", "label of the nearest", (0.0, 1.0)),
    ("retrieval", "nearest is its own", (0.0, 1.0)),
    ("score", "pair-free score (nats)", (-2.0, 0.0)),
    ("sliced_wasserstein", "distance of the clouds", (0.0, None)),
)
_LEGEND = "Blue: starts from the matched trees. Hollow: fitted to pairs. What lies beyond a panel is drawn at its edge."
_MOST = 3
_GAP = 0.05


def spec(document: Mapping[str, Any], theme: str) -> Spec:
    """The finished methods of a comparison (`topoviz compare --json`), from best to worst.

    At most three panels: the first figures that were measured, and the distance between the clouds. A value beyond its
    panel is drawn at the edge with its number next to it.
    """
    colors = THEMES[theme]
    rows = [row for row in document["methods"] if row["status"] == "done"]
    panels = _shown(rows)
    share = (1 - _GAP * (len(panels) - 1)) / max(len(panels), 1)
    layout = bare_layout(
        theme,
        margin={"l": 210, "r": 24, "t": 64, "b": 72},
        title={
            "text": escaped(f"{document['model_a']} to {document['model_b']}"),
            "font": {"size": 15},
            "x": 0.01,
            "xanchor": "left",
        },
        yaxis={
            "autorange": "reversed",
            "showgrid": False,
            "tickfont": {"size": 13, "color": colors.ink},
            "type": "category",
            "ticksuffix": "  ",
        },
        annotations=[_note(_LEGEND, 0.0, 0.0, -64, colors.soft)],
    )
    traces = []
    for at, (key, title, edges) in enumerate(panels):
        left = at * (share + _GAP)
        axis = f"x{at + 1}" if at else "x"
        low, high = _range(rows, key, edges)
        layout["xaxis" + axis[1:]] = {
            "domain": [left, left + share],
            "range": [low - 0.04 * (high - low), high + 0.22 * (high - low)],
            "zeroline": False,
            "gridcolor": colors.faint,
            "nticks": 4,
            "tickfont": {"size": 11, "color": colors.soft},
            "anchor": "y",
        }
        layout["annotations"].append(_note(title, left, 1.0, 20, colors.soft))
        traces.append(_dots([row for row in rows if row[key] is not None], key, (low, high), axis, theme))
    return {"data": traces, "layout": layout}


def _shown(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, tuple[float | None, float | None]]]:
    """The panels to draw."""
    measured = [panel for panel in _PANELS if any(row[panel[0]] is not None for row in rows)]
    return [*measured[:-1][: _MOST - 1], *measured[-1:]]


def _range(
    rows: Sequence[Mapping[str, Any]], key: str, edges: tuple[float | None, float | None]
) -> tuple[float, float]:
    values = [row[key] for row in rows if row[key] is not None]
    low = min(values) if edges[0] is None else edges[0]
    high = max(values) if edges[1] is None else edges[1]
    return low, max(high, low + 1e-3)


def _dots(rows: Sequence[Mapping[str, Any]], key: str, within: tuple[float, float], axis: str, theme: str) -> Spec:
    """One dot for each method: filled where it used no pairs, hollow where it did."""
    colors = THEMES[theme]
    own = [colors.accent if row["ours"] else colors.unmatched for row in rows]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [min(max(row[key], within[0]), within[1]) for row in rows],
        "y": [f"<b>{row['method']}</b>" if row["ours"] else row["method"] for row in rows],
        "text": [f"{row[key]:.3f}" for row in rows],
        "textposition": "middle right",
        "textfont": {"size": 11, "color": [colors.ink if row["ours"] else colors.soft for row in rows]},
        "marker": {
            "size": 11,
            "color": [colors.paper if row["uses_pairs"] else color for row, color in zip(rows, own, strict=True)],
            "line": {"color": own, "width": 2},
            "opacity": 1,
        },
        "cliponaxis": False,
        "xaxis": axis,
        "yaxis": "y",
    }


def _note(text: str, x: float, y: float, shift: int, color: str) -> Spec:
    """A line of text at a place of the figure (0 to 1), `shift` pixels above it."""
    return {
        "text": text,
        "x": x,
        "y": y,
        "yshift": shift,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "showarrow": False,
        "font": {"size": 12, "color": color},
    }
