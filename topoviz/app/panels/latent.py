"""The latent density of a model with its nodes and points. The browser draws links, outlines and points over it."""

from dash import Dash, Input, dcc, html

from topoviz.app.panels.panel import Context
from topoviz.app.views.binding import bind_event
from topoviz.app.views.controls import slider
from topoviz.app.views.frames import graph_frame
from topoviz.app.views.markup import aria, data
from topoviz.session.state import Side

__all__ = ["FAMILIES", "LATENT", "LIVE", "POINTS", "layout", "register", "stores"]

LATENT: dict[Side, str] = {"a": "latent-a", "b": "latent-b"}
POINTS: dict[Side, str] = {"a": "points-a", "b": "points-b"}
FAMILIES: dict[Side, str] = {"a": "families-a", "b": "families-b"}
# What the browser draws over the latents.
LIVE = "live"
_MORPH = "morph"


def layout(_: Context, side: Side) -> html.Div:
    """One side's latent density; that of B has the slider that moves A's points to B."""
    letter = side.upper()
    lasso = html.Button(
        className="icon lasso-tool",
        title="Brush points: drag a lasso (L). Shift-drag draws a box, Control adds.",
        **data(tool="lasso"),
        **aria(label=f"Brush points of {letter} with a lasso", pressed=False),
    )
    tools = [slider(_MORPH, "A → B", 0, 1, 0.01, value=1.0), lasso] if side == "b" else [lasso]
    return graph_frame(
        LATENT[side],
        [html.B(letter), "latent density", html.Span(id=POINTS[side], className="number drawn")],
        f"latent density of {letter} with its nodes",
        extra=html.Div(tools, className="head-tools"),
        under=html.Div(id=FAMILIES[side], className="chosen-families"),
    )


def stores(_: Context) -> dcc.Store:
    """The facts that the overlay is drawn from."""
    return dcc.Store(id=LIVE)


def register(app: Dash, _: Context) -> None:
    """Hand the overlay's facts to the browser."""
    bind_event(app, "overlay", "arrived", Input(LIVE, "data"))
