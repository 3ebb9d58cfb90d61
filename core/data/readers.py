"""Points from files: one small reader per suffix, one set of bounds, one line for whatever is wrong with a file.

Points come out as finite float32; what had to be dropped or changed stands in the notes of the data set. A table too
large for memory comes out memory-mapped and is never held whole.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from core.data.bounds import FEWEST_ROWS, RawTable, check_size, most_of, printable, refusal
from core.data.dataset import Dataset
from core.data.formats import FOLDER, INDEX, SUFFIXES, Format, format_of
from core.data.npy import write_arrays
from core.data.opening import check_file, one_line, reader
from core.data.spool import as_float32, finite_rows, kept_rows, row_blocks
from core.errors import invalid

__all__ = ["read_dataset", "read_raw", "sound", "write_points"]


def read_dataset(path: Path | str, key: str | None = None) -> Dataset:
    """The points in a file of one of `core.data.formats.SUFFIXES`, or in .safetensors shards: a folder of them, or
    their *.safetensors.index.json. The data set is named after the stem.

    An .npz file holds `points` (n, d) and may hold `labels` (n,), `latent` (n, k) and `entropy`; a table's column
    with one of `core.data.names.LABEL_NAMES` becomes the labels. `key` names another table than `points` of .npz and
    .safetensors, or than `X` of .h5ad ("obsm/X_pca"). The rows of shards follow one another in natural order of their
    names. Rows with NaN or infinity are dropped, unless more than half have one. Points too large for memory are a
    read-only `np.memmap`: of the file itself where it is float32 and stored as it is (.npy, .npz, .safetensors, .h5ad),
    and must not change while it is in use, else of a temporary file. Raises `InputError`, in one line with the base
    name, on anything that is no such file or too large.
    """
    path = Path(path)
    with sound(path):
        kind = _kind(path)
        if key is not None and not kind.keyed:
            raise refusal(
                path, "a file of named tables to choose by key", f"the key `{printable(key)}`", "leave it out"
            )
        read = reader(path, kind, kind.points or "")
        return _finished(path, read(path) if key is None else read(path, key))


def read_raw(path: Path) -> RawTable:
    """What a file says, all of its columns as they are found. Within `sound`, raises like `read_dataset`."""
    kind = _kind(path)
    read = reader(path, kind, kind.points or "")
    return read(path, whole=True) if kind.whole else read(path)


@contextmanager
def sound(path: Path) -> Iterator[None]:
    """Refuse what is no file of a known kind; whatever a library has against the file, as one line."""
    check_file(path, most_of(path).file_bytes, (*SUFFIXES, INDEX.suffix), folders=True)
    with one_line(path, _kind(path).title):
        yield


def write_points(path: Path | str, dataset: Dataset) -> None:
    """Write an .npz file whole or not at all: `points` (n, d) float32 and, where known, `labels` int64, `latent` and
    `entropy`. Raises `InputError` where it cannot be written."""
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise invalid("out", "a file that ends in .npz", repr(path.name), "change the name")
    known = {
        "labels": None if dataset.labels is None else dataset.labels.astype(np.int64),
        "latent": dataset.latent,
        "entropy": None if dataset.entropy is None else np.float64(dataset.entropy),
    }
    arrays = {key: np.asarray(value) for key, value in known.items() if value is not None}
    write_arrays(path, points=np.asarray(dataset.points, np.float32), **arrays)


def _kind(path: Path) -> Format:
    """The kind of a file that was checked, or of a folder."""
    kind = None if path.is_dir() else format_of(path)
    return FOLDER if kind is None else kind


def _finished(path: Path, raw: RawTable) -> Dataset:
    """The data set of a raw table: float32, finite, with labels as numbers."""
    notes = list(raw.notes)
    check_size(path, raw.points.shape, raw.points.dtype.itemsize)  # type: ignore[arg-type]
    points = as_float32(path, raw.points)
    labels = None
    if raw.labels is not None:
        labels, remark = _class_numbers(raw.labels)
        notes += [remark] if remark else []
    latent, remark = _finite_latent(raw.latent)
    notes += [remark] if remark else []
    if len(points) < FEWEST_ROWS:
        raise refusal(path, f"a table of at least {FEWEST_ROWS} rows", len(points), "give more points")
    keep = finite_rows(points)
    rows, total = None, None
    if dropped := len(points) - int(np.count_nonzero(keep)):
        if 2 * dropped > len(points):
            got = f"NaN or infinity in {dropped:,} of {len(points):,} rows"
            raise refusal(path, "mostly finite numbers", got, "clean the data first")
        notes.append(f"{dropped:,} rows with NaN or infinity were dropped.")
        rows, total = np.flatnonzero(keep), len(points)
        points = kept_rows(path, points, keep)
        labels, latent = (None if part is None else part[keep] for part in (labels, latent))
    if len(points) < FEWEST_ROWS:
        raise refusal(path, f"a table of at least {FEWEST_ROWS} finite rows", len(points), "give more points")
    entropy = raw.entropy
    if entropy is not None and not np.isfinite(entropy):
        entropy = None
        notes.append("The entropy is not finite and was left out.")
    notes += _remarks_on_columns(points, raw.columns)
    return Dataset(
        path.stem,
        points,
        labels,
        latent,
        entropy,
        columns=raw.columns,
        notes=tuple(notes),
        rows=rows,
        file_rows=total,
    )


def _class_numbers(labels: np.ndarray | pa.Array) -> tuple[np.ndarray, str | None]:
    """Labels as int64, -1 where missing, and a remark if they were anything but whole numbers."""
    if isinstance(labels, np.ndarray) and labels.dtype.kind in "biu":
        if labels.dtype.kind != "u" or not len(labels) or labels.max() <= np.iinfo(np.int64).max:
            return labels.astype(np.int64), None
        names, numbers = np.unique(labels, return_inverse=True)
        return numbers.astype(np.int64), _remark_on_classes(names.tolist())
    if isinstance(labels, np.ndarray) and labels.dtype.kind == "f":
        finite = np.isfinite(labels)
        known = labels[finite]
        numbers = np.full(len(labels), -1, np.int64)
        if (np.abs(known) < 2**53).all() and (known == np.floor(known)).all():
            numbers[finite] = known.astype(np.int64)
            return numbers, None
        names, numbers[finite] = np.unique(known, return_inverse=True)
        return numbers, _remark_on_classes(names.tolist())
    text = pa.array(labels.astype("U")) if isinstance(labels, np.ndarray) else labels
    if not pa.types.is_dictionary(text.type):
        text = text.cast(pa.string()).dictionary_encode()
    spelled = ["" if name is None else str(name).strip() for name in text.dictionary.to_pylist()]
    names = sorted(set(spelled) - {""})
    rank = {name: index for index, name in enumerate(names)} | {"": -1}
    # A missing label has a null index; the entry past the last name stands for it.
    codes = text.indices.fill_null(len(spelled)).to_numpy(zero_copy_only=False)
    return np.array([rank[name] for name in spelled] + [-1], np.int64)[codes], _remark_on_classes(names)


def _remark_on_classes(names: list) -> str:
    listed = ", ".join(str(name) for name in names[:5]) + (", ..." if len(names) > 5 else "")
    return f"Classes became numbers from 0 in this order: {listed}."


def _finite_latent(latent: np.ndarray | None) -> tuple[np.ndarray | None, str | None]:
    if latent is None:
        return None, None
    with np.errstate(over="ignore"):
        latent = np.ascontiguousarray(latent, dtype=np.float32)
    if not np.isfinite(latent).all():
        return None, "The latent coordinates are not finite and were left out."
    return latent, None


def _remarks_on_columns(points: np.ndarray, names: tuple[str, ...]) -> list[str]:
    """A sentence each on columns that are constant, and on columns that repeat another."""
    low, high = points[0], points[0]
    digests = [b""] * points.shape[1]
    alike = range(points.shape[1])
    for rows in row_blocks(points.shape):
        block = points[rows]
        low, high = np.minimum(low, block.min(axis=0)), np.maximum(high, block.max(axis=0))
        for index in alike:
            digests[index] = hashlib.blake2b(digests[index] + block[:, index].tobytes()).digest()
        # A column unlike every other so far needs no look at its further rows.
        count = Counter(digests[index] for index in alike)
        alike = [index for index in alike if count[digests[index]] > 1]
    constant, repeated = [], []
    first_with: dict[bytes, int] = {}
    for index, digest in enumerate(digests):
        if low[index] == high[index]:
            constant.append(index)
        elif first_with.setdefault(digest, index) != index:
            repeated.append(index)
    remarks = []
    for found, what in ((constant, "are constant"), (repeated, "repeat another column")):
        if found:
            shown = [names[index] if names else f"number {index + 1}" for index in found[:5]]
            remarks.append(f"Columns that {what}: {', '.join(shown)}{', ...' if len(found) > 5 else ''}.")
    return remarks
