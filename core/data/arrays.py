"""Points and sidecars in .npy and .npz files, and the arrays that a command is given. Every header is checked before
memory is taken for the array behind it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np

from core.data.bounds import (
    MOST_SIDECAR_COLUMNS,
    REAL,
    SIDECAR_BYTES,
    RawTable,
    check_bytes,
    check_companion,
    check_size,
    check_table,
    most_of,
    points_key,
    printable,
    refusal,
)
from core.data.columns import Column, array_column
from core.data.npy import Archive, Header, kind_of, open_archive, read_array, read_array_header
from core.data.opening import check_file, one_line
from core.errors import InputError, invalid

__all__ = ["array_names", "named_array", "npy_columns", "npz_columns", "read_npy", "read_npz"]

# Of an array that a command is given.
_GIVEN_BYTES = 2**30


def read_npy(path: Path) -> RawTable:
    """The array of an .npy file. Raises `InputError`, or `ValueError` and `OSError` on a damaged file."""
    _check_points(path, read_array_header(path))
    return RawTable(read_array(path))


def read_npz(path: Path, key: str | None = None) -> RawTable:
    """The arrays `key` (else `points`, else the only table), `labels`, `latent` and `entropy` of an .npz file. Raises
    like `read_npy`, and what `zipfile` and its decompressors raise."""
    with open_archive(path) as archive:
        headers = {name: archive.header(name) for name in archive.names}
        key = points_key(path, {name: header.shape for name, header in headers.items()}, key)
        _check_points(path, headers[key])
        rest = {name: header for name, header in headers.items() if name != key}
        _check_companions(path, headers[key].shape[0], rest)
        return RawTable(
            points=archive.read(key, mapped=headers[key].large),
            labels=archive.read("labels").reshape(-1) if "labels" in rest else None,
            latent=archive.read("latent") if "latent" in rest else None,
            entropy=float(archive.read("entropy").reshape(-1)[0]) if "entropy" in rest else None,
        )


def npy_columns(path: Path, lengths: set[int]) -> list[Column]:
    """The array of an .npy file as one column. Raises like `read_npy`."""
    return [array_column("", read_array(path))]


def npz_columns(path: Path, lengths: set[int]) -> list[Column]:
    """The arrays of an .npz file that have as many rows as the data. Raises like `read_npz`."""
    with open_archive(path, MOST_SIDECAR_COLUMNS) as archive:
        headers = {name: archive.header(name) for name in archive.names}
        fitting = [
            name
            for name, header in headers.items()
            if header.dtype.kind not in "OV" and header.shape and header.shape[0] in lengths
        ]
        if not fitting:
            listed = ", ".join(map(printable, archive.names[:6])) or "none"
            raise ValueError(f"no array of {max(lengths):,} rows among {listed}")
        check_bytes(path, sum(headers[name].nbytes for name in fitting), SIDECAR_BYTES, "unpacked")
        return [array_column(name, archive.read(name, mapped=headers[name].large)) for name in fitting]


def array_names(path: Path) -> list[str]:
    """The names of the arrays in an .npz file of any name. Raises `InputError` like `named_array`."""
    with _given(path) as archive:
        return archive.names


def named_array(path: Path, key: str) -> np.ndarray:
    """The array `key` of numbers in an .npz file of any name. Raises `InputError` in one line where it is missing,
    damaged, pickled, encrypted or larger than 1 GiB."""
    with _given(path) as archive:
        if key not in archive.names:
            raise InputError(f"`{printable(path.name)}` has no array `{key}`; write it with that key.")
        header = archive.header(key)
        if header.dtype.kind not in REAL:
            raise InputError(
                f"`{key}` in `{printable(path.name)}` holds {kind_of(header.dtype)}, not numbers; write it as float32."
            )
        if header.nbytes > _GIVEN_BYTES:
            raise invalid(key, f"at most {_GIVEN_BYTES >> 20} MiB", f"shape {header.shape}", "split the file")
        return archive.read(key)


@contextmanager
def _given(path: Path) -> Iterator[Archive]:
    check_file(path, most_of(path).file_bytes)
    with one_line(path, ".npz file"), open_archive(path, MOST_SIDECAR_COLUMNS) as archive:
        yield archive


def _check_points(path: Path, header: Header) -> None:
    if header.dtype.kind not in REAL:
        raise refusal(path, "real numbers", kind_of(header.dtype), "write it as float32")
    check_table(path, header.shape)
    check_size(path, header.shape, header.dtype.itemsize)


def _check_companions(path: Path, rows: int, headers: Mapping[str, Header]) -> None:
    """Refuse labels, latent and entropy that do not fit the points, by their headers."""
    kinds = {"labels": REAL + "US", "latent": REAL, "entropy": REAL}
    for name in kinds.keys() & headers.keys():
        header = headers[name]
        if header.dtype.kind not in kinds[name]:
            raise refusal(path, f"a file with numbers in `{name}`", kind_of(header.dtype), "leave it out")
        if name == "entropy":
            if prod(header.shape) != 1:
                raise refusal(path, "a file with one number `entropy`", f"shape {header.shape}", "leave it out")
            continue
        check_companion(path, name, header.shape, rows, header.dtype.itemsize)
