"""Training from the page: a dialog with the data, the settings and the jobs to watch; and the addresses that a file is
sent to."""

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, dcc, html

from topoviz.app.panels.panel import Context
from topoviz.app.panels.training import jobs, start, uploads
from topoviz.app.views.controls import icon
from topoviz.app.views.markup import modal, step
from topoviz.figures.training import figure

__all__ = ["buttons", "layout", "register"]


def buttons(_: Context) -> list[html.Button]:
    """The badge of the jobs that are on, and what opens the dialog."""
    badge = html.Button(id="jobs-badge", className="jobs-badge", title="Show the jobs", hidden=True)
    return [badge, icon("train", "+", "Train a model")]


def layout(context: Context) -> list[Any]:
    """The dialog, and what looks after the jobs while it is closed."""
    return [_dialog(), *jobs.jobs_watch()]


def register(app: Dash, context: Context) -> None:
    """Register the dialog, the jobs and the uploads on `app`."""
    start.register(app, context.jobs)
    jobs.register(app, context.library, context.jobs)
    uploads.register(app, context.jobs.uploads)


def _dialog() -> dmc.Modal:
    """The dialog, its form empty: that is filled when it is first opened."""
    return modal(
        "training",
        "Train a model",
        size="min(1280px, 96vw)",
        xOffset="2vw",
        yOffset="3vh",
        centered=True,
        className="training-dialog",
        children=[
            dcc.Store(id="training-upload"),
            dcc.Store(id="jobs-chosen"),
            html.Div(
                className="trainer",
                children=[
                    html.Div(id="training-form", className="training-form"),
                    html.Section(
                        className="step step-watch",
                        children=[
                            step(3, "Watch"),
                            html.P(id="training-words", className="hint", role="status"),
                            html.Ul(id="jobs-list", className="jobs"),
                            html.P(id="jobs-title", className="jobs-title"),
                            dcc.Graph(
                                id="training-curve",
                                figure=figure((), "light"),
                                style={"height": "190px"},
                                config={"displayModeBar": False},
                                className="jobs-curve",
                            ),
                        ],
                    ),
                ],
            ),
        ],
    )
