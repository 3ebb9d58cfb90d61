"""The jobs: a row each with what can be done to it, a badge in the header while some are on, a notice at the end."""

from collections.abc import Sequence
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from core.errors import InputError
from topoviz.app.panels.controls import MODELS
from topoviz.app.views import ids
from topoviz.app.views.markup import aria, data, problem
from topoviz.app.views.models import options
from topoviz.figures.theme import THEMES
from topoviz.figures.training import figure
from topoviz.jobs.queue import ACTIVE, Jobs, Status
from topoviz.session.checks import choice
from topoviz.session.library import Library
from topoviz.session.state import SIDES

__all__ = ["badge", "finished", "jobs_watch", "register", "rows", "title"]

_WORDS = {
    "queued": "waits",
    "running": "trains",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "interrupted": "interrupted",
}
_ACTIONS = {
    "queued": ("cancel",),
    "running": ("cancel",),
    "failed": ("resume", "retry", "remove"),
    "cancelled": ("resume", "retry", "remove"),
    "interrupted": ("resume", "retry", "remove"),
    "done": ("remove",),
}
_SAID = {
    "cancel": "stop it",
    "resume": "go on from where it was last kept",
    "retry": "begin anew with the same settings",
    "remove": "take it off this list; a trained model stays",
}
_INTERRUPTED = "The app ended while this trained."


def jobs_watch() -> list[Any]:
    """What looks after the jobs while the dialog is closed."""
    return [
        dcc.Interval(id="jobs-tick", interval=1000, disabled=True),
        dcc.Store(id="jobs-changed"),
        dcc.Store(id="jobs-known"),
        dcc.Store(id="jobs-done"),
        dcc.Store(id="job-act"),
        html.Div(id="job-notice", className="job-notice", role="status"),
    ]


def rows(statuses: Sequence[Status], chosen: str | None) -> list[Any]:
    """The list: what trains, what waits, then the rest, newest first; `chosen` is the one whose curve is shown."""
    if not statuses:
        return [html.Li("Nothing has been trained here yet.", className="hint")]
    active = [status for status in statuses if status.state in ACTIVE]
    ended = [status for status in reversed(statuses) if status.state not in ACTIVE]
    active.sort(key=lambda status: status.state != "running")
    return [_row(status, status.id == chosen) for status in (*active, *ended)]


def title(status: Status | None) -> str:
    """What the curve is of."""
    if status is None:
        return ""
    config = status.config or {}
    parts = (
        f"{status.data}",
        f"{config.get('latent_dim')} latent",
        f"{config.get('pad')} pads",
        f"{config.get('prior')}",
        f"{config.get('flow')}",
        f"seed {status.seed}",
    )
    return " · ".join(parts)


def badge(statuses: Sequence[Status]) -> str:
    """How many are on, in two words; nothing where none is."""
    running = sum(status.state == "running" for status in statuses)
    waiting = sum(status.state == "queued" for status in statuses)
    if not running + waiting:
        return ""
    return f"{running + waiting} training" if running else f"{waiting} waiting"


def finished(status: Status) -> list[Any]:
    """What is said of a job that is done, with the way to its model."""
    return [
        html.Span([html.B(status.name), " is trained."]),
        *_open(status),
        html.Button("×", className="icon", **data(dismiss="job"), **aria(label="Close the notice")),
    ]


def register(app: Dash, library: Library, jobs: Jobs) -> None:
    """Register the list of jobs, the badge and the notices on `app`; finished models join the pickers."""

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
        notice = finished(done[-1]) if done else no_update
        text = badge(statuses)
        idle = not any(state in ACTIVE for state in states.values())
        return text, not text, notice, states, [s.name for s in done] or no_update, idle

    @app.callback(
        Output(MODELS["a"], "data", allow_duplicate=True),
        Output(MODELS["b"], "data", allow_duplicate=True),
        Input("jobs-done", "data"),
        State(MODELS["a"], "value"),
        State(MODELS["b"], "value"),
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
        return rows(statuses, shown and shown.id), title(shown), drawn

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


def _in_view(statuses: Sequence[Status], chosen: Any) -> Status | None:
    """The job whose curve is shown: the chosen one, else the one that trains, else the newest that began."""
    asked = [status for status in statuses if status.id == chosen]
    running = [status for status in statuses if status.state == "running"]
    began = [status for status in statuses if status.steps]
    return next(iter((*asked, *running, *reversed(began))), None)


# ---------------------------------------------------------------- a row of the list
def _row(status: Status, chosen: bool) -> html.Li:
    actions = [action for action in _ACTIONS[status.state] if action != "resume" or status.resumable]
    return html.Li(
        className=f"job {status.state}{' chosen' if chosen else ''}",
        children=[
            html.Div(
                className="job-head",
                children=[
                    html.Button(
                        status.name,
                        className="job-name",
                        title="Show its curve",
                        **data(curve=status.id),
                        **aria(pressed=chosen),
                    ),
                    html.Span(_WORDS[status.state], className=f"job-state {status.state}"),
                    html.Span(className="push"),
                    *(_open(status) if status.state == "done" else ()),
                    *(_action(status, action) for action in actions),
                ],
            ),
            _bar(status),
            _detail(status),
        ],
    )


def _open(status: Status) -> list[Any]:
    return [
        html.Button(
            f"Open as {side.upper()}",
            className="chip",
            **data(opens=status.name, side=side),
            **aria(label=f"Open {status.name} as {side.upper()}"),
        )
        for side in SIDES
    ]


def _action(status: Status, action: str) -> html.Button:
    return html.Button(
        action.capitalize(),
        className="chip",
        title=_SAID[action].capitalize(),
        **data(do=action, job=status.id),
        **aria(label=f"{action.capitalize()} {status.name}"),
    )


def _bar(status: Status) -> Any:
    if status.state != "running":
        return None
    last = status.steps[-1] if status.steps else None
    share = last["step"] / max(last["steps"], 1) if last and last["phase"] in ("fit", "done") else 0.0
    percent = f"{100 * share:.0f}%"
    now = aria(label=f"Progress of {status.name}", valuenow=round(100 * share), valuemin=0, valuemax=100)
    return html.Div(html.Span(style={"width": percent}), className="job-bar", role="progressbar", **now)


def _detail(status: Status) -> Any:
    if status.error:
        return html.P(status.error, className="problem")
    if status.state == "interrupted":
        way = " Resume goes on where it was." if status.resumable else " Retry begins anew."
        return html.P(_INTERRUPTED + way, className="hint")
    last = status.steps[-1] if status.steps else None
    parts = [] if last is None or status.state not in ("running", "done") else _figures(status.state, last)
    if status.state == "running" and last is None:
        parts = ["reads the data"]
    line = html.P(", ".join(parts), className="hint") if parts else None
    if status.state == "done":
        return html.Div(
            [line, html.P(status.doubt or "Converged.", className="doubt" if status.doubt else "converged")]
        )
    return line


def _figures(state: str, last: dict[str, Any]) -> list[str]:
    phases = {"choose": "chooses its dimensions", "start": "finds a start"}
    parts = [phases[last["phase"]]] if last["phase"] in phases else []
    if state == "running":
        parts.append(f"step {last['step']:,} of {last['steps']:,}")
    if last.get("heldout_nll") is not None:
        parts.append(f"held-out {last['heldout_nll']:.3f} nats")
    if state == "running" and last.get("seconds_left") is not None and last["phase"] != "choose":
        parts.append(f"about {_time(last['seconds_left'])} left")
    if state == "done":
        parts.append(f"took {_time(last['seconds'])}")
    return parts


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
