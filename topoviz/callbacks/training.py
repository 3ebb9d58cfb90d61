"""Training from the page: choose or drop data, watch, cancel; a finished model joins the pickers."""

import base64
import binascii
from typing import Any, Literal

import dash_mantine_components as dmc
import numpy as np
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.exceptions import PreventUpdate

from core.config import FlowAutoencoderConfig
from core.errors import InputError, invalid
from topoviz import ids
from topoviz.checks import choice
from topoviz.figures.training import figure
from topoviz.jobs import Jobs, Status
from topoviz.library import Library
from topoviz.theme import THEMES

__all__ = ["register"]

_WORDS = {
    "queued": "waits for its turn",
    "running": "trains",
    "done": "is done",
    "failed": "failed",
    "cancelled": "was cancelled",
}
_ENDED = ("done", "failed", "cancelled")


def register(app: Dash, library: Library, jobs: Jobs) -> None:
    """Register the training dialog on `app`."""

    @app.callback(
        Output("training", "opened"),
        Output("training-body", "children"),
        Input("train", "n_clicks"),
        prevent_initial_call=True,
    )
    def open_dialog(_: Any) -> tuple[bool, Any]:
        return True, _form()

    @app.callback(
        Output("training-file", "children"),
        Output("training-upload", "data"),
        Input("training-drop", "contents"),
        State("training-drop", "filename"),
        prevent_initial_call=True,
    )
    def take_file(contents: Any, filename: Any) -> tuple[Any, Any]:
        try:
            path = jobs.upload(str(filename), _decoded(contents))
            from core.data import load_dataset

            data = load_dataset(path)
        except InputError as error:
            return html.Span(str(error), className="problem"), None
        read = f"{filename}: {len(data):,} points of {data.dim} columns. " + " ".join(data.notes)
        return read, {"token": path.name, "name": str(filename).rsplit(".", 1)[0]}

    @app.callback(
        Output("training-job", "data"),
        Output("training-tick", "disabled"),
        Output("training-words", "children", allow_duplicate=True),
        Input("training-start", "n_clicks"),
        Input("training-cancel", "n_clicks"),
        State("training-set", "value"),
        State("training-upload", "data"),
        State("training-pad", "value"),
        State("training-dim", "value"),
        State("training-seed", "value"),
        State("training-flow", "value"),
        State("training-job", "data"),
        prevent_initial_call=True,
    )
    def start(
        _: Any, __: Any, name: Any, upload: Any, pad: Any, dim: Any, seed: Any, flow: Any, job: Any
    ) -> tuple[Any, Any, Any]:
        if ctx.triggered_id == "training-cancel":
            if job:
                jobs.cancel(job)
            return no_update, no_update, no_update
        try:
            config = FlowAutoencoderConfig(latent_dim=_size(dim, "latent_dim"), pad=_size(pad, "pad"), flow=flow)
            # What the browser names is a built-in set or an upload of its own, never a path.
            data, title = (jobs.uploaded(upload["token"]), upload["name"]) if upload else (_built_in(name), name)
            return jobs.start(data, config, _whole(seed, "seed"), _plain(title)), False, "waits for its turn"
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
        prevent_initial_call=True,
    )
    def tick(_: Any, job: Any, theme: Any) -> tuple[Any, ...]:
        if job is None:
            # Dash calls once as the dialog opens.
            raise PreventUpdate
        try:
            status = jobs.status(job)
        except InputError as error:
            return str(error), no_update, True, no_update, no_update
        ended = status.state in _ENDED
        entries: Any = no_update
        if status.state == "done":
            entries = [{"value": e.name, "label": e.title, "disabled": bool(e.problem)} for e in library.entries()]
        drawn = figure(status.steps, theme if theme in THEMES else "light")
        return _told(status), drawn, ended, entries, entries


def _form() -> list[Any]:
    from core.data import dataset_names

    return [
        dcc.Store(id="training-job"),
        dcc.Store(id="training-upload"),
        dcc.Interval(id="training-tick", interval=400, disabled=True),
        html.P(
            "A built-in set, or a file of your own: .npy, .npz, .csv, .parquet or .safetensors, one row a point.",
            className="hint",
        ),
        html.Div(
            className="form-row",
            children=[
                dmc.Select(
                    id="training-set", label="Built-in set", data=list(dataset_names()), value="islands-a", w=170
                ),
                dcc.Upload(
                    id="training-drop", className="drop", children="Drop a file, or click", max_size=200 * 2**20
                ),
            ],
        ),
        html.P(id="training-file", className="hint"),
        html.Div(
            className="form-row",
            children=[
                _sizes("training-dim", "Latent dimensions", range(1, 17), "2", 130),
                _sizes("training-pad", "Pads", range(17), "0", 84),
                dmc.NumberInput(id="training-seed", label="Seed", value=0, min=0, w=80),
                dmc.Select(id="training-flow", label="Flow", data=["coupling", "cnf"], value="coupling", w=104),
                html.Button("Train", id="training-start", className="button strong"),
                html.Button("Cancel", id="training-cancel", className="button"),
            ],
        ),
        html.P(
            "With auto, short trainings compared on held-out points choose the number first; that takes longer.",
            className="hint",
        ),
        html.P(id="training-words", className="hint", role="status"),
        dcc.Graph(
            id="training-curve", figure=figure((), "light"), style={"height": "240px"}, config={"displayModeBar": False}
        ),
    ]


def _sizes(name: str, label: str, values: range, value: str, width: int) -> dmc.Select:
    """A picker of a number, or of 'auto'."""
    return dmc.Select(
        id=name,
        label=label,
        data=["auto", *map(str, values)],
        value=value,
        searchable=True,
        allowDeselect=False,
        w=width,
    )


def _told(status: Status) -> Any:
    if status.error:
        return html.Span(f"{status.name} failed: {status.error}", className="problem")
    words = f"{status.name} {_WORDS[status.state]}"
    if status.steps and status.state == "running":
        last = status.steps[-1]
        words += ", choosing its dimensions" if last["phase"] == "choose" else ""
        words += f": step {last['step']:,} of {last['steps']:,}"
        if last.get("heldout_nll") is not None:
            words += f", held-out {last['heldout_nll']:.3f} nats"
        if last.get("seconds_left") is not None:
            words += f", about {last['seconds_left']:.0f} s left"
    if status.state == "done":
        words += "; choose it as A or B."
    return [words, html.Span(f" {status.doubt}", className="doubt")] if status.doubt else words


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
    """The number that a picker of `_sizes` holds, or 'auto'."""
    return "auto" if value == "auto" else int(choice(name, value, [str(n) for n in range(17)]))


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value) or value != int(value):
        raise invalid(name, "a whole number", repr(value), "give one")
    return int(value)


def _plain(title: str) -> str:
    kept = "".join(c if c.isalnum() or c in "-." else "-" for c in title.lower()).strip("-.")[:40]
    return kept or "model"
