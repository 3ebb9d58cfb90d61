"""The training dialog: its form, and where a training stands in words."""

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from topoviz.figures.training import figure
from topoviz.jobs import Status
from topoviz.words import PRIORS

__all__ = ["form", "told"]

_WORDS = {
    "queued": "waits for its turn",
    "running": "trains",
    "done": "is done",
    "failed": "failed",
    "cancelled": "was cancelled",
}


def form(sets: Sequence[str], flows: Sequence[str], priors: Sequence[str], theme: str) -> list[Any]:
    """The dialog's body: built-in `sets`, families of flows and of priors to choose from, the first each the usual."""
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
                dmc.Select(id="training-set", label="Built-in set", data=list(sets), value="islands-a", w=170),
                dcc.Upload(
                    id="training-drop", className="drop", children="Drop a file, or click", max_size=200 * 2**20
                ),
            ],
        ),
        html.P(id="training-file", className="hint"),
        _priors(priors),
        html.Div(
            className="form-row",
            children=[
                _sizes("training-dim", "Latent dimensions", range(1, 17), "2", 130),
                _sizes("training-pad", "Pads", range(17), "0", 84),
                dmc.NumberInput(id="training-seed", label="Seed", value=0, min=0, w=80),
                dmc.Select(id="training-flow", label="Flow", data=list(flows), value=flows[0], w=104),
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
            id="training-curve", figure=figure((), theme), style={"height": "240px"}, config={"displayModeBar": False}
        ),
    ]


def told(status: Status) -> Any:
    """Where a training stands."""
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


def _priors(names: Sequence[str]) -> dmc.RadioGroup:
    """Which family the latent density is of; each says what it is."""
    return dmc.RadioGroup(
        id="training-prior",
        label="Prior",
        value=names[0],
        className="priors",
        children=dmc.Stack(
            [dmc.Radio(label=name, value=name, description=PRIORS.get(name, ""), size="xs") for name in names], gap=6
        ),
    )


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
