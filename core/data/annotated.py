"""Points in AnnData .h5ad files (HDF5): `X` or another table of the observations, dense or sparse, and their classes.

HDF5 can point to other files, run filters of its own and unpack little to much: only plain data sets of numbers are
taken (`hdf.plain`). Sparse tables are made dense block by block.
"""

from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array

from core.data.bounds import MEMORY_BYTES, REAL, RawTable, check_bytes, check_size, check_table, printable, refusal
from core.data.hdf import integers_attribute, is_dataset, member, names, plain, text_attribute, texts
from core.data.names import label_column
from core.data.spool import block_rows, is_large, row_blocks, spooled_table

__all__ = ["read_h5ad"]

_MOST_TEXTS = 16
_MOST_COLUMNS = 512
_MOST_CLASSES = 65_536
_MOST_NAMES = 16 * 2**20
_STORED = 2**22
# Blocks of rows that are held at once where reading a few more often would cost much.
_HELD = 8


def read_h5ad(path: Path, key: str | None = None, whole: bool = False) -> RawTable:
    """The table `key` (`X` by default, or `obsm/X_pca` and the like, or `layers/counts`) of an .h5ad file.

    Labels are the column of `obs` with one of `core.data.names.LABEL_NAMES`; `whole` gives all of its classes as
    columns of text instead. Raises `InputError`, or `OSError`, `ValueError` and `RuntimeError` on a damaged file.
    """
    name = key or "X"
    try:
        with h5py.File(path, "r") as file:
            node = member(path, file, name)
            if node is None:
                found = ", ".join(_tables(path, file)[:8]) or "none"
                raise refusal(path, f"a file with a table `{printable(name)}`", found, "choose another key")
            points = _points(path, name, node)
            texts, labels = _classes(path, file, len(points))
    except (KeyError, TypeError, AttributeError) as error:
        # What h5py raises where a part is missing or is not what it is said to be.
        raise ValueError(str(error)) from None
    if whole:
        return RawTable(points, texts=tuple(texts.items()))
    label = label_column(list(texts))
    return RawTable(points, labels if label is None else list(texts.values())[label])


def _tables(path: Path, file: h5py.File) -> list[str]:
    """Names that may be tables."""
    found = [name for name in ("X",) if member(path, file, name) is not None]
    for group in ("obsm", "layers"):
        node = member(path, file, group)
        found += [f"{group}/{name}" for name in names(node, _MOST_COLUMNS)] if node is not None else []
    return found


def _points(path: Path, name: str, node: Any) -> np.ndarray:
    """The table at a node, mapped where it is large. Raises `InputError` where there is none."""
    if is_dataset(node):
        dataset = plain(path, node, name)
        check_table(path, dataset.shape)
        check_size(path, dataset.shape, dataset.dtype.itemsize)
        return _dense(path, dataset)
    kind = text_attribute(node, "encoding-type") or text_attribute(node, "h5sparse_format")
    if kind not in _SPARSE:
        got = f"{printable(kind)[:40] or 'a group'} in `{printable(name)}`"
        raise refusal(path, "a dense table, or a sparse one (CSR or CSC)", got, "write it as an array")
    blocks, shape = _sparse(path, name, node, kind)
    if is_large(shape, 4):
        return spooled_table(path, shape, blocks)
    return np.concatenate([np.empty((0, shape[1]), np.float32), *blocks])


def _dense(path: Path, dataset: h5py.Dataset) -> np.ndarray:
    """A table in memory, or mapped: where it lies in the file, if it is stored in one piece as float32."""
    shape = dataset.shape
    if not is_large(shape, dataset.dtype.itemsize):
        return dataset[()]
    offset = dataset.id.get_offset() if dataset.chunks is None else None
    plain = dataset.dtype == np.float32 and not dataset.file.userblock_size
    if offset is not None and plain and not offset % 4 and offset + 4 * prod(shape) <= path.stat().st_size:
        return np.memmap(path, np.float32, "r", offset, shape)
    # Of a table in chunks all rows of a chunk come at once, so that none is unpacked twice.
    step = block_rows(shape[1])
    if dataset.chunks:
        step = max(1, step // dataset.chunks[0]) * dataset.chunks[0]
        step = max(1, min(step, _HELD * block_rows(shape[1])))
    return spooled_table(path, shape, (dataset[at : at + step] for at in range(0, shape[0], step)))


def _sparse(path: Path, name: str, node: Any, kind: str) -> tuple[Iterator[np.ndarray], tuple[int, int]]:
    """A sparse table as dense blocks of rows, and its shape. Raises `InputError` and `ValueError` on a damaged one."""
    shape = integers_attribute(node, "shape") or integers_attribute(node, "h5sparse_shape")
    if len(shape) != 2 or min(shape) < 0:
        raise ValueError("a sparse table without a shape")
    check_table(path, shape)
    check_size(path, shape, 4)
    parts = {part: plain(path, member(path, node, part), f"{name}/{part}") for part in ("data", "indices", "indptr")}
    data, indices, pointer = parts["data"], parts["indices"], parts["indptr"]
    long = shape[0] if kind.startswith("csr") else shape[1]
    if any(part.ndim != 1 for part in parts.values()) or len(data) != len(indices) or len(pointer) != long + 1:
        raise ValueError("a sparse table whose parts do not fit")
    if {indices.dtype.kind, pointer.dtype.kind} - set("iu"):
        raise ValueError("a sparse table whose places are no whole numbers")
    check_bytes(path, 8 * len(pointer), MEMORY_BYTES, "of places")
    starts = pointer[()].astype(np.int64)
    counts = np.diff(starts)
    if starts[0] != 0 or starts[-1] != len(data) or (counts < 0).any() or (counts > shape[0] + shape[1] - long).any():
        raise ValueError("a sparse table whose rows do not follow one another")
    return _SPARSE[kind](data, indices, starts, shape), shape


def _by_rows(data: Any, indices: Any, starts: np.ndarray, shape: tuple[int, int]) -> Iterator[np.ndarray]:
    """Dense blocks of a table that is stored row after row."""
    for rows in row_blocks(shape):
        begin, end = int(starts[rows.start]), int(starts[rows.stop])
        places = _places(indices[begin:end], shape[1])
        part = csr_array(
            (data[begin:end], places, starts[rows.start : rows.stop + 1] - begin), (rows.stop - rows.start, shape[1])
        )
        yield part.astype(np.float32).toarray()


def _by_columns(data: Any, indices: Any, starts: np.ndarray, shape: tuple[int, int]) -> Iterator[np.ndarray]:
    """Dense blocks of a table that is stored column after column: all of it is gone through for every 128 MiB."""
    step = _HELD * block_rows(shape[1])
    for first in range(0, shape[0], step):
        block = np.zeros((min(step, shape[0] - first), shape[1]), np.float32)
        for begin in range(0, len(data), _STORED):
            end = min(begin + _STORED, len(data))
            rows = _places(indices[begin:end], shape[0]) - first
            columns = np.searchsorted(starts, np.arange(begin, end), side="right") - 1
            here = (rows >= 0) & (rows < len(block))
            np.add.at(block, (rows[here], columns[here]), data[begin:end][here].astype(np.float32))
        yield block


# By what AnnData calls the kinds, now and in older files.
_SPARSE: dict[str, Callable[..., Iterator[np.ndarray]]] = {
    "csr_matrix": _by_rows, "csc_matrix": _by_columns, "csr": _by_rows, "csc": _by_columns,
}  # fmt: skip


def _places(indices: np.ndarray, most: int) -> np.ndarray:
    """Places as int64, each from 0 to below `most`. Raises `ValueError` on others."""
    places = indices.astype(np.int64)
    if len(places) and not 0 <= places.min() <= places.max() < most:
        raise ValueError("a sparse table with places beyond its shape")
    return places


def _classes(path: Path, file: h5py.File, rows: int) -> tuple[dict[str, pa.Array], np.ndarray | None]:
    """Of `obs` the first few columns of classes, as text by name, and the column of numbers that holds labels."""
    obs = member(path, file, "obs")
    texts: dict[str, pa.Array] = {}
    labels = None
    if obs is None or is_dataset(obs):
        return texts, labels
    numbers: dict[str, Any] = {}
    for name in names(obs, _MOST_COLUMNS):
        node = member(path, obs, name)
        usual = label_column([name]) is not None
        if is_dataset(node):
            if usual and node.shape == (rows,) and node.dtype.kind in REAL:
                numbers[name] = node
        elif len(texts) < _MOST_TEXTS or usual:
            found = _categorical(path, node, rows, f"obs/{name}")
            if found is not None:
                texts[printable(name)] = found
    if (at := label_column(list(numbers))) is not None:
        check_bytes(path, 8 * rows, MEMORY_BYTES, "in `labels`")
        name = list(numbers)[at]
        labels = plain(path, numbers[name], f"obs/{name}")[()]
    return texts, labels


def _categorical(path: Path, node: Any, rows: int, name: str) -> pa.Array | None:
    """A column of classes; None where the group is none."""
    codes, categories = (member(path, node, part) for part in ("codes", "categories"))
    if codes is None or categories is None or not is_dataset(codes) or not is_dataset(categories):
        return None
    if codes.shape != (rows,) or codes.dtype.kind not in "iu" or categories.ndim != 1:
        return None
    if len(categories) > _MOST_CLASSES:
        raise refusal(
            path, f"at most {_MOST_CLASSES:,} classes in `{printable(name)}`", len(categories), "leave it out"
        )
    check_bytes(path, 8 * rows, MEMORY_BYTES, "of labels")
    spelled = texts(path, categories, name, _MOST_NAMES)
    numbers = plain(path, codes, name)[()].astype(np.int64)
    if len(numbers) and numbers.max() >= len(spelled):
        raise ValueError("classes without a name")
    known = pa.array(numbers, mask=numbers < 0)
    return pa.DictionaryArray.from_arrays(known, pa.array(spelled, pa.string()))
