"""Beside each model's name: whether its training converged, and behind that badge what was measured."""

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from topoviz.app.views.markup import aria
from topoviz.figures import choice as elbow
from topoviz.session.convergence import Choice, Verdict, choices, verdict
from topoviz.session.state import Side

__all__ = ["badge"]

_SIGNS = {True: ("good", "✓", "converged"), False: ("warn", "▲", "not converged"), None: ("none", "–", "no verdict")}
_SENTENCES = {
    True: "converged: what it promises holds on points that it did not learn from.",
    False: "did not converge. What it shows may be wrong:",
    None: "has no verdict: it was trained by an earlier version. Train it again to get one.",
}


def badge(side: Side, metrics: Mapping[str, Any], theme: str) -> dmc.Popover:
    """The badge of one side's model; a click opens the reasons, the figures and how its sizes were chosen."""
    found = verdict(metrics)
    kind, sign, word = _SIGNS[found.converged]
    button = {
        "role": "button",
        "tabIndex": 0,
        "className": f"verdict {kind}",
        **aria(label=f"Model {side.upper()}: {word}, details"),
    }
    return dmc.Popover(
        position="bottom-start",
        width=376,
        shadow="md",
        withinPortal=True,
        trapFocus=True,
        returnFocus=True,
        children=[
            dmc.PopoverTarget(
                html.Span([html.Span(sign, **aria(hidden=True)), word], title=found.line),
                boxWrapperProps=button,  # pyright: ignore[reportArgumentType]
            ),
            dmc.PopoverDropdown(_details(side, found, choices(metrics), theme), className="verdict-details"),
        ],
    )


def _details(side: Side, found: Verdict, chosen: tuple[Choice, ...], theme: str) -> list[Any]:
    blocks: list[Any] = [html.P([html.B(f"Model {side.upper()} "), _SENTENCES[found.converged]])]
    if found.reasons:
        blocks.append(html.Ul([html.Li(reason) for reason in found.reasons], className="told warn"))
    if found.checks or found.fit:
        blocks += [
            html.H3("Measured"),
            html.Ul([html.Li(text) for text in found.checks], className="told good" if found.converged else "told"),
            html.Ul([html.Li(text) for text in found.fit], className="told"),
        ]
    for choice in chosen:
        drawn = dcc.Graph(
            figure=elbow.spec(choice, theme), className="elbow", config={"displayModeBar": False, "staticPlot": True}
        )
        label = f"held-out nats by {choice.what}, {choice.chosen} chosen"
        blocks += [
            html.H3(f"{choice.what.capitalize()}: {choice.chosen} chosen"),
            html.P(f"{choice.reason}.", className="words"),
            html.Div(drawn, role="img", **aria(label=label)) if choice.tried else None,
        ]
    return blocks
