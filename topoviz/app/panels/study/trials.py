"""Trials of a study one by one: the table of all, and the card of the one that is looked at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from dash import html

from topoviz.app.views.families import bars, icon
from topoviz.app.views.markup import aria, data
from topoviz.figures.glyphs import data_uri, prior_mark
from topoviz.figures.study import AXES
from topoviz.figures.theme import THEMES
from topoviz.session.families import chose
from topoviz.session.state import SIDES, Side
from topoviz.session.studies import Study, TreeError, Trial
from topoviz.vocabulary import counted, prior_words

__all__ = ["COLUMNS", "card", "picture", "standing", "table"]


@dataclass(frozen=True)
class Column:
    """A column of the table: its heading, what it is sorted by, and whether that is a number."""

    label: str
    of: Callable[[Trial], Any]
    number: bool = True


COLUMNS = {
    "number": Column("Trial", lambda trial: trial.number, False),
    "prior": Column("Prior", lambda trial: trial.prior, False),
    "critic_loss": Column("Critic loss", AXES["critic_loss"].of),
    "nll": Column("Held-out NLL", AXES["nll"].of),
    "tree_stability": Column("Stability", AXES["tree_stability"].of),
    "tree_error": Column("Tree error", AXES["tree_error"].of),
    "leaves": Column("Leaves", lambda trial: trial.leaves),
    "seconds": Column("Seconds", AXES["seconds"].of),
    "state": Column("Came out", lambda trial: (trial.state, trial.converged is False), False),
}


def table(study: Study, key: str, down: bool, in_use: Mapping[Side, str], theme: str) -> list[Any]:
    """The trials by the column `key`, those without such a value last; `in_use` names the models of A and B."""
    if not study.trials:
        return []
    columns = {name: column for name, column in COLUMNS.items() if name != "tree_error" or study.planted}
    head = [html.Td(), *(_heading(name, column, name == key, down) for name, column in columns.items()), html.Td()]
    rows = [_row(study, trial, tuple(columns), in_use, theme) for trial in _sorted(study, key, down)]
    return [html.Table([html.Thead(html.Tr(head)), html.Tbody(rows)], className="trials")]


def card(study: Study, trial: Trial | None, theme: str) -> list[Any]:
    """All that is known of a trial, its tree above, and the ways to open it."""
    if trial is None:
        return [html.P("Point at a trial, or go to one by keyboard, to see its tree.", className="hint")]
    best = html.Span("best", className="best-word") if trial.number == study.best else None
    facts = [
        *((AXES[key].label, _shown(trial, key)) for key in AXES if AXES[key].of(trial) is not None),
        *(
            (key.capitalize(), str(value))
            for key in ("leaves", "holes", "seed")
            if (value := getattr(trial, key)) is not None
        ),
    ]
    what = prior_words(trial.prior)
    return [
        html.H3([f"Trial {trial.number}", best]),
        picture(trial, theme, large=True),
        html.P([_mark(trial, theme), html.B(trial.prior), f": {what}" if what else ""]),
        *([html.P(chose(trial.families), className="chose"), bars(trial.families, theme)] if trial.families else []),
        _ways(trial),
        html.P(_outcome(study, trial), className="problem" if trial.state == "failed" else "words"),
        html.Ul([html.Li(reason) for reason in trial.reasons], className="told warn") if trial.reasons else None,
        html.P(_tree_words(trial.tree_error), className="words") if trial.tree_error else None,
        _list(facts),
        html.H3("Parameters") if trial.params else None,
        _list([(key.replace("_", " ").capitalize(), _value(value)) for key, value in trial.params if key != "prior"]),
    ]


def picture(trial: Trial, theme: str, large: bool = False) -> Any:
    """The tree of a trial, drawn by the server; a small one once it comes into sight. Empty for a trial without a
    model."""
    size = "tree-picture large" if large else "tree-picture"
    if trial.model is None:
        return html.Div(className=f"{size} none")
    study, _, number = trial.model.partition("/")
    # A study that is written anew under the same name has other trees.
    query = urlencode({"theme": theme, "of": f"{trial.seed}-{trial.steps}-{trial.nll}"})
    address = f"trial-tree/{quote(study)}/{number}.svg?{query}"
    counts = [counted(trial.leaves, "leaf")] if trial.leaves is not None else []
    counts += [counted(trial.holes, "hole")] if trial.holes else []
    alt = f"Tree of trial {trial.number}: {', '.join(counts)}" if counts else f"Tree of trial {trial.number}"
    if large:
        return html.Img(src=address, className=size, width=240, height=150, alt=alt)
    return html.Img(className=size, width=64, height=40, alt=alt, **data(src=address))


def standing(trial: Trial, axes: tuple[str, ...]) -> str:
    """A trial and its figures in one sentence."""
    figures = ", ".join(f"{AXES[key].label.lower()} {_shown(trial, key)}" for key in axes)
    return f"Trial {trial.number}, {trial.prior}: {figures}"


def _sorted(study: Study, key: str, down: bool) -> list[Trial]:
    of = COLUMNS[key].of
    known = [trial for trial in study.trials if of(trial) is not None]
    unknown = [trial for trial in study.trials if of(trial) is None]
    return [*sorted(known, key=of, reverse=down), *unknown]


def _heading(name: str, column: Column, on: bool, down: bool) -> html.Th:
    sign = (" ↓" if down else " ↑") if on else ""
    order = {"sort": "descending" if down else "ascending"} if on else {}
    button = html.Button([column.label, html.Span(sign, **aria(hidden=True))], **data(sort=name))
    return html.Th(button, className="number" if column.number else "", **aria(**order))


def _row(study: Study, trial: Trial, columns: tuple[str, ...], in_use: Mapping[Side, str], theme: str) -> html.Tr:
    cells = [html.Td(_CELLS[name](study, trial, in_use, theme), className=_class(name)) for name in columns]
    best = trial.number == study.best
    return html.Tr(
        tabIndex=0,
        className=" ".join(filter(None, ("best" if best else "", "" if trial.model else "closed"))),
        children=[html.Td(picture(trial, theme)), *cells, html.Td(_chips(trial), className="actions")],
        **data(trial=trial.number, model=trial.model or ""),
        **aria(label=f"Trial {trial.number}, {trial.prior}, {_state(study, trial)}"),
    )


def _class(name: str) -> str:
    return f"cell-{name} number" if COLUMNS[name].number else f"cell-{name}"


def _number(study: Study, trial: Trial, in_use: Mapping[Side, str], _: str) -> list[Any]:
    used = (side for side in SIDES if trial.model is not None and in_use.get(side) == trial.model)
    marks: list[Any] = [html.Span(side.upper(), className="in-use") for side in used]
    if trial.number == study.best:
        marks.append(html.Span("best", className="best-word"))
    return [str(trial.number), *marks]


def _prior(_: Study, trial: Trial, __: Mapping[Side, str], theme: str) -> list[Any]:
    shape = None
    if trial.families:
        first = trial.families[0]
        words = [icon(first.name, theme), f"{first.name} {100 * first.weight:.0f} %"]
        shape = html.Span(words, className="shape", title=chose(trial.families))
    return [_mark(trial, theme), trial.prior, shape]


def _figure(key: str) -> Callable[[Study, Trial, Mapping[Side, str], str], Any]:
    return lambda _, trial, __, ___: _shown(trial, key)


_CELLS: dict[str, Callable[[Study, Trial, Mapping[Side, str], str], Any]] = {
    "number": _number,
    "prior": _prior,
    **{key: _figure(key) for key in AXES},
    "leaves": lambda _, trial, __, ___: _counts(trial),
    "state": lambda study, trial, __, ___: html.Span(_state(study, trial), title=_state(study, trial)),
}


def _shown(trial: Trial, key: str) -> str:
    """A figure of merit with its digits, and its error where there is one."""
    value = AXES[key].of(trial)
    if value is None:
        return "–"
    text = f"{value:,.{AXES[key].digits}f}".replace("-", "−")
    return text if key != "nll" or trial.nll_error is None else f"{text} ± {trial.nll_error:.3f}"


def _counts(trial: Trial) -> str:
    if trial.leaves is None:
        return "–"
    return str(trial.leaves) if not trial.holes else f"{trial.leaves}, {counted(trial.holes, 'hole')}"


def _state(study: Study, trial: Trial) -> str:
    """How a trial came out, in few words."""
    if trial.state == "complete":
        return {True: "converged", False: "not converged", None: "complete"}[trial.converged]
    if trial.state == "failed":
        return f"failed: {trial.error}" if trial.error else "failed"
    steps = "" if trial.steps is None else f"{trial.steps:,}"
    whole = "" if study.steps is None else f" of {study.steps:,}"
    return f"{trial.state} at step {steps}{whole}" if steps else trial.state


def _outcome(study: Study, trial: Trial) -> str:
    text = _state(study, trial)
    return f"{text[:1].upper()}{text[1:]}."


def _tree_words(error: TreeError) -> str:
    """How a tree differs from the planted one."""
    if error.whole or (error.missed == 0 and error.spurious == 0):
        return "It finds every planted leaf, and no other."
    missed = None if error.missed is None else f"misses {counted(error.missed, 'planted leaf')}"
    spurious = None if error.spurious is None else f"has {counted(error.spurious, 'leaf')} that are not there"
    said = " and ".join(filter(None, (missed, spurious)))
    return f"It {said}." if said else ""


def _ways(trial: Trial) -> Any:
    if trial.model is None:
        return None
    buttons = [
        html.Button(
            f"Open as {side.upper()}",
            className="button strong" if side == "a" else "button",
            **data(open=side, model=trial.model),
        )
        for side in SIDES
    ]
    return html.Div(buttons, className="ways")


def _chips(trial: Trial) -> list[Any]:
    if trial.model is None:
        return []
    return [
        html.Button(
            side.upper(),
            className="chip",
            **data(open=side, model=trial.model),
            **aria(label=f"Open trial {trial.number} as {side.upper()}"),
        )
        for side in SIDES
    ]


def _mark(trial: Trial, theme: str) -> html.Img:
    drawn = prior_mark(trial.prior, THEMES[theme], trial.converged is not False)
    return html.Img(src=data_uri(drawn), alt="", className="mark")


def _list(facts: list[tuple[str, str]]) -> html.Dl:
    return html.Dl([part for word, value in facts for part in (html.Dt(word), html.Dd(value))], className="facts")


def _value(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e9 else f"{value:.3g}"
