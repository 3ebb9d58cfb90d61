"""What follows from the session on the page, but for the trees, which an edit brings at once.

history --> overlay, table, transform, ... and what is to judge --> verdict and score, which take longest.
"""

from dataclasses import replace
from typing import Any

from dash import Dash, Input, Output, State, no_update

from topoviz.app.callbacks.edit import View, stored_history, view
from topoviz.app.callbacks.patches import difference
from topoviz.app.panels.controls import EXAMPLE, LEVEL, MODELS, REDO, SIMPLIFY, UNDO
from topoviz.app.panels.details import FAMILY, MATCHES, METHOD, SCORE, TRANSFORM, TRUST
from topoviz.app.panels.details.blocks import family_options, matches, score, transform, trust
from topoviz.app.panels.latent import FAMILIES, LATENT, LIVE, POINTS
from topoviz.app.panels.panel import Context
from topoviz.app.panels.surface import SCENE, TITLE, VERDICT, scene
from topoviz.app.panels.surface.verdicts import badge
from topoviz.app.panels.trees import SENTENCE
from topoviz.app.views import ids
from topoviz.app.views.families import strip
from topoviz.app.views.markup import styles_of
from topoviz.app.views.models import options
from topoviz.figures import latent
from topoviz.session.analysis import Analysis, analyze
from topoviz.session.families import families
from topoviz.session.history import History
from topoviz.session.library import Library
from topoviz.session.state import Session, Side

__all__ = ["register"]

_GROUNDS: dict[str, Side] = {"latent_a": "a", "latent_b": "b"}
_OUTPUTS = {
    "live": Output(LIVE, "data"),
    "matches": Output(MATCHES, "children"),
    "latent_a": Output(LATENT["a"], "figure"),
    "latent_b": Output(LATENT["b"], "figure"),
    "scene": Output(SCENE, "data"),
    "to_judge": Output(ids.TO_JUDGE, "data"),
    "transform": Output(TRANSFORM, "children"),
    "method": Output(METHOD, "value"),
    "family": Output(FAMILY, "value"),
    "families": Output(FAMILY, "data"),
    "sentence": Output(SENTENCE, "children"),
    "undo": Output(UNDO, "disabled"),
    "redo": Output(REDO, "disabled"),
    "level_text": Output(f"{LEVEL}-text", "children"),
    "simplify_text": Output(f"{SIMPLIFY}-text", "children"),
    "a": Output(MODELS["a"], "value"),
    "b": Output(MODELS["b"], "value"),
    "models_a": Output(MODELS["a"], "data"),
    "models_b": Output(MODELS["b"], "data"),
    "title_a": Output(TITLE["a"], "children"),
    "title_b": Output(TITLE["b"], "children"),
    "verdict_a": Output(VERDICT["a"], "children"),
    "verdict_b": Output(VERDICT["b"], "children"),
    "families_a": Output(FAMILIES["a"], "children"),
    "families_b": Output(FAMILIES["b"], "children"),
    "points_a": Output(POINTS["a"], "children"),
    "points_b": Output(POINTS["b"], "children"),
    "example": Output(EXAMPLE, "value"),
    "examples": Output(EXAMPLE, "data"),
}


def register(app: Dash, context: Context) -> None:
    """Register the callbacks on `app`."""

    # Of answers that overtake each other Dash takes the one to the last question; what is shown is kept with it.
    @app.callback(
        output=_OUTPUTS | {"shown": Output(ids.SHOWN, "data")},
        inputs={"stored": Input(ids.HISTORY, "data")},
        state={"shown": State(ids.SHOWN, "data")},
        prevent_initial_call=True,
    )
    def show(stored: Any, shown: Any) -> dict[str, Any]:
        history, theme = stored_history(stored)
        if history is None:
            return dict.fromkeys((*_OUTPUTS, "shown"), no_update)
        return _shown(context.library, history, theme, shown)

    @app.callback(
        Output(TRUST, "children"),
        Output(SCORE, "children"),
        Output(ids.JUDGED, "data"),
        Input(ids.TO_JUDGE, "data"),
        prevent_initial_call=True,
    )
    def judge(asked: Any) -> tuple[Any, Any, Any]:
        found = None
        if isinstance(asked, dict):
            found = view(context.library, Session.from_json(asked["session"]), asked["theme"])
        return (no_update, no_update, no_update) if found is None else _judged(*found)


def _shown(library: Library, history: History, theme: str, shown: Any) -> dict[str, Any]:
    """Every output: what has changed since what is `shown`, no update for the rest."""
    session = history.now
    analysis = analyze(library, session)
    new = (analysis, session, theme)
    old = view(library, Session.from_json(shown["session"]), shown["theme"]) if isinstance(shown, dict) else None
    texts = _texts(history, analysis)
    out: dict[str, Any] = dict.fromkeys(_OUTPUTS, no_update)
    out["shown"] = {"session": session.to_json(), "theme": theme, "texts": texts}
    # Every output costs the browser a pass over the page.
    out |= {name: value for name, value in texts.items() if old is None or shown["texts"].get(name) != value}
    out |= _grounds(old, new)
    wanted = scene(*new)
    if old is None or (scene(*old)["views"], old[2]) != (wanted["views"], theme):
        out["scene"] = wanted
    if old is None or _dependencies(*old) != _dependencies(*new):
        styles = styles_of(*new)
        out |= {
            "live": latent.live(analysis, session),
            "matches": matches(analysis, session, styles),
            "to_judge": {"session": session.to_json(), "theme": theme},
        }
    was, drawn = (None, None) if old is None else old[1:]
    if was is None or drawn != theme or replace(was, level=0, morph=0) != replace(session, level=0, morph=0):
        out["transform"] = transform(analysis, session, styles_of(*new))
    if was is None or (was.method, was.family) != (session.method, session.family):
        out |= {"method": session.method, "family": session.family}
    if old is None or dict(old[0].families) != dict(analysis.families):
        out["families"] = family_options(analysis)
    others = was is None or (was.model_a, was.model_b) != (session.model_a, session.model_b)
    if others:
        out |= _about(library, analysis, session)
    if others or drawn != theme:
        out |= {
            "verdict_a": badge("a", analysis.model_a.metrics, theme),
            "verdict_b": badge("b", analysis.model_b.metrics, theme),
            "families_a": strip(families(analysis.model_a.metrics), theme),
            "families_b": strip(families(analysis.model_b.metrics), theme),
        }
    return out


def _judged(analysis: Analysis, session: Session, theme: str) -> tuple[Any, Any, dict[str, Any]]:
    """The verdict and the score to show, and both with their session for the log."""
    word = None if analysis.verdict is None else analysis.verdict.word
    said = {"session": session.to_json(), "word": word, "score": analysis.score}
    return trust(analysis, session, styles_of(analysis, session, theme)), score(analysis), said


def _texts(history: History, analysis: Analysis) -> dict[str, Any]:
    """The state of the buttons and the words beside the sliders."""
    return {
        "undo": not history.back,
        "redo": not history.ahead,
        "level_text": f"{analysis.cut(history.now.level):.1f} nats".replace("-", "−"),
        "simplify_text": f"{history.now.simplify:.2f} nats",
    }


def _dependencies(_: Analysis, session: Session, theme: str) -> tuple[Session, str]:
    """All that the overlay, the table, the verdict and the score depend on: the session without its looks."""
    return replace(session, selection=None, level=1.0, morph=1.0), theme


def _grounds(old: View | None, new: View) -> dict[str, Any]:
    """The latents' grounds where they may have changed: no edit touches them but on a line."""
    out: dict[str, Any] = {}
    for name, side in _GROUNDS.items():
        same = old is not None and old[2] == new[2] and old[0].level_sets(side) is new[0].level_sets(side)
        if not same or new[0].tree(side).dim == 1:
            shown = None if old is None else latent.ground(old[0], old[1], side, old[2])
            out[name] = difference(shown, latent.ground(new[0], new[1], side, new[2]))
    return out


def _about(library: Library, analysis: Analysis, session: Session) -> dict[str, Any]:
    """What the page says of the two models, and the lists to choose others from."""
    pair = (session.model_a, session.model_b)
    examples = library.examples()
    example = next((e for e in examples if (e.session.model_a, e.session.model_b) == pair), None)
    models = options(library.listed(*pair))
    return {
        "sentence": example.sentence if example else _sentence(analysis, session),
        "a": session.model_a,
        "b": session.model_b,
        "models_a": models,
        "models_b": models,
        "points_a": latent.drawn(analysis, "a"),
        "points_b": latent.drawn(analysis, "b"),
        "title_a": _title(library, session.model_a),
        "title_b": _title(library, session.model_b),
        "example": example.id if example else None,
        "examples": [{"value": e.id, "label": e.title} for e in examples],
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
