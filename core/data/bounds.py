"""What a file of points may hold, and the one way to refuse it. Sizes are checked before anything is read."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import pyarrow as pa

from core.errors import InputError, invalid

__all__ = ["FEWEST_ROWS", "MOST_BYTES", "MOST_COLUMNS", "MOST_ROWS", "RawTable", "check_size", "printable", "refusal"]

MOST_BYTES = 4 * 2**30
MOST_ROWS = 20_000_000
MOST_COLUMNS = 65_536
FEWEST_ROWS = 32


@dataclass(frozen=True, eq=False)
class RawTable:
    """What a file says: points (n, d) of any real dtype, labels (n,) as numbers or text, latent (n, k), entropy in
    nats, names of the columns, and notes on what was left out. Values are as found: NaN and infinity included."""

    points: np.ndarray
    labels: np.ndarray | pa.Array | None = None
    latent: np.ndarray | None = None
    entropy: float | None = None
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def refusal(path: Path, expected: str, got: object, remedy: str) -> InputError:
    """The error for the file at `path`, by its base name; the caller raises it."""
    return invalid(printable(path.name or str(path)), expected, printable(str(got)), remedy)


def printable(text: str) -> str:
    """`text` with every character that a terminal might obey replaced by a question mark."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)


def check_size(path: Path, shape: tuple[int, ...], itemsize: int) -> None:
    """Refuse a declared table (n, d) beyond the bounds; its float32 copy counts too."""
    rows, columns = shape
    if rows > MOST_ROWS:
        raise refusal(path, f"at most {MOST_ROWS:,} rows", f"{rows:,}", "give a random part of them")
    if columns > MOST_COLUMNS:
        raise refusal(path, f"at most {MOST_COLUMNS:,} columns", f"{columns:,}", "reduce the dimension first")
    if prod(shape) * max(itemsize, 4) > MOST_BYTES:
        raise refusal(path, f"at most {MOST_BYTES >> 30} GiB of numbers", f"shape {shape}", "give fewer rows")
