"""The labels of one side mapped through the match to the other's points, and how they stand to that side's own."""

from functools import lru_cache

import numpy as np

from core.errors import InputError, invalid
from core.maps.affine import LatentMap
from core.meaning import LabelScore, MappedLabels, map_labels, score_labels
from topoviz.figures.style import Spec
from topoviz.session.analysis import Analysis, analyze
from topoviz.session.labels import Labels, read_labels
from topoviz.session.library import Library
from topoviz.session.state import Session, Side

__all__ = ["mapped_labels"]

_OTHER: dict[Side, Side] = {"a": "b", "b": "a"}


def mapped_labels(library: Library, session: Session, source: Side) -> Spec:
    """The classes of one side's labels for the points that the other side's model keeps: `column` and `names` as the
    labels have them, `values` (m,) with -1 where nothing can be said, `sentence` on how far to believe them, and where
    the other side has labels of its own `right`, the share that is right of each class (None where it has no points).

    Raises `InputError` where that side has no classes, or a model keeps no points.
    """
    analysis, target = analyze(library, session), _OTHER[source]
    labels = read_labels(library.entry(session.model(source)).folder)
    if labels is None or not labels.names:
        raise invalid("labels", f"classes beside the model of {source.upper()}", "none", "train it with --labels")
    own = read_labels(library.entry(session.model(target)).folder)
    found = _found(analysis, source, labels)
    score = None if own is None or not own.names else score_labels(found, _numbered(own, labels, len(found)))
    return {
        "column": labels.column,
        "names": labels.names,
        "values": found.label.tolist(),
        "sentence": _sentence(found, score, source, _carrier(analysis, source) is not None),
        "right": None if score is None else _right(score, len(labels.names)),
    }


@lru_cache(maxsize=8)
def _found(analysis: Analysis, source: Side, labels: Labels) -> MappedLabels:
    target = _OTHER[source]
    latents, others = analysis.latent(source), analysis.latent(target)
    if latents is None or others is None:
        raise InputError("a model that keeps no points has none to label; train it again.")
    values = np.full(len(latents), -1)
    known = [-1 if value is None else int(value) for value in labels.values[: len(latents)]]
    values[: len(known)] = known
    return map_labels(
        analysis.matching if source == "a" else analysis.matching.reversed(),
        _carrier(analysis, source),
        analysis.level_sets(source),
        analysis.level_sets(target),
        latents,
        values,
        others,
    )


def _carrier(analysis: Analysis, source: Side) -> LatentMap | None:
    """The map from one side to the other; None where there is none that way."""
    try:
        return analysis.map if source == "a" or analysis.map is None else analysis.map.inverse()
    except InputError:
        return None


def _numbered(own: Labels, labels: Labels, count: int) -> np.ndarray:
    """A side's own classes (count,) by the carried ones' numbers; those of other names get numbers behind them."""
    numbers = {name: at for at, name in enumerate(labels.names)}
    ranks = [numbers.setdefault(name, len(numbers)) for name in own.names]
    values = np.full(count, -1)
    known = [-1 if value is None or value < 0 else ranks[int(value)] for value in own.values[:count]]
    values[: len(known)] = known
    return values


def _right(score: LabelScore, count: int) -> list[float | None]:
    shares = np.full(count, np.nan)
    shares[: min(count, len(score.by_class))] = score.by_class[:count]
    return [None if np.isnan(share) else round(float(share), 4) for share in shares]


def _sentence(found: MappedLabels, score: LabelScore | None, source: Side, mapped: bool) -> str:
    """How far the carried labels can be believed, in one sentence.

    >>> label = np.array([0, 1, 1, -1])
    >>> found = MappedLabels(label, np.ones(4), label, label, label >= 0)
    >>> _sentence(found, score_labels(found, np.array([0, 1, 0, 1])), "a", True)
    "Labels carried from A agree with B's own on 67 % of 3 points (chance 44 %); 1 has none, its node being unmatched."
    """
    if not found.labeled:
        return f"No label of {source.upper()} could be carried: no leaf is matched."
    there = _OTHER[source].upper()
    left = len(found) - found.labeled
    rest = f"; {left:,} {'has none, its' if left == 1 else 'have none, their'} node being unmatched." if left else "."
    if score is not None:
        return (
            f"Labels carried from {source.upper()} agree with {there}'s own on {100 * score.accuracy:.0f} % of "
            f"{score.rows:,} points (chance {100 * score.chance:.0f} %){rest}"
        )
    if not mapped:
        return (
            f"Labels of {source.upper()} on {found.labeled:,} points, by the matched nodes alone: there is no map{rest}"
        )
    if np.isnan(found.agreement):
        return f"Labels of {source.upper()} on {found.labeled:,} points, by the map alone{rest}"
    return f"Node and map agree on {100 * found.agreement:.0f} % of {found.labeled:,} points{rest}"
