"""Suggestions and the comparison of two matches: made when their tab is open, from the session of that moment alone.

history, tab, other match, theme --(browser: only where such a tab is open)--> question --> suggestions, comparison
"""

from dataclasses import replace
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, html, no_update

from core.errors import InputError, invalid
from core.match import outlook
from topoviz.app import ids
from topoviz.app.views import curation
from topoviz.app.views.markup import Styles
from topoviz.figures.style import node_styles
from topoviz.figures.theme import THEMES
from topoviz.session.analysis import Analysis, analyse
from topoviz.session.difference import compare, same_models
from topoviz.session.library import Library
from topoviz.session.log import session_and_log
from topoviz.session.state import Session

__all__ = ["register"]


def register(app: Dash, library: Library) -> None:
    """Register the callbacks of the curation's tabs on `app`."""
    app.clientside_callback(
        ClientsideFunction("curation", "asked"),
        Output(ids.CURATED, "data"),
        Input(ids.HISTORY, "data"),
        Input(ids.TAB, "data"),
        Input(ids.OTHER, "data"),
        prevent_initial_call=True,
    )

    app.clientside_callback(
        ClientsideFunction("curation", "judged"),
        Output(ids.PICKED, "data", allow_duplicate=True),
        Input(ids.JUDGED, "data"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output(ids.SUGGESTIONS, "children"),
        Output(ids.COMPARED, "children"),
        Input(ids.CURATED, "data"),
        prevent_initial_call=True,
    )
    def show(question: Any) -> tuple[Any, Any]:
        tab = question.get("tab") if isinstance(question, dict) else None
        try:
            if tab == ids.SUGGESTIONS:
                return _suggestions(library, _session(question), _theme(question)), no_update
            if tab == ids.COMPARISON:
                return no_update, _comparison(library, question)
        except InputError as error:
            told = html.P(str(error), className="hint problem", role="alert")
            return (told, no_update) if tab == ids.SUGGESTIONS else (no_update, told)
        return no_update, no_update


def _session(question: dict[str, Any]) -> Session:
    return Session.from_json(question.get("session") or {})


def _theme(question: dict[str, Any]) -> str:
    theme = question.get("theme")
    return theme if theme in THEMES else "light"


def _styles(analysis: Analysis, session: Session, theme: str) -> Styles:
    return {
        "a": node_styles(analysis, session, "a", THEMES[theme]),
        "b": node_styles(analysis, session, "b", THEMES[theme]),
    }


def _suggestions(library: Library, session: Session, theme: str) -> list[Any]:
    """On the best matching around the pins and bans, whichever is looked at."""
    best = replace(session, alternative=0, complete=True)
    analysis = analyse(library, best)
    return curation.suggestions(outlook(analysis.matching), analysis, best, _styles(analysis, best, theme))


def _comparison(library: Library, question: dict[str, Any]) -> Any:
    other = question.get("other")
    if other is None:
        return html.P(
            "Load another person's session of these two models, or keep this match and compare with it later.",
            className="hint",
        )
    if not isinstance(other, dict):
        raise invalid("other", "a session", type(other).__name__, "load a session file")
    session, theme = _session(question), _theme(question)
    there = session_and_log(other)[0]
    same_models(session, there)
    found = compare((session, analyse(library, session)), (there, analyse(library, there)))
    return curation.comparison(found, _styles(analyse(library, session), session, theme))
