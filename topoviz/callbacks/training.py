"""Training from the page: choose or drop data, watch, cancel; a finished model joins the pickers."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from dash import Dash, Input, Output, State, ctx, html, no_update
from dash.exceptions import PreventUpdate

from core.config import FlowAutoencoderConfig, choices
from core.errors import InputError, invalid
from topoviz import ids
from topoviz.checks import choice, whole
from topoviz.figures.training import figure
from topoviz.jobs import Jobs
from topoviz.library import Library
from topoviz.theme import THEMES
from topoviz.views.models import options
from topoviz.views.training import form, told

__all__ = ["register"]

_ENDED = ("done", "failed", "cancelled")
_FIELDS = ("set", "upload", "prior", "dim", "pad", "seed", "flow")
_MAX_SEED = 2**31 - 1


def register(app: Dash, library: Library, jobs: Jobs) -> None:
    """Register the training dialog on `app`."""

    @app.callback(
        Output("training", "opened"),
        Output("training-form", "children"),
        Input("train", "n_clicks"),
        State(ids.THEME, "data"),
        prevent_initial_call=True,
    )
    def open_dialog(_: Any, theme: Any) -> tuple[bool, Any]:
        from core.data import dataset_names

        return True, form(dataset_names(), choices("flow"), choices("prior"), _theme(theme))

    @app.callback(
        Output("training-file", "children"),
        Output("training-upload", "data"),
        Input("training-drop", "contents"),
        State("training-drop", "filename"),
        prevent_initial_call=True,
    )
    def take_file(contents: Any, filename: Any) -> tuple[Any, Any]:
        try:
            return _taken(jobs, contents, str(filename))
        except InputError as error:
            return html.Span(str(error), className="problem"), None

    @app.callback(
        output=(
            Output("training-job", "data"),
            Output("training-tick", "disabled"),
            Output("training-words", "children", allow_duplicate=True),
        ),
        inputs={"start": Input("training-start", "n_clicks"), "cancel": Input("training-cancel", "n_clicks")},
        state={
            "job": State("training-job", "data"),
            "chosen": {name: State(f"training-{name}", "data" if name == "upload" else "value") for name in _FIELDS},
        },
        prevent_initial_call=True,
    )
    def start_or_cancel(start: Any, cancel: Any, job: Any, chosen: dict[str, Any]) -> tuple[Any, Any, Any]:
        if ctx.triggered_id == "training-cancel":
            jobs.cancel(job)
            return no_update, no_update, no_update
        try:
            return _started(jobs, chosen), False, "waits for its turn"
        except InputError as error:
            return no_update, True, html.Span(str(error), className="problem")

    @app.callback(
        Output("training-words", "children"),
        Output("training-curve", "figure"),
        Output("training-tick", "disabled", allow_duplicate=True),
        Output(ids.A, "data", allow_duplicate=True),
        Output(ids.B, "data", allow_duplicate=True),
        Input("training-tick", "n_intervals"),
        State("training-job", "data"),
        State(ids.THEME, "data"),
        State(ids.A, "value"),
        State(ids.B, "value"),
        prevent_initial_call=True,
    )
    def tick(_: Any, job: Any, theme: Any, a: Any, b: Any) -> tuple[Any, ...]:
        if job is None:
            # Dash calls once as the dialog opens.
            raise PreventUpdate
        try:
            status = jobs.status(job)
        except InputError as error:
            return str(error), no_update, True, no_update, no_update
        models = options(library.listed(a, b)) if status.state == "done" else no_update
        return told(status), figure(status.steps, _theme(theme)), status.state in _ENDED, models, models


def _theme(name: Any) -> str:
    return name if name in THEMES else "light"


def _taken(jobs: Jobs, contents: Any, filename: str) -> tuple[str, dict[str, str]]:
    """Keep a dropped file; what was read of it, and how the form refers to it."""
    from core.data import load_dataset

    path = jobs.upload(filename, _decoded(contents))
    data = load_dataset(path)
    read = f"{filename}: {len(data):,} points of {data.dim} columns. " + " ".join(data.notes)
    return read, {"token": path.name, "name": filename.rsplit(".", 1)[0]}


def _started(jobs: Jobs, chosen: Mapping[str, Any]) -> str:
    """Queue what the form asks for, and return the job's id. Raises `InputError` on a value that cannot be used."""
    config = FlowAutoencoderConfig(
        latent_dim=_size(chosen["dim"], "latent_dim"),
        pad=_size(chosen["pad"], "pad"),
        flow=chosen["flow"],
        prior=choice("prior", chosen["prior"], choices("prior")),
    )
    seed = _seed(chosen["seed"])
    # What the browser names is a built-in set or an upload of its own, never a path.
    if upload := chosen["upload"]:
        return jobs.start(jobs.uploaded(upload["token"]), config, seed, _plain(upload["name"]))
    name = _built_in(chosen["set"])
    return jobs.start(name, config, seed, _plain(name))


def _decoded(contents: Any) -> bytes:
    try:
        return base64.b64decode(str(contents).split(",", 1)[1], validate=True)
    except (IndexError, binascii.Error):
        raise invalid("file", "an upload", "something else", "drop the file again") from None


def _built_in(name: Any) -> str:
    from core.data import dataset_names

    if name not in dataset_names():
        raise invalid("data", "a built-in set", repr(name), "choose one from the list")
    return str(name)


def _size(value: Any, name: str) -> int | Literal["auto"]:
    """The number that a picker of sizes holds, or 'auto'."""
    return "auto" if value == "auto" else int(choice(name, value, [str(n) for n in range(17)]))


def _seed(value: Any) -> int:
    """The number in a field, which the browser may send as a float."""
    whole_float = isinstance(value, float) and np.isfinite(value) and value == int(value)
    return whole("seed", int(value) if whole_float else value, 0, _MAX_SEED)


def _plain(title: str) -> str:
    kept = "".join(c if c.isalnum() or c in "-." else "-" for c in title.lower()).strip("-.")[:40]
    return kept or "model"
