"""The app: the page, its callbacks, its guard, put together."""

import mimetypes

from dash import Dash

from topoviz import resource
from topoviz.app.callbacks import (
    browser,
    compose,
    curation,
    edit,
    export,
    meaning,
    points,
    scene,
    show,
    study,
    training,
    uploads,
)
from topoviz.app.delivery import deliver
from topoviz.app.security import secure
from topoviz.app.views.page import layout
from topoviz.jobs.queue import Jobs
from topoviz.session.library import Library
from topoviz.session.settings import Settings

__all__ = ["create_app"]

# The largest script, which Dash asks for only once it has laid out the page.
_AHEAD = '<link rel="preload" as="script" href="/_dash-component-suites/plotly/package_data/plotly.min.js">'


def create_app(settings: Settings) -> Dash:
    """The Dash app for these settings; its `server` is a guarded Flask app."""
    mimetypes.add_type("text/javascript", ".js")
    library = Library(settings)
    app = Dash(
        "topoviz",
        assets_folder=str(resource("assets")),
        title="topoviz",
        update_title="",
        suppress_callback_exceptions=True,
    )
    app.index_string = app.index_string.replace("<html>", '<html lang="en">').replace("</head>", f"{_AHEAD}</head>")
    # A function: a study may arrive while the app runs.
    first = settings.session is None
    app.layout = lambda: layout(bool(library.studies()), library.story(), story_first=first)
    edit.register(app, library, settings.session)
    show.register(app, library)
    scene.register(app, library)
    points.register(app, library)
    meaning.register(app, library)
    browser.register(app)
    export.register(app, library)
    curation.register(app, library)
    jobs = Jobs(settings)
    training.register(app, library, jobs)
    uploads.register(app, library, jobs.uploads)
    compose.register(app, library)
    study.register(app, library)
    deliver(app.server)
    secure(app.server, settings, app.csp_hashes(), app.callback_map)
    return app
