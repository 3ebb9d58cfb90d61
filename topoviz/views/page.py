"""The page: a header of controls, one column a model, the trees and the transform between them."""

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from topoviz import ids
from topoviz.figures.style import bare
from topoviz.views.details import METHOD_NAMES
from topoviz.views.markup import aria, data, modal
from topoviz.views.study import dialog

__all__ = ["layout"]

_SAVE_BUTTON: Any = {"role": "button", "tabIndex": 0, "className": "button", "id": "save"}
_PICKER: dict[str, Any] = {
    "comboboxProps": {"withinPortal": True},
    "allowDeselect": False,
    "checkIconPosition": "right",
}
_EXPORTS = (
    ("Every view as", (("svg", "SVG"), ("png", "PNG"), ("pdf", "PDF"), ("html", "HTML"))),
    ("Input level sets as", (("gltf", "glTF"), ("vtp", "VTP"), ("ply", "PLY"))),
    ("Tables", (("tables", "Matches, transform, Python snippet"),)),
)
_KEYS = (
    ("click a node in A, then one in B", "link the two"),
    ("click a link", "take it in hand"),
    ("drag the level", "move it in all views; arrow keys on its grip do too"),
    ("[ and ]", "step through the matchings within the margin"),
    ("Delete", "ban the link in hand"),
    ("Backspace", "take a link of yours back"),
    ("arrow keys", "walk the tree in hand"),
    ("F2 or double click", "name the node in hand"),
    ("Ctrl Z, Ctrl Shift Z", "undo, redo"),
    ("Escape", "let go"),
    ("in a study: arrow keys, Enter, Shift Enter", "go from trial to trial, open one as A, as B"),
    ("?", "this list"),
)


def layout(studies: bool) -> Any:
    """The whole page, empty: the first callback fills it. With a way to the `studies` where there are any."""
    return dmc.MantineProvider(
        id=ids.PROVIDER,
        forceColorScheme="light",
        theme={"primaryColor": "blue", "fontFamily": "inherit", "defaultRadius": "sm"},
        children=html.Div(
            className="page",
            children=[
                dcc.Location(id=ids.LOCATION, refresh=False),
                dcc.Store(id=ids.HISTORY),
                dcc.Store(id=ids.EVENT),
                dcc.Store(id=ids.SCENE),
                dcc.Store(id=ids.DRAWN),
                dcc.Store(id=ids.REQUEST),
                dcc.Store(id=ids.LIT),
                dcc.Store(id=ids.PICKED),
                dcc.Store(id=ids.PICTURE),
                dcc.Store(id=ids.LIVE),
                dcc.Store(id=ids.CARRY),
                dcc.Store(id=ids.THEME, storage_type="local", data="light"),
                dcc.Download(id=ids.DOWNLOAD),
                _header(studies),
                html.Div(id=ids.NOTICE, className="notice", role="status", **aria(live="polite")),
                html.Main(
                    className="grid",
                    children=[
                        _column("a"),
                        html.Section(
                            className="center",
                            children=[
                                html.P(id=ids.SENTENCE, className="sentence"),
                                _trees(),
                                _details(),
                            ],
                        ),
                        _column("b"),
                    ],
                ),
                _help(),
                dialog(),
                modal("training", "Train a model", [html.Div(id="training-form")], size="lg"),
            ],
        ),
    )


def _header(studies: bool) -> html.Div:
    # No <header>: the dialogs have one of their own, and a page may have but one.
    return html.Div(
        className="header",
        role="region",
        **aria(label="Controls"),
        children=[
            html.H1("topoviz", className="wordmark"),
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
                extra=_slider(ids.MORPH, "A → B", 0, 1, 0.01, value=1.0) if side == "b" else None,
                under=html.Div(id=ids.FAMILIES[side], className="chosen-families"),
            ),
        ],
    )


def _trees() -> html.Div:
    """The trees, and in each the grip of the level, placed by the browser."""
    panel = _panel(ids.TREES, "Level-set trees", "the trees of both models and the links between them")
    return html.Div([panel, _grip("a"), _grip("b")], className="with-grips")


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
                    html.Button(
                        "SVG",
                        className="quiet",
                        **data(save=graph, format="svg"),
                        **aria(label=f"Save as SVG: {label}"),
                    ),
                    html.Button(
                        "PNG",
                        className="quiet",
                        **data(save=graph, format="png"),
                        **aria(label=f"Save as PNG: {label}"),
                    ),
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
                    figure=bare("light"),
                    responsive=True,
                    config={"displayModeBar": False, "doubleClick": False, "scrollZoom": graph != ids.TREES},
                ),
            ),
        ],
    )


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
            html.Div(id=ids.MATCHES, className="block wide"),
        ],
    )


def _picker(name: str, label: str, options: list[dict[str, Any]]) -> dmc.Select:
    return dmc.Select(id=name, size="xs", data=options, className="picker", **aria(label=label), **_PICKER)


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
    return modal("keys", "Keys", [html.Table(html.Tbody(rows), className="keys")], size="md")
