"""Labels of a model's points: a column of the data, stored in the model's folder.

`labels.json` holds `column` (its name), `names` (of its classes; empty for a scale) and `values`, one for each row of
the model's sample, in the order of `sample.safetensors`: the number of a class, -1 where unknown; on a scale the value
itself, null where unknown. Without the file a model has no labels.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.data.columns import Column, Texts
from core.data.names import LABEL_NAMES, label_column
from core.data.sidecars import sample_rows
from core.errors import InputError, invalid
from core.files import read_json, write_json

if TYPE_CHECKING:
    from core.data.survey import Table

__all__ = ["Labels", "attach_labels", "chosen_labels", "given_labels", "read_labels", "write_labels"]

_FILE = "labels.json"
_MOST_BYTES = 4_000_000
_MOST_NAMES = 64
_LONGEST = 80
_OTHER = "other"
# In a sidecar, y is a label; in the data, y is a coordinate.
_USUAL = (*LABEL_NAMES, "y")
# Whole numbers of more distinct values than this are a scale; a column given as labels may have more.
_FEW = 12


@dataclass(frozen=True)
class Labels:
    """A value of the `column` for each point: the index of its class in `names`, or, without names, a number."""

    column: str
    names: tuple[str, ...]
    values: tuple[float | None, ...]


def write_labels(folder: Path, labels: Labels) -> None:
    """Write labels into a model's folder, atomically. Raises `InputError` where that fails."""
    write_json(asdict(labels), folder / _FILE)


def read_labels(folder: Path) -> Labels | None:
    """The labels in a model's folder, or None. Raises `InputError` where they are damaged."""
    path = folder / _FILE
    if not path.exists():
        return None
    try:
        found = read_json(path, _MOST_BYTES)
    except InputError:
        raise _damaged() from None
    if not isinstance(found, dict) or not all(isinstance(found.get(key), list) for key in ("names", "values")):
        raise _damaged()
    names = tuple(str(name)[:_LONGEST] for name in found["names"][: _MOST_NAMES + 1])
    values = tuple(_value(value, len(names)) for value in found["values"])
    return Labels(str(found.get("column", ""))[:_LONGEST], names, values)


def chosen_labels(table: "Table", key: str, rows: np.ndarray) -> Labels:
    """The labels of some `rows` (m,) of a table. The key `n3` names its numeric column 3, `t0` its text column 0.

    Text and whole numbers of few distinct values are classes: at most 64, the rest are 'other'. Raises `InputError` on
    an unknown column.
    """
    place = int(key[1:]) if key[:1] in ("n", "t") and key[1:].isascii() and key[1:].isdigit() else -1
    held = table.columns if key[:1] == "n" else table.labels
    if not 0 <= place < len(held):
        raise invalid("label", "a column of the data", repr(key), "choose one from the list")
    if key[0] == "n":
        return _of_numbers(table.columns[place], np.asarray(table.points[:, place], np.float64), rows)
    name, values = table.labels[place]
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return _of_numbers(name, values.astype(np.float64), rows)
    if isinstance(values, np.ndarray) and values.dtype.kind == "S":
        values = values.astype("U")
    return _of_texts(name, Texts(values), rows)


def given_labels(columns: Sequence[Column], argument: str = "labels") -> Column:
    """The column of a file that holds labels: the only one, or the one called label, class, target or similar.

    Raises `InputError` where there is none, or where its values are no labels.
    """
    place = 0 if len(columns) == 1 else label_column([column.name for column in columns], _USUAL)
    if place is None:
        names = ", ".join(column.name or "no name" for column in columns[:6])
        raise invalid(argument, "a file of one column, or with one called label", f"columns {names}", "name one label")
    chosen = columns[place]
    if isinstance(chosen.values, np.ndarray) and chosen.values.ndim != 1:
        raise invalid(argument, "one label a row", f"shape {chosen.values.shape}", "give one number or text a row")
    return chosen


def attach_labels(folder: Path, column: Column) -> None:
    """Write `labels.json` into a model's folder, given a label for every row of its data; the model's sample says which
    rows it keeps. Raises `InputError` where the labels do not fit the data."""
    rows = sample_rows(folder, len(column))
    name = column.name or "label"
    if isinstance(column.values, np.ndarray):
        labels = _of_numbers(name, column.values.astype(np.float64), rows, few=_MOST_NAMES)
    else:
        labels = _of_texts(name, column.values, rows)
    write_labels(folder, labels)


def _of_numbers(name: str, values: np.ndarray, rows: np.ndarray, few: int = _FEW) -> Labels:
    finite = values[np.isfinite(values)]
    known = np.unique(finite)
    taken = values[rows]
    if len(known) <= few and (known == np.floor(known)).all():
        texts = [f"{value:.0f}" if np.isfinite(value) else "" for value in values]
        return _of_texts(name, texts, rows, ordered=[f"{value:.0f}" for value in known])
    return Labels(name[:_LONGEST], (), tuple(float(value) if np.isfinite(value) else None for value in taken))


def _of_texts(name: str, texts: Sequence[str | None], rows: np.ndarray, ordered: list[str] | None = None) -> Labels:
    names = ordered
    if names is None:
        counts = Counter(filter(None, map(_stripped, texts)))
        names = sorted(text for text, _ in counts.most_common(_MOST_NAMES))
    rank = {text: at for at, text in enumerate(names)} | {"": -1}
    taken = [rank.get(_stripped(texts[row]), len(names)) for row in rows.tolist()]
    shown = [text[:_LONGEST] for text in names] + ([_OTHER] if len(names) in taken else [])
    return Labels(name[:_LONGEST], tuple(shown), tuple(taken))


def _stripped(text: str | None) -> str:
    return "" if text is None else text.strip()


def _value(value: Any, classes: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return -1 if classes else None
    if classes:
        return int(value) if 0 <= value < classes else -1
    return float(value)


def _damaged() -> InputError:
    return InputError("the labels in the model's folder are damaged; train it again to have them.")
