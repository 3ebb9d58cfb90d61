"""The page: a header of controls, one column a model, the trees and the transform between them."""

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from topoviz.app import ids
from topoviz.app.views import composer, curation, training
from topoviz.app.views.details import METHOD_NAMES
from topoviz.app.views.jobs import jobs_watch
from topoviz.app.views.markup import aria, data, modal
from topoviz.app.views.story import story
from topoviz.app.views.study import dialog
from topoviz.figures.style import bare
from topoviz.session.library import Step

__all__ = ["layout"]

_SAVE_BUTTON: Any = {"role": "button", "tabIndex": 0, "className": "button", "id": "save"}
_PICKER: dict[str, Any] = {
    "comboboxProps": {"withinPortal": True},
    "allowDeselect": False,
    "checkIconPosition": "right",
}
_EXPORTS = (
    ("For the paper", (("compose", "Compose a figure…"),)),
    ("Every view as", (("svg", "SVG"), ("png", "PNG"), ("pdf", "PDF"), ("html", "HTML"))),
    ("Input level sets as", (("gltf", "glTF"), ("vtp", "VTP"), ("ply", "PLY"))),
    (
        "Tables",
        (("tables", "Matches, transform, LaTeX, BibTeX, methods"), ("record", "Record of how it was matched")),
    ),
)
_KEYS = (
    ("click a node in A, then one in B", "link the two"),
    ("click a link", "take it in hand"),
    ("drag the level", "move it in all views; arrow keys on its grip do too"),
    ("[ and ]", "step through the matchings within the margin"),
    ("Delete", "ban the link in hand"),
    ("Backspace", "take a link of yours back"),
    ("L, then drag in a latent or input view", "brush points with a lasso; Shift-drag draws a box, Control adds"),
    ("B", "brush the points of the node in hand"),
    ("M", "see what the node in hand means: examples of what it holds"),
    ("arrow keys", "walk the tree in hand"),
    ("Enter or a click on a closed branch", "open it"),
    ("C, S", "make one leaf of the branch in hand, split it again"),
    ("H, Shift H", "hide the node in hand, show all"),
    ("/, Enter, Shift Enter", "find a node by name or number, go to the next, the one before"),
    ("+, -, 0", "zoom the trees (the wheel does too), fit them; drag to pan"),
    ("O", "order the leaves anew, so that few links cross"),
    ("F2 or double click", "name the node in hand"),
    ("Ctrl Z, Ctrl Shift Z", "undo, redo"),
    ("in the suggestions: Y, N, S, arrow keys", "confirm, reject, skip, go from one to the next"),
    ("in the matches: arrow keys, /", "go from row to row and cell to cell, find a name"),
    ("in the matches: P, Delete, L", "pin or unpin, ban, choose another partner by typing"),
    ("in the matches: Enter, R, B", "take in hand, rename, brush the points"),
    ("Escape", "let go"),
    ("in a study: arrow keys, Enter, Shift Enter", "go from trial to trial, open one as A, as B"),
    ("?", "this list"),
)


def layout(studies: bool, steps: Sequence[Step] = (), story_first: bool = False) -> Any:
    """The whole page, empty: the first callback fills it. With a way to the `studies` and the story's `steps` where
    there are any; with `story_first` a first visit begins with the story."""
    return dmc.MantineProvider(
        id=ids.PROVIDER,
        forceColorScheme="light",
        theme={"primaryColor": "blue", "fontFamily": "inherit", "defaultRadius": "sm"},
        children=html.Div(
            className="page",
            children=[
                dcc.Store(id=ids.HISTORY),
                *(dcc.Store(id=name) for name in (ids.SHOWN, ids.TO_JUDGE, ids.JUDGED)),
                dcc.Store(id=ids.SCENE),
                dcc.Store(id=ids.DRAWN),
                dcc.Store(id=ids.REQUEST),
                dcc.Store(id=ids.LIT),
                dcc.Store(id=ids.PICKED),
                dcc.Store(id=ids.PICTURE),
                dcc.Store(id=ids.LIVE),
                *(dcc.Store(id=name) for name in (ids.TAB, ids.OTHER, ids.CURATED)),
                dcc.Store(id=ids.CLOUDS_WANTED),
                dcc.Store(id=ids.CLOUDS),
                dcc.Store(id=ids.THEME, storage_type="local", data="light"),
                dcc.Download(id=ids.DOWNLOAD),
                _header(studies, bool(steps)),
                html.Div(id=ids.NOTICE, className="notice", role="status", **aria(live="polite")),
                html.Div(id="connection", className="notice", role="status", **aria(live="assertive")),
                html.Div(id="finding", className="unseen", role="status", **aria(live="polite")),
                html.Main(
                    className="grid",
                    children=[
                        _column("a"),
                        html.Section(
                            className="center",
                            children=[
                                story(steps, story_first) if steps else None,
                                html.P(id=ids.SENTENCE, className="sentence"),
                                _trees(),
                                _brushed(),
                                _details(),
                            ],
                        ),
                        _column("b"),
                    ],
                ),
                _help(),
                dialog(),
                training.dialog(),
                *jobs_watch(),
                composer.dialog(),
            ],
        ),
    )


def _header(studies: bool, tour: bool) -> html.Div:
    # No <header>: the dialogs have one of their own, and a page may have but one.
    return html.Div(
        className="header",
        role="region",
        **aria(label="Controls"),
        children=[
            html.H1("topoviz", className="wordmark"),
            html.Button("Story", id="tour", className="button", title="Four short steps", hidden=not tour),
            _select(ids.EXAMPLE, "Example", 160),
            html.Span(className="rule"),
            _select(ids.A, "A", 136),
            _select(ids.B, "B", 136),
            html.Span(className="rule"),
            _slider(ids.LEVEL, "Level", 0, 1, 0.01),
            _slider(ids.SIMPLIFY, "Simplify", 0.02, 3, 0.02),
            html.Span(className="push"),
            _icon(ids.UNDO, "↶", "Undo (Ctrl+Z)"),
            _icon(ids.REDO, "↷", "Redo (Ctrl+Shift+Z)"),
            html.Span(className="rule"),
            html.Button("Studies", id=ids.STUDIES, className="button", hidden=not studies),
            _menu(),
            html.Button(id="jobs-badge", className="jobs-badge", title="Show the jobs", hidden=True),
            _icon("train", "+", "Train a model"),
            _icon("switch-theme", "◐", "Light or dark"),
            _icon("help", "?", "Keys (?)"),
        ],
    )


def _column(side: str) -> html.Section:
    letter = side.upper()
    return html.Section(
        className="column",
        children=[
            _panel(
                ids.SURFACE[side],
                [html.B(letter), html.Span(id=ids.TITLE[side])],
                f"level set of the input density of {letter}",
                extra=html.Div(id=ids.VERDICT[side], className="verdict-place"),
            ),
            _panel(
                ids.LATENT[side],
                [html.B(letter), "latent density", html.Span(id=ids.POINTS[side], className="number drawn")],
                f"latent density of {letter} with its nodes",
                extra=html.Div(_latent_tools(side), className="head-tools"),
                under=html.Div(id=ids.FAMILIES[side], className="chosen-families"),
            ),
        ],
    )


def _trees() -> html.Div:
    """The trees, which the browser draws from their facts, with its tools; in each the grip of the level."""
    label = "the trees of both models and the links between them"
    picture = html.Div(
        html.Div(id=ids.TREES, className="graph"), className="graph-frame", role="group", **aria(label=label)
    )
    head = [html.H2("Level-set trees"), *_tree_tools(), *_savers(ids.TREES, label)]
    panel = html.Div([html.Div(head, className="panel-head"), picture], className=f"panel panel-{ids.TREES}")
    return html.Div([panel, _grip("a"), _grip("b")], className="with-grips")


def _tree_tools() -> list[Any]:
    """What finds nodes, what edits the one in hand, and what zooms; `assets/trees-hand.js` says what each can do."""

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


def _panel(graph: str, title: Any, label: str, extra: Any = None, under: Any = None) -> html.Div:
    """A graph under a line with its title, `extra` beside that and `under` below it."""
    return html.Div(
        className=f"panel panel-{graph}",
        children=[
            html.Div(
                className="panel-head",
                children=[
                    html.H2(title),
                    extra,
                    *_savers(graph, label),
                ],
            ),
            under,
            html.Div(
                className="graph-frame",
                role="img",
                **aria(label=label),
                children=dcc.Graph(
                    id=graph,
                    className="graph",
                    figure=bare("light", xaxis={"visible": False}, yaxis={"visible": False}),
                    responsive=True,
                    config={"displayModeBar": False, "doubleClick": False, "scrollZoom": True},
                ),
            ),
        ],
    )


def _savers(graph: str, label: str) -> list[html.Button]:
    return [
        html.Button(
            name, className="quiet", **data(save=graph, format=name.lower()), **aria(label=f"Save as {name}: {label}")
        )
        for name in ("SVG", "PNG")
    ]


def _details() -> html.Div:
    """The three blocks under the trees. The pickers stay while what is around them changes: they are dear to draw."""

    def block(title: str, picker: Any, name: str, extra: str = "", scored: bool = False) -> html.Div:
        score = [html.Span(id=ids.SCORE, className="score", **aria(live="polite"))] if scored else []
        head = html.Div([html.H3(title), *score, picker], className="block-head")
        return html.Div([head, html.Div(id=name, className="block-body")], className=f"block {extra}")

    method = [{"value": value, "label": label} for value, label in METHOD_NAMES.items()]
    return html.Div(
        id="details",
        className="details",
        children=[
            block("Trust", _picker(ids.METHOD, "Method of matching", method), ids.TRUST),
            block("Transform A → B", _picker(ids.FAMILY, "Family of the transform", []), ids.TRANSFORM, scored=True),
            curation.block(),
        ],
    )


def _picker(name: str, label: str, options: list[dict[str, Any]]) -> dmc.Select:
    return dmc.Select(id=name, size="xs", data=options, className="picker", **aria(label=label), **_PICKER)


def _latent_tools(side: str) -> list[Any]:
    lasso = html.Button(
        className="icon lasso-tool",
        title="Brush points: drag a lasso (L). Shift-drag draws a box, Control adds.",
        **data(tool="lasso"),
        **aria(label=f"Brush points of {side.upper()} with a lasso", pressed=False),
    )
    return [_slider(ids.MORPH, "A → B", 0, 1, 0.01, value=1.0), lasso] if side == "b" else [lasso]


def _brushed() -> html.Div:
    """The line that says which points are brushed, filled by the browser."""
    clear = html.Button("×", className="icon", hidden=True, title="Clear (Escape)", **aria(label="Clear the brush"))
    line = html.Div([html.Span(), clear], id="brushed", className="brushed-line", role="status")
    return html.Div(line, className="brushed-place")


def _select(name: str, label: str, width: int) -> html.Label:
    return html.Label(
        className="field",
        children=[
            html.Span(label),
            dmc.Select(id=name, w=width, size="xs", data=[], **aria(label=label), **_PICKER),
        ],
    )


def _slider(name: str, label: str, low: float, high: float, step: float, value: float | None = None) -> html.Div:
    return html.Div(
        className="field",
        children=[
            html.Label(label, htmlFor=name),
            dcc.Input(
                id=name,
                type="range",
                min=low,
                max=high,
                step=step,
                value=low if value is None else value,
                className="range",
            ),
            html.Output(id=f"{name}-text", className="number") if value is None else None,
        ],
    )


def _icon(name: str, sign: str, label: str) -> html.Button:
    return html.Button(sign, id=name, className="icon", title=label, **aria(label=label))


def _menu() -> dmc.Menu:
    items: list[Any] = [
        dmc.MenuLabel("Session"),
        _item("session", "Save the session"),
        _item("open", "Open a session…"),
        _item("link", "Copy a link to this view"),
    ]
    for group, entries in _EXPORTS:
        items += [dmc.MenuDivider(), dmc.MenuLabel(group), *(_item(what, text) for what, text in entries)]
    return dmc.Menu(
        id=ids.EXPORTS,
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


def _help() -> dmc.Modal:
    rows = [html.Tr([html.Th(key), html.Td(does)]) for key, does in _KEYS]
    letters = html.Button(
        "Keys of one letter or sign, anywhere on the page:",
        id="letter-keys",
        className="button switch",
        role="switch",
        **aria(checked="true"),
    )
    return modal("keys", "Keys", [letters, html.Table(html.Tbody(rows), className="keys")], size="md")
