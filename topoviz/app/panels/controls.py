"""The controls of the session: the example, the two models, the level, the simplification, undo and redo."""

from typing import Any

from dash import Dash, Input, Output, html

from topoviz.app.panels.panel import Context
from topoviz.app.views import ids
from topoviz.app.views.binding import bind
from topoviz.app.views.controls import icon, select, slider

__all__ = ["EXAMPLE", "KEYS", "LEVEL", "MODELS", "REDO", "SIMPLIFY", "UNDO", "layout", "register"]

EXAMPLE = "example"
MODELS = {"a": "model-a", "b": "model-b"}
LEVEL = "level"
SIMPLIFY = "simplify"
UNDO = "undo"
REDO = "redo"
KEYS = (("Ctrl Z, Ctrl Shift Z", "undo, redo"),)


def layout(_: Context) -> list[Any]:
    """The controls in the header."""
    return [
        select(EXAMPLE, "Example", 160),
        html.Span(className="rule"),
        select(MODELS["a"], "A", 136),
        select(MODELS["b"], "B", 136),
        html.Span(className="rule"),
        slider(LEVEL, "Level", 0, 1, 0.01),
        slider(SIMPLIFY, "Simplify", 0.02, 3, 0.02),
        html.Span(className="push"),
        icon(UNDO, "↶", "Undo (Ctrl+Z)"),
        icon(REDO, "↷", "Redo (Ctrl+Shift+Z)"),
        html.Span(className="rule"),
    ]


def register(app: Dash, _: Context) -> None:
    """Bind the pickers to the event that opens an example or models."""
    pickers = [Input(name, "value") for name in (EXAMPLE, MODELS["a"], MODELS["b"])]
    bind(app, "topoviz", "pick", Output(ids.PICKED, "data"), *pickers)
