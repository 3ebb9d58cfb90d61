"""The address that writes the session: an event comes in, the history and what changes of the trees go out at once.

No callback: what it answers is to be on the screen before Dash has gone through the page.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from dash import Dash
from flask import Response
from plotly.io.json import to_json_plotly

from core.errors import InputError, invalid
from topoviz.app.panels.panel import Context
from topoviz.app.web.security import json_object
from topoviz.figures import trees
from topoviz.figures.theme import THEMES
from topoviz.session.address import from_query, to_query
from topoviz.session.analysis import Analysis, analyze
from topoviz.session.event_json import parse_event
from topoviz.session.events import reduce
from topoviz.session.history import History
from topoviz.session.library import Library
from topoviz.session.state import Session

__all__ = ["View", "register", "stored_history", "view"]

View = tuple[Analysis, Session, str]
_PATIENCE_SECONDS = 0.2
_UNDO = {"undo": History.undo, "redo": History.redo}


def register(app: Dash, context: Context) -> None:
    """Register the session's address on `app`; a visit without an address opens the settings' session, if any."""
    turns = Lock()

    @app.server.post("/edit")
    def edit() -> Response:
        asked = json_object()
        with _turn(turns):
            try:
                answer = _answered(context.library, context.settings.session, asked)
            except InputError as error:
                answer = {"error": str(error)}
        return Response(to_json_plotly(answer), mimetype="application/json")


def stored_history(stored: Any) -> tuple[History | None, str]:
    """The history that a page keeps, and the theme that it is drawn in. Raises `InputError` on what is none."""
    if stored is None:
        return None, "light"
    if not isinstance(stored, dict) or stored.get("theme") not in THEMES:
        raise invalid("stored", "a history and a theme", type(stored).__name__, "reload the page")
    return History.from_json(stored.get("history")), stored["theme"]


def view(library: Library, session: Session, theme: str) -> View | None:
    """What the page showed; None where its models are gone."""
    try:
        return analyze(library, session), session, theme
    except InputError:
        return None


@contextmanager
def _turn(turns: Lock) -> Iterator[None]:
    """One edit after the other: side by side all would be done when the last is. What takes long holds up no other."""
    mine = turns.acquire(timeout=_PATIENCE_SECONDS)
    try:
        yield
    finally:
        if mine:
            turns.release()


def _answered(library: Library, first: Session | None, asked: dict[str, Any]) -> dict[str, Any]:
    """The answer to an event of a page. Raises `InputError` where it cannot be used."""
    before, drawn = stored_history(asked.get("stored"))
    history, notice = _next(library, first, before, asked.get("event"), asked.get("query"))
    theme = asked.get("theme")
    return _edited(library, before, history, theme if theme in THEMES else "light", drawn) | {"notice": notice}


def _edited(library: Library, before: History | None, history: History, theme: str, drawn: str) -> dict[str, Any]:
    """What the page keeps after an event, and what makes its trees those of now."""
    session = history.now
    analysis = analyze(library, session)
    facts = trees.facts(analysis, session, theme)
    shown = None if before is None else view(library, before.now, drawn)
    old = None if shown is None else trees.facts(*shown)
    kept = {
        "history": history.to_json(),
        "query": to_query(session),
        "theme": theme,
        "floor": analysis.cut(0.0),
        "explanations": len(analysis.matching.alternatives) + 1 if session.complete else 1,
    }
    return {"stored": kept, "trees": None if facts is old else trees.changes(old, facts) if old else facts}


def _next(
    library: Library, first: Session | None, before: History | None, event: Any, query: Any
) -> tuple[History, str]:
    """The history after an event, and one line to tell the person where something could not be used."""
    if before is None:
        return _opened(library, first, query)
    if not isinstance(event, dict):
        return before, ""
    kind = event.get("type")
    if kind == "show":
        return before, ""
    if kind in _UNDO:
        return _UNDO[kind](before), ""
    if kind == "open-example":
        found = next((e for e in library.examples() if e.id == event.get("id")), None)
        return (before if found is None else before.push(found.session)), ""
    after = before.push(reduce(before.now, parse_event(event)))
    analyze(library, after.now)
    return after, ""


def _opened(library: Library, first: Session | None, query: Any) -> tuple[History, str]:
    """What a visit begins with: the address's session, else the one the app was started with, else the first
    example.
    """
    notice = ""
    if isinstance(query, str) and "a=" in query:
        try:
            session = from_query(query)
            analyze(library, session)
            return History(session), ""
        except InputError as error:
            notice = f"The address could not be opened: {error}"
    session = first or library.first_session()
    if not session.model_a:
        raise InputError("There are no models to show yet: train one with the + above, or start with --models FOLDER.")
    return History(session), notice
