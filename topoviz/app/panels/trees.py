"""The level-set trees, which the browser draws from their facts (see `/edit`), with their tools and the grips of the
level; above them one sentence about the pair."""

from typing import Any

from dash import dcc, html

from topoviz.app.panels.panel import Context
from topoviz.app.views.frames import savers
from topoviz.app.views.markup import aria

__all__ = ["KEYS", "SENTENCE", "TREES", "layout"]

TREES = "trees"
SENTENCE = "sentence"
KEYS = (
    ("click a node in A, then one in B", "link the two"),
    ("click a link", "take it in hand"),
    ("drag the level", "move it in all views; arrow keys on its grip do too"),
    ("Delete", "ban the link in hand"),
    ("Backspace", "take a link of yours back"),
    ("arrow keys", "walk the tree in hand"),
    ("Enter or a click on a closed branch", "open it"),
    ("C, S", "make one leaf of the branch in hand, split it again"),
    ("H, Shift H", "hide the node in hand, show all"),
    ("/, Enter, Shift Enter", "find a node by name or number, go to the next, the one before"),
    ("+, -, 0", "zoom the trees (the wheel does too), fit them; drag to pan"),
    ("O", "order the leaves anew, so that few links cross"),
    ("F2 or double click", "name the node in hand"),
)


def layout(_: Context) -> list[Any]:
    """The sentence, filled with the rest of the page; the trees under their tools; in each the grip of the level."""
    label = "the trees of both models and the links between them"
    drawn = html.Div(id=TREES, className="graph")
    picture = html.Div(drawn, className="graph-frame", role="group", **aria(label=label))
    head = [html.H2("Level-set trees"), *_tools(), *savers(TREES, label)]
    panel = html.Div([html.Div(head, className="panel-head"), picture], className=f"panel panel-{TREES}")
    trees = html.Div([panel, _grip("a"), _grip("b")], className="with-grips")
    return [html.P(id=SENTENCE, className="sentence"), trees]


def _tools() -> list[Any]:
    """What finds nodes, what edits the selected one, and what zooms; `assets/trees-hand.js` says what each can do."""

    def tool(name: str, text: str, label: str, look: str = "chip") -> html.Button:
        return html.Button(text, id=f"tree-{name}", className=look, disabled=True, title=label, **aria(label=label))

    def group(label: str, *children: Any) -> html.Div:
        return html.Div(list(children), className="tree-tools", role="group", **aria(label=label))

    find = dcc.Input(id="tree-find", type="text", className="tree-find", placeholder="Find /", autoComplete="off")
    return [
        html.Label("Find a node by name or number", htmlFor="tree-find", className="unseen"),
        find,
        html.Output(id="tree-found", className="tree-found", htmlFor="tree-find"),
        group(
            "Node in hand",
            tool("merge", "Merge", "Merge (C)"),
            tool("split", "Split", "Split (S)"),
            tool("hide", "Hide", "Hide (H)"),
            tool("show", "Show", "Show what is hidden (Shift+H)"),
        ),
        group(
            "View of the trees",
            tool("order", "⇅", "Order the leaves so that few links cross (O)", "icon"),
            tool("out", "−", "Zoom out (-)", "icon"),
            tool("fit", "▢", "Fit the trees (0)", "icon"),
            tool("in", "+", "Zoom in (+)", "icon"),
        ),
        html.Div(id="tree-said", className="unseen", role="status", **aria(live="polite")),
    ]


def _grip(side: str) -> html.Div:
    now = aria(label=f"Level in tree {side.upper()}", valuemin=-12, valuemax=0, valuenow=0, orientation="horizontal")
    return html.Div([html.B(), html.Span()], id=f"grip-{side}", className="grip", role="slider", tabIndex=0, **now)
