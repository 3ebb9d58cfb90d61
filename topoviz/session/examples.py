"""Examples of the inputs behind a model's points, stored in its folder: pictures, texts, or rows of a table.

`examples.json` holds `schema` 1 and the `kind`. For 'image' it holds `count`, and `examples.safetensors` holds `images`
uint8 (m, h, w) or (m, h, w, 3); for 'text' it holds m `texts`; for 'table' the names of `columns` and m `rows` of
texts. Entry i belongs to row i of `sample.safetensors`, as in labels.json. Without the file there are no examples.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from core.data.columns import Column
from core.data.sidecars import sample_rows
from core.errors import InputError, invalid
from core.files import atomic_file, read_json, write_json
from topoviz.session.checks import choice
from topoviz.session.pictures import as_bytes, brightness, shrunk

__all__ = ["KINDS", "Examples", "Kind", "given_examples", "read_examples", "write_examples"]

Kind = Literal["image", "text", "table"]
KINDS: tuple[Kind, ...] = ("image", "text", "table")
_FILE, _IMAGES = "examples.json", "examples.safetensors"
_MOST_JSON, _MOST_BYTES = 8 * 2**20, 128 * 2**20
# Pixels per side; characters of a text and of a cell; columns of a table.
_MOST_SIDE, _MOST_TEXT, _MOST_CELL, _MOST_COLUMNS = 96, 280, 40, 12
_BLOCK = 256


@dataclass(frozen=True)
class Examples:
    """The examples of `count` points. For kind 'text' they are `texts`; for 'table', `rows` of cells under the names of
    `columns`. Pictures stay in the folder; `images` reads some of them."""

    kind: Kind
    count: int
    folder: Path
    texts: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    def images(self, rows: np.ndarray) -> np.ndarray:
        """The pictures (r, h, w[, 3]) uint8 of some rows (r,). Raises `InputError` where the file is damaged."""
        with _opened(self.folder, self.count) as images:
            return np.stack([images[row : row + 1][0] for row in map(int, rows)])

    def mean_image(self, rows: np.ndarray) -> np.ndarray:
        """The mean (h, w[, 3]) float64 of the pictures of some rows (r,), at least one, in the order of the file."""
        wanted = np.zeros(self.count, bool)
        wanted[rows] = True
        with _opened(self.folder, self.count) as images:
            blocks = (slice(start, min(start + _BLOCK, self.count)) for start in range(0, self.count, _BLOCK))
            sums = [
                images[block][wanted[block]].sum(axis=0, dtype=np.float64) for block in blocks if wanted[block].any()
            ]
        return np.sum(sums, axis=0) / wanted.sum()


def read_examples(folder: Path, count: int) -> Examples | None:
    """The examples in the folder of a model that keeps `count` points, None where it has none. Raises `InputError`
    where they are damaged, too large, or of another number."""
    path = folder / _FILE
    if not path.is_file():
        return None
    found = read_json(path, _MOST_JSON)
    if not isinstance(found, dict) or found.get("schema") != 1 or found.get("kind") not in KINDS:
        raise _damaged(f"{_FILE} says no kind that is known")
    if found["kind"] == "image":
        with _opened(folder, count):
            return Examples("image", count, folder)
    if found["kind"] == "text":
        texts = tuple(_line(text, _MOST_TEXT) for text in _listed(found, "texts", count))
        return Examples("text", count, folder, texts=texts)
    columns = tuple(_line(name, _MOST_CELL) for name in _listed(found, "columns")[:_MOST_COLUMNS])
    rows = _listed(found, "rows", count)
    if not all(isinstance(row, list) and len(row) >= len(columns) for row in rows):
        raise _damaged("a row has fewer cells than there are columns")
    cells = tuple(tuple(_line(cell, _MOST_CELL) for cell in row[: len(columns)]) for row in rows)
    return Examples("table", count, folder, columns=columns, rows=cells)


def write_examples(folder: Path, kind: Kind, values: Any) -> None:
    """Write the examples of a model's sample, given those of all n rows of its data.

    For 'image', `values` are pictures (n, h, w) or (n, h, w, 3) of numbers, scaled down where a side has more than 96
    pixels; for 'text', n texts; for 'table', a mapping from names of columns to n values each. Raises `InputError` on
    other values, and where n is not the number of rows of the model's data.
    """
    writer = {"image": _write_images, "text": _write_texts, "table": _write_table}[choice("kind", kind, KINDS)]
    writer(folder, values)


def given_examples(columns: Sequence[Column], argument: str = "examples") -> tuple[Kind, Any]:
    """The kind and the values of the examples in a file's columns, for `write_examples`: an array of pictures, a column
    of texts, or a table. Raises `InputError` on arrays of other shapes."""
    for column in columns:
        if isinstance(column.values, np.ndarray) and column.values.ndim > 1:
            _check_images(column.values, argument)
            return "image", column.values
    if len(columns) == 1 and not isinstance(columns[0].values, np.ndarray):
        return "text", columns[0].values
    return "table", {column.name or f"number {at + 1}": column.values for at, column in enumerate(columns)}


# ---------------------------------------------------------------- writing
def _write_images(folder: Path, values: Any) -> None:
    images = np.asarray(values)
    _check_images(images, "examples")
    rows = sample_rows(folder, len(images))
    # A few at a time: there may be many large pictures.
    blocks = (images[rows[at : at + _BLOCK]] for at in range(0, len(rows), _BLOCK))
    low, high = brightness(images)
    small = np.concatenate([shrunk(as_bytes(block, low, high), _MOST_SIDE) for block in blocks])
    with atomic_file(folder / _IMAGES) as temporary:
        save_file({"images": np.ascontiguousarray(small)}, temporary)
    write_json({"schema": 1, "kind": "image", "count": len(rows)}, folder / _FILE)


def _write_texts(folder: Path, values: Any) -> None:
    rows = sample_rows(folder, len(values))
    texts = [_line(values[row], _MOST_TEXT) for row in rows.tolist()]
    write_json({"schema": 1, "kind": "text", "texts": texts}, folder / _FILE)


def _write_table(folder: Path, values: Mapping[str, Any]) -> None:
    if not isinstance(values, Mapping) or not values:
        raise invalid("examples", "columns by name", type(values).__name__, "name each column")
    held = list(values.items())[:_MOST_COLUMNS]
    lengths = {len(column) for _, column in held}
    if len(lengths) > 1:
        raise invalid("examples", "columns of one length", sorted(lengths), "give one value a row")
    rows = sample_rows(folder, lengths.pop())
    cells = [[_cell(column[row]) for _, column in held] for row in rows.tolist()]
    names = [_line(name, _MOST_CELL) for name, _ in held]
    write_json({"schema": 1, "kind": "table", "columns": names, "rows": cells}, folder / _FILE)


def _check_images(images: np.ndarray, argument: str) -> None:
    shape = images.shape
    gray, colored = len(shape) == 3, len(shape) == 4 and shape[3] == 3
    if not (gray or colored) or 0 in shape[1:] or images.dtype.kind not in "biuf":
        got = f"{images.dtype} of shape {shape}"
        raise invalid(argument, "pictures (n, h, w) or (n, h, w, 3) of numbers", got, "reshape the array")
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise invalid(argument, "finite numbers", "NaN or infinity", "fill the missing pixels")


def _cell(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return "" if not np.isfinite(value) else f"{value:.4g}"
    return _line(value, _MOST_CELL)


# ---------------------------------------------------------------- reading
@contextmanager
def _opened(folder: Path, count: int) -> Iterator[Any]:
    """The pictures of a folder, to be sliced. The header is checked; an error is one line."""
    path = folder / _IMAGES
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _damaged(f"{_IMAGES} is larger than {_MOST_BYTES >> 20} MiB")
        with safe_open(path, "numpy") as file:
            images = file.get_slice("images")
            shape, kind = tuple(images.get_shape()), str(images.get_dtype())
            right = len(shape) in (3, 4) and shape[3:] in ((), (3,)) and 0 not in shape[1:] and kind == "U8"
            if not right or max(shape[1:3]) > _MOST_SIDE:
                raise _damaged(f"{_IMAGES} holds {kind} of shape {shape}")
            if shape[0] != count:
                raise _damaged(f"there are {shape[0]} for {count} points")
            yield images
    except (SafetensorError, OSError) as error:
        raise _damaged(" ".join(str(error).split())[:100]) from None


def _listed(found: dict[str, Any], key: str, count: int | None = None) -> list[Any]:
    values = found.get(key)
    if not isinstance(values, list):
        raise _damaged(f"{_FILE} holds no list of {key}")
    if count is not None and len(values) != count:
        raise _damaged(f"there are {len(values)} {key} for {count} points")
    return values


def _line(value: Any, longest: int) -> str:
    """A value as one line of printable text, cut where it is long."""
    text = "" if value is None else str(value)[: 4 * longest]
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _damaged(reason: str) -> InputError:
    return InputError(f"the examples in the model's folder cannot be shown: {reason}; write them again.")
