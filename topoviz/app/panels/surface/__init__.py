"""The 3-D views of the input densities. They follow the session in a callback of their own, since they take longest: a
mesh is sent only when it changes, else its colors."""

from dataclasses import astuple
from typing import Any

from dash import Dash, Input, Output, Patch, State, dcc, html, no_update

from topoviz.app.panels.panel import Context
from topoviz.app.views.binding import bind
from topoviz.app.views.frames import graph_frame
from topoviz.figures import surface
from topoviz.figures.style import node_styles
from topoviz.figures.theme import THEMES
from topoviz.session.analysis import Analysis, analyze, by_hand
from topoviz.session.state import SIDES, Session, Side

__all__ = ["SCENE", "SURFACE", "TITLE", "VERDICT", "layout", "register", "scene", "stores"]

SURFACE: dict[Side, str] = {"a": "surface-a", "b": "surface-b"}
TITLE: dict[Side, str] = {"a": "title-a", "b": "title-b"}
VERDICT: dict[Side, str] = {"a": "verdict-a", "b": "verdict-b"}
# What is to be drawn, what is drawn, and the node that the browser lights up.
SCENE, _DRAWN, _LIT = "scene", "drawn", "lit"


def layout(_: Context, side: Side) -> html.Div:
    """One side's view, its title and the badge of the model filled with the rest of the page."""
    letter = side.upper()
    return graph_frame(
        SURFACE[side],
        [html.B(letter), html.Span(id=TITLE[side])],
        f"level set of the input density of {letter}",
        extra=html.Div(id=VERDICT[side], className="verdict-place"),
    )


def stores(_: Context) -> list[dcc.Store]:
    """What the views are drawn from."""
    return [dcc.Store(id=name) for name in (SCENE, _DRAWN, _LIT)]


def scene(analysis: Analysis, session: Session, theme: str) -> dict[str, Any]:
    """All that the 3-D views depend on: the session without its looks, and what each side's mesh is made from."""
    views = {}
    for side in SIDES:
        styles = node_styles(analysis, session, side, THEMES[theme])
        tree = analysis.tree(side)
        views[side] = {
            "model": session.model(side),
            "shape": [session.model(side), session.level, session.simplify, *astuple(by_hand(session, side))],
            "colors": [styles[node].color for node in tree.ids(tree.leaves)],
        }
    return {"session": session.to_json() | {"selection": None, "morph": 1.0}, "theme": theme, "views": views}


def register(app: Dash, context: Context) -> None:
    """Register the callback of the 3-D views on `app`, and what lights a node up in them."""
    library = context.library
    graphs = list(SURFACE.values())
    bind(
        app,
        "topoviz",
        "light",
        *(Output(name, "figure", allow_duplicate=True) for name in graphs),
        Input(_LIT, "data"),
        *(State(name, "figure") for name in graphs),
    )

    # What is drawn is kept with the drawing: an answer that a newer one overtakes is lost with its record.
    @app.callback(
        output={
            "figures": {side: Output(SURFACE[side], "figure") for side in SIDES},
            "drawn": Output(_DRAWN, "data"),
        },
        inputs={"wanted": Input(SCENE, "data")},
        state={"drawn": State(_DRAWN, "data")},
        prevent_initial_call=True,
    )
    def draw(wanted: Any, drawn: Any) -> dict[str, Any]:
        session = Session.from_json(wanted["session"])
        analysis = analyze(library, session)
        views = wanted["views"]
        figures = {
            side: _changed(analysis, session, side, wanted["theme"], views[side], (drawn or {}).get(side))
            for side in SIDES
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
