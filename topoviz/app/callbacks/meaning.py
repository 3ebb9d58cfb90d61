"""The addresses that tell what a node means, and what labels of one side say of the other's points.

The browser asks them when a person looks; they stand behind the same guard as the page, and write nothing.
"""

from typing import Any

from dash import Dash
from flask import Response, jsonify

from topoviz.app.carried import carried
from topoviz.app.meaning import meaning
from topoviz.app.security import json_object
from topoviz.session.checks import choice, node_id
from topoviz.session.library import Library
from topoviz.session.state import Session, Side

__all__ = ["register"]

_SIDES: dict[str, Side] = {"a": "a", "b": "b"}


def register(app: Dash, library: Library) -> None:
    """Register the addresses on `app`'s server."""
    server = app.server

    @server.post("/meaning")
    def means() -> Response:
        asked = json_object()
        return jsonify(meaning(library, _session(asked), _side(asked), node_id("node", asked.get("node"))))

    @server.post("/carried")
    def carries() -> Response:
        asked = json_object()
        return jsonify(carried(library, _session(asked), _side(asked)))


def _session(asked: dict[str, Any]) -> Session:
    return Session.from_json(asked.get("session") or {})


def _side(asked: dict[str, Any]) -> Side:
    return _SIDES[choice("side", asked.get("side"), _SIDES)]
