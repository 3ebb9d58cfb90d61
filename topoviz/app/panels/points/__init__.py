"""A side's points for the browser, asked for when a person brushes or lets them travel, and their labels, to color them
by; nothing is kept here. The line under the trees says which points are brushed."""

from typing import Any

from dash import Dash, Input, Output, dcc, html
from flask import Response, jsonify

from core.errors import InputError
from topoviz.app.panels.panel import Context
from topoviz.app.panels.points.labels import mapped_labels
from topoviz.app.views.binding import bind_event
from topoviz.app.views.markup import aria
from topoviz.app.web.security import json_object
from topoviz.figures.points import cloud, journey
from topoviz.session.analysis import analyze
from topoviz.session.checks import choice
from topoviz.session.labels import read_labels
from topoviz.session.state import SIDES, Session

__all__ = ["KEYS", "layout", "register", "stores"]

KEYS = (
    ("L, then drag in a latent or input view", "brush points with a lasso; Shift-drag draws a box, Control adds"),
    ("B", "brush the points of the node in hand"),
)
# What the browser asks for, and the answer.
_WANTED, _CLOUDS = "clouds-wanted", "clouds"
_KINDS = {"cloud": cloud, "journey": journey}


def layout(_: Context) -> html.Div:
    """The line that says which points are brushed, filled by the browser."""
    clear = html.Button("×", className="icon", hidden=True, title="Clear (Escape)", **aria(label="Clear the brush"))
    line = html.Div([html.Span(), clear], id="brushed", className="brushed-line", role="status")
    return html.Div(line, className="brushed-place")


def stores(_: Context) -> list[dcc.Store]:
    """The question for points and its answer."""
    return [dcc.Store(id=name) for name in (_WANTED, _CLOUDS)]


def register(app: Dash, context: Context) -> None:
    """Register the callback of the points on `app`, and the addresses of their labels."""
    library = context.library
    bind_event(app, "topovizPoints", "taken", Input(_CLOUDS, "data"))

    # What was asked for goes back with the answer, which the browser keeps under it.
    @app.callback(Output(_CLOUDS, "data"), Input(_WANTED, "data"), prevent_initial_call=True)
    def points(wanted: Any) -> dict[str, Any]:
        asked = {key: wanted[key] for key in ("kind", "side", "key")}
        try:
            kind, side = choice("kind", wanted["kind"], _KINDS), choice("side", wanted["side"], SIDES)
            analysis = analyze(library, Session.from_json(wanted["session"]))
            return asked | {"points": _KINDS[kind](analysis, side)}
        except InputError as error:
            return asked | {"points": None, "problem": str(error)}

    @app.server.get("/labels/<path:model>")
    def labels(model: str) -> Response:
        """The labels of a model's own points."""
        found = read_labels(library.entry(model).folder)
        return jsonify({} if found is None else {"column": found.column, "names": found.names, "values": found.values})

    # Behind the same guard as the page; it writes nothing.
    @app.server.post("/carried")
    def mapped() -> Response:
        """What the labels of one side say of the other side's points."""
        asked = json_object()
        side = choice("side", asked.get("side"), SIDES)
        return jsonify(mapped_labels(library, Session.from_json(asked.get("session") or {}), side))
