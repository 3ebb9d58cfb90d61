"""A search in figures: its trials in order, their learning curves, and the effect of each setting."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from topoviz.figures.style import Spec, bare_layout
from topoviz.figures.theme import THEMES, node_color

if TYPE_CHECKING:
    from core.search import Study, Trial

__all__ = ["against_critic", "curves", "history", "settings"]

_LOGARITHMIC = ("components", "learning_rate", "evenness")
# Colors of the palette for color blindness, by state.
_STATES = (("complete", 0, "circle"), ("pruned", 1, "circle-open"))


def history(study: "Study", theme: str = "light") -> Spec:
    """The held-out likelihood of each trial in turn, and the best complete one so far."""
    colors = THEMES[theme]
    data: list[Spec] = []
    for state, number, symbol in _STATES:
        shown = [trial for trial in study.trials if trial.state == state and trial.nll is not None]
        color = node_color(number, 7)
        data.append(_points(shown, lambda trial: trial.number, state, color, symbol))
    complete = [trial for trial in study.trials if trial.state == "complete"]
    best = [min(float(other.nll or 0) for other in complete[: at + 1]) for at in range(len(complete))]
    line = {"color": colors.soft, "width": 1.5, "shape": "hv"}
    x = [trial.number for trial in complete]
    data.append({"type": "scatter", "mode": "lines", "name": "best so far", "x": x, "y": best, "line": line})
    return {"data": data, "layout": _layout(theme, "trial", "held-out nats", showlegend=True)}


def curves(study: "Study", theme: str = "light") -> Spec:
    """The held-out likelihood where each trial was judged: one line per trial; stopped trials have their own color."""
    data: list[Spec] = []
    for state, number, _ in _STATES:
        first = True
        for trial in (trial for trial in study.trials if trial.state == state):
            reached = [*trial.rungs] + ([(study.steps, trial.nll)] if trial.measures is not None else [])
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": state,
                    "legendgroup": state,
                    "showlegend": first,
                    "x": [step for step, _ in reached],
                    "y": [nll for _, nll in reached],
                    "line": {"color": node_color(number, 7), "width": 1.2},
                    "marker": {"size": 5},
                    "opacity": 0.7,
                    "hovertext": f"trial {trial.number}",
                    "hoverinfo": "text+y",
                }
            )
            first = False
    layout = _layout(theme, "step", "held-out nats", showlegend=True)
    weighed = sorted({step for trial in study.trials for step, _ in trial.rungs} | {study.steps})
    layout["xaxis"] |= {"type": "log", "tickvals": weighed, "ticktext": [str(step) for step in weighed]}
    return {"data": data, "layout": layout}


def against_critic(study: "Study", theme: str = "light") -> Spec:
    """Complete trials: the loss of a critic against the held-out likelihood with its error, a color per prior."""
    data = []
    for number, prior in enumerate(_priors(study)):
        shown = [trial for trial in study.trials if trial.measures is not None and trial.params["prior"] == prior]
        trace = _points(shown, lambda trial: trial.measures.critic_loss, prior, node_color(number, 7), "circle")
        errors = [trial.measures.nll_error for trial in shown if trial.measures is not None]
        trace["error_y"] = {"array": errors, "thickness": 1, "width": 0, "color": THEMES[theme].unmatched}
        data.append(trace)
    return {"data": data, "layout": _layout(theme, "critic loss", "held-out nats", showlegend=True)}


def settings(study: "Study", theme: str = "light") -> dict[str, Spec]:
    """For each setting, the held-out likelihood where all trials were judged first, a color per prior."""
    shown = [trial for trial in study.trials if trial.rungs]
    names = [name for name in (shown[0].params if shown else {}) if name not in ("prior", "flow")]
    found = {}
    for name in (name for name in names if len({trial.params[name] for trial in shown}) > 1):
        data = []
        for number, prior in enumerate(_priors(study)):
            ours = [trial for trial in shown if trial.params["prior"] == prior]
            trace = _points(ours, lambda trial, name=name: trial.params[name], prior, node_color(number, 7), "circle")
            trace["y"] = [trial.rungs[0][1] for trial in ours]
            data.append(trace)
        # One legend is enough for all.
        layout = _layout(theme, name.replace("_", " "), "held-out nats", showlegend=not found)
        layout["xaxis"] |= _ticks(name, [trial.params[name] for trial in shown])
        found[name] = {"data": data, "layout": layout}
    return found


def _ticks(name: str, values: Sequence[float]) -> Spec:
    """The ticks of a setting's axis: 1, 2 and 5 of each decade, or each of few whole numbers."""
    if name in _LOGARITHMIC:
        ticks = [lead * 10.0**decade for decade in range(-6, 7) for lead in (1, 2, 5)]
        within = [tick for tick in ticks if min(values) <= tick <= max(values)]
        return {"type": "log", "tickvals": within, "ticktext": [f"{tick:g}" for tick in within]}
    few = sorted(set(values))
    return {"tickvals": few} if len(few) <= 8 else {}


def _priors(study: "Study") -> list[str]:
    return sorted({str(trial.params["prior"]) for trial in study.trials})


def _points(trials: Sequence["Trial"], x: Callable[[Any], Any], name: str, color: str, symbol: str) -> Spec:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [x(trial) for trial in trials],
        "y": [trial.nll for trial in trials],
        "marker": {"color": color, "size": 8, "symbol": symbol, "line": {"width": 1.5, "color": color}},
        "hovertext": [_hover(trial) for trial in trials],
        "hoverinfo": "text",
    }


def _hover(trial: "Trial") -> str:
    params = ", ".join(f"{key.replace('_', ' ')} {_short(value)}" for key, value in trial.params.items())
    return f"trial {trial.number}, {trial.state}: {trial.nll:.3f} nats<br>{params}"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _layout(theme: str, x: str, y: str, showlegend: bool) -> Spec:
    colors = THEMES[theme]
    line = {"zeroline": False, "tickfont": {"size": 11, "color": colors.soft}}
    title = {"font": {"size": 12, "color": colors.soft}, "standoff": 6}
    return bare_layout(
        theme,
        margin={"l": 56, "r": 12, "t": 12, "b": 42},
        xaxis={**line, "showgrid": False, "linecolor": colors.faint, "title": {**title, "text": x}},
        yaxis={**line, "gridcolor": colors.faint, "nticks": 6, "title": {**title, "text": y}},
        showlegend=showlegend,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="closest",
    )
