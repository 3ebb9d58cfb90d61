"""What stands between the app and the web: who may ask, from where, how much; and what a page may do.

A loopback server is reachable by every page open in the same browser. So the Host must be ours (against names
made to point here), the Origin must be the page itself, and the page may load nothing from elsewhere.
"""

import hmac
from collections.abc import Container, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from dash.exceptions import DependencyException
from flask import Flask, Response, abort, jsonify, redirect, request
from werkzeug.exceptions import HTTPException, NotFound

from core.errors import InputError
from topoviz import __version__
from topoviz.session.settings import Settings

__all__ = ["json_object", "secure"]

_COOKIE = "topoviz-token"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_ADVICE = {
    400: "the request makes no sense to the app; reload the page.",
    401: "this app asks for its token; open the address that it printed when it started.",
    403: "the request came from another page; open the app itself.",
    404: "there is nothing at this address; start from the first page.",
    405: "this address does not take such requests; reload the page.",
    413: "that is too large; the app takes at most {limit} MiB at once.",
    415: "the request is not JSON; reload the page.",
    500: "something went wrong inside the app; its terminal says more.",
}


def secure(server: Flask, settings: Settings, script_hashes: Sequence[str] = (), outputs: Container[str] = ()) -> None:
    """Guard a Flask server: checks before every request, headers after it, one-line JSON errors, and
    /healthz.

    `script_hashes` are the sources ('sha256-...') of the inline scripts that the page may run, `outputs` the names
    of the callbacks that it may call.
    """
    server.config["MAX_CONTENT_LENGTH"] = settings.max_upload
    hosts = {"127.0.0.1", "localhost", "[::1]", _bracketed(settings.host), *settings.allowed_hosts}
    headers = _HEADERS | {"Content-Security-Policy": _policy(settings, script_hashes)}

    @server.before_request
    def check() -> Any:
        if _host_name(request.host) not in hosts:
            abort(
                400,
                "the Host header does not name this app; open the address that it printed when it started.",
            )
        if _is_foreign():
            abort(403)
        if settings.token and request.path != "/healthz":
            return _ask_token(settings.token)
        if request.path.endswith("/_dash-update-component"):
            _check_update(outputs)
        return None

    @server.after_request
    def add_headers(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    @server.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok", version=__version__)

    @server.errorhandler(HTTPException)
    def explain(error: HTTPException) -> tuple[Response, int]:
        return _explained(error, settings)

    @server.errorhandler(DependencyException)
    def no_such_script(_: DependencyException) -> tuple[Response, int]:
        return _explained(NotFound(), settings)

    @server.errorhandler(InputError)
    def refuse(error: InputError) -> tuple[Response, int]:
        return jsonify(error=str(error)), 400


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _host_name(host: str) -> str:
    """The name in a Host header, its port cut off: the port is not checked, since tunnels change it."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


def _is_foreign() -> bool:
    """Whether another page made this request. Following a link to the app is no fault."""
    origin = request.headers.get("Origin")
    if origin is not None and (urlsplit(origin).netloc != request.host or not origin.startswith("http")):
        return True
    site = request.headers.get("Sec-Fetch-Site", "none")
    follows_link = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    return site not in ("same-origin", "none") and not follows_link


def _ask_token(token: str) -> Any:
    """Let a request with the right cookie pass; turn a right ?token= into that cookie."""
    if hmac.compare_digest(request.cookies.get(_COOKIE, "").encode(), token.encode()):
        return None
    given = request.args.get("token", "")
    if request.method != "GET" or not hmac.compare_digest(given.encode(), token.encode()):
        abort(401)
    rest = [(key, value) for key, value in request.args.items(multi=True) if key != "token"]
    response = redirect(request.path + (f"?{urlencode(rest)}" if rest else ""))
    response.set_cookie(_COOKIE, token, httponly=True, samesite="Lax")
    return response


def json_object() -> dict[str, Any]:
    """The object that the present request brings; the request is refused where it brings none."""
    try:
        body = request.get_json()
    except RecursionError:
        abort(400)
    if not isinstance(body, dict):
        abort(400)
    return body


def _check_update(outputs: Container[str]) -> None:
    """Refuse what is no callback request before Dash trips over it."""
    if request.method != "POST":
        return
    body = json_object()
    if not isinstance(body.get("output"), str):
        abort(400)
    if body["output"] not in outputs:
        abort(400)
    if not all(isinstance(body.get(key, []), list) for key in ("inputs", "state", "changedPropIds")):
        abort(400)


def _explained(error: HTTPException, settings: Settings) -> tuple[Response, int]:
    code = error.code or 500
    default = type(error).description
    text = error.description if error.description and error.description != default else None
    advice = _ADVICE.get(code, "the request was refused.").format(limit=settings.max_upload >> 20)
    return jsonify(error=" ".join((text or advice).split())), code


def _policy(settings: Settings, script_hashes: Sequence[str]) -> str:
    """The content security policy: everything from here, no eval, no frame around the app unless embedded."""
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self'", *script_hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "font-src 'self' data:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors *" if settings.embed else "frame-ancestors 'none'",
        )
    )
