"""The callbacks of the form: what a person brings is read and shown, and a training is queued."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from dash import Dash, Input, Output, State, no_update
from dash.exceptions import PreventUpdate

from core.config import FlowAutoencoderConfig, choices
from core.errors import InputError, invalid
from topoviz.app.panels.training.form import description, form, no_description
from topoviz.app.views.markup import problem
from topoviz.jobs.description import MOST_COLUMNS
from topoviz.jobs.queue import Jobs
from topoviz.jobs.uploads import title_of
from topoviz.session.checks import choice, whole

__all__ = ["register"]

_FIELDS = ("set", "prior", "dim", "pad", "seed", "flow", "steps", "name", "features", "label")
_MAX_SEED = 2**31 - 1


def register(app: Dash, jobs: Jobs) -> None:
    """Register the form on `app`."""
    _register_form(app, jobs)

    @app.callback(
        output=(
            Output("training-words", "children"),
            Output("jobs-changed", "data"),
            Output("jobs-chosen", "data"),
        ),
        inputs={"clicks": Input("training-start", "n_clicks")},
        state={
            "upload": State("training-upload", "data"),
            "chosen": {name: State(f"training-{name}", "value") for name in _FIELDS},
            "changes": State("jobs-changed", "data"),
        },
        prevent_initial_call=True,
    )
    def start(clicks: Any, upload: Any, chosen: dict[str, Any], changes: Any) -> tuple[Any, Any, Any]:
        if not clicks:
            raise PreventUpdate
        try:
            job = _started(jobs, upload, chosen)
        except InputError as error:
            return problem(str(error)), no_update, no_update
        # The curve follows whatever trains.
        return f"{jobs.status(job).name} is in the queue.", (changes or 0) + 1, None


def _register_form(app: Dash, jobs: Jobs) -> None:
    @app.callback(
        Output("training", "opened"),
        Output("training-form", "children"),
        Input("train", "n_clicks"),
        State("training-form", "children"),
        prevent_initial_call=True,
    )
    def open_dialog(_: Any, filled: Any) -> tuple[bool, Any]:
        from core.worlds import dataset_names

        return True, no_update if filled else form(dataset_names(), choices("flow"), choices("prior"))

    @app.callback(
        Output("training-file", "children"),
        Output("training-source", "hidden"),
        Output("training-name", "placeholder"),
        Input("training-upload", "data"),
        running=[(Output("training-reading", "hidden"), False, True)],
        prevent_initial_call=True,
    )
    def describe(upload: Any) -> tuple[Any, bool, str]:
        if not isinstance(upload, dict):
            return no_description(), False, "as the data"
        try:
            name = jobs.uploads.name(upload.get("token", ""))
            found = jobs.uploads.description(upload["token"])
        except InputError as error:
            return no_description(str(error)), False, "as the data"
        return description(found, name), True, title_of(name)


def _started(jobs: Jobs, upload: Any, chosen: Mapping[str, Any]) -> str:
    """Queue what the form asks for, and return the job's id. Raises `InputError` on a value that cannot be used."""
    config = FlowAutoencoderConfig(
        latent_dim=_size(chosen["dim"], "latent_dim"),
        pad=_size(chosen["pad"], "pad"),
        flow=chosen["flow"],
        prior=choice("prior", chosen["prior"], choices("prior")),
        steps=_number(chosen["steps"], "steps", 1, 1_000_000),
    )
    seed = _number(chosen["seed"], "seed", 0, _MAX_SEED)
    wanted = str(chosen["name"] or "").strip()
    # What the browser names is a built-in set or an upload of its own, never a path.
    if isinstance(upload, dict):
        token = upload.get("token", "")
        path, title, found = jobs.uploads.path(token), jobs.uploads.name(token), jobs.uploads.description(token)
        name, label = wanted or title_of(title), str(chosen["label"] or "")
        if label and label not in {one["key"] for one in found["labels"]}:
            raise invalid("label", "a column of the data", repr(label), "choose one from the list")
        return jobs.start(path, config, seed, name, title, _features(chosen["features"], found), label)
    name = _built_in(chosen["set"])
    return jobs.start(name, config, seed, wanted or title_of(f"{name}."), name)


def _features(boxes: Any, found: Mapping[str, Any]) -> list[int]:
    """The columns of the ticked boxes. Raises `InputError` where none is, or one that cannot be a feature."""
    ticked = set(boxes) if isinstance(boxes, list) else set()
    usable = found["usable"]
    taken = [at for at in usable if (str(at) if at < MOST_COLUMNS else "rest") in ticked]
    if not taken or ticked - {str(at) for at in usable} - {"rest"}:
        raise invalid("features", "at least one column of numbers that vary", sorted(map(str, ticked))[:5], "tick some")
    return taken


def _built_in(name: Any) -> str:
    from core.worlds import dataset_names

    if name not in dataset_names():
        raise invalid("data", "a built-in set", repr(name), "choose one from the list")
    return str(name)


def _size(value: Any, name: str) -> int | Literal["auto"]:
    """The number that a picker of sizes holds, or 'auto'."""
    return "auto" if value == "auto" else int(choice(name, value, [str(n) for n in range(17)]))


def _number(value: Any, name: str, low: int, high: int) -> int:
    """The whole number in a field, which the browser may send as a float."""
    whole_float = isinstance(value, float) and np.isfinite(value) and value == int(value)
    return whole(name, int(value) if whole_float else value, low, high)
