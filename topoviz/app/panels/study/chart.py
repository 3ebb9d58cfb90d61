"""How far a study is, and its trials in a chart: between two figures, or as lines across all of them."""

import json
from typing import Any

from dash import html

from topoviz.app.panels.study.trials import standing
from topoviz.app.views.markup import aria, data
from topoviz.figures.glyphs import data_uri, prior_mark
from topoviz.figures.study import AXES, Point, Scale, available, lines, rails, scatter
from topoviz.figures.theme import THEMES, prior_color
from topoviz.session.studies import Study
from topoviz.vocabulary import counted, priors_in_order

__all__ = ["axis_options", "chart", "legend", "parallel", "summary"]

_EMPTY = "There are no studies yet. `topoviz search DATA --out DIR` writes one; start the app with --models DIR."
_STALE = 300
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def summary(study: Study | None, now: float) -> Any:
    """What a study is of, how far it is, and how its trials ended; `now` in seconds since the epoch."""
    if study is None:
        return _EMPTY
    if study.problem:
        return html.Span(f"This study cannot be read: {study.problem}", className="problem")
    size = "" if study.points is None else f", {counted(study.points, 'point')}"
    size += "" if study.dim is None else f" in {study.dim}-D"
    truth = ", its truth planted" if study.planted else ""
    return [html.B(study.data or "unnamed data"), f"{size}{truth}. ", *_progress(study, now)]


def legend(study: Study, scatter: bool, theme: str) -> list[Any]:
    """The mark of each prior that was tried, and what else the chart's marks or lines mean."""
    complete = [trial for trial in study.trials if trial.state == "complete"]
    priors = priors_in_order({trial.prior for trial in complete})
    items: list[Any] = [html.Span([_mark(prior, theme, True), prior]) for prior in priors]
    if scatter and any(trial.converged is False for trial in complete):
        items.append(html.Span("hollow: did not converge"))
    if not scatter and study.best is not None:
        items.append(html.Span("thick: the best"))
    return items


def chart(study: Study, x: str, y: str, theme: str) -> list[Any]:
    """Complete trials between two figures: one button each, so that the keyboard reaches them too."""
    drawn = scatter(study, x, y)
    if not drawn.points:
        words = _nothing(study) if not drawn.missing else "No trial has both of these figures; choose others."
        return [html.P(words, className="hint study-nothing")]
    first = next((p.trial for p in drawn.points if p.trial.number == study.best), drawn.points[0].trial)
    # Later ones cover earlier ones: the best lies on top.
    points = sorted(drawn.points, key=lambda point: point.trial is first)
    label = f"{AXES[y].label} against {AXES[x].label}, a button a trial; arrow keys go from one to the next"
    note = f"{counted(drawn.missing, 'trial')} without one of these figures not shown" if drawn.missing else ""
    return [
        html.Div(
            className="plot",
            role="group",
            **aria(label=label),
            children=[
                *_grid(drawn.x, "x"),
                *_grid(drawn.y, "y"),
                *(part for point in points for part in _point(study, point, point.trial is first, (x, y), theme)),
            ],
        ),
        html.Span(_axis_title(x, f" · {AXES[x].hint}"), className="title-x"),
        html.Span(_axis_title(y), className="title-y", title=AXES[y].hint),
        html.Span(note, className="plot-note") if note else None,
    ]


def parallel(study: Study, theme: str) -> list[Any]:
    """Complete trials as lines across what was chosen and what came of it; drawn by the browser from `data-lines`."""
    found, drawn = rails(study)
    if not drawn:
        return [html.P(_nothing(study), className="hint study-nothing")]
    colors = THEMES[theme]
    strokes = [
        {
            "trial": line.trial.number,
            "model": line.trial.model,
            "points": lines(line.heights),
            "color": prior_color(line.trial.prior, colors),
            "best": line.trial.number == study.best,
        }
        for line in drawn
    ]
    step = 100 / max(len(found) - 1, 1)
    return [
        html.Div(
            className="rails",
            children=[
                html.Div(
                    id="study-lines",
                    role="img",
                    **aria(label="The parameters and figures of every trial as lines; the table says the same"),
                    **data(lines=json.dumps(strokes)),
                ),
                *(
                    html.Div(
                        className="rail result" if rail.result else "rail",
                        style={"left": f"{step * at:.2f}%"},
                        children=[
                            html.Span(rail.label, className="rail-label"),
                            *(
                                html.Span(text, className="rail-tick", style={"bottom": f"{100 * share:.1f}%"})
                                for share, text in rail.ticks
                            ),
                        ],
                    )
                    for at, rail in enumerate(found)
                ),
            ],
        )
    ]


def axis_options(study: Study) -> list[dict[str, str]]:
    """The axes that the chart can have."""
    return [{"value": key, "label": AXES[key].label} for key in available(study)]


def _progress(study: Study, now: float) -> list[Any]:
    complete, pruned, failed, running = (study.count(s) for s in ("complete", "pruned", "failed", "running"))
    ended = complete + pruned + failed
    wanted = max(study.wanted or 0, ended)
    parts = [f"{complete} complete", f"{pruned} pruned" if pruned else "", f"{failed} failed" if failed else ""]
    words = ", ".join(filter(None, parts))
    if running:
        old = now - study.changed
        since = f", last written {_ago(old)} ago" if old > _STALE else ""
        return [html.Span(f"Still running: {ended} of {wanted}{since}", className="still"), f" ({words})."]
    return [f"{counted(ended, 'trial')}{f' of {wanted}' if ended < wanted else ''}: {words}."]


def _ago(seconds: float) -> str:
    return next(f"{seconds / size:.0f} {unit}" for size, unit in _UNITS if seconds >= size)


def _nothing(study: Study) -> str:
    if study.count("running"):
        return "No trial has come to its end yet; open this dialog again in a while."
    return "No trial came to its end; the table says why." if study.trials else "This study has no trials yet."


def _axis_title(key: str, hint: str = "") -> list[Any]:
    axis = AXES[key]
    way = html.Span("← better" if axis.less else "better →", className="better")
    return [way, f"  {axis.label}{hint}"] if axis.less else [f"{axis.label}{hint}  ", way]


def _grid(scale: Scale, axis: str) -> list[Any]:
    side = "left" if axis == "x" else "bottom"
    return [
        html.Div(html.Span(text), className=f"grid-{axis}", style={side: f"{100 * share:.2f}%"})
        for share, text in scale.ticks
    ]


def _point(study: Study, point: Point, first: bool, axes: tuple[str, str], theme: str) -> list[Any]:
    trial = point.trial
    best = trial.number == study.best
    place = {"left": f"{100 * point.x:.2f}%", "bottom": f"{100 * point.y:.2f}%"}
    parts: list[Any] = []
    for name, error, size in (("x", point.error_x, "width"), ("y", point.error_y, "height")):
        if error:
            parts.append(html.Div(className=f"error-{name}", style={**place, size: f"{200 * error:.2f}%"}))
    parts.append(
        html.Button(
            [_mark(trial.prior, theme, trial.converged is not False), html.Span("best") if best else None],
            className="trial-point best" if best else "trial-point",
            style=place,
            tabIndex=0 if first else -1,
            **data(trial=trial.number, model=trial.model or ""),
            **aria(label=f"{'Best: ' if best else ''}{standing(trial, axes)}. Enter opens it as A, Shift Enter as B"),
        )
    )
    return parts


def _mark(prior: str, theme: str, filled: bool) -> html.Img:
    return html.Img(src=data_uri(prior_mark(prior, THEMES[theme], filled)), alt="", className="mark")
