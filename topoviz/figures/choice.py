"""How a size was chosen: the held-out likelihood of each value that was tried, and the elbow."""

from topoviz.figures.style import Spec, bare_layout
from topoviz.figures.theme import THEMES
from topoviz.session.convergence import Choice

__all__ = ["spec"]


def spec(choice: Choice, theme: str) -> Spec:
    """The held-out negative log-likelihood against the value, with errors; the chosen value is filled and labeled."""
    colors = THEMES[theme]
    values = [trial.value for trial in choice.tried]
    on = [trial.value == choice.chosen for trial in choice.tried]
    line = {"zeroline": False, "tickfont": {"size": 11, "color": colors.soft}}
    title = {"font": {"size": 11, "color": colors.soft}, "standoff": 4}
    curve = {
        "type": "scatter",
        "mode": "lines+markers+text",
        "x": values,
        "y": [trial.nll for trial in choice.tried],
        "error_y": {
            "array": [trial.error for trial in choice.tried],
            "color": colors.soft,
            "thickness": 1.2,
            "width": 4,
        },
        "line": {"color": colors.unmatched, "width": 1.5},
        "marker": {
            "size": [11 if chosen else 7 for chosen in on],
            "color": [colors.accent if chosen else colors.paper for chosen in on],
            "line": {"color": [colors.accent if chosen else colors.soft for chosen in on], "width": 1.5},
            "opacity": 1,
        },
        "text": ["chosen" if chosen else "" for chosen in on],
        "textposition": "top right",
        "textfont": {"size": 11.5, "color": colors.accent},
        "cliponaxis": False,
    }
    layout = bare_layout(
        theme,
        margin={"l": 48, "r": 44, "t": 14, "b": 32},
        xaxis={
            **line,
            "showgrid": False,
            "tickvals": values,
            "title": {**title, "text": choice.what},
            "range": [min(values, default=0) - 0.3, max(values, default=1) + 0.3],
        },
        yaxis={**line, "gridcolor": colors.faint, "nticks": 4, "title": {**title, "text": "held-out nats"}},
    )
    return {"data": [curve], "layout": layout}
