"""How answers travel: compressed where that pays, and kept by the browser where their address names their version."""

import gzip
from functools import lru_cache

from flask import Flask, Response, request

__all__ = ["deliver"]

_LEAST = 2_000
# A page on the same machine is read faster than it is packed.
_LOCAL = ("127.0.0.1", "::1")
_TYPES = ("text/", "application/json", "application/javascript")
_YEAR, _DAY = 31_536_000, 86_400


def deliver(server: Flask) -> None:
    """Pack and mark the answers of a Flask server."""

    @server.after_request
    def pack(response: Response) -> Response:
        if response.status_code == 200 and request.method == "GET":
            _keep(response)
        far = request.remote_addr not in _LOCAL or "X-Forwarded-For" in request.headers
        if far and response.status_code == 200 and (response.mimetype or "").startswith(_TYPES):
            _pack(response)
        return response


def _keep(response: Response) -> None:
    """Let the browser keep what changes its address when it changes."""
    if request.path.endswith("/_favicon.ico"):
        response.headers["Cache-Control"] = f"public, max-age={_DAY}"
    elif "/assets/" in request.path and "m" in request.args:
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"


def _pack(response: Response) -> None:
    if "gzip" not in request.accept_encodings or "Content-Encoding" in response.headers:
        return
    response.direct_passthrough = False
    data = response.get_data()
    if len(data) < _LEAST:
        return
    scripts = "javascript" in (response.mimetype or "")
    response.set_data(_packed(data) if scripts else gzip.compress(data, 1))
    response.headers["Content-Encoding"] = "gzip"
    response.headers.add("Vary", "Accept-Encoding")
    etag, weak = response.get_etag()
    if etag and not weak:
        response.set_etag(etag, weak=True)


@lru_cache(maxsize=64)
def _packed(data: bytes) -> bytes:
    """A script, packed once."""
    return gzip.compress(data, 6)
