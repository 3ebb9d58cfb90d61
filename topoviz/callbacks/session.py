"""The one writer of the session: an event comes in, the new session and whatever changed on the page go out."""

from dataclasses import replace
from typing import Any

from dash import Dash, Input, Output, Patch, State, no_update

from core.errors import InputError
from topoviz import ids
from topoviz.callbacks.patches import patched
from topoviz.callbacks.scene import scene
from topoviz.events import parse_event, reduce
from topoviz.figures import latent, trees
from topoviz.history import History
from topoviz.library import Library
from topoviz.results import Analysis, analyse, cut_level
from topoviz.session import Session
from topoviz.theme import THEMES
from topoviz.views.details import details

__all__ = ["register"]

_UNDO = {"undo": History.undo, "redo": History.redo}
_OUTPUTS = {
    "history": Output(ids.HISTORY, "data"),
    "trees": Output(ids.TREES, "figure"),
    "latent_a": Output(ids.LATENT["a"], "figure"),
    "latent_b": Output(ids.LATENT["b"], "figure"),
    "scene": Output(ids.SCENE, "data"),
    "details": Output(ids.DETAILS, "children"),
    "sentence": Output(ids.SENTENCE, "children"),
    "notice": Output(ids.NOTICE, "children"),
    "undo": Output(ids.UNDO, "disabled"),
    "redo": Output(ids.REDO, "disabled"),
    "level_text": Output(f"{ids.LEVEL}-text", "children"),
    "simplify_text": Output(f"{ids.SIMPLIFY}-text", "children"),
    "a": Output(ids.A, "value"),
    "b": Output(ids.B, "value"),
    "models_a": Output(ids.A, "data"),
    "models_b": Output(ids.B, "data"),
    "title_a": Output(ids.TITLE["a"], "children"),
    "title_b": Output(ids.TITLE["b"], "children"),
    "example": Output(ids.EXAMPLE, "value"),
    "examples": Output(ids.EXAMPLE, "data"),
}


def register(app: Dash, library: Library, first: Session | None) -> None:
    """Register the callbacks of the session on `app`; `first` is what a visit without an address opens."""

    @app.callback(
        output=_OUTPUTS,
        inputs={"event": Input(ids.EVENT, "data"), "theme": Input(ids.THEME, "data")},
        state={"stored": State(ids.HISTORY, "data"), "query": State(ids.LOCATION, "search")},
    )
    def apply(event: Any, theme: Any, stored: Any, query: Any) -> dict[str, Any]:
        theme = theme if theme in THEMES else "light"
        try:
            before = None if stored is None else History.from_json(stored["history"])
            history, notice = _next(library, first, before, event, query)
            return _shown(library, before, history, theme, notice, drawn=_drawn(stored, theme))
        except InputError as error:
            # The history as it was tells the browser that its event has been answered.
            answered = stored if stored is not None else no_update
            return {**dict.fromkeys(_OUTPUTS, no_update), "history": answered, "notice": str(error)}


def _next(
    library: Library, first: Session | None, before: History | None, event: Any, query: Any
) -> tuple[History, str]:
    """The history after an event, and one line to tell the person where something could not be used."""
    if before is None:
        return _opened(library, first, query)
    if not isinstance(event, dict):
        return before, ""
    event = {key: value for key, value in event.items() if key != "serial"}
    kind = event.get("type")
    if kind in _UNDO:
        return _UNDO[kind](before), ""
    if kind == "open-example":
        found = next((e for e in library.examples() if e.id == event.get("id")), None)
        return (before if found is None else before.push(found.session)), ""
    after = before.push(reduce(before.now, parse_event(event)))
    analyse(library, after.now)
    return after, ""


def _opened(library: Library, first: Session | None, query: Any) -> tuple[History, str]:
    """What a visit begins with: the address's session, else the one the app was started with, else the first
    example.
    """
    notice = ""
    if isinstance(query, str) and "a=" in query:
        try:
            session = Session.from_query(query.lstrip("?"))
            analyse(library, session)
            return History(session), ""
        except InputError as error:
            notice = f"The address could not be opened: {error}"
    session = first or library.first_session()
    if not session.model_a:
        raise InputError("There are no models to show yet: train one with the + above, or start with --models FOLDER.")
    return History(session), notice


def _drawn(stored: Any, theme: str) -> bool:
    return isinstance(stored, dict) and stored.get("theme") == theme


def _shown(
    library: Library, before: History | None, history: History, theme: str, notice: str, drawn: bool
) -> dict[str, Any]:
    """Every output: what the change touched anew, no update for the rest."""
    session, was = history.now, before.now if before else None
    analysis = analyse(library, session)
    same = was is not None and drawn
    if was is not None and same and _only_looks(was, session):
        return {**dict.fromkeys(_OUTPUTS, no_update), **_looks(analysis, was, session, history, theme, notice)}
    new_models = was is None or (was.model_a, was.model_b) != (session.model_a, session.model_b)
    views = {
        "trees": trees.figure(analysis, session, theme),
        "latent_a": latent.figure(analysis, session, "a", theme),
        "latent_b": latent.figure(analysis, session, "b", theme),
    }
    entries = [{"value": e.name, "label": e.title, "disabled": e.problem is not None} for e in library.entries()]
    example = next(
        (e for e in library.examples() if (e.session.model_a, e.session.model_b) == (session.model_a, session.model_b)),
        None,
    )
    out: dict[str, Any] = {
        name: figure if was is None else patched(figure, fresh=new_models, ground=not same)
        for name, figure in views.items()
    }
    return out | {
        "history": _stored(analysis, history, theme),
        "scene": scene(analysis, session, theme),
        "details": details(analysis, session, theme),
        "sentence": example.sentence if example else _sentence(analysis, session),
        "notice": notice,
        "undo": not history.past,
        "redo": not history.future,
        **_readings(analysis, session),
        "a": session.model_a,
        "b": session.model_b,
        "models_a": entries if new_models else no_update,
        "models_b": entries if new_models else no_update,
        "title_a": _title(library, session.model_a) if new_models else no_update,
        "title_b": _title(library, session.model_b) if new_models else no_update,
        "example": example.id if example else None,
        "examples": [{"value": e.id, "label": e.title} for e in library.examples()] if was is None else no_update,
    }


def _only_looks(was: Session, session: Session) -> bool:
    """Whether nothing but the selection, the cut or the morph changed."""
    return replace(was, selection=None, level=0.0, morph=0.0) == replace(session, selection=None, level=0.0, morph=0.0)


def _looks(
    analysis: Analysis, was: Session, session: Session, history: History, theme: str, notice: str
) -> dict[str, Any]:
    out: dict[str, Any] = {"history": _stored(analysis, history, theme), "notice": notice}
    if was.selection != session.selection:
        out["details"] = details(analysis, session, theme)
    if was.level != session.level:
        out |= _readings(analysis, session)
        figure = trees.figure(analysis, session, theme)
        patch = Patch()
        patch["layout"]["shapes"] = figure.to_dict()["layout"]["shapes"]
        out["trees"] = patch
        for side in ("a", "b"):
            if analysis.tree(side).dim == 2:
                patch = Patch()
                line = latent.cut_line(analysis, session, side)
                patch["data"][latent.CUT]["x"], patch["data"][latent.CUT]["y"] = line["x"], line["y"]
                out[f"latent_{side}"] = patch
        out["scene"] = scene(analysis, session, theme)
    return out


def _readings(analysis: Analysis, session: Session) -> dict[str, Any]:
    return {
        "level_text": f"{cut_level(analysis.tree('a'), session.level):.1f} nats",
        "simplify_text": f"{session.simplify:.2f} nats",
    }


def _stored(analysis: Analysis, history: History, theme: str) -> dict[str, Any]:
    """What the browser keeps: the history, the address, and what it moves by itself."""
    return {
        "history": history.to_json(),
        "query": history.now.to_query(),
        "theme": theme,
        "overlay": latent.overlay(analysis, history.now, theme),
    }


def _title(library: Library, name: str) -> str:
    entry = library.entry(name)
    return f"{entry.title} · {entry.dim}-D input density" if entry.dim else entry.title


def _sentence(analysis: Analysis, session: Session) -> str:
    matched = len(analysis.matching.leaf_pairs)
    return (
        f"{session.model_a} has {len(analysis.tree('a').leaves)} leaves, {session.model_b} has "
        f"{len(analysis.tree('b').leaves)}; {matched} are matched, without any paired points."
    )
