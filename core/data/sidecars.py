"""Sidecars: files with a value for each row of the data: labels, pictures, texts, columns of a table.

A file may speak of the rows of the data's own file or, where some of these were left out, of those that are points.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open

from core.data.bounds import SIDECAR_BYTES
from core.data.columns import Column
from core.data.formats import SIDECARS, format_of
from core.data.opening import check_file, one_line, reader
from core.errors import InputError, invalid
from core.files import read_json

if TYPE_CHECKING:
    from core.data.dataset import Dataset

__all__ = ["Column", "read_columns", "sample_rows"]


def read_columns(path: Path, dataset: "Dataset", argument: str) -> tuple[Column, ...]:
    """The columns of a file of one of `core.data.formats.SIDECARS`, one value for each point of the data set.

    `argument` names the file in errors. Raises `InputError` in one line on a file that is none of these, too large, or
    has another number of rows.
    """
    check_file(path, SIDECAR_BYTES, SIDECARS)
    kind = format_of(path)
    if kind is None or kind.columns is None:
        raise invalid(argument, f"one of {', '.join(SIDECARS)}", path.name, "convert the file")
    with one_line(path, kind.title):
        columns = reader(path, kind, kind.columns)(path, {len(dataset), dataset.file_rows or len(dataset)})
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
