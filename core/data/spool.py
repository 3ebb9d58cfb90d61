"""Tables larger than memory: mapped from their file, or from a nameless temporary one, and gone through block by block.

A mapped table is an `np.memmap` that nothing writes to; the system reads its pages as they are asked for. The file
under it must not be cut while it is in use.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from math import prod
from pathlib import Path

import numpy as np

from core.data.bounds import refusal
from core.errors import InputError

__all__ = [
    "as_float32", "block_rows", "finite_rows", "is_large", "kept_rows", "row_blocks", "spooled", "spooled_table",
]  # fmt: skip

LARGE_BYTES = 256 * 2**20
BLOCK_BYTES = 16 * 2**20


def is_large(shape: tuple[int, ...], itemsize: int) -> bool:
    """Whether an array is too large to be held in memory, as it is or as float32."""
    return prod(shape) * max(itemsize, 4) > LARGE_BYTES


def block_rows(columns: int) -> int:
    """How many rows of so many columns make a block: a few MiB of float32."""
    return max(1, BLOCK_BYTES // (4 * columns))


def row_blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """The rows of a table (n, d), block by block."""
    rows, columns = shape
    step = block_rows(columns)
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def finite_rows(points: np.ndarray) -> np.ndarray:
    """(n,) bool, true where a row of the table holds no NaN and no infinity."""
    keep = np.ones(len(points), bool)
    for rows in row_blocks(points.shape):
        finite = np.isfinite(points[rows])
        if not finite.all():
            keep[rows] = finite.all(axis=1)
    return keep


def as_float32(path: Path, points: np.ndarray) -> np.ndarray:
    """The table in float32, row after row; one that is mapped stays so, by way of a temporary file where needed."""
    if not isinstance(points, np.memmap):
        with np.errstate(over="ignore", invalid="ignore"):
            return np.ascontiguousarray(points, dtype=np.float32)
    if points.dtype == np.float32 and points.flags.c_contiguous:
        return points
    return spooled_table(path, points.shape, (points[rows] for rows in row_blocks(points.shape)))


def kept_rows(path: Path, points: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """The rows of a float32 table where `keep` (n,) is true; of a mapped table, in a temporary file."""
    if not isinstance(points, np.memmap):
        return points[keep]
    shape = int(np.count_nonzero(keep)), points.shape[1]
    return spooled_table(path, shape, (points[rows][keep[rows]] for rows in row_blocks(points.shape)))


def spooled_table(path: Path, shape: tuple[int, ...], blocks: Iterable[np.ndarray]) -> np.ndarray:
    """A table (n, d) given in blocks of rows, as float32 mapped from a temporary file. Raises like `spooled`."""

    def narrowed() -> Iterator[np.ndarray]:
        for block in blocks:
            with np.errstate(over="ignore", invalid="ignore"):
                narrow = np.ascontiguousarray(block, dtype=np.float32)
            yield narrow

    return spooled(path, 4 * prod(shape), narrowed()).view(np.float32).reshape(shape)


def spooled(path: Path, size: int, pieces: Iterable[np.ndarray]) -> np.memmap:
    """The `size` bytes of `pieces`, one after another, mapped from a temporary file that goes with the last use of it.

    Raises `InputError`, naming the file at `path`, where the temporary folder has no room for them, and `ValueError`
    where they are more or fewer than `size`.
    """
    with ExitStack() as stack:
        with _refused_without_room(path):
            free = shutil.disk_usage(tempfile.gettempdir()).free
            if size > free:
                raise _no_room(path, f"{size / 2**30:,.1f} GiB where {free / 2**30:,.1f} GiB are free")
            # Unbuffered, so that closing it has nothing left to write.
            file = stack.enter_context(tempfile.TemporaryFile(buffering=0))
        left = size
        for piece in pieces:
            content = piece.reshape(-1).view(np.uint8).data
            left -= len(content)
            if left < 0:
                raise ValueError("more numbers than declared")
            with _refused_without_room(path):
                while content:
                    content = content[file.write(content) :]
        if left:
            raise ValueError("fewer numbers than declared")
        return np.memmap(file, np.uint8, "r")


@contextmanager
def _refused_without_room(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _no_room(path, error.strerror or str(error)) from None


def _no_room(path: Path, got: str) -> InputError:
    return refusal(path, "small enough for the temporary folder", got, "free some space or set TMPDIR to a larger disk")
