"""A table as it is found in a file, before anyone says which columns are the features: what each column holds, what
stands in the way of a density, and the data set that a choice of columns makes.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from core.data.bounds import FEWEST_ROWS, RawTable, refusal
from core.data.dataset import Dataset
from core.data.names import ROW_NUMBERS
from core.data.readers import read_raw, sound
from core.data.spool import as_float32, finite_rows, kept_rows, row_blocks
from core.errors import invalid

__all__ = ["Column", "Table", "read_table", "survey"]

_BINS = 24
_SAMPLED = 50_000
_FEW = 12
_ROW_NUMBERS = (*ROW_NUMBERS, "index")


@dataclass(frozen=True, eq=False)
class Table:
    """All of a file: `points` (n, d) float32 of its columns of numbers as they are (NaN and infinity included), their
    names, and `labels` what may label points but not place them: columns of text, or labels of their own, by name.
    `left_out` names the other columns with what they hold. `latent` and `entropy` as of a `Dataset`."""

    path: Path
    points: np.ndarray
    columns: tuple[str, ...]
    labels: tuple[tuple[str, np.ndarray | pa.Array], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    latent: np.ndarray | None = None
    entropy: float | None = None

    def __len__(self) -> int:
        return len(self.points)

    def select(self, features: Sequence[int]) -> tuple[Dataset, np.ndarray]:
        """The data set of some of the columns, and the rows (m,) of the table that are its points: those without NaN or
        infinity in these columns.

        Raises `InputError` on columns that are none, and where fewer than half of the rows, or than 32, are finite.
        """
        count = len(self.columns)
        if not features or len(set(features)) != len(features) or not all(0 <= at < count for at in features):
            raise invalid("features", f"some of the {count} columns, each once", list(features)[:8], "choose others")
        points = self.points
        if list(features) != list(range(count)):
            points = as_float32(self.path, points[:, np.asarray(features)])
        keep = finite_rows(points)
        kept, total = int(np.count_nonzero(keep)), len(points)
        if 2 * kept < total:
            got = f"NaN or infinity in {total - kept:,} of {total:,} rows"
            raise refusal(self.path, "mostly finite numbers", got, "leave out the columns with most of them")
        if kept < FEWEST_ROWS:
            raise refusal(self.path, f"a table of at least {FEWEST_ROWS} finite rows", kept, "give more points")
        if kept < total:
            points = kept_rows(self.path, points, keep)
        latent = None if self.latent is None or len(self.latent) != total else self.latent[keep]
        names = tuple(self.columns[at] for at in features)
        entropy = self.entropy if len(features) == count else None
        return Dataset(self.path.stem, points, latent=latent, entropy=entropy, columns=names), np.flatnonzero(keep)


@dataclass(frozen=True)
class Column:
    """What a column of numbers holds: its finite range, how many values are `missing` (NaN or infinite), how many
    `distinct` ones a sample of it has, whether all are `whole` numbers, and how they are spread over the range (counts
    of 24 bins). `problem` says why it can be no feature, None where it can; `aside` why it is none unless asked for."""

    name: str
    low: float
    high: float
    missing: int
    distinct: int
    whole: bool
    bins: tuple[int, ...]
    problem: str | None = None
    aside: str | None = None

    @property
    def classes(self) -> bool:
        """Whether its values are better read as a few classes than as a scale."""
        return self.whole and self.distinct <= _FEW


def read_table(path: Path | str) -> Table:
    """All of a file of points, as `read_dataset` takes them. Raises `InputError` like `read_dataset`."""
    path = Path(path)
    with sound(path):
        return _table(path, read_raw(path))


def survey(table: Table) -> tuple[Column, ...]:
    """What each column of numbers holds, block by block."""
    found = _ranges(table.points)
    sampled = table.points[:: max(1, len(table) // _SAMPLED)]
    first: dict[bytes, str] = {}
    columns = []
    for index, name in enumerate(table.columns):
        low, high = float(found.low[index]), float(found.high[index])
        values = np.asarray(sampled[:, index], np.float64)
        values = values[np.isfinite(values)]
        problem = None
        if not found.finite[index]:
            problem, low, high = "holds no finite number", 0.0, 0.0
        elif low == high:
            problem = f"is constant ({low:g})"
        elif (digest := found.digests[index]) in first:
            problem = f"repeats {first[digest]}"
        else:
            first[digest] = name
        whole = bool(len(values)) and bool((values == np.floor(values)).all())
        bins = np.histogram(values, _BINS, (low, high))[0] if low < high else np.zeros(_BINS, int)
        aside = "counts the rows" if problem is None and _counts_rows(name, values, whole) else None
        missing = len(table) - int(found.finite[index])
        distinct = len(np.unique(values))
        columns.append(Column(name, low, high, missing, distinct, whole, tuple(map(int, bins)), problem, aside))
    return tuple(columns)


def _table(path: Path, raw: RawTable) -> Table:
    count = raw.points.shape[1]
    columns = tuple(name or f"number {at + 1}" for at, name in enumerate(raw.columns))
    columns = columns or tuple(f"number {at + 1}" for at in range(count))
    if len(raw.points) < FEWEST_ROWS:
        raise refusal(path, f"a table of at least {FEWEST_ROWS} rows", len(raw.points), "give more points")
    labels = raw.texts if raw.labels is None else (("labels", raw.labels), *raw.texts)
    latent = None
    if raw.latent is not None and np.isfinite(raw.latent).all():
        latent = np.ascontiguousarray(raw.latent, np.float32)
    entropy = raw.entropy if raw.entropy is not None and np.isfinite(raw.entropy) else None
    return Table(path, as_float32(path, raw.points), columns, labels, raw.left_out, latent, entropy)


@dataclass(frozen=True, eq=False)
class _Ranges:
    low: np.ndarray
    high: np.ndarray
    finite: np.ndarray
    digests: list[bytes]


def _ranges(points: np.ndarray) -> _Ranges:
    """Of every column the least and the greatest finite value, how many are finite, and a digest of those that may be
    alike."""
    count = points.shape[1]
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    finite = np.zeros(count, np.int64)
    digests: list[bytes] = [b""] * count
    alike = list(range(count))
    for rows in row_blocks(points.shape):
        block = np.asarray(points[rows])
        good = np.isfinite(block)
        finite += good.sum(axis=0)
        low = np.minimum(low, np.where(good, block, np.inf).min(axis=0))
        high = np.maximum(high, np.where(good, block, -np.inf).max(axis=0))
        for index in alike:
            digests[index] = hashlib.blake2b(digests[index] + block[:, index].tobytes()).digest()
        # A column unlike every other so far needs no look at its further rows.
        times = Counter(digests[index] for index in alike)
        alike = [index for index in alike if times[digests[index]] > 1]
    return _Ranges(low, high, finite, digests)


def _counts_rows(name: str, values: np.ndarray, whole: bool) -> bool:
    """Whether a column is what programs write unasked: 0, 1, 2, ... or 1, 2, 3, ... down the rows."""
    steps = np.diff(values)
    if not whole or not len(steps):
        return False
    counted = values[0] in (0, 1) and bool((steps == steps[0]).all()) and steps[0] > 0
    return counted or (name in _ROW_NUMBERS and bool((steps > 0).all()))
