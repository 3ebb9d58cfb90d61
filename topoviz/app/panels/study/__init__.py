"""The dialog of studies: which study, which axes, which order, which trial; and the drawings of the trials' trees."""

import time
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update
from flask import Response, request

from topoviz.app.panels.controls import MODELS
from topoviz.app.panels.panel import Context
from topoviz.app.panels.study import chart as views
from topoviz.app.panels.study.thumbnails import Thumbnails
from topoviz.app.panels.study.trials import COLUMNS, card, table
from topoviz.app.views import ids
from topoviz.app.views.markup import aria, modal
from topoviz.figures.theme import THEMES
from topoviz.session.checks import choice
from topoviz.session.studies import Study, trial_name

__all__ = ["KEYS", "button", "dialog", "register"]

KEYS = (("in a study: arrow keys, Enter, Shift Enter", "go from trial to trial, open one as A, as B"),)
_BUTTON = "studies"
_USUAL_ORDER = {"key": "critic_loss", "down": False}
_OUTPUTS = {
    "opened": Output("study", "opened"),
    "names": Output("study-name", "data"),
    "name": Output("study-name", "value"),
    "axes_x": Output("study-x", "data"),
    "axes_y": Output("study-y", "data"),
    "x": Output("study-x", "value"),
    "y": Output("study-y", "value"),
    "summary": Output("study-summary", "children"),
    "legend": Output("study-legend", "children"),
    "chart": Output("study-chart", "children"),
    "table": Output("study-table", "children"),
    "body": Output("study-view", "hidden"),
    "axes": Output("study-axes", "hidden"),
    "card": Output("study-card", "children"),
}


def button(context: Context) -> html.Button:
    """What opens the dialog, where there are studies."""
    return html.Button("Studies", id=_BUTTON, className="button", hidden=not context.library.studies())


def dialog(_: Context) -> dmc.Modal:
    """The dialog, empty: it is filled when it is opened."""
    return modal(
        "study",
        "Studies",
        size="min(1320px, 96vw)",
        xOffset="2vw",
        yOffset="3vh",
        centered=True,
        className="study-dialog",
        children=[
            dcc.Store(id="study-order", data={"key": "critic_loss", "down": False}),
            dcc.Store(id="study-trial"),
            html.Div(
                className="study-bar",
                children=[
                    _picker("study-name", "Study", 220),
                    html.P(id="study-summary", className="study-summary", role="status"),
                ],
            ),
            html.Div(
                id="study-view",
                className="study-body",
                children=[
                    html.Div(
                        className="study-left",
                        children=[
                            html.Div(
                                className="study-tools",
                                children=[
                                    dmc.SegmentedControl(
                                        id="study-tab",
                                        value="scatter",
                                        size="xs",
                                        data=[
                                            {"value": "scatter", "label": "Two figures"},
                                            {"value": "parallel", "label": "All parameters"},
                                        ],
                                        **aria(label="What the chart shows"),
                                    ),
                                    html.Div(
                                        [_picker("study-x", "across", 140), _picker("study-y", "up", 140)],
                                        id="study-axes",
                                        className="study-axes",
                                    ),
                                    html.Span(id="study-legend", className="legend"),
                                ],
                            ),
                            html.Div(id="study-chart", className="study-chart"),
                            html.Div(id="study-table", className="study-table"),
                        ],
                    ),
                    html.Aside(id="study-card", className="study-card", **aria(label="The trial in view")),
                ],
            ),
        ],
    )


def _picker(name: str, label: str, width: int) -> html.Label:
    select = dmc.Select(
        id=name,
        w=width,
        size="xs",
        data=[],
        allowDeselect=False,
        checkIconPosition="right",
        comboboxProps={"withinPortal": True},
        **aria(label=label),
    )
    return html.Label([html.Span(label), select], className="field")


def register(app: Dash, context: Context) -> None:
    """Register the dialog of studies on `app`, and the address of the trees' drawings."""
    library = context.library
    thumbnails = Thumbnails(library)

    @app.callback(
        output=_OUTPUTS,
        inputs={
            "_": Input(_BUTTON, "n_clicks"),
            "chosen": {
                "name": Input("study-name", "value"),
                "x": Input("study-x", "value"),
                "y": Input("study-y", "value"),
                "tab": Input("study-tab", "value"),
                "order": Input("study-order", "data"),
            },
        },
        state={
            "theme": State(ids.THEME, "data"),
            "a": State(MODELS["a"], "value"),
            "b": State(MODELS["b"], "value"),
        },
        prevent_initial_call=True,
    )
    def show(_: Any, chosen: dict[str, Any], theme: Any, a: Any, b: Any) -> dict[str, Any]:
        theme = _theme(theme)
        study, out = _shown(library.studies(), chosen, theme, a, b)
        if ctx.triggered_id == _BUTTON:
            out["opened"] = True
        if study is not None and ctx.triggered_id in (_BUTTON, "study-name"):
            out["card"] = card(study, study.trial(study.best), theme)
        return out

    @app.callback(
        Output("study-card", "children", allow_duplicate=True),
        Input("study-trial", "data"),
        State("study-name", "value"),
        State(ids.THEME, "data"),
        prevent_initial_call=True,
    )
    def look_at(trial: Any, name: Any, theme: Any) -> Any:
        study = _named(library.studies(), name)
        return [] if study is None else card(study, study.trial(trial), _theme(theme))

    @app.server.get("/trial-tree/<study>/<int:number>.svg")
    def tree(study: str, number: int) -> Response:
        theme = choice("theme", request.args.get("theme", "light"), THEMES)
        drawn = thumbnails.svg(trial_name(study, number), theme)
        response = Response(drawn, mimetype="image/svg+xml")
        response.headers["Cache-Control"] = "private, max-age=86400"
        return response


def _shown(
    studies: tuple[Study, ...], chosen: dict[str, Any], theme: str, a: Any, b: Any
) -> tuple[Study | None, dict[str, Any]]:
    """The study that is shown, and every output but the card and whether the dialog is open."""
    study = _named(studies, chosen["name"]) or next(iter(studies), None)
    out: dict[str, Any] = dict.fromkeys(_OUTPUTS, no_update)
    out |= {
        "names": [{"value": study.name, "label": study.name} for study in studies],
        "name": None if study is None else study.name,
        "summary": views.summary(study, time.time()),
        "body": study is None or study.problem is not None,
    }
    if study is None or study.problem:
        return study, out
    axes = views.axis_options(study)
    x, y = _axes([axis["value"] for axis in axes], chosen["x"], chosen["y"])
    order = _order(chosen["order"])
    scatter = chosen["tab"] != "parallel"
    return study, out | {
        "axes_x": axes,
        "axes_y": axes,
        "x": x,
        "y": y,
        "legend": views.legend(study, scatter, theme),
        "chart": views.chart(study, x, y, theme) if scatter else views.parallel(study, theme),
        "axes": not scatter,
        "table": table(study, order["key"], order["down"], {"a": a, "b": b}, theme),
    }


def _named(studies: tuple[Study, ...], name: Any) -> Study | None:
    return next((study for study in studies if study.name == name), None)


def _axes(available: list[str], x: Any, y: Any) -> tuple[str, str]:
    """The axes asked for; what a study has no values of gives way."""
    first = [key for key in ("critic_loss", "nll") if key in available] + [*available, "critic_loss"]
    x = x if x in available else first[0]
    others = [key for key in ("tree_stability", "nll") if key in available and key != x] + first
    return x, y if y in available else others[0]


def _order(order: Any) -> dict[str, Any]:
    known = isinstance(order, dict) and order.get("key") in COLUMNS and isinstance(order.get("down"), bool)
    return order if known else _USUAL_ORDER


def _theme(name: Any) -> str:
    return name if name in THEMES else "light"
