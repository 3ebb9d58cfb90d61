"""The app: the page, its callbacks, its guard, put together."""

import mimetypes

from dash import Dash

from topoviz import resource
from topoviz.app import page
from topoviz.app.callbacks import edit, show
from topoviz.app.panels import PANELS, Context
from topoviz.app.web.delivery import deliver
from topoviz.app.web.security import secure
from topoviz.jobs.queue import Jobs
from topoviz.session.library import Library
from topoviz.session.settings import Settings

__all__ = ["create_app"]

# The largest script, which Dash asks for only once it has laid out the page.
_AHEAD = '<link rel="preload" as="script" href="/_dash-component-suites/plotly/package_data/plotly.min.js">'


def create_app(settings: Settings) -> Dash:
    """The Dash app for these settings; its `server` is a guarded Flask app."""
    mimetypes.add_type("text/javascript", ".js")
    context = Context(settings, Library(settings), Jobs(settings))
    app = Dash(
        "topoviz",
        assets_folder=str(resource("assets")),
        title="topoviz",
        update_title="",
        suppress_callback_exceptions=True,
    )
    app.index_string = app.index_string.replace("<html>", '<html lang="en">').replace("</head>", f"{_AHEAD}</head>")
    # A function: a study may arrive while the app runs.
    app.layout = lambda: page.layout(context)
    page.register(app)
    edit.register(app, context)
    show.register(app, context)
    for panel in PANELS:
        if panel.register is not None:
            panel.register(app, context)
    deliver(app.server)
    secure(app.server, settings, app.csp_hashes(), app.callback_map)
    return app
