"""Figures of priors.py's results, as SVG: whole trees by prior and set, critic loss against distance, components,
families."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from priors_statistics import Record, grouped, mean, wilson

from topoviz.figures.theme import THEMES, node_color
from topoviz.report.export import renderer

# Of critic losses: what 2,000 points cannot tell from nothing.
_LEAST = 1e-3
_INK = THEMES["light"]
_ORDER = ("gaussian", "mixture", "superposition", "adversarial")
_COLOR = {prior: node_color(index, len(_ORDER)) for index, prior in enumerate(_ORDER)}
_SYMBOL = dict(zip(_ORDER, ("circle", "square", "diamond", "triangle-up"), strict=True))


def write(folder: Path, records: Sequence[Record], by: str) -> None:
    """SVG files in the folder: those of the priors, or that of the components."""
    figures = {"components": components(records)} if by == "components" else {"priors": whole(records)}
    if by == "families":
        figures = {"families": families(records)}
    if by == "prior" and any(r["critic"] is not None for r in records):
        figures["critic"] = critic(records)
    folder.mkdir(parents=True, exist_ok=True)
    with renderer():
        for name, figure in figures.items():
            (folder / f"{name}.svg").write_bytes(figure.to_image(format="svg"))


def whole(records: Sequence[Record]) -> go.Figure:
    """A dot for the share of whole trees of every set and prior; at the foot all sets with Wilson's intervals."""
    sets = [*(name for (name,) in grouped(records, "set")), "<b>all</b>"]
    figure, priors = go.Figure(), grouped(records, "prior")
    for index, ((prior,), own) in enumerate(priors.items()):
        shares = [mean(part, "whole") for part in grouped(own, "set").values()]
        low, high = wilson(sum(r["whole"] for r in own), len(own))
        total = mean(own, "whole")
        # Side by side in a row, so that equal shares do not hide each other.
        aside = 0.2 * (index - (len(priors) - 1) / 2)
        at = [*(sets.index(name) for (name,) in grouped(own, "set")), len(sets) - 1]
        figure.add_scatter(
            x=[*shares, total],
            y=np.array(at) + aside,
            mode="markers",
            name=prior,
            marker=_marker(prior),
            error_x={
                "array": [0.0] * len(shares) + [high - total],
                "arrayminus": [0.0] * len(shares) + [total - low],
                "width": 0,
                "thickness": 1.5,
            },
        )
    figure.update_yaxes(
        tickvals=list(range(len(sets))), ticktext=sets, range=[len(sets) - 0.4, -0.6], gridcolor="white"
    )
    for row in range(len(sets) - 1):
        figure.add_hline(row + 0.5, line={"color": _INK.faint, "width": 1}, layer="below")
    figure.update_xaxes(title="whole trees", range=[-0.04, 1.04], tickformat=".0%")
    return _laid_out(figure, 620, 130 + 34 * len(sets))


def critic(records: Sequence[Record]) -> go.Figure:
    """Every training: how well a critic tells its latents from its prior, and how far its tree is off."""
    figure = go.Figure()
    for (prior,), own in grouped(records, "prior").items():
        own = [r for r in own if r["critic"] is not None]
        figure.add_scatter(
            x=[max(r["critic"], _LEAST) for r in own],
            y=[r["distance"] for r in own],
            mode="markers",
            name=prior,
            marker=_marker(prior),
        )
    figure.update_xaxes(title=f"critic loss ({_LEAST:g} stands for less)", type="log", dtick=1, exponentformat="none")
    figure.update_yaxes(title="distance of the trees (nats)", rangemode="tozero")
    return _laid_out(figure, 620, 420)


def components(records: Sequence[Record]) -> go.Figure:
    """Whole trees with Wilson's intervals, and the median excess, by number of components."""
    groups = {count: own for (count,), own in sorted(grouped(records, "components").items())}
    counts = list(groups)
    share = np.array([mean(own, "whole") for own in groups.values()])
    low, high = np.transpose([wilson(sum(r["whole"] for r in own), len(own)) for own in groups.values()])
    excess = [[r["excess"] for r in own] for own in groups.values()]
    figure = make_subplots(1, 3, horizontal_spacing=0.11, subplot_titles=("whole trees", "excess (nats)", "in use"))
    line = {"color": _INK.accent, "width": 2}
    marks = {"mode": "lines+markers", "line": line, "marker": {"size": 8}, "x": counts, "showlegend": False}
    bars = {"array": high - share, "arrayminus": share - low, "width": 0}
    figure.add_scatter(y=share, error_y=bars, row=1, col=1, **marks)
    figure.add_scatter(y=[float(np.median(values)) for values in excess], row=1, col=2, **marks)
    figure.add_scatter(y=[mean(own, "used") for own in groups.values()], row=1, col=3, **marks)
    ticks = [str(count) for count in counts]
    figure.update_xaxes(title="components", type="log", tickvals=counts, ticktext=ticks, minor={"ticks": ""})
    figure.update_yaxes(rangemode="tozero")
    figure.update_yaxes(range=[0, 1.04], tickformat=".0%", row=1, col=1)
    return _laid_out(figure, 860, 320)


def families(records: Sequence[Record]) -> go.Figure:
    """What a superposition chose: the weight of every family, mean over the seeds of a set."""
    sets = grouped(records, "set")
    names = list(dict.fromkeys(name for r in records for name in r["families"]))
    names.sort(key=lambda name: -float(np.mean([r["families"].get(name, 0.0) for r in records])))
    figure = go.Figure()
    for index, name in enumerate(names):
        weights = [float(np.mean([r["families"].get(name, 0.0) for r in own])) for own in sets.values()]
        rows = [label for (label,) in sets]
        color = node_color(index, len(names))
        figure.add_bar(y=rows, x=weights, name=name, orientation="h", marker_color=color)
    figure.update_layout(barmode="stack", bargap=0.35, legend_traceorder="normal")
    figure.update_xaxes(title="weight", tickformat=".0%", range=[0, 1.01])
    figure.update_yaxes(autorange="reversed")
    return _laid_out(figure, 620, 130 + 40 * len(sets))


def _marker(prior: str) -> dict:
    line = {"color": "white", "width": 1}
    return {"color": _COLOR[prior], "symbol": _SYMBOL[prior], "size": 9, "line": line}


def _laid_out(figure: go.Figure, width: int, height: int) -> go.Figure:
    figure.update_layout(
        template="simple_white",
        width=width,
        height=height,
        font={"family": "Helvetica, Arial, sans-serif", "size": 13, "color": _INK.ink},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"l": 70, "r": 20, "t": 50, "b": 60},
    )
    figure.update_yaxes(automargin=True)
    return figure
