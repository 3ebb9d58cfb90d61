"""The addresses that a file is sent to, piece by piece.

They stand behind the same guard as the page. Each takes one kind of content that no other page can send unasked: what
is no plain form makes the browser ask first, and nobody answers.
"""

from dash import Dash
from flask import Response, abort, jsonify, request

from core.errors import invalid
from topoviz.jobs.uploads import CHUNK, Uploads

__all__ = ["register"]

_BYTES = "application/octet-stream"


def register(app: Dash, uploads: Uploads) -> None:
    """Register the addresses on `app`'s server."""
    server = app.server

    @server.post("/uploads")
    def begin() -> Response:
        body = request.get_json()
        if not isinstance(body, dict):
            abort(400)
        return jsonify(token=uploads.begin(str(body.get("name", "")), body.get("size")), piece=CHUNK)

    @server.put("/uploads/<token>")
    def append(token: str) -> Response:
        if request.mimetype != _BYTES:
            abort(415)
        if (request.content_length or 0) > CHUNK:
            raise invalid("piece", f"at most {CHUNK} bytes", request.content_length, "send smaller ones")
        return jsonify(received=uploads.append(token, _offset(), request.stream))

    @server.get("/uploads/<token>")
    def received(token: str) -> Response:
        return jsonify(received=uploads.received(token))

    @server.post("/uploads/<token>/end")
    def finish(token: str) -> Response:
        request.get_json()
        uploads.finish(token)
        return jsonify(token=token, name=uploads.name(token))

    @server.delete("/uploads/<token>")
    def drop(token: str) -> Response:
        uploads.drop(token)
        return jsonify()


def _offset() -> int:
    """The byte that a piece begins at."""
    text = request.args.get("offset", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise invalid("offset", "a whole number", repr(text[:20]), "send the file again")
    return int(text)
