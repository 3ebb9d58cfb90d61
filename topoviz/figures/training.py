"""A training run: the curve of the held-out likelihood, and the current latent space."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from topoviz.figures.style import bare
from topoviz.figures.theme import THEMES

__all__ = ["figure"]


def figure(steps: Sequence[dict[str, Any]], theme: str) -> go.Figure:
    """Curve and latent space side by side; empty axes before the first value. Trials of a size are left out."""
    colors = THEMES[theme]
    line = {"gridcolor": colors.faint, "zeroline": False, "tickfont": {"size": 11, "color": colors.soft}}
    drawn = bare(
        theme,
        margin={"l": 46, "r": 6, "t": 8, "b": 30},
        xaxis={**line, "domain": [0, 0.56], "title": {"text": "step", "font": {"size": 11}}},
        yaxis={**line, "title": {"text": "nats", "font": {"size": 11}}},
        xaxis2={"domain": [0.66, 1], "visible": False, "anchor": "y2"},
        yaxis2={"visible": False, "scaleanchor": "x2", "anchor": "x2"},
    )
    fitted = [step for step in steps if step.get("heldout_nll") is not None and step["phase"] != "choose"]
    for key, color, width in (("train_nll", colors.unmatched, 1.2), ("heldout_nll", colors.accent, 2)):
        drawn.add_scatter(
            x=[step["step"] for step in fitted],
            y=[step.get(key) for step in fitted],
            mode="lines",
            line={"color": color, "width": width},
        )
    latent = next((step["latent"] for step in reversed(steps) if step.get("latent")), [])
    drawn.add_scatter(
        x=[point[0] for point in latent],
        y=[point[1] if len(point) > 1 else 0.0 for point in latent],
        mode="markers",
        marker={"size": 3, "color": colors.accent, "opacity": 0.6},
        xaxis="x2",
        yaxis="y2",
    )
    return drawn
