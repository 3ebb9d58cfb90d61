"""What a node means: a tab that the browser fills, and the address that it asks when a person looks.

The address is behind the same guard as the page, and writes nothing.
"""

from dash import Dash
from flask import Response, jsonify

from topoviz.app.panels.meaning.node import meaning
from topoviz.app.panels.panel import Context
from topoviz.app.web.security import json_object
from topoviz.session.checks import choice, node_id
from topoviz.session.state import SIDES, Session

__all__ = ["KEYS", "layout", "register"]

KEYS = (("M", "see what the node in hand means: examples of what it holds"),)


def layout(_: Context) -> None:
    """Empty: the browser writes the tab."""


def register(app: Dash, context: Context) -> None:
    """Register the address on `app`'s server."""

    @app.server.post("/meaning")
    def means() -> Response:
        asked = json_object()
        side = choice("side", asked.get("side"), SIDES)
        session = Session.from_json(asked.get("session") or {})
        return jsonify(meaning(context.library, session, side, node_id("node", asked.get("node"))))
