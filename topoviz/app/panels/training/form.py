"""The form of a training: first the data, then the settings."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from core.data.formats import SUFFIXES, in_words
from topoviz.app.views.markup import aria, data, step
from topoviz.jobs.description import MOST_COLUMNS
from topoviz.vocabulary import counted, prior_words

__all__ = ["description", "form", "no_description"]

_REST = "rest"


def form(sets: Sequence[str], flows: Sequence[str], priors: Sequence[str]) -> list[Any]:
    """The first two steps: built-in `sets`, families of flows and of priors, the first each the usual."""
    return [
        html.Section(
            className="step step-data",
            children=[
                step(1, "Data"),
                html.Div(
                    id="training-source",
                    children=[
                        html.Div(
                            [html.B("Drop a file"), " anywhere on the page, or click to choose one"],
                            id="training-drop",
                            className="drop",
                            role="button",
                            tabIndex=0,
                            # What the page lets a person choose and drop.
                            **data(accept=",".join(SUFFIXES)),
                        ),
                        html.P(f"{in_words(SUFFIXES)}, one row a point, up to 2 GiB", className="hint"),
                        dmc.Select(
                            id="training-set",
                            size="xs",
                            label="or a built-in set",
                            data=list(sets),
                            value="islands-a",
                            allowDeselect=False,
                            searchable=True,
                            w=220,
                        ),
                    ],
                ),
                html.Div(id="training-bar", className="upload-bar"),
                html.P("Reading the file …", id="training-reading", className="hint", hidden=True, role="status"),
                html.Div(id="training-file", **aria(live="polite"), children=[_hidden_choices()]),
            ],
        ),
        html.Section(
            className="step step-settings",
            children=[
                step(2, "Settings"),
                dmc.TextInput(id="training-name", size="xs", label="Name of the model", placeholder="as the data"),
                html.Div(
                    className="fields",
                    children=[
                        _sizes("training-dim", "Latent dimensions", range(1, 17), "2"),
                        _sizes("training-pad", "Pads", range(17), "0"),
                    ],
                ),
                html.P(
                    "Auto compares short trainings on held-out points and takes the smallest number that does as well "
                    "as the best. That takes longer. Pads give the flow room to unknot.",
                    className="hint",
                ),
                _priors(priors),
                html.Div(
                    className="fields",
                    children=[
                        dmc.Select(
                            id="training-flow",
                            size="xs",
                            label="Flow",
                            data=list(flows),
                            value=flows[0],
                            allowDeselect=False,
                        ),
                        dmc.NumberInput(
                            id="training-steps",
                            size="xs",
                            label="Steps",
                            value=3500,
                            min=1,
                            max=1_000_000,
                            step=500,
                            thousandSeparator=",",
                        ),
                        dmc.NumberInput(id="training-seed", size="xs", label="Seed", value=0, min=0),
                    ],
                ),
                html.Button("Train", id="training-start", className="button strong train-button"),
                html.P("It joins the queue: one job trains at a time.", className="hint"),
            ],
        ),
    ]


def description(found: Mapping[str, Any], name: str) -> list[Any]:
    """What was read of a file (see `topoviz.jobs.description.described`), and the choice of its columns."""
    columns = found["columns"]
    options = [{"value": "", "label": "nothing"}]
    options += [{"value": one["key"], "label": f"{one['name']} ({one['what']})"} for one in found["labels"]]
    head = found["head"]
    return [
        html.Div(
            className="read-head",
            children=[
                html.Div(
                    [
                        html.B(name),
                        html.P(
                            f"{counted(found['rows'], 'row')}, {counted(found['width'], 'column')} of numbers",
                            className="hint",
                        ),
                    ]
                ),
                html.Button("Other data", className="button", **data(upload="forget")),
            ],
        ),
        dmc.CheckboxGroup(
            id="training-features",
            value=_checked(found),
            children=html.Div(
                html.Table(
                    className="columns",
                    children=[
                        html.Thead(
                            html.Tr([html.Th(text, scope="col") for text in ("Feature", "", "Range", "Spread")])
                        ),
                        html.Tbody([*(_row(at, column) for at, column in enumerate(columns)), *_rest(found)]),
                    ],
                ),
                className="columns-frame",
                tabIndex=0,
                role="region",
                **aria(label="Columns"),
            ),
        ),
        html.Div(
            className="fields",
            children=[
                dmc.Select(
                    id="training-label",
                    size="xs",
                    label="Color points by",
                    data=options,
                    value=found["label"],
                    allowDeselect=False,
                    searchable=len(options) > 12,
                ),
                _dots(found["dots"], [columns[at]["name"] for at in found["features"][:2] if at < len(columns)]),
            ],
        ),
        html.Ul([html.Li(note) for note in found["notes"]], className="notes") if found["notes"] else None,
        html.Details(
            [
                html.Summary("First rows"),
                html.Div(
                    html.Table(
                        [
                            html.Thead(html.Tr([html.Th(text, scope="col") for text in head["names"]])),
                            html.Tbody([html.Tr([html.Td(cell) for cell in row]) for row in head["rows"]]),
                        ],
                        className="first-rows",
                    ),
                    className="rows-frame",
                    tabIndex=0,
                    role="region",
                    **aria(label="First rows"),
                ),
            ]
        ),
    ]


def no_description(problem: str = "") -> list[Any]:
    """Where there is no file, with what is wrong with the last."""
    shown = [html.P(problem, className="problem upload-problem")] if problem else []
    return [*shown, _hidden_choices()]


def _hidden_choices() -> html.Div:
    """The choices of columns of no file, so that they can always be asked for."""
    choices = [
        dmc.CheckboxGroup([], id="training-features", value=[]),
        dmc.Select(id="training-label", data=[], value=""),
    ]
    return html.Div(choices, hidden=True)


def _checked(found: Mapping[str, Any]) -> list[str]:
    """The values of the boxes that are ticked at first; one box stands for all columns beyond the listed ones."""
    taken = [str(at) for at in found["features"] if at < MOST_COLUMNS]
    return [*taken, _REST] if found["width"] > MOST_COLUMNS else taken


def _row(at: int, column: Mapping[str, Any]) -> html.Tr:
    problem = column["problem"]
    # Native names of columns may be long, or one may be the other's beginning.
    box = dmc.Checkbox(value=str(at), size="xs", label=column["name"], disabled=bool(problem), className="column-box")
    missing = f"{column['missing']:,} missing" if column["missing"] else ""
    remark = " · ".join(filter(None, (problem or column["aside"] or "", missing)))
    return html.Tr(
        className="unusable" if problem else "",
        children=[
            html.Td(box, title=column["name"]),
            html.Td([column["kind"], html.Span(remark, className="remark") if remark else None]),
            html.Td("" if problem else f"{_short(column['low'])} … {_short(column['high'])}", className="range-cell"),
            html.Td(None if problem else _histogram(column["bins"])),
        ],
    )


def _rest(found: Mapping[str, Any]) -> list[html.Tr]:
    more = found["width"] - MOST_COLUMNS
    if more <= 0:
        return []
    box = dmc.Checkbox(value=_REST, size="xs", label=f"{counted(more, 'more column')}", className="column-box")
    return [html.Tr([html.Td(box), html.Td("all that vary", colSpan=3)])]


def _histogram(bins: Sequence[int]) -> html.Span:
    """Counts over the range as a small area."""
    top, step = max(*bins, 1), 100 / len(bins)
    corners = [
        f"{x:.1f}% {100 - 100 * count / top:.1f}%"
        for at, count in enumerate(bins)
        for x in (at * step, (at + 1) * step)
    ]
    shape = f"polygon(0% 100%, {', '.join(corners)}, 100% 100%)"
    return html.Span(className="histogram", style={"clipPath": shape})


def _dots(dots: Sequence[Sequence[float]], names: Sequence[str]) -> html.Div | None:
    """A few points in the first two columns."""
    if not dots or len(names) < 2:
        return None
    label = f"{names[1]} against {names[0]}"
    marks = [html.I(style={"left": f"{2 + 96 * x:.1f}%", "bottom": f"{2 + 96 * y:.1f}%"}) for x, y in dots]
    return html.Div([html.Div(marks, className="dots", role="img", title=label, **aria(label=label))])


def _short(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _priors(names: Sequence[str]) -> dmc.RadioGroup:
    """Which family the latent density is of; each says what it is."""
    return dmc.RadioGroup(
        id="training-prior",
        label="Prior",
        value=names[0],
        className="priors",
        children=dmc.Stack(
            [dmc.Radio(label=name, value=name, description=prior_words(name), size="xs") for name in names], gap=5
        ),
    )


def _sizes(name: str, label: str, values: range, value: str) -> dmc.Select:
    """A picker of a number, or of 'auto'."""
    return dmc.Select(
        id=name,
        size="xs",
        label=label,
        data=["auto", *map(str, values)],
        value=value,
        searchable=True,
        allowDeselect=False,
    )
