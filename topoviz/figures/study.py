"""The trials of a study in a chart: a scatter of two figures of merit, or parallel coordinates of all, as shares of the
chart's width and height. The page draws them as buttons and lines, so that the keyboard reaches each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from topoviz.session.studies import Study, Trial

__all__ = ["AXES", "Axis", "Line", "Point", "Rail", "Scale", "Scatter", "available", "lines", "rails", "scatter"]

_MARGIN = 0.07
_TICKS = 5
# Parameters that span more than this factor have a logarithmic axis.
_LOGARITHMIC = 30
_MOST = 9


@dataclass(frozen=True)
class Axis:
    """A figure of merit: its name, the meaning of its best value, whether `less` is better, how to read it from a
    trial, the number of digits, and its limits, where known."""

    label: str
    hint: str
    less: bool
    of: Callable[[Trial], float | None]
    digits: int
    limits: tuple[float, float] | None = None


AXES = {
    "critic_loss": Axis(
        "Critic loss", "0: latents look like samples of the prior", True, lambda trial: trial.critic_loss, 3, (0.0, 1.0)
    ),
    "nll": Axis("Held-out NLL", "nats, less is better", True, lambda trial: trial.nll, 3),
    "tree_stability": Axis(
        "Tree stability",
        "1: every leaf is found in every refit",
        False,
        lambda trial: trial.tree_stability,
        2,
        (0.0, 1.0),
    ),
    "tree_error": Axis(
        "Tree error",
        "0: the planted tree",
        True,
        lambda trial: None if trial.tree_error is None else trial.tree_error.distance,
        3,
    ),
    "seconds": Axis("Seconds", "of training", True, lambda trial: trial.seconds, 0),
}


@dataclass(frozen=True)
class Scale:
    """An axis as drawn: the values at its ends, and its ticks as (share, text)."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def at(self, value: float) -> float:
        """The share of the axis at which a value lies."""
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Point:
    """A trial in a scatter: shares from the left and from the bottom, and the standard errors of both as shares."""

    trial: Trial
    x: float
    y: float
    error_x: float = 0.0
    error_y: float = 0.0


@dataclass(frozen=True)
class Scatter:
    """Complete trials by two figures of merit; those without one of them are `missing`."""

    x: Scale
    y: Scale
    points: tuple[Point, ...]
    missing: int


@dataclass(frozen=True)
class Rail:
    """One axis of parallel coordinates: its label, its ticks as (share from the bottom, text), and whether it is a
    `result` or a setting."""

    label: str
    ticks: tuple[tuple[float, str], ...]
    result: bool


@dataclass(frozen=True)
class Line:
    """A trial across the rails: its share from the bottom on each, None where the trial has no such value."""

    trial: Trial
    heights: tuple[float | None, ...]


def available(study: Study) -> tuple[str, ...]:
    """The axes on which any complete trial has a value."""
    complete = _complete(study)
    return tuple(key for key, axis in AXES.items() if any(axis.of(trial) is not None for trial in complete))


def scatter(study: Study, x: str, y: str) -> Scatter:
    """Complete trials between the axes `x` and `y`, keys of `AXES`."""
    complete = _complete(study)
    known = [
        (trial, a, b)
        for trial in complete
        if (a := AXES[x].of(trial)) is not None and (b := AXES[y].of(trial)) is not None
    ]
    across, up = _scale([a for _, a, _ in known], AXES[x].limits), _scale([b for _, _, b in known], AXES[y].limits)
    points = tuple(
        Point(trial, across.at(a), up.at(b), _error(trial, x, across), _error(trial, y, up)) for trial, a, b in known
    )
    return Scatter(across, up, points, len(complete) - len(known))


def rails(study: Study) -> tuple[tuple[Rail, ...], tuple[Line, ...]]:
    """Parallel coordinates of complete trials: the prior, the parameters that vary, the figures of merit."""
    complete = _complete(study)
    keys = dict.fromkeys(key for trial in complete for key, _ in trial.params if key != "prior")
    columns: list[tuple[str, list[float | str | None], bool]] = [("prior", [trial.prior for trial in complete], False)]
    columns += [(key, [dict(trial.params).get(key) for trial in complete], False) for key in keys]
    columns = [column for column in columns if len(set(column[1])) > 1 or column[0] == "prior"][:_MOST]
    for key in ("critic_loss", "nll", "tree_stability"):
        if key in available(study):
            columns.append((AXES[key].label, [AXES[key].of(trial) for trial in complete], True))
    drawn = [_rail(label.replace("_", " "), values, result) for label, values, result in columns]
    heights = zip(*(column for _, column in drawn), strict=True)
    return tuple(rail for rail, _ in drawn), tuple(map(Line, complete, heights))


def lines(heights: Sequence[float | None]) -> str:
    """The heights of a line as the `points` of an SVG polyline in a box of 1000 x 1000, without the gaps."""
    step = 1000 / max(len(heights) - 1, 1)
    known = ((at, height) for at, height in enumerate(heights) if height is not None)
    return " ".join(f"{at * step:.0f},{1000 * (1 - height):.0f}" for at, height in known)


def _complete(study: Study) -> list[Trial]:
    return [trial for trial in study.trials if trial.state == "complete"]


def _error(trial: Trial, key: str, scale: Scale) -> float:
    error = trial.nll_error if key == "nll" else None
    return 0.0 if error is None else abs(error) / (scale.high - scale.low)


def _scale(values: list[float], limits: tuple[float, float] | None) -> Scale:
    """An axis around some values, with ticks at round numbers."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    # Values that are all equal, up to rounding, also need an axis.
    if not high - low > 1e-9 * max(abs(low), abs(high), 1e-9):
        within = limits is not None and limits[0] <= low <= high <= limits[1]
        around = 0.5 * max(abs(low), 1e-3)
        low, high = limits if limits and within else (low - around, high + around)
    pad = _MARGIN * (high - low)
    low, high = low - pad, high + pad
    return Scale(low, high, tuple(((tick - low) / (high - low), text) for tick, text in _round_ticks(low, high)))


def _round_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Multiples of 1, 2 or 5 times a power of ten, at most a handful.

    >>> [text for _, text in _round_ticks(-0.01, 0.43)]
    ['0.0', '0.1', '0.2', '0.3', '0.4']
    """
    rough = (high - low) / _TICKS
    power = 10.0 ** float(np.floor(np.log10(rough)))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= 0.999 * rough)
    digits = int(max(0, -np.floor(np.log10(step) + 1e-9)))
    first, last = int(np.ceil(low / step)), int(np.floor(high / step))
    return [(at * step, f"{at * step:,.{digits}f}".replace("-", "−")) for at in range(first, last + 1)]


def _rail(label: str, values: Sequence[float | str | None], result: bool) -> tuple[Rail, tuple[float | None, ...]]:
    """An axis and the share at which each value lies on it: words at equal distances, numbers by value."""
    numbers = [value for value in values if isinstance(value, float)]
    if len(numbers) < sum(value is not None for value in values):
        return _words_rail(label, [None if value is None else str(value) for value in values], result)
    if not numbers:
        return Rail(label, (), result), (None,) * len(values)
    low, high = min(numbers), max(numbers)
    logarithmic = low > 0 and high / low > _LOGARITHMIC
    stretch = np.log if logarithmic else float
    width = stretch(high) - stretch(low)

    def share(value: float | str | None) -> float | None:
        if not isinstance(value, float):
            return None
        return float((stretch(value) - stretch(low)) / width) if width > 0 else 0.5

    ticks = ((0.0, _short(low)), (1.0, _short(high))) if high > low else ((0.5, _short(low)),)
    return Rail(label, ticks, result), tuple(map(share, values))


def _words_rail(label: str, values: list[str | None], result: bool) -> tuple[Rail, tuple[float | None, ...]]:
    words = list(dict.fromkeys(value for value in values if value is not None))
    words.sort(key=lambda word: (len(word), word) if word.isdigit() else (0, word))
    place = {word: 0.5 if len(words) == 1 else at / (len(words) - 1) for at, word in enumerate(words)}
    ticks = tuple((share, word) for word, share in place.items())
    return Rail(label, ticks, result), tuple(None if value is None else place[value] for value in values)


def _short(value: float) -> str:
    """A number in few signs."""
    text = f"{value:,.0f}" if value == round(value) and abs(value) < 1e6 else f"{value:.3g}"
    return text.replace("-", "−")
