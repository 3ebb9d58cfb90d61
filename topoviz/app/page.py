"""The page: a header of controls, one column a model, the trees and the transform between them. What stands in each
place is in the table of panels."""

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, dcc, html

from topoviz.app.panels import PANELS, Context, Panel, Place
from topoviz.app.views import ids
from topoviz.app.views.binding import bind
from topoviz.app.views.controls import icon
from topoviz.app.views.markup import aria, data, modal

__all__ = ["layout", "register"]

# What belongs to no panel.
_KEYS = (("Escape", "let go"), ("?", "this list"))


def layout(context: Context) -> dmc.MantineProvider:
    """The whole page, empty: the first answer of the server fills it."""
    return dmc.MantineProvider(
        id=ids.PROVIDER,
        forceColorScheme="light",
        theme={"primaryColor": "blue", "fontFamily": "inherit", "defaultRadius": "sm"},
        children=html.Div(
            className="page",
            children=[
                *(dcc.Store(id=name) for name in (ids.HISTORY, ids.SHOWN, ids.TO_JUDGE, ids.JUDGED, ids.PICKED)),
                dcc.Store(id=ids.THEME, storage_type="local", data="light"),
                _header(context),
                html.Div(id=ids.NOTICE, className="notice", role="status", **aria(live="polite")),
                html.Div(id="connection", className="notice", role="status", **aria(live="assertive")),
                html.Div(id="finding", className="unseen", role="status", **aria(live="polite")),
                html.Main(
                    className="grid",
                    children=[
                        html.Section(_parts(Place.COLUMN_A, context), className="column"),
                        html.Section([*_parts(Place.CENTER, context), _details(context)], className="center"),
                        html.Section(_parts(Place.COLUMN_B, context), className="column"),
                    ],
                ),
                _help(),
                *_parts(Place.DIALOGS, context),
            ],
        ),
    )


def register(app: Dash) -> None:
    """Register what belongs to no panel: the switch between light and dark."""
    bind(app, "topoviz", "theme", Output(ids.PROVIDER, "forceColorScheme"), Input(ids.THEME, "data"), at_once=True)


def _parts(place: Place, context: Context) -> list[Any]:
    """All that stands in one place, in the order of the table."""
    found = [panel.layout[place](context) for panel in PANELS if place in panel.layout]
    return [part for parts in found for part in (parts if isinstance(parts, list) else [parts])]


def _header(context: Context) -> html.Div:
    # No <header>: the dialogs have one of their own, and a page may have but one.
    return html.Div(
        className="header",
        role="region",
        **aria(label="Controls"),
        children=[
            html.H1("topoviz", className="wordmark"),
            *_parts(Place.HEADER, context),
            icon("switch-theme", "◐", "Light or dark"),
            icon("help", "?", "Keys (?)"),
        ],
    )


def _details(context: Context) -> html.Div:
    return html.Div(id="details", className="details", children=[*_parts(Place.DETAILS, context), _tabbed(context)])


def _tabbed(context: Context) -> html.Div:
    """The tabs and what is under them, of which the first shows."""
    tabbed = [panel for panel in PANELS if Place.TABS in panel.layout]
    tabs = html.Div(
        className="tabs",
        role="tablist",
        **aria(label="Curating the match"),
        children=[
            html.Button(
                panel.title,
                id=f"tab-{panel.name}",
                className="curation-tab",
                role="tab",
                tabIndex=-1 if at else 0,
                **data(tab=panel.name),
                **aria(selected=not at, controls=panel.name),
            )
            for at, panel in enumerate(tabbed)
        ],
    )
    contents = [_content(panel, context, hidden=bool(at)) for at, panel in enumerate(tabbed)]
    return html.Div([tabs, *contents], id="curation", className="block wide curation")


def _content(panel: Panel, context: Context, hidden: bool) -> html.Div:
    content = panel.layout[Place.TABS](context)
    return html.Div(
        content,
        id=panel.name,
        className="tab-panel",
        role="tabpanel",
        hidden=hidden,
        **aria(labelledby=f"tab-{panel.name}"),
    )


def _help() -> dmc.Modal:
    keys = (*(key for panel in PANELS for key in panel.keys), *_KEYS)
    rows = [html.Tr([html.Th(key), html.Td(does)]) for key, does in keys]
    letters = html.Button(
        "Keys of one letter or sign, anywhere on the page:",
        id="letter-keys",
        className="button switch",
        role="switch",
        **aria(checked="true"),
    )
    return modal("keys", "Keys", [letters, html.Table(html.Tbody(rows), className="keys")], size="md")
