"""Files given beside the data, with a value for each of its rows: labels, pictures, texts, columns of a table.

A file may speak of the rows of the data's own file or, where some of these were left out, of those that are points.
"""

import csv
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open

from core.errors import InputError, invalid
from core.files import read_json

if TYPE_CHECKING:
    from core.data import Dataset

__all__ = ["Column", "read_columns", "sample_rows"]

_MOST_BYTES = 2 * 2**30
_MOST_TEXT = 256 * 2**20
_MOST_COLUMNS = 256
_MISSING = ("", "na", "n/a", "nan", "null", "none")
_DAMAGE = (
    ValueError, OSError, EOFError, KeyError, TypeError, OverflowError, zipfile.BadZipFile, zlib.error, csv.Error,
    pa.ArrowException,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Column:
    """One value for each of n rows, by `name` ('' where the file has none): an array (n, ...) of numbers, or n texts
    (None where missing)."""

    name: str
    values: np.ndarray | Sequence[str | None]

    def __len__(self) -> int:
        return len(self.values)

    def of(self, rows: np.ndarray) -> "Column":
        """The column at some rows (m,)."""
        if isinstance(self.values, np.ndarray):
            return Column(self.name, self.values[rows])
        return Column(self.name, [self.values[row] for row in rows.tolist()])


def read_columns(path: Path, dataset: "Dataset", argument: str) -> tuple[Column, ...]:
    """The columns of a .npy, .npz, .csv, .parquet or .json file, one value for each point of the data set.

    A .json file holds a list of values, a list of objects, or an object of lists. `argument` names the file in errors.
    Raises `InputError` in one line on a file that is none of these, too large, or has another number of rows.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise invalid(argument, f"one of {', '.join(_READERS)}", path.suffix or "no suffix", "convert the file")
    lengths = {len(dataset), dataset.file_rows or len(dataset)}
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise invalid(
                argument, f"at most {_MOST_BYTES >> 30} GiB", f"{path.stat().st_size:,} bytes", "make it smaller"
            )
        columns = reader(path, lengths)
    except InputError:
        raise
    except _DAMAGE as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:100]
        raise invalid(argument, f"a sound {path.suffix.lower()} file", reason, f"check `{path.name}`") from None
    if not columns:
        raise invalid(argument, "a file with a value for each row", "none", f"check `{path.name}`")
    return tuple(_fitting(column, dataset, argument) for column in columns)


def sample_rows(folder: Path, count: int) -> np.ndarray:
    """(m,) int64: the rows of the points that a model in a folder keeps, among the `count` it was trained on.

    Raises `InputError` where the model does not say, is damaged, or was trained on another number of points.
    """
    metrics = read_json(folder / "metrics.json")
    points = metrics.get("points") if isinstance(metrics, dict) else None
    if points != count:
        raise invalid(
            "values", f"one for each of the {points} points of `{folder.name}`", count, "give those of its data"
        )
    try:
        with safe_open(folder / "sample.safetensors", "numpy") as arrays:
            rows = arrays.get_tensor("sample.rows")
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())[:100]
        raise InputError(
            f"`{folder.name}` does not say which rows of its data it keeps ({reason}); train it again."
        ) from None
    if rows.dtype != np.int64 or rows.ndim != 1 or (len(rows) and not 0 <= rows.min() <= rows.max() < count):
        raise InputError(f"`{folder.name}` keeps rows that its data do not have; train it again.")
    return rows


def _fitting(column: Column, dataset: "Dataset", argument: str) -> Column:
    """A column of as many rows as the data set has points."""
    if len(column) == len(dataset):
        return column
    if dataset.rows is not None and len(column) == dataset.file_rows:
        return column.of(dataset.rows)
    raise invalid(
        argument, f"one row for each of the data's {dataset.file_rows or len(dataset):,}", f"{len(column):,}",
        "give the rows of the data, in their order",
    )  # fmt: skip


def _npy(path: Path, _: set[int]) -> list[Column]:
    return [_array("", np.load(path, mmap_mode="r", allow_pickle=False))]


def _npz(path: Path, lengths: set[int]) -> list[Column]:
    with zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if info.filename.endswith(".npy")][:_MOST_COLUMNS]
        found = []
        for info in members:
            with archive.open(info) as stream:
                version = np.lib.format.read_magic(stream)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, dtype = read(stream)
            # What the header promises, before anything is unpacked.
            if not dtype.hasobject and shape and shape[0] in lengths and prod(shape) * dtype.itemsize <= _MOST_BYTES:
                found.append(info.filename[:-4])
        names = [info.filename[:-4] for info in members]
    if not found:
        raise ValueError(f"no array of {max(lengths):,} rows among {', '.join(names[:6]) or 'none'}")
    with np.load(path, allow_pickle=False) as arrays:
        return [_array(name, arrays[name]) for name in found]


def _csv(path: Path, lengths: set[int]) -> list[Column]:
    if path.stat().st_size > _MOST_TEXT:
        raise ValueError(f"more than {_MOST_TEXT >> 20} MiB of text")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        head = stream.readline()
        stream.seek(0)
        # As many rows as the data have: then the first is one of them, and no line of names.
        rows = [row for row in csv.reader(stream, delimiter=max(",;\t", key=head.count)) if row]
    if not rows:
        return []
    names = [""] * len(rows[0]) if len(rows) in lengths else [name.strip() for name in rows.pop(0)]
    if len(names) > _MOST_COLUMNS:
        raise ValueError(f"more than {_MOST_COLUMNS} columns")
    uneven = next((at for at, row in enumerate(rows) if len(row) != len(names)), None)
    if uneven is not None:
        raise ValueError(f"row {uneven + 1} has {len(rows[uneven])} cells, not {len(names)}")
    return [_cells(name, [row[at].strip() for row in rows]) for at, name in enumerate(names)]


def _parquet(path: Path, lengths: set[int]) -> list[Column]:
    with pq.ParquetFile(path) as file:
        metadata = file.metadata
        unpacked = sum(metadata.row_group(at).total_byte_size for at in range(metadata.num_row_groups))
        if metadata.num_rows > max(lengths) or metadata.num_columns > _MOST_COLUMNS or unpacked > _MOST_BYTES:
            raise ValueError(f"{metadata.num_rows:,} rows of {metadata.num_columns} columns")
        table = file.read()
    return [_listed(name, table.column(at).to_pylist()) for at, name in enumerate(table.column_names)]


def _json(path: Path, _: set[int]) -> list[Column]:
    found = read_json(path)
    if isinstance(found, list) and found and all(isinstance(row, dict) for row in found):
        names = list(dict.fromkeys(key for row in found for key in row))[:_MOST_COLUMNS]
        return [_listed(name, [row.get(name) for row in found]) for name in names]
    if isinstance(found, dict):
        return [_listed(name, values) for name, values in list(found.items())[:_MOST_COLUMNS] if _is_list(values)]
    return [_listed("", found)] if _is_list(found) else []


_READERS: dict[str, Callable[[Path, set[int]], list[Column]]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".csv": _csv,
    ".parquet": _parquet,
    ".json": _json,
}


def _is_list(values: Any) -> bool:
    return isinstance(values, list)


def _array(name: str, values: np.ndarray) -> Column:
    if not values.ndim or values.dtype.kind not in "biufU":
        raise ValueError(f"{values.dtype} of shape {values.shape}, neither numbers nor text")
    return Column(name, values.tolist() if values.dtype.kind == "U" else values)


def _listed(name: str, values: list[Any]) -> Column:
    """A list of numbers, None among them, or of anything else as text."""
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, int | float) for value in known):
        return Column(name, np.array([np.nan if value is None else value for value in values], np.float64))
    return Column(name, [None if value is None else str(value) for value in values])


def _cells(name: str, cells: list[str]) -> Column:
    """Cells of a table as numbers where all are, else as text."""
    known = [cell for cell in cells if cell.lower() not in _MISSING]
    try:
        numbers = iter([float(cell) for cell in known])
    except ValueError:
        return Column(name, [cell or None for cell in cells])
    if not known:
        return Column(name, [None] * len(cells))
    return Column(name, np.array([np.nan if cell.lower() in _MISSING else next(numbers) for cell in cells]))
