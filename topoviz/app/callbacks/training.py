"""Training from the page: what a person brings is read and told, jobs are queued and watched; finished models join the
pickers."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from dash import Dash, Input, Output, State, no_update
from dash.exceptions import PreventUpdate

from core.config import FlowAutoencoderConfig, choices
from core.errors import InputError, invalid
from topoviz.app import ids
from topoviz.app.views import jobs as views
from topoviz.app.views.markup import problem
from topoviz.app.views.models import options
from topoviz.app.views.training import form, nothing_told, told
from topoviz.figures.theme import THEMES
from topoviz.figures.training import figure
from topoviz.jobs.description import MOST_COLUMNS
from topoviz.jobs.queue import ACTIVE, Jobs, Status
from topoviz.jobs.uploads import title_of
from topoviz.session.checks import choice, whole
from topoviz.session.library import Library

__all__ = ["register"]

_FIELDS = ("set", "prior", "dim", "pad", "seed", "flow", "steps", "name", "features", "label")
_MAX_SEED = 2**31 - 1


def register(app: Dash, library: Library, jobs: Jobs) -> None:
    """Register the training dialog, the badge and the notices on `app`."""
    _register_form(app, jobs)
    _register_watch(app, library, jobs)

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

    @app.callback(
        Output("training-words", "children", allow_duplicate=True),
        Output("jobs-changed", "data", allow_duplicate=True),
        Input("job-act", "data"),
        State("jobs-changed", "data"),
        prevent_initial_call=True,
    )
    def act(asked: Any, changes: Any) -> tuple[Any, Any]:
        if not isinstance(asked, dict):
            raise PreventUpdate
        actions = {"cancel": jobs.cancel, "resume": jobs.resume, "retry": jobs.retry, "remove": jobs.remove}
        try:
            actions[choice("do", asked.get("do"), tuple(actions))](asked.get("job", ""))
        except InputError as error:
            return problem(str(error)), (changes or 0) + 1
        return "", (changes or 0) + 1


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
            return nothing_told(), False, "as the data"
        try:
            name = jobs.uploads.name(upload.get("token", ""))
            found = jobs.uploads.description(upload["token"])
        except InputError as error:
            return nothing_told(str(error)), False, "as the data"
        return told(found, name), True, title_of(name)


def _register_watch(app: Dash, library: Library, jobs: Jobs) -> None:
    @app.callback(
        Output("jobs-badge", "children"),
        Output("jobs-badge", "hidden"),
        Output("job-notice", "children"),
        Output("jobs-known", "data"),
        Output("jobs-done", "data"),
        Output("jobs-tick", "disabled"),
        Input("jobs-tick", "n_intervals"),
        Input("jobs-changed", "data"),
        State("jobs-known", "data"),
    )
    def look(_: Any, __: Any, known: Any) -> tuple[Any, ...]:
        statuses = jobs.all()
        states = {status.id: status.state for status in statuses}
        known = known if isinstance(known, dict) else states
        done = [s for s in statuses if s.state == "done" and known.get(s.id, "queued") != "done"]
        notice = views.finished(done[-1]) if done else no_update
        text = views.badge(statuses)
        idle = not any(state in ACTIVE for state in states.values())
        return text, not text, notice, states, [s.name for s in done] or no_update, idle

    @app.callback(
        Output(ids.A, "data", allow_duplicate=True),
        Output(ids.B, "data", allow_duplicate=True),
        Input("jobs-done", "data"),
        State(ids.A, "value"),
        State(ids.B, "value"),
        prevent_initial_call=True,
    )
    def join(_: Any, a: Any, b: Any) -> tuple[Any, Any]:
        models = options(library.listed(a, b))
        return models, models

    @app.callback(
        Output("jobs-list", "children"),
        Output("jobs-title", "children"),
        Output("training-curve", "figure"),
        Input("jobs-tick", "n_intervals"),
        Input("jobs-changed", "data"),
        Input("jobs-chosen", "data"),
        Input("jobs-known", "data"),
        Input("training", "opened"),
        State(ids.THEME, "data"),
        prevent_initial_call=True,
    )
    def show(_: Any, __: Any, chosen: Any, ___: Any, opened: Any, theme: Any) -> tuple[Any, Any, Any]:
        if not opened:
            raise PreventUpdate
        statuses = jobs.all()
        shown = _in_view(statuses, chosen)
        steps = ()
        if shown is not None:
            try:
                steps = jobs.status(shown.id).steps
            except InputError:
                shown = None
        drawn = figure(steps, theme if theme in THEMES else "light")
        return views.rows(statuses, shown and shown.id), views.title(shown), drawn


def _in_view(statuses: Sequence[Status], chosen: Any) -> Status | None:
    """The job whose curve is shown: the chosen one, else the one that trains, else the newest that began."""
    asked = [status for status in statuses if status.id == chosen]
    running = [status for status in statuses if status.state == "running"]
    began = [status for status in statuses if status.steps]
    return next(iter((*asked, *running, *reversed(began))), None)


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
