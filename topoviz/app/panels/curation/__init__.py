"""The tabs in which a match is curated: what to ask next, the log of edits, two matches compared.

Suggestions and the comparison are made when their tab is open, from the session of that moment alone. The log stays in
the browser.

history, tab, other match, theme --(browser: only where such a tab is open)--> question --> suggestions, comparison
"""

from dataclasses import replace
from typing import Any

from dash import Dash, Input, Output, dcc, html, no_update

from core.errors import InputError, invalid
from core.match import outlook
from topoviz.app.panels.curation.comparison import comparison
from topoviz.app.panels.curation.suggestions import suggestions
from topoviz.app.panels.panel import Context
from topoviz.app.views import ids
from topoviz.app.views.binding import bind, bind_event
from topoviz.app.views.markup import aria, data, styles_of
from topoviz.figures.theme import THEMES
from topoviz.session.analysis import analyze
from topoviz.session.difference import compare, same_models
from topoviz.session.library import Library
from topoviz.session.log import session_and_log
from topoviz.session.state import EDIT_FIELDS, Session
from topoviz.vocabulary import VERDICTS

__all__ = ["KEYS", "compared", "log", "register", "stores", "suggested"]

KEYS = (("in the suggestions: Y, N, S, arrow keys", "confirm, reject, skip, go from one to the next"),)
_SUGGESTIONS, _COMPARISON, _COMPARED = "suggestions", "comparison", "compared"
# Which tab is open, the other match, and the question that the browser makes of them.
_TAB, _OTHER, _QUESTION = "curation-tab", "curation-other", "curated"


def suggested(_: Context) -> None:
    """Empty: a callback fills the tab."""


def log(_: Context) -> list[Any]:
    """Empty: the browser keeps the log and writes it here."""
    return [
        html.Div(
            className="log-head",
            children=[
                html.Label("Your name", htmlFor="log-by"),
                html.Div(id="log-by-place"),
                html.Button("Save the record", className="chip", title="As .md and .json", **data(export="record")),
            ],
        ),
        html.Ol(
            id="log-list",
            className="log-list",
            **data(fields=",".join(EDIT_FIELDS), verdicts=",".join(VERDICTS)),
            **aria(label="Edits, newest first"),
        ),
        html.P("No edits yet: what you link, ban, name or set is written here.", id="log-empty", className="hint"),
    ]  # fmt: skip


def compared(_: Context) -> list[Any]:
    """The buttons that bring another match, and the place of the comparison."""
    return [
        html.Div(
            className="compare-head",
            children=[
                html.Button("Load a session…", className="chip", **data(compare="load")),
                html.Button("Keep this match", className="chip", **data(compare="keep")),
                html.Span(id="compare-name", className="compare-name"),
                html.Button("×", className="chip", hidden=True, title="Compare no more", **data(compare="drop")),
            ],
        ),
        html.Div(id=_COMPARED, className="compared"),
    ]


def stores(_: Context) -> list[dcc.Store]:
    """What the tabs are made from."""
    return [dcc.Store(id=name) for name in (_TAB, _OTHER, _QUESTION)]


def register(app: Dash, context: Context) -> None:
    """Register the callbacks of the tabs on `app`."""
    library = context.library
    known = [Input(name, "data") for name in (ids.HISTORY, _TAB, _OTHER)]
    bind(app, "curation", "asked", Output(_QUESTION, "data"), *known)
    bind_event(app, "curation", "judged", Input(ids.JUDGED, "data"))

    @app.callback(
        Output(_SUGGESTIONS, "children"),
        Output(_COMPARED, "children"),
        Input(_QUESTION, "data"),
        prevent_initial_call=True,
    )
    def show(question: Any) -> tuple[Any, Any]:
        tab = question.get("tab") if isinstance(question, dict) else None
        try:
            if tab == _SUGGESTIONS:
                return _suggestions(library, _session(question), _theme(question)), no_update
            if tab == _COMPARISON:
                return no_update, _comparison(library, question)
        except InputError as error:
            alert = html.P(str(error), className="hint problem", role="alert")
            return (alert, no_update) if tab == _SUGGESTIONS else (no_update, alert)
        return no_update, no_update


def _session(question: dict[str, Any]) -> Session:
    return Session.from_json(question.get("session") or {})


def _theme(question: dict[str, Any]) -> str:
    theme = question.get("theme")
    return theme if theme in THEMES else "light"


def _suggestions(library: Library, session: Session, theme: str) -> list[Any]:
    """On the best matching around the pins and bans, whichever is looked at."""
    best = replace(session, alternative=0, complete=True)
    analysis = analyze(library, best)
    return suggestions(outlook(analysis.matching), analysis, best, styles_of(analysis, best, theme))


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
    found = compare((session, analyze(library, session)), (there, analyze(library, there)))
    return comparison(found, styles_of(analyze(library, session), session, theme))
