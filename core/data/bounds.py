"""What a file of data may hold, and the one way to refuse it. Sizes are checked before anything is read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import pyarrow as pa

from core.data.formats import format_of
from core.errors import InputError, invalid

__all__ = [
    "FEWEST_ROWS", "MEMORY_BYTES", "MOST_COLUMNS", "MOST_SIDECAR_COLUMNS", "REAL", "SIDECAR_BYTES", "Most", "RawTable",
    "check_bytes", "check_companion", "check_size", "check_table", "most_of", "points_key", "printable", "refusal",
]  # fmt: skip

MOST_COLUMNS = 65_536
FEWEST_ROWS = 32
# The kinds of numpy types that are real numbers.
REAL = "fiub"
# Of whatever is taken into memory whole: labels, latent coordinates, the lists in a row group.
MEMORY_BYTES = 4 * 2**30
# Of a sidecar: its file, what it unpacks to, and its texts written out row by row.
SIDECAR_BYTES = 2 * 2**30
MOST_SIDECAR_COLUMNS = 256


@dataclass(frozen=True)
class Most:
    """The most that a file may hold: bytes on the disk, rows, and bytes of numbers in its table."""

    file_bytes: int
    rows: int
    table_bytes: int


_MOST_IN_BLOCKS = Most(64 * 2**30, 1_000_000_000, 64 * 2**30)
_MOST_OF_TEXT = Most(2 * 2**30, 20_000_000, MEMORY_BYTES)


@dataclass(frozen=True, eq=False)
class RawTable:
    """What a file says: points (n, d) of any real dtype (an `np.memmap` where too large for memory), labels (n,) as
    numbers or text, latent (n, k), entropy in nats, names of the columns, and notes on what was left out. Values are as
    found: NaN and infinity included. Of a table that was read whole, `texts` are columns of text by name, and
    `left_out` the names of all others with what they hold."""

    points: np.ndarray
    labels: np.ndarray | pa.Array | None = None
    latent: np.ndarray | None = None
    entropy: float | None = None
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    texts: tuple[tuple[str, pa.Array], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()


def most_of(path: Path) -> Most:
    """The bounds for the file at `path`: those of its kind, which is read in blocks or into memory."""
    kind = format_of(path)
    return _MOST_IN_BLOCKS if kind is None or kind.mapped else _MOST_OF_TEXT


def refusal(path: Path, expected: str, got: object, remedy: str) -> InputError:
    """The error for the file at `path`, by its base name; the caller raises it."""
    return invalid(printable(path.name or str(path)), expected, printable(str(got)), remedy)


def printable(text: str) -> str:
    """`text` with every character that a terminal might obey replaced by a question mark."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)


def check_size(path: Path, shape: tuple[int, ...], itemsize: int) -> None:
    """Refuse a declared table (n, d) beyond the bounds; its float32 copy counts too."""
    (rows, columns), most = shape, most_of(path)
    if rows > most.rows:
        raise refusal(path, f"at most {most.rows:,} rows", f"{rows:,}", "give a random part of them")
    if columns > MOST_COLUMNS:
        raise refusal(path, f"at most {MOST_COLUMNS:,} columns", f"{columns:,}", "reduce the dimension first")
    check_bytes(path, prod(shape) * max(itemsize, 4), most.table_bytes, "of numbers")


def check_bytes(path: Path, size: int, most: int, what: str) -> None:
    """Refuse more than `most` bytes of something, which `what` names."""
    if size > most:
        unit, scale = ("GiB", 2**30) if most >= 2**30 else ("MiB", 2**20)
        got = f"{size / scale:,.1f} {unit}"
        raise refusal(path, f"at most {most // scale} {unit} {what}", got, "give fewer rows or columns")


def points_key(path: Path, shapes: Mapping[str, tuple[int, ...]], key: str | None = None) -> str:
    """`key`, else `points`, else the name of the only table among arrays of these shapes."""
    if key is not None:
        if key not in shapes:
            raise refusal(path, f"a file with `{printable(key)}`", _listed(shapes), "choose another key")
        return key
    if "points" in shapes:
        return "points"
    tables = [name for name, shape in shapes.items() if len(shape) == 2]
    if len(tables) == 1:
        return tables[0]
    raise refusal(path, "a file with an array `points` (n, d)", _listed(shapes), "name the table `points`, or its key")


def check_table(path: Path, shape: tuple[int, ...]) -> None:
    """Refuse what is no table (n, d)."""
    if len(shape) != 2 or shape[1] == 0:
        raise refusal(path, "a table (n, d) of numbers", f"shape {shape}", "give one row per point")


def check_companion(path: Path, name: str, shape: tuple[int, ...], rows: int, itemsize: int) -> None:
    """Refuse labels or latent coordinates that do not fit the points, or not into memory, in int64 or float32."""
    fits = shape in {(rows,), (rows, 1)} if name == "labels" else len(shape) == 2 and shape[0] == rows
    if not fits:
        raise refusal(path, f"a file with {rows:,} rows in `{name}`", f"shape {shape}", "give one per point")
    check_bytes(path, prod(shape) * max(itemsize, 8 if name == "labels" else 4), MEMORY_BYTES, f"in `{name}`")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:8]) or "no array"
