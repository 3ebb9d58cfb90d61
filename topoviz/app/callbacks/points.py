"""A side's points for the browser, asked for when a person brushes or lets them travel; nothing is kept here."""

from typing import Any

from dash import Dash, Input, Output

from core.errors import InputError
from topoviz.app import ids
from topoviz.figures.points import cloud, journey
from topoviz.session.analysis import analyze
from topoviz.session.checks import choice
from topoviz.session.library import Library
from topoviz.session.state import Session, Side

__all__ = ["register"]

_KINDS = {"cloud": cloud, "journey": journey}
_SIDES: dict[str, Side] = {"a": "a", "b": "b"}


def register(app: Dash, library: Library) -> None:
    """Register the callback of the points on `app`."""

    # What was asked for goes back with the answer, which the browser keeps under it.
    @app.callback(Output(ids.CLOUDS, "data"), Input(ids.CLOUDS_WANTED, "data"), prevent_initial_call=True)
    def points(wanted: Any) -> dict[str, Any]:
        asked = {key: wanted[key] for key in ("kind", "side", "key")}
        try:
            kind, side = choice("kind", wanted["kind"], _KINDS), _SIDES[choice("side", wanted["side"], _SIDES)]
            analysis = analyze(library, Session.from_json(wanted["session"]))
            return asked | {"points": _KINDS[kind](analysis, side)}
        except InputError as error:
            return asked | {"points": None, "problem": str(error)}
