"""The matchings within the margin, one at a time: where one stands, how it differs from the best, and to adopt it."""

import json
from typing import Any

from dash import html

from topoviz.app.views.markup import Styles, aria, data
from topoviz.session.analysis import Analysis
from topoviz.session.explanations import Preview
from topoviz.session.state import Session

__all__ = ["stepper"]


def stepper(analysis: Analysis, session: Session, styles: Styles) -> list[Any]:
    """Nothing where the best matching has no rivals."""
    others = len(analysis.matching.alternatives)
    if not others or not session.complete:
        return []
    preview = analysis.preview
    at = preview.index if preview else 0
    steps = html.Div(
        className="stepper",
        role="group",
        **aria(label="Matchings within the margin"),
        children=[
            _step("‹", "Previous matching ([)", (at - 1) % (others + 1)),
            html.Span([html.B(str(at + 1)), f" of {others + 1}"], role="status"),
            _step("›", "Next matching (])", (at + 1) % (others + 1)),
            _adopt(analysis, preview) if preview else html.Span("best", className="hint"),
        ],
    )
    return [steps, *(_differences(analysis, preview, styles) if preview else ())]


def _step(sign: str, label: str, alternative: int) -> html.Button:
    return html.Button(
        sign,
        className="chip",
        title=label,
        **data(event="choose-alternative", alternative=alternative),
        **aria(label=label),
    )


def _adopt(analysis: Analysis, preview: Preview) -> html.Button:
    pairs = analysis.matching.alternatives[preview.index - 1].pairs
    return html.Button(
        "adopt",
        className="chip strong",
        title="Pin these pairs (Ctrl+Z takes it back)",
        **data(event="adopt", pairs=json.dumps(pairs), bans=json.dumps(preview.freed)),
    )


def _differences(analysis: Analysis, preview: Preview, styles: Styles) -> list[Any]:
    """The cost, and a line for each pair that is not in the best matching or has gone from it."""
    was, now = dict(preview.gone), dict(preview.new)
    lines = []
    for a in sorted({*was, *now}):
        partner = styles["b"][now[a]].label if a in now else "left out"
        before = f" (best: {styles['b'][was[a]].label if a in was else 'none'})"
        held = {"tabIndex": 0, **data(a=a, b=now[a])} if a in now else {}
        lines.append(html.Li([f"{styles['a'][a].label} → ", html.B(partner), before], **held))
    return [
        html.P(f"Costs {_amount(preview.extra)} more than the best.", className="words"),
        html.Ul(lines, className="differences", **aria(label="What differs from the best matching")),
    ]


def _amount(extra: float) -> str:
    return "less than 0.001" if extra < 0.001 else f"{extra:.3f}"
