"""What the units of a layer do over all rows: mean and covariance, and which of them are dead, constant or copies.

One pass in blocks of rows. Of two sets of rows with counts m and n, means a and b, the scatter matrices S add as
S = S_a + S_b + m n / (m + n) (a - b)(a - b)^T, so that nothing large is ever subtracted from anything large.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from core.activations.repeats import RepeatedRows
from core.data.spool import row_blocks
from core.errors import invalid

__all__ = ["DuplicateUnits", "UnitReport", "examine_units"]

_MOST_UNITS = 16_384
_NEARLY = 0.999
_ALIKE = 1 - 1e-6
_SHOWN = 8


@dataclass(frozen=True)
class DuplicateUnits:
    """Units that are perfectly correlated, |r| > 1 - 1e-6: their numbers from 0, and 1 or -1 by the sign of their
    correlation with the first."""

    units: tuple[int, ...]
    signs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class UnitReport:
    """What `examine_units` found: `mean` (d,) and `covariance` (d, d) float64 over `rows`; which units are `constant`
    (`dead` ones, always zero, among them); which are `nearly_dead`, zero on 99.9 % of the rows or more but not on all;
    which are `duplicates` of others; and the share of rows that repeat an earlier one, `repeated_rows`."""

    rows: int
    mean: np.ndarray
    covariance: np.ndarray
    constant: tuple[int, ...]
    dead: tuple[int, ...]
    nearly_dead: tuple[int, ...]
    duplicates: tuple[DuplicateUnits, ...]
    repeated_rows: float

    @property
    def units(self) -> int:
        """How many units d there are."""
        return len(self.mean)

    @property
    def distinct(self) -> np.ndarray:
        """The units (m,) worth keeping: neither constant nor a copy of an earlier one."""
        left_out = {*self.constant, *(unit for group in self.duplicates for unit in group.units[1:])}
        return np.array([unit for unit in range(self.units) if unit not in left_out], np.int64)

    def sentences(self) -> tuple[str, ...]:
        """What a person should read, one line each; units are counted from 0."""
        told = [f"{self.rows:,} rows of {self.units:,} units, {len(self.distinct):,} of them distinct."]
        other = [unit for unit in self.constant if unit not in set(self.dead)]
        found = (
            (self.dead, "zero on every row"),
            (other, "constant"),
            (self.nearly_dead, f"zero on {_NEARLY:.1%} of the rows or more"),
        )
        told += [f"{_counted(len(units))} {what}: {_listed(units)}." for units, what in found if units]
        if self.duplicates:
            copies = sum(len(group.units) - 1 for group in self.duplicates)
            subject = "1 unit copies another" if copies == 1 else f"{copies:,} units copy others"
            told.append(f"{subject}, up to scale and sign: {_grouped(self.duplicates)}.")
        if self.repeated_rows > 0:
            told.append(f"{_percent(self.repeated_rows)} of the rows repeat an earlier row.")
        return tuple(told)


def examine_units(points: np.ndarray, chunk: int | None = None) -> UnitReport:
    """What the units (columns) of `points` (n, d) do, in one pass over `chunk` rows at a time (16 MiB of float32 by
    default); `points` may be a memory map far larger than memory.

    `repeated_rows` is exact up to two million distinct rows, beyond that an estimate from that many. Raises
    `InputError` on points that are no table of at least two rows or wider than 16,384, on NaN and infinity (with the
    first place), and where all units are constant.

    References: Chan, Golub & LeVeque (1983), "Algorithms for computing the sample variance", for the sum of scatters.

    >>> points = np.array([[0.0, 1.0, -2.0], [0.0, 2.0, -4.0], [0.0, 4.0, -8.0]])
    >>> report = examine_units(points)
    >>> report.constant, report.duplicates
    ((0,), (DuplicateUnits(units=(1, 2), signs=(1, -1)),))
    """
    _check(points, chunk)
    totals = _Totals(points.shape[1])
    for rows in _blocks(points.shape, chunk):
        totals.add(_finite(points[rows], rows.start))
    constant = totals.low == totals.high
    if constant.all():
        raise invalid("points", "units that vary", f"{len(constant)} constant ones", "choose another layer or input")
    covariance = totals.scatter / (totals.rows - 1)
    if not np.isfinite(covariance).all():
        raise invalid("points", "numbers whose squares are finite", f"up to {totals.size:g}", "scale them down")
    # What rounding leaves of the variance of a constant is none.
    covariance[constant] = covariance[:, constant] = 0
    nearly = ~constant & (totals.zeros >= _NEARLY * totals.rows)
    return UnitReport(
        totals.rows,
        totals.mean,
        covariance,
        _numbers(constant),
        _numbers(constant & (totals.low == 0)),
        _numbers(nearly),
        _duplicates(covariance, constant),
        totals.repeats.share(),
    )


class _Totals:
    """What is known of the rows so far: their number, mean, scatter, least and greatest values, zeros, repeats."""

    def __init__(self, units: int) -> None:
        self.rows = 0
        self.mean = np.zeros(units)
        self.scatter = np.zeros((units, units))
        self.low, self.high = np.full(units, np.inf), np.full(units, -np.inf)
        self.zeros = np.zeros(units, np.int64)
        self.repeats = RepeatedRows()

    @property
    def size(self) -> float:
        return float(max(np.abs(self.low).max(), np.abs(self.high).max()))

    def add(self, block: np.ndarray) -> None:
        self.low = np.minimum(self.low, block.min(axis=0))
        self.high = np.maximum(self.high, block.max(axis=0))
        self.zeros += len(block) - np.count_nonzero(block, axis=0)
        self.repeats.add(block)
        count, total = len(block), self.rows + len(block)
        with np.errstate(over="ignore", invalid="ignore"):
            centered = block.astype(np.float64)
            mean = centered.mean(axis=0)
            centered -= mean
            apart = mean - self.mean
            self.scatter += centered.T @ centered
            self.scatter += np.outer(apart, apart * (self.rows * count / total))
            self.mean = self.mean + apart * (count / total)
        self.rows = total


def _check(points: np.ndarray, chunk: int | None) -> None:
    if points.ndim != 2 or points.dtype.kind not in "fiub" or len(points) < 2 or not points.shape[1]:
        got = f"shape {points.shape} of {points.dtype}"
        raise invalid("points", "a table (n, d) of two or more rows of real numbers", got, "give a row per input")
    if points.shape[1] > _MOST_UNITS:
        raise invalid("points", f"at most {_MOST_UNITS:,} units wide", f"{points.shape[1]:,}", "choose some of them")
    if chunk is not None and chunk < 1:
        raise invalid("chunk", "a number of rows from 1", chunk, "leave it out")


def _blocks(shape: tuple[int, ...], chunk: int | None) -> Iterator[slice]:
    rows, units = shape
    if chunk is None:
        return row_blocks((rows, units))
    return (slice(start, min(start + chunk, rows)) for start in range(0, rows, chunk))


def _finite(block: np.ndarray, start: int) -> np.ndarray:
    """The rows from `start` on, in memory. Raises `InputError` at the first that is not finite."""
    block = np.ascontiguousarray(block if block.dtype in (np.float32, np.float64) else block.astype(np.float64))
    finite = np.isfinite(block)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        got = f"{block[row, column]} in row {start + row}, column {column} (from 0)"
        raise invalid("points", "finite", got, "drop such rows, or look for overflow in the network")
    return block


def _duplicates(covariance: np.ndarray, constant: np.ndarray) -> tuple[DuplicateUnits, ...]:
    """Groups of two or more units that are the same but for scale, shift and sign, in the order of their first."""
    varying = np.flatnonzero(~constant)
    part = covariance[np.ix_(varying, varying)]
    deviation = np.sqrt(part.diagonal())
    # Where the square of a tiny deviation is too small for a float there is nothing to compare.
    part = np.divide(
        part, np.outer(deviation, deviation), out=np.zeros_like(part), where=deviation * deviation[:, None] > 0
    )
    first, second = np.nonzero(np.triu(np.abs(part) > _ALIKE, 1))
    links = coo_array((np.ones(len(first)), (first, second)), shape=part.shape)
    group = connected_components(links, directed=False)[1]
    found = []
    for number in np.flatnonzero(np.bincount(group) > 1):
        members = np.flatnonzero(group == number)
        signs = np.where(part[members[0], members] < 0, -1, 1)
        found.append(DuplicateUnits(tuple(varying[members].tolist()), tuple(signs.tolist())))
    return tuple(sorted(found, key=lambda one: one.units))


def _numbers(which: np.ndarray) -> tuple[int, ...]:
    return tuple(np.flatnonzero(which).tolist())


def _counted(count: int) -> str:
    return "1 unit is" if count == 1 else f"{count:,} units are"


def _listed(units: tuple[int, ...] | list[int]) -> str:
    return ", ".join(map(str, units[:_SHOWN])) + (", ..." if len(units) > _SHOWN else "")


def _grouped(groups: tuple[DuplicateUnits, ...]) -> str:
    shown = [
        " = ".join(
            f"{'-' if sign < 0 else ''}{unit}" for unit, sign in zip(group.units[:_SHOWN], group.signs, strict=False)
        )
        + (" = ..." if len(group.units) > _SHOWN else "")
        for group in groups[:_SHOWN]
    ]
    return "; ".join(shown) + ("; ..." if len(groups) > _SHOWN else "")


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "Less than 0.1%"
