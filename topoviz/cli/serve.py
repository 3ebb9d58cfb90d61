"""Start the app: find a port, answer at once, open the browser."""

import argparse
import contextlib
import socket
import sys
import threading
import webbrowser
from typing import Any

from core.errors import InputError, invalid
from topoviz.cli.common import read_session, say
from topoviz.session.settings import DEFAULT_PORT, Settings

__all__ = ["serve"]

_THREADS = 8
_PORTS_TO_TRY = 20


def serve(arguments: argparse.Namespace) -> dict[str, Any]:
    """Serve the app until interrupted."""
    settings = _settings(arguments)
    with _listen(settings, asked_for=arguments.port is not None) as listener:
        port = listener.getsockname()[1]
        from waitress.server import create_server

        from topoviz.app.server import create_app

        app = create_app(settings)
        server = create_server(
            app.server, sockets=[listener], threads=_THREADS, ident=None, clear_untrusted_proxy_headers=True
        )
        address = _address(settings, port)
        say(f"topoviz is at {address} (Ctrl+C stops it)")
        if settings.open_browser:
            # The socket listens already: the browser waits for the first answer, not for us.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        threading.Thread(target=_warm_up, args=(settings,), daemon=True).start()
        with contextlib.closing(server):
            server.run()
    return {"address": address}


def _warm_up(settings: Settings) -> None:
    """Import, compile and compute what the first page needs while the browser opens."""
    from topoviz.session.analysis import analyze
    from topoviz.session.library import Library

    library = Library(settings)
    session = settings.session or library.first_session()
    if session.model_a:
        # What cannot be opened the page itself says.
        with contextlib.suppress(InputError):
            analysis = analyze(library, session)
            _ = analysis.verdict, analysis.mapped


def _settings(arguments: argparse.Namespace) -> Settings:
    session = None if arguments.session is None else read_session(arguments.session)[0]
    given: dict[str, Any] = {} if arguments.models is None else {"models": arguments.models}
    if arguments.models is not None and arguments.models.exists() and not arguments.models.is_dir():
        raise invalid("models", "a folder", arguments.models, "name the folder that holds model folders")
    return Settings(
        host=arguments.host,
        port=DEFAULT_PORT if arguments.port is None else arguments.port,
        session=session,
        open_browser=not arguments.no_browser,
        allow_remote=arguments.allow_remote,
        allowed_hosts=tuple(arguments.allowed_hosts),
        **given,
    )


def _listen(settings: Settings, asked_for: bool) -> socket.socket:
    """A bound socket at the port asked for, or at the first free one from the usual port on."""
    ports = range(settings.port, settings.port + (1 if asked_for else _PORTS_TO_TRY))
    problem = ""
    for port in ports:
        try:
            listener = _bound(settings.host, port)
        except socket.gaierror:
            raise invalid("host", "an address of this machine", settings.host, "use 127.0.0.1") from None
        except OSError as error:
            problem = error.strerror or str(error)
        else:
            if port != settings.port:
                say(f"port {settings.port} is taken; using {port}")
            return listener
    tried = f"port {ports[0]}" if asked_for else f"every port from {ports[0]} to {ports[-1]}"
    raise InputError(f"{tried} at {settings.host} is refused ({problem}); choose another with --port.")


def _bound(host: str, port: int) -> socket.socket:
    name = host.strip("[]")
    family, kind, _, _, address = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind)
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def _address(settings: Settings, port: int) -> str:
    host = "localhost" if settings.host in ("0.0.0.0", "::") else settings.host
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{host}:{port}/" + (f"?token={settings.token}" if settings.token else "")
