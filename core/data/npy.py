"""Arrays as numpy writes them: one in an .npy file, several in an .npz archive.

Every header is read and checked before memory is taken for the array behind it; nothing is ever unpickled. An array too
large for memory is mapped: from where it lies if that can be, else from a temporary file.
"""

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Literal

import numpy as np

from core.data.bounds import most_of, refusal
from core.data.spool import is_large, spooled
from core.files import atomic_file

__all__ = [
    "Archive", "Header", "kind_of", "open_archive", "read_array", "read_array_header", "read_header", "write_arrays",
]  # fmt: skip

_MOST_MEMBERS = 64
_BOMB_BYTES = 256 * 2**20
_BOMB_RATIO = 200
_CHUNK = 16 * 2**20
_MOST_HEADER = 10_000


@dataclass(frozen=True)
class Header:
    """What the header of an .npy array declares; `size` is its own length in bytes, `version` that of the
    format. Records have dtype void."""

    shape: tuple[int, ...]
    dtype: np.dtype
    fortran: bool
    size: int
    version: int

    @property
    def nbytes(self) -> int:
        """How many bytes of numbers follow the header."""
        return prod(self.shape) * self.dtype.itemsize

    @property
    def order(self) -> Literal["C", "F"]:
        """In which order they follow."""
        return "F" if self.fortran else "C"

    @property
    def large(self) -> bool:
        """Whether the array is to be mapped."""
        return is_large(self.shape, self.dtype.itemsize)


class Archive:
    """The arrays of an open .npz archive of at most `most` members, by name."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, most: int) -> None:
        _check_archive(path, archive, most)
        self._path, self._archive = path, archive
        infos = archive.infolist()
        self._members = {info.filename[:-4]: info for info in infos if info.filename.endswith(".npy")}

    @property
    def names(self) -> list[str]:
        """The names of its arrays."""
        return list(self._members)

    def header(self, name: str) -> Header:
        """What an array declares. Raises `ValueError` where its header is damaged."""
        with self._archive.open(self._members[name]) as stream:
            return read_header(stream)

    def read(self, name: str, mapped: bool = False) -> np.ndarray:
        """An array; `mapped`, where it lies or from a temporary file. Raises `ValueError` and what decompressors
        raise."""
        member = self._members[name]
        with self._archive.open(member) as stream:
            header = read_header(stream)
            _check_declared(header, member.file_size)
            if not mapped:
                return _read_body(stream, header)
            if (place := _mapped(self._path, member, header)) is not None:
                return place
            content = spooled(self._path, header.nbytes, _pieces(stream, header.nbytes))
            return content.view(header.dtype).reshape(header.shape, order=header.order)


@contextmanager
def open_archive(path: Path, most: int = _MOST_MEMBERS) -> Iterator[Archive]:
    """The archive in an .npz file. Raises `InputError` on one that is encrypted, holds more than `most` members or
    unpacks to far more than it is, and what `zipfile` and its decompressors raise."""
    with zipfile.ZipFile(path) as archive:
        yield Archive(path, archive, most)


def read_array_header(path: Path) -> Header:
    """What the array in an .npy file declares. Raises `ValueError` where its header is damaged."""
    with path.open("rb") as stream:
        return read_header(stream)


def read_array(path: Path) -> np.ndarray:
    """The array in an .npy file, mapped where it is large. Raises `ValueError` where it is damaged or cut short."""
    with path.open("rb") as stream:
        header = read_header(stream)
        _check_declared(header, path.stat().st_size)
        if header.large:
            return np.memmap(stream, header.dtype, "r", header.size, header.shape, header.order)
        return _read_body(stream, header)


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write an .npz file whole or not at all. Raises `InputError` where that cannot be."""
    with atomic_file(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def read_header(stream: IO[bytes]) -> Header:
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
    return Header(sizes, dtype, order.group(1) == "True", 8 + width + length, start[6])


def _check_declared(header: Header, size: int) -> None:
    """Refuse an array that is not all there in the `size` bytes of its file. Raises `ValueError`."""
    if header.size + header.nbytes > size:
        raise ValueError(f"{size:,} bytes where {header.size + header.nbytes:,} are declared: it was cut short")


def _read_body(stream: IO[bytes], header: Header) -> np.ndarray:
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


def _mapped(path: Path, info: zipfile.ZipInfo, header: Header) -> np.ndarray | None:
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


def _check_archive(path: Path, archive: zipfile.ZipFile, most: int) -> None:
    infos = archive.infolist()
    if len(infos) > most:
        raise refusal(path, f"at most {most} arrays", len(infos), "write those that are needed alone")
    total = sum(info.file_size for info in infos)
    ratio, size = total / max(path.stat().st_size, 1), most_of(path).table_bytes
    if total > size or (total > _BOMB_BYTES and ratio > _BOMB_RATIO):
        raise refusal(
            path,
            f"at most {size >> 30} GiB unpacked, and {_BOMB_RATIO} times its size",
            f"{total / 2**30:.1f} GiB, {ratio:,.0f} times",
            "write fewer points, or uncompressed",
        )
    if any(info.flag_bits & 1 for info in infos):
        raise refusal(path, "without a password", "an encrypted archive", "write it with numpy.savez")


def kind_of(dtype: np.dtype) -> str:
    """What numbers, or what else, arrays of a type hold."""
    names = {"O": "pickled objects", "V": "records", "c": "complex numbers", "U": "text", "S": "text"}
    return names.get(dtype.kind, "dates" if dtype.kind in "mM" else str(dtype))
