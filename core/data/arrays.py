"""Points in .npy and .npz files.

Every header is read and checked before memory is taken for the array behind it; nothing is ever unpickled. A table too
large for memory is mapped: from where it lies if that can be, else from a temporary file.
"""

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Literal

import numpy as np

from core.data.bounds import (
    REAL,
    RawTable,
    check_companion,
    check_size,
    check_table,
    most_of,
    points_key,
    refusal,
)
from core.data.spool import is_large, spooled

__all__ = ["read_npy", "read_npz"]

_MOST_MEMBERS = 64
_BOMB_BYTES = 256 * 2**20
_BOMB_RATIO = 200
_CHUNK = 16 * 2**20
_MOST_HEADER = 10_000


@dataclass(frozen=True)
class _Header:
    """What the header of an .npy array declares; `size` is its own length in bytes. Records have dtype void."""

    shape: tuple[int, ...]
    dtype: np.dtype
    fortran: bool
    size: int

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize

    @property
    def order(self) -> Literal["C", "F"]:
        return "F" if self.fortran else "C"

    @property
    def large(self) -> bool:
        return is_large(self.shape, self.dtype.itemsize)


def read_npy(path: Path) -> RawTable:
    """The array of an .npy file. Raises `InputError`, or `ValueError` and `OSError` on a damaged file."""
    with path.open("rb") as stream:
        header = _read_header(stream)
        _check_points(path, header)
        _check_declared(header, path.stat().st_size)
        if header.large:
            return RawTable(np.memmap(stream, header.dtype, "r", header.size, header.shape, header.order))
        return RawTable(_read_body(stream, header))


def read_npz(path: Path, key: str | None = None) -> RawTable:
    """The arrays `key` (else `points`, else the only table), `labels`, `latent` and `entropy` of an .npz file. Raises
    like `read_npy`, and what `zipfile` and its decompressors raise."""
    with zipfile.ZipFile(path) as archive:
        _check_archive(path, archive)
        members = {info.filename[:-4]: info for info in archive.infolist() if info.filename.endswith(".npy")}
        headers = {}
        for name, info in members.items():
            with archive.open(info) as stream:
                headers[name] = _read_header(stream)

        def read(name: str, mapped: bool = False) -> np.ndarray:
            with archive.open(members[name]) as stream:
                header = _read_header(stream)
                _check_declared(header, members[name].file_size)
                if not mapped:
                    return _read_body(stream, header)
                if (place := _mapped(path, members[name], header)) is not None:
                    return place
                content = spooled(path, header.nbytes, _pieces(stream, header.nbytes))
                return content.view(header.dtype).reshape(header.shape, order=header.order)

        key = points_key(path, {name: header.shape for name, header in headers.items()}, key)
        _check_points(path, headers[key])
        rest = {name: header for name, header in headers.items() if name != key}
        _check_companions(path, headers[key].shape[0], rest)
        return RawTable(
            points=read(key, mapped=headers[key].large),
            labels=read("labels").reshape(-1) if "labels" in rest else None,
            latent=read("latent") if "latent" in rest else None,
            entropy=float(read("entropy").reshape(-1)[0]) if "entropy" in rest else None,
        )


def _read_header(stream: IO[bytes]) -> _Header:
    """The header of an .npy array, by the format's definition (numpy.lib.format). Raises `ValueError`."""
    start = stream.read(8)
    if start[:6] != b"\x93NUMPY":
        pickled = start[:1] == b"\x80"
        raise ValueError("a pickle, which is never read" if pickled else "no .npy array")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(stream.read(width), "little")
    if not 0 < length <= _MOST_HEADER:
        raise ValueError(f"a header of {length} bytes")
    text = stream.read(length).decode("latin-1")
    shape = re.search(r"['\"]shape['\"]:\s*\(([\d\s,L]{0,400})\)", text)
    order = re.search(r"['\"]fortran_order['\"]:\s*(True|False)", text)
    if len(text) < length or not shape or not order:
        raise ValueError("a cut or damaged header")
    plain = re.search(r"['\"]descr['\"]:\s*['\"]([<>|=]?[biufcSUOmM]\d{0,9}(?:\[\w+\])?)['\"]", text)
    try:
        dtype = np.dtype(plain.group(1)) if plain else np.dtype("V1")
    except TypeError:
        raise ValueError("an unknown type of number in its header") from None
    # A trailing L is how Python 2 wrote a long integer.
    sizes = tuple(int(size.strip().rstrip("L")) for size in shape.group(1).split(",") if size.strip())
    return _Header(sizes, dtype, order.group(1) == "True", 8 + width + length)


def _check_declared(header: _Header, size: int) -> None:
    """Refuse an array that is not all there in the `size` bytes of its file. Raises `ValueError`."""
    if header.size + header.nbytes > size:
        raise ValueError(f"{size:,} bytes where {header.size + header.nbytes:,} are declared: it was cut short")


def _read_body(stream: IO[bytes], header: _Header) -> np.ndarray:
    """The array behind a header already read from `stream`. Raises `ValueError`."""
    array = np.empty(prod(header.shape), header.dtype)
    # A view on raw bytes, for text and foreign byte orders have no buffer of their own.
    place = array.view(np.uint8)
    start = 0
    for piece in _pieces(stream, header.nbytes):
        place[start : start + len(piece)] = piece
        start += len(piece)
    return array.reshape(header.shape, order=header.order)


def _pieces(stream: IO[bytes], size: int) -> Iterator[np.ndarray]:
    """The next `size` bytes of `stream`, a few MiB at a time. Raises `ValueError` where they are fewer."""
    for start in range(0, size, _CHUNK):
        piece = stream.read(min(_CHUNK, size - start))
        if len(piece) < min(_CHUNK, size - start):
            raise ValueError("fewer bytes than declared: it was cut short")
        yield np.frombuffer(piece, np.uint8)


def _mapped(path: Path, info: zipfile.ZipInfo, header: _Header) -> np.ndarray | None:
    """A member where it lies in the archive, if it was stored as it is and stands where its numbers can be read."""
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        return None
    with path.open("rb") as stream:
        stream.seek(info.header_offset)
        local = stream.read(30)
        # A local header of its own stands before the member: 30 bytes, its name, and an extra field.
        start = (
            info.header_offset + 30 + int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
        )
        start += header.size
        if local[:4] != b"PK\x03\x04" or start + header.nbytes > path.stat().st_size or start % header.dtype.alignment:
            return None
        return np.memmap(stream, header.dtype, "r", start, header.shape, header.order)


def _check_archive(path: Path, archive: zipfile.ZipFile) -> None:
    infos = archive.infolist()
    if len(infos) > _MOST_MEMBERS:
        raise refusal(path, f"at most {_MOST_MEMBERS} arrays", len(infos), "write `points` (n, d) alone")
    total = sum(info.file_size for info in infos)
    ratio, most = total / max(path.stat().st_size, 1), most_of(path).table_bytes
    if total > most or (total > _BOMB_BYTES and ratio > _BOMB_RATIO):
        raise refusal(
            path,
            f"at most {most >> 30} GiB unpacked, and {_BOMB_RATIO} times its size",
            f"{total / 2**30:.1f} GiB, {ratio:,.0f} times",
            "write fewer points, or uncompressed",
        )
    if any(info.flag_bits & 1 for info in infos):
        raise refusal(path, "without a password", "an encrypted archive", "write it with numpy.savez")


def _check_points(path: Path, header: _Header) -> None:
    if header.dtype.kind not in REAL:
        raise refusal(path, "real numbers", _kind(header.dtype), "write it as float32")
    check_table(path, header.shape)
    check_size(path, header.shape, header.dtype.itemsize)


def _check_companions(path: Path, rows: int, headers: Mapping[str, _Header]) -> None:
    """Refuse labels, latent and entropy that do not fit the points, by their headers."""
    kinds = {"labels": REAL + "US", "latent": REAL, "entropy": REAL}
    for name in kinds.keys() & headers.keys():
        header = headers[name]
        if header.dtype.kind not in kinds[name]:
            raise refusal(path, f"a file with numbers in `{name}`", _kind(header.dtype), "leave it out")
        if name == "entropy":
            if prod(header.shape) != 1:
                raise refusal(path, "a file with one number `entropy`", f"shape {header.shape}", "leave it out")
            continue
        check_companion(path, name, header.shape, rows, header.dtype.itemsize)


def _kind(dtype: np.dtype) -> str:
    names = {"O": "pickled objects", "V": "records", "c": "complex numbers", "U": "text", "S": "text"}
    return names.get(dtype.kind, "dates" if dtype.kind in "mM" else str(dtype))
