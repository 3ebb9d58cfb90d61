"""A table of points from its columns: those of numbers side by side, one of labels, the rest left out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.bounds import RawTable, check_size, printable, refusal
from core.data.names import ROW_NUMBERS, label_column
from core.errors import InputError

__all__ = [
    "MOST_TEXTS", "choose", "column_names", "contents", "flat_labels", "is_list", "is_numeric", "is_text", "joined",
    "label_of", "left_out_note", "side_by_side", "width_of", "with_texts",
]  # fmt: skip

# Columns of text that are offered to color points by.
MOST_TEXTS = 16


def joined(path: Path, names: tuple[str, ...] | None, columns: list[pa.ChunkedArray], whole: bool) -> RawTable:
    """The columns of numbers side by side, and the column of labels; `whole`, all columns of text instead."""
    kinds = [column.type for column in columns]
    label, kept, notes = choose(path, names, kinds, whole)
    numeric = [columns[index] for index in kept]
    widths = [width_of(path, column) for column in numeric]
    check_size(path, (len(numeric[0]), sum(widths)), 4)
    labels = None if label is None else flat_labels(columns[label])
    titles = column_names([names[index] for index in kept], numeric, widths) if names else ()
    raw = RawTable(side_by_side(path, numeric, widths), labels, columns=titles, notes=notes)
    return with_texts(raw, names, kinds, lambda index: columns[index]) if whole else raw


def with_texts(
    raw: RawTable,
    names: tuple[str, ...] | None,
    kinds: list[pa.DataType],
    column: Callable[[int], pa.ChunkedArray],
) -> RawTable:
    """The table with its first few columns of text, and the names of all others that hold no numbers."""
    texts, left_out = [], []
    for index, kind in enumerate(kinds):
        name = (names[index] if names else "") or f"number {index + 1}"
        if is_text(kind) and len(texts) < MOST_TEXTS:
            texts.append((name, flat_labels(column(index))))
        elif not is_numeric(kind):
            left_out.append((name, contents(kind)))
    return replace(raw, texts=tuple(texts), left_out=tuple(left_out))


def label_of(names: Sequence[str], kinds: Sequence[pa.DataType]) -> int | None:
    """Which column holds labels, by its name; None where none does."""
    flat = [at for at, kind in enumerate(kinds) if not pa.types.is_nested(kind)]
    found = label_column([names[at] for at in flat])
    return None if found is None else flat[found]


def choose(
    path: Path, names: tuple[str, ...] | None, kinds: list[pa.DataType], whole: bool
) -> tuple[int | None, list[int], tuple[str, ...]]:
    """Which column holds labels, which ones hold numbers, and notes on the others; `whole`, all columns of numbers,
    whatever they are called."""
    label = label_of(names, kinds) if names and not whole else None
    kept, left_out, notes = [], [], []
    for index, kind in enumerate(kinds):
        name = names[index] if names else ""
        if index == label:
            continue
        if names and name in ROW_NUMBERS and len(kinds) > 1 and not whole:
            notes.append("A column of row numbers was left out.")
        elif is_numeric(kind):
            kept.append(index)
        else:
            left_out.append(name or f"number {index + 1}")
    if not kept:
        raise refusal(path, "a table with columns of numbers", "none", "check that its values are numbers")
    return label, kept, () if whole else (*notes, *left_out_note(left_out))


def side_by_side(path: Path, columns: list[pa.ChunkedArray], widths: list[int]) -> np.ndarray:
    """The numbers of the columns (n, sum of widths), float32."""
    points = np.empty((len(columns[0]), sum(widths)), np.float32)
    ends = np.cumsum(widths)
    for column, width, end in zip(columns, widths, ends, strict=True):
        points[:, end - width : end] = _numbers(path, column, width)
    return points


def column_names(names: list[str], columns: list, widths: list[int]) -> tuple[str, ...]:
    """The name of every number in a row; those of a list are counted."""
    return tuple(
        part
        for name, column, width in zip(names, columns, widths, strict=True)
        for part in ([f"{name}[{at}]" for at in range(width)] if is_list(column.type) else [name])
    )


def left_out_note(names: list[str]) -> tuple[str, ...]:
    """A sentence on columns that hold no numbers, none where there are none."""
    if not names:
        return ()
    listed = ", ".join(printable(name) for name in names[:5]) + (", ..." if len(names) > 5 else "")
    return (f"Columns that are not numbers were left out: {listed}.",)


def is_list(kind: pa.DataType) -> bool:
    """Whether the column holds lists."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def is_numeric(kind: pa.DataType) -> bool:
    """Whether the column holds numbers, or lists of them."""
    inner = kind.value_type if is_list(kind) else kind
    tests = (pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean, pa.types.is_decimal)
    return any(test(inner) for test in tests)


def is_text(kind: pa.DataType) -> bool:
    """Whether the column holds text, encoded or not."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(value) or pa.types.is_large_string(value)


def contents(kind: pa.DataType) -> str:
    """What a column without numbers holds."""
    if pa.types.is_null(kind):
        return "nothing"
    if pa.types.is_nested(kind):
        return "nested values"
    return "dates or times" if pa.types.is_temporal(kind) else "text" if is_text(kind) else str(kind)


def width_of(path: Path, column: pa.ChunkedArray) -> int:
    """How many numbers a row of the column holds: 1, or the common length of its lists."""
    if not is_list(column.type):
        return 1
    lengths = _lengths(column)
    if len(lengths) != 1 or not lengths[0]:
        raise _uneven(path, lengths)
    return lengths[0]


def _lengths(column: pa.ChunkedArray) -> list[int]:
    return pc.unique(pc.drop_null(pc.list_value_length(column))).to_pylist()  # type: ignore[attr-defined]


def _uneven(path: Path, lengths: list[int]) -> InputError:
    return refusal(path, "a table whose lists are of one length", f"lengths {lengths[:5]}", "pad or split the lists")


def _numbers(path: Path, column: pa.ChunkedArray, width: int) -> np.ndarray:
    """(n, width) float32, with NaN where a number or a whole list is missing."""
    if not is_list(column.type):
        return column.cast(pa.float32(), safe=False).to_numpy()[:, None]
    if others := set(_lengths(column)) - {width}:
        raise _uneven(path, [width, *sorted(others)])
    table = np.full((len(column), width), np.nan, np.float32)
    values = pc.list_flatten(column).cast(pa.float32(), safe=False).to_numpy()  # type: ignore[attr-defined]
    table[column.is_valid().to_numpy()] = values.reshape(-1, width)
    return table


def flat_labels(column: pa.ChunkedArray) -> np.ndarray | pa.Array:
    """Numbers as numpy has them (NaN where missing), everything else as it is."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.unify_dictionaries().combine_chunks()
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        whole = column.null_count == 0 and not pa.types.is_boolean(kind)
        return column.to_numpy() if whole else column.cast(pa.float64(), safe=False).to_numpy()
    return column.combine_chunks()
