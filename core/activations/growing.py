"""A table that grows on the disk: an .npy file to which rows are added, sound whenever it is recorded.

numpy leaves room in the header for the first axis to grow, so the header is written over in place.
"""

import os
from math import prod
from pathlib import Path

import numpy as np

from core.data.npy import read_header
from core.errors import InputError
from core.files import written

__all__ = ["GrowingArray"]


class GrowingArray:
    """An .npy file of shape (n, *row) at `path`, taken up after `rows` rows, or begun with none.

    Raises `InputError` where the file taken up is no such table, or holds fewer rows.
    """

    def __init__(self, path: Path, row: tuple[int, ...], dtype: type, rows: int = 0) -> None:
        self._path, self._row, self._dtype = path, row, np.dtype(dtype)
        with written(path):
            # Unbuffered, so that closing it has nothing left to write.
            self._file = path.open("r+b" if rows else "w+b", buffering=0)
            try:
                self._begin(rows)
            except BaseException:
                self._file.close()
                raise

    def append(self, rows: np.ndarray) -> None:
        """Add rows (m, *row); they count from the next `record` on."""
        content = np.ascontiguousarray(rows, self._dtype).reshape(-1).view(np.uint8).data
        with written(self._path):
            while content:
                content = content[self._file.write(content) :]

    def record(self, rows: int) -> None:
        """See that all is on the disk, and let the header count `rows` of them."""
        with written(self._path):
            os.fsync(self._file.fileno())
            self._write_header(rows)
            os.fsync(self._file.fileno())
            self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Close the file; rows since the last record are of no account."""
        self._file.close()

    def _begin(self, rows: int) -> None:
        if rows:
            self._check()
        else:
            self._write_header(0)
        size = self._file.tell() + rows * prod(self._row) * self._dtype.itemsize
        if os.fstat(self._file.fileno()).st_size < size:
            raise InputError(f"`{self._path.name}` has lost rows since it was recorded; collect into another folder.")
        self._file.truncate(size)
        self._file.seek(size)

    def _check(self) -> None:
        try:
            found = read_header(self._file)
        except ValueError:
            found = None
        if (
            found is None
            or (found.version, found.fortran, found.dtype) != (1, False, self._dtype)
            or not found.shape
            or found.shape[1:] != self._row
        ):
            raise InputError(f"`{self._path.name}` is not the table that was recorded; collect into another folder.")

    def _write_header(self, rows: int) -> None:
        self._file.seek(0)
        fields = {"descr": self._dtype.str, "fortran_order": False, "shape": (rows, *self._row)}
        np.lib.format.write_array_header_1_0(self._file, fields)
