"""The 3-D views, apart from the rest since they take longest: a mesh is sent only when it changes, else its colors."""

from dataclasses import astuple
from typing import Any

from dash import Dash, Input, Output, Patch, State, no_update

from topoviz.app import ids
from topoviz.figures import surface
from topoviz.figures.style import node_styles
from topoviz.figures.theme import THEMES
from topoviz.session.analysis import Analysis, analyze, by_hand
from topoviz.session.library import Library
from topoviz.session.state import Session, Side

__all__ = ["register", "scene"]

_SIDES: tuple[Side, Side] = ("a", "b")


def scene(analysis: Analysis, session: Session, theme: str) -> dict[str, Any]:
    """All that the 3-D views depend on: the session without its looks, and what each side's mesh is made from."""
    views = {}
    for side in _SIDES:
        styles = node_styles(analysis, session, side, THEMES[theme])
        tree = analysis.tree(side)
        views[side] = {
            "model": session.model(side),
            "shape": [session.model(side), session.level, session.simplify, *astuple(by_hand(session, side))],
            "colors": [styles[node].color for node in tree.ids(tree.leaves)],
        }
    return {"session": session.to_json() | {"selection": None, "morph": 1.0}, "theme": theme, "views": views}


def register(app: Dash, library: Library) -> None:
    """Register the callback of the 3-D views on `app`."""

    # What is drawn is kept with the drawing: an answer that a newer one overtakes is lost with its record.
    @app.callback(
        output={
            "figures": {side: Output(ids.SURFACE[side], "figure") for side in _SIDES},
            "drawn": Output(ids.DRAWN, "data"),
        },
        inputs={"wanted": Input(ids.SCENE, "data")},
        state={"drawn": State(ids.DRAWN, "data")},
        prevent_initial_call=True,
    )
    def draw(wanted: Any, drawn: Any) -> dict[str, Any]:
        session = Session.from_json(wanted["session"])
        analysis = analyze(library, session)
        views = wanted["views"]
        figures = {
            side: _changed(analysis, session, side, wanted["theme"], views[side], (drawn or {}).get(side))
            for side in _SIDES
        }
        return {"figures": figures, "drawn": views}


def _changed(
    analysis: Analysis, session: Session, side: Side, theme: str, view: dict[str, Any], old: dict[str, Any] | None
) -> Any:
    """A patch from what is drawn to what is wanted: nothing, colors, or new meshes."""
    if view == old:
        return no_update
    patch = Patch()
    same = old is not None and old["shape"] == view["shape"]
    if same and len(view["colors"]) <= surface.MANY:
        for at, color in enumerate(view["colors"]):
            patch["data"][at]["color"] = color
        return patch
    new = surface.spec(analysis, session, side, theme)
    if same:
        for key in surface.PAINT:
            patch["data"][0][key] = new["data"][0][key]
        patch["layout"]["meta"] = new["layout"]["meta"]
        return patch
    if old is None:
        return new
    patch["data"] = new["data"]
    for key in ("meta", *(("scene", "uirevision") if old["model"] != view["model"] else ())):
        patch["layout"][key] = new["layout"][key]
    return patch
