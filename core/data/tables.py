"""Points in .csv and .parquet files: the numeric columns side by side, one column of labels, the rest left out.

A .parquet table too large for memory is read in blocks of rows and mapped from a temporary file.
"""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import ceil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from core.data.bounds import MEMORY_BYTES, RawTable, check_bytes, check_size, most_of, printable, refusal
from core.data.spool import block_rows, is_large, spooled_table
from core.errors import InputError

__all__ = ["read_csv", "read_parquet"]

_LABELS = ("label", "labels", "class")
# What pandas and R call the row numbers that they write unasked.
_ROW_NUMBERS = ("", "Unnamed: 0", "__index_level_0__")
_MISSING = ("", "na", "n/a", "null", "none")
_MOST_TEXTS = 16
_HEAD = 8 * 2**20
_BLOCK = 16 * 2**20
# So a column is read page by page; by default, all columns of a row group are taken into memory at once.
_BY_PAGES = {"buffer_size": 16 * 2**10, "pre_buffer": False}


def read_csv(path: Path, whole: bool = False) -> RawTable:
    """The table of a .csv file, separated by commas, semicolons or tabs, with or without a row of names; `whole` with
    its columns of text, and nothing taken out for labels. Raises `InputError`, or `ValueError`, `OSError`, `csv.Error`
    and `ArrowException` on a damaged file."""
    delimiter, rows = _first_rows(path)
    if not rows:
        raise refusal(path, "a table of numbers", "an empty file", "write one row per point")
    first, *more = rows
    check_size(path, (_count_lines(path), len(first)), 8)
    named = _is_header(first, more[0] if more else [])
    table = pyarrow.csv.read_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(
            column_names=[str(index) for index in range(len(first))],
            skip_rows_after_names=int(named),
            block_size=_BLOCK,
        ),
        parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
    )
    names = tuple(printable(cell.strip()) for cell in first) if named else None
    return _joined(path, names, table.columns, whole)


def read_parquet(path: Path, whole: bool = False) -> RawTable:
    """The table of a .parquet file; columns of equally long lists become several. `whole` and what is raised as of
    `read_csv`."""
    with pq.ParquetFile(path, **_BY_PAGES) as file:
        fields = list(file.schema_arrow)
        labels = [f.name for f in fields if (_is_text(f.type) if whole else _may_label(f.name, f.type))]
        labels = labels[: _MOST_TEXTS if whole else 1]
        numbers = _check_metadata(path, file, labels)
    read = [field for field in fields if _is_numeric(field.type) or field.name in labels]
    large = is_large((numbers,), 4)
    # Encoded, a column of labels takes no more memory than its distinct texts.
    with pq.ParquetFile(path, read_dictionary=labels or None, **(_BY_PAGES if large else {})) as file:
        if large:
            raw = _joined_in_blocks(path, file, read, numbers, whole)
        else:
            table = file.read(columns=[field.name for field in read])
            raw = _joined(path, tuple(printable(name) for name in table.column_names), table.columns, whole)
    others = [field for field in fields if field.name not in {field.name for field in read}]
    if whole:
        left_out = tuple((printable(field.name), _held(field.type)) for field in others)
        return replace(raw, left_out=(*raw.left_out, *left_out))
    return replace(raw, notes=(*raw.notes, *_left_out([field.name for field in others])))


def _first_rows(path: Path) -> tuple[str, list[list[str]]]:
    """The delimiter, and the first two rows that are not empty."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD).decode("utf-8-sig", errors="replace")
    if "\0" in head:
        raise refusal(path, "text in UTF-8", "binary data", "export it as .csv again")
    line = next((line for line in head.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=line.count)
    rows = (row for row in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter) if any(map(str.strip, row)))
    return delimiter, [row for row, _ in zip(rows, range(2), strict=False)]


def _is_header(first: list[str], second: list[str]) -> bool:
    """Whether the first row holds names: no numbers, or text above a number, or the bare count 0, 1, ..., d - 1."""
    numeric = [_is_number(cell) for cell in first]
    above = any(not mine and _is_number(other) for mine, other in zip(numeric, second, strict=False))
    given = [cell.strip() for cell in first if cell.strip()]
    counted = len(given) > 1 and given == [str(index) for index in range(len(given))]
    return not any(numeric) or above or counted


def _is_number(cell: str) -> bool:
    """Whether the cell is a number, or stands for a missing one."""
    if cell.strip().lower() in _MISSING:
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _count_lines(path: Path) -> int:
    feeds = returns = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_BLOCK):
            feeds += chunk.count(b"\n")
            returns += chunk.count(b"\r")
    return max(feeds, returns)


def _check_metadata(path: Path, file: pq.ParquetFile, labels: list[str]) -> int:
    """Refuse by the footer what would not fit; a run-length code can stand for any number of values. Returns an upper
    bound of the numbers in the table."""
    metadata, fields, most = file.metadata, list(file.schema_arrow), most_of(path).table_bytes
    rows, columns = metadata.num_rows, metadata.num_columns
    check_size(path, (rows, columns), 4)
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    check_bytes(path, sum(group.total_byte_size for group in groups), most, "unpacked")
    numbers = rows * columns + rows * sum(f.type.list_size for f in fields if pa.types.is_fixed_size_list(f.type))
    check_bytes(path, 4 * numbers, most, "of numbers")
    lists = [field.name for field in fields if _is_list(field.type) and _is_numeric(field.type)]
    check_bytes(path, 8 * rows * len(labels), MEMORY_BYTES, "of labels")
    walked = [*lists, *labels]
    if not walked:
        return numbers
    # Asking for a damaged column's counts aborts the process, so the pages are walked first: they only raise.
    file.scan_contents(walked)
    paths = [file.schema.column(index).path for index in range(columns)]
    places = [paths.index(label) for label in labels]
    stored = sum(group.column(place).total_uncompressed_size for group in groups for place in places)
    check_bytes(path, stored, MEMORY_BYTES, "of labels")
    nested = [index for index, leaf in enumerate(paths) if leaf.startswith(tuple(f"{name}." for name in lists))]
    values = [sum(group.column(index).num_values for index in nested) for group in groups]
    # One row may hold all the values of its group, and is never split.
    check_bytes(path, 8 * max(values, default=0), MEMORY_BYTES, "in a row group")
    numbers += sum(values)
    check_bytes(path, 4 * numbers, most, "of numbers")
    return numbers


def _joined(path: Path, names: tuple[str, ...] | None, columns: list[pa.ChunkedArray], whole: bool) -> RawTable:
    """The numeric columns side by side, with the first column of labels beside them, or `whole` with all of text."""
    kinds = [column.type for column in columns]
    label, kept, notes = _numeric(path, kinds) if whole else _chosen(path, names, kinds)
    numeric = [columns[index] for index in kept]
    widths = [_width(path, column) for column in numeric]
    check_size(path, (len(numeric[0]), sum(widths)), 4)
    labels = None if label is None else _flat_labels(columns[label])
    shown = _shown([names[index] for index in kept], numeric, widths) if names else ()
    raw = RawTable(_side_by_side(path, numeric, widths), labels, columns=shown, notes=notes)
    return _with_texts(raw, names, kinds, lambda index: columns[index]) if whole else raw


def _joined_in_blocks(path: Path, file: pq.ParquetFile, fields: list[pa.Field], numbers: int, whole: bool) -> RawTable:
    """The same of these columns of a file that holds so many numbers, but never all of them in memory."""
    names, kinds = tuple(printable(field.name) for field in fields), [field.type for field in fields]
    label, kept, notes = _numeric(path, kinds) if whole else _chosen(path, names, kinds)
    rows = file.metadata.num_rows
    step = block_rows(ceil(numbers / max(rows, 1)))

    def blocks(columns: list[pa.Field]) -> Iterator[list[pa.ChunkedArray]]:
        for batch in file.iter_batches(step, columns=[column.name for column in columns]):
            yield [pa.chunked_array([column]) for column in batch.columns]

    numeric = [fields[index] for index in kept]
    widths = []
    for field in numeric:
        # Where the first lists are missing, the next ones tell.
        known = (block for block in blocks([field]) if block[0].null_count < len(block[0]))
        widths.append(_width(path, next(known, [pa.chunked_array([], field.type)])[0]) if _is_list(field.type) else 1)
    shape = rows, sum(widths)
    check_size(path, shape, 4)
    points = spooled_table(path, shape, (_side_by_side(path, block, widths) for block in blocks(numeric)))

    def column(index: int) -> pa.ChunkedArray:
        return file.read(columns=[fields[index].name]).column(0)

    labels = None if label is None else _flat_labels(column(label))
    raw = RawTable(points, labels, columns=_shown([names[index] for index in kept], numeric, widths), notes=notes)
    return _with_texts(raw, names, kinds, column) if whole else raw


def _numeric(path: Path, kinds: list[pa.DataType]) -> tuple[None, list[int], tuple[str, ...]]:
    """Like `_chosen` for a table that is read whole: all columns of numbers, whatever they are called."""
    kept = [index for index, kind in enumerate(kinds) if _is_numeric(kind)]
    if not kept:
        raise refusal(path, "a table with columns of numbers", "none", "check that its values are numbers")
    return None, kept, ()


def _with_texts(
    raw: RawTable,
    names: tuple[str, ...] | None,
    kinds: list[pa.DataType],
    column: Callable[[int], pa.ChunkedArray],
) -> RawTable:
    """The table with its first few columns of text, and the names of all others that hold no numbers."""
    texts, left_out = [], []
    for index, kind in enumerate(kinds):
        name = (names[index] if names else "") or f"number {index + 1}"
        if _is_text(kind) and len(texts) < _MOST_TEXTS:
            texts.append((name, _flat_labels(column(index))))
        elif not _is_numeric(kind):
            left_out.append((name, _held(kind)))
    return replace(raw, texts=tuple(texts), left_out=tuple(left_out))


def _chosen(
    path: Path, names: tuple[str, ...] | None, kinds: list[pa.DataType]
) -> tuple[int | None, list[int], tuple[str, ...]]:
    """Which column holds labels, which ones hold numbers, and notes on the others."""
    label, kept, left_out, notes = None, [], [], []
    for index, kind in enumerate(kinds):
        name = names[index] if names else ""
        if label is None and _may_label(name, kind):
            label = index
        elif names and name in _ROW_NUMBERS and len(kinds) > 1:
            notes.append("A column of row numbers was left out.")
        elif _is_numeric(kind):
            kept.append(index)
        else:
            left_out.append(name or f"number {index + 1}")
    if not kept:
        raise refusal(path, "a table with columns of numbers", "none", "check that its values are numbers")
    return label, kept, (*notes, *_left_out(left_out))


def _side_by_side(path: Path, columns: list[pa.ChunkedArray], widths: list[int]) -> np.ndarray:
    points = np.empty((len(columns[0]), sum(widths)), np.float32)
    ends = np.cumsum(widths)
    for column, width, end in zip(columns, widths, ends, strict=True):
        points[:, end - width : end] = _numbers(path, column, width)
    return points


def _shown(names: list[str], columns: list, widths: list[int]) -> tuple[str, ...]:
    """The name of every number in a row; those of a list are counted."""
    return tuple(
        part
        for name, column, width in zip(names, columns, widths, strict=True)
        for part in ([f"{name}[{at}]" for at in range(width)] if _is_list(column.type) else [name])
    )


def _left_out(names: list[str]) -> tuple[str, ...]:
    if not names:
        return ()
    listed = ", ".join(printable(name) for name in names[:5]) + (", ..." if len(names) > 5 else "")
    return (f"Columns that are not numbers were left out: {listed}.",)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _is_numeric(kind: pa.DataType) -> bool:
    """Whether the column holds numbers, or lists of them."""
    inner = kind.value_type if _is_list(kind) else kind
    tests = (pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean, pa.types.is_decimal)
    return any(test(inner) for test in tests)


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(value) or pa.types.is_large_string(value)


def _held(kind: pa.DataType) -> str:
    """What a column without numbers holds."""
    if pa.types.is_null(kind):
        return "nothing"
    if pa.types.is_nested(kind):
        return "nested values"
    return "dates or times" if pa.types.is_temporal(kind) else "text" if _is_text(kind) else str(kind)


def _may_label(name: str, kind: pa.DataType) -> bool:
    return name.lower() in _LABELS and not pa.types.is_nested(kind)


def _width(path: Path, column: pa.ChunkedArray) -> int:
    """How many numbers a row of the column holds: 1, or the common length of its lists."""
    if not _is_list(column.type):
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
    if not _is_list(column.type):
        return column.cast(pa.float32(), safe=False).to_numpy()[:, None]
    if others := set(_lengths(column)) - {width}:
        raise _uneven(path, [width, *sorted(others)])
    table = np.full((len(column), width), np.nan, np.float32)
    values = pc.list_flatten(column).cast(pa.float32(), safe=False).to_numpy()  # type: ignore[attr-defined]
    table[column.is_valid().to_numpy()] = values.reshape(-1, width)
    return table


def _flat_labels(column: pa.ChunkedArray) -> np.ndarray | pa.Array:
    """Numbers as numpy has them (NaN where missing), everything else as it is."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.unify_dictionaries().combine_chunks()
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        whole = column.null_count == 0 and not pa.types.is_boolean(kind)
        return column.to_numpy() if whole else column.cast(pa.float64(), safe=False).to_numpy()
    return column.combine_chunks()
