"""The one way into an HDF5 file that somebody wrote: hard links alone, plain numbers alone, nothing unpacked unbounded.

An HDF5 data set may lie in another file (an external or virtual one), be a link to one, run filters that are loaded as
plug-ins, or hold chunks that unpack to anything. None of that is followed.
"""

import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from core.data.bounds import REAL, printable, refusal
from core.errors import InputError

__all__ = ["integers_attribute", "is_dataset", "member", "names", "plain", "text_attribute", "texts"]

_CHUNK_BYTES = 64 * 2**20
_FILTERS = {h5py.h5z.FILTER_DEFLATE: "gzip", h5py.h5z.FILTER_LZF: "lzf"}
# A byte of gzip stands for at most 1032, one of lzf for at most 88: chunks stored in fewer bytes need no look.
_UNPACKED = 256 * 2**20
_MOST_RATIO = {h5py.h5z.FILTER_DEFLATE: 1032, h5py.h5z.FILTER_LZF: 88}
_MOST_ATTRIBUTE = 1000


def member(path: Path, group: h5py.Group, name: str) -> Any:
    """The data set or group at `name` (parts between slashes), None where there is none. Raises `InputError` on
    links."""
    node: Any = group
    for part in name.split("/"):
        if not isinstance(node, h5py.Group) or part in ("", ".", "..") or "\0" in part:
            return None
        link = node.get(part, getlink=True)
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise refusal(path, "a file without links", f"one at `{printable(part)}`", "write the data themselves")
        node = node[part]
    return node


def names(group: Any, most: int) -> list[str]:
    """The names in a group, at most so many."""
    return [name for name, _ in zip(group, range(most), strict=False)] if isinstance(group, h5py.Group) else []


def is_dataset(node: Any) -> bool:
    """Whether a node is a data set, not a group or a type."""
    return isinstance(node, h5py.Dataset)


def plain(path: Path, node: Any, name: str) -> h5py.Dataset:
    """The data set at `name`, if it holds real numbers of its own that unpack to what they declare. Raises `InputError`
    otherwise, and `ValueError` where it is none."""
    if not isinstance(node, h5py.Dataset):
        raise ValueError(f"no table `{printable(name)}`")
    name = printable(name)
    if node.dtype.kind not in REAL or node.dtype.subdtype is not None:
        got = f"{node.dtype} in `{name}`"
        raise refusal(path, "real numbers", got, "write it as float32")
    _check_storage(path, node, name)
    return node


def text_attribute(node: Any, name: str) -> str:
    """An attribute that is one text, '' where it is none."""
    if name not in node.attrs or node.attrs.get_id(name).shape != ():
        return ""
    value = node.attrs[name]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else ""


def integers_attribute(node: Any, name: str) -> tuple[int, ...]:
    """An attribute that is a few whole numbers, () where it is none."""
    if name not in node.attrs:
        return ()
    stored = node.attrs.get_id(name)
    if len(stored.shape) != 1 or stored.shape[0] > _MOST_ATTRIBUTE or stored.dtype.kind not in "iu":
        return ()
    return tuple(int(value) for value in node.attrs[name])


def texts(path: Path, node: h5py.Dataset, name: str, most: int) -> list[str]:
    """The texts (or numbers, spelled out) of a data set (n,), one by one, at most `most` characters in all."""
    if h5py.check_string_dtype(node.dtype) is None:
        return [str(value) for value in plain(path, node, name)[()].tolist()]
    _check_storage(path, node, name)
    found, left = [], most
    for index in range(len(node)):
        # Many may be one and the same long text, so they are not read at once.
        value = node[index]
        found.append(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))
        left -= len(found[-1])
        if left < 0:
            raise refusal(path, f"at most {most:,} characters of names in `{printable(name)}`", "more", "shorten them")
    return found


def _check_storage(path: Path, node: h5py.Dataset, name: str) -> None:
    properties = node.id.get_create_plist()
    if node.is_virtual or properties.get_external_count():
        raise refusal(path, "a file that holds its data", f"`{name}` in another one", "write the data themselves")
    filters = [properties.get_filter(index)[0] for index in range(properties.get_nfilters())]
    if len(filters) > 1 or set(filters) - set(_FILTERS):
        got = f"another filter in `{name}`"
        raise refusal(path, "stored as it is, or with gzip or lzf", got, 'write it with compression="gzip"')
    if node.chunks is None:
        return
    size = int(np.prod(node.chunks, dtype=object)) * node.dtype.itemsize
    if size > _CHUNK_BYTES:
        got = f"{size / 2**20:,.0f} MiB in `{name}`"
        raise refusal(path, f"in chunks of at most {_CHUNK_BYTES >> 20} MiB", got, "write it in smaller chunks")
    if filters:
        _check_chunks(path, node, name, filters[0], size)


def _check_chunks(path: Path, node: h5py.Dataset, name: str, packed: int, size: int) -> None:
    """Refuse chunks that may unpack to far more than they declare."""
    large: list[Any] = []

    def look(chunk: Any) -> None:
        if chunk.size * _MOST_RATIO[packed] > _UNPACKED:
            large.append(chunk)

    node.id.chunk_iter(look)
    for chunk in large:
        if (
            packed != h5py.h5z.FILTER_DEFLATE
            or chunk.size > size + size // 100 + 100
            or not _inflates(path, chunk, size)
        ):
            raise _bomb(path, name)


def _inflates(path: Path, chunk: Any, size: int) -> bool:
    """Whether a chunk of gzip unpacks to no more than `size` bytes."""
    with path.open("rb") as stream:
        stream.seek(chunk.byte_offset)
        stored = stream.read(chunk.size)
    if chunk.filter_mask:
        return True
    inflater = zlib.decompressobj()
    return len(inflater.decompress(stored, size + 1)) <= size


def _bomb(path: Path, name: str) -> InputError:
    return refusal(path, "in chunks that unpack to what they declare", f"more in `{name}`", "write it again")
