"""The menu of what can be saved: sessions, figures, meshes and tables; and the pictures of single views."""

import io
import zipfile
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update

from core.errors import InputError
from topoviz.app.panels.latent import LATENT
from topoviz.app.panels.panel import Context
from topoviz.app.panels.trees import TREES
from topoviz.app.views import ids
from topoviz.app.views.binding import bind_event
from topoviz.app.views.markup import data
from topoviz.figures import latent, trees
from topoviz.report.export import FORMATS, export
from topoviz.report.record import with_record
from topoviz.session.analysis import analyze
from topoviz.session.checks import choice, number
from topoviz.session.composition import Composition
from topoviz.session.history import History
from topoviz.session.library import Library
from topoviz.session.log import session_file
from topoviz.session.state import Session, Side

__all__ = ["menu", "register", "stores"]

_DOWNLOAD, _REQUEST, _PICTURE = "download", "request", "picture"
_SAVE_BUTTON: Any = {"role": "button", "tabIndex": 0, "className": "button", "id": "save"}
_EXPORTS = (
    ("For the paper", (("compose", "Compose a figure…"),)),
    ("Every view as", (("svg", "SVG"), ("png", "PNG"), ("pdf", "PDF"), ("html", "HTML"))),
    ("Input level sets as", (("gltf", "glTF"), ("vtp", "VTP"), ("ply", "PLY"))),
    ("Trees and match as a graph", (("graphml", "GraphML"), ("json", "Node-link JSON"))),
    (
        "Tables",
        (("tables", "Matches, transform, LaTeX, BibTeX, methods"), ("record", "Record of how it was matched")),
    ),
)


def menu(_: Context) -> dmc.Menu:
    """The menu in the header."""
    items: list[Any] = [
        dmc.MenuLabel("Session"),
        _item("session", "Save the session"),
        _item("open", "Open a session…"),
        _item("link", "Copy a link to this view"),
    ]
    for group, entries in _EXPORTS:
        items += [dmc.MenuDivider(), dmc.MenuLabel(group), *(_item(what, text) for what, text in entries)]
    return dmc.Menu(
        id="exports",
        position="bottom-end",
        children=[
            # The wrapper is what carries the menu's state for a screen reader, so it is the button.
            dmc.MenuTarget(
                html.Span("Save"),
                boxWrapperProps=_SAVE_BUTTON,
            ),
            dmc.MenuDropdown(items),
        ],
    )


def _item(what: str, text: str) -> dmc.MenuItem:
    return dmc.MenuItem(text, **data(export=what))


def stores(_: Context) -> list[Any]:
    """What is asked for, the picture that answers, and the download."""
    return [dcc.Store(id=_REQUEST), dcc.Store(id=_PICTURE), dcc.Download(id=_DOWNLOAD)]


def register(app: Dash, context: Context) -> None:
    """Register the downloads on `app`."""
    library = context.library
    bind_event(app, "topoviz", "picture", Input(_PICTURE, "data"))

    @app.callback(
        Output(_DOWNLOAD, "data"),
        Output(ids.NOTICE, "children", allow_duplicate=True),
        Input(_REQUEST, "data"),
        State(ids.HISTORY, "data"),
        prevent_initial_call=True,
    )
    def download(request: Any, stored: Any) -> tuple[Any, Any]:
        what = request.get("what") if isinstance(request, dict) else None
        if what == "picture":
            return no_update, no_update
        try:
            session = History.from_json(stored["history"]).now
            name = f"{session.model_a}-{session.model_b}".replace("/", "-")
            if what == "session":
                text = session_file(session, request.get("log"))
                return dcc.send_string(text, f"{name}.topoviz.json"), ""
            if what == "figure":
                kind, content = _composed(library, session, request)
                return dcc.send_bytes(content, f"{name}.{kind}"), ""
            formats = (what,) if what in FORMATS else ()
            files = export(library, session, analyze(library, session), formats, stored.get("theme", "light"))
            files = with_record(() if what == "record" else files, library, session, request.get("log"))
            return dcc.send_bytes(_zipped(files), f"{name}-{what}.zip"), ""
        except InputError as error:
            return no_update, str(error)

    @app.callback(
        Output(_PICTURE, "data"),
        Input(_REQUEST, "data"),
        State(ids.HISTORY, "data"),
        prevent_initial_call=True,
    )
    def picture(request: Any, stored: Any) -> Any:
        """The whole picture of a view, of which plotly draws only the ground on the page."""
        view = request.get("view") if isinstance(request, dict) and request.get("what") == "picture" else None
        if view != TREES and view not in LATENT.values():
            return no_update
        try:
            session = History.from_json(stored["history"]).now
            analysis, theme = analyze(library, session), stored.get("theme", "light")
            if view == TREES:
                height = number("height", request.get("height"), 100, 10_000)
                return {**request, "figure": trees.spec(analysis, session, theme, height)}
            side: Side = "a" if view == LATENT["a"] else "b"
            return {**request, "figure": latent.spec(analysis, session, side, theme)}
        except InputError:
            return no_update


def _composed(library: Library, session: Session, request: dict[str, Any]) -> tuple[str, bytes]:
    """The format and content of the composed figure that was asked for."""
    from topoviz.report.figure.composed import FORMATS as DRAWN
    from topoviz.report.figure.composed import figure
    from topoviz.report.figure.linked import linked_html

    composition = Composition.from_json(request.get("figure"))
    kind = choice("figure", request.get("kind"), (*DRAWN, "html"))
    analysis = analyze(library, session)
    if kind == "html":
        return kind, linked_html(analysis, session, composition).encode()
    return kind, figure(analysis, session, composition, kind, number("dpi", request.get("dpi"), 50, 1200))


def _zipped(files: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()
