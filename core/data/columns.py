"""Columns of a sidecar: one value for each row of the data, numbers as an array, text decoded only where it is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pyarrow as pa

__all__ = ["Column", "Texts", "array_column", "listed_column"]

_BLOCK = 2**20


class Texts(Sequence[str | None]):
    """The n texts of an array of text, of numpy or of Arrow; None where missing. Each is decoded when it is asked for,
    so that many rows that share one long text hold it once."""

    def __init__(self, array: np.ndarray | pa.ChunkedArray) -> None:
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    @overload
    def __getitem__(self, index: int) -> str | None: ...
    @overload
    def __getitem__(self, index: slice) -> "Texts": ...
    def __getitem__(self, index: int | slice) -> "str | Texts | None":
        if isinstance(index, slice):
            return Texts(self._array[index])
        value = self._array[index]
        return str(value) if isinstance(value, str) else value.as_py()

    def __iter__(self) -> Iterator[str | None]:
        return (self[row] for row in range(len(self)))


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


def array_column(name: str, values: np.ndarray) -> Column:
    """The column of an array (n, ...) of numbers, or (n,) of text. Raises `ValueError` on any other."""
    if not values.ndim or values.dtype.kind not in "biufU" or (values.dtype.kind == "U" and values.ndim > 1):
        raise ValueError(f"{values.dtype} of shape {values.shape}, neither numbers nor text")
    if values.dtype.kind != "U":
        return Column(name, values)
    if values.dtype.itemsize:
        codes = values.view(values.dtype.str[0] + "u4")
        if any(codes[at : at + _BLOCK].max() > 0x10FFFF for at in range(0, len(codes), _BLOCK)):
            raise ValueError("text with characters that do not exist")
    return Column(name, Texts(values))


def listed_column(name: str, values: Sequence[Any]) -> Column:
    """The column of a list of numbers, None among them, or of anything else as text."""
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, int | float) for value in known):
        return Column(name, np.array([np.nan if value is None else value for value in values], np.float64))
    return Column(name, [None if value is None else str(value) for value in values])
