"""Points in .csv and .parquet files: the numeric columns side by side, one column of labels, the rest left out."""

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from core.data.bounds import MOST_BYTES, RawTable, check_size, printable, refusal

__all__ = ["read_csv", "read_parquet"]

_LABELS = ("label", "labels", "class")
# What pandas and R call the row numbers that they write unasked.
_ROW_NUMBERS = ("", "Unnamed: 0", "__index_level_0__")
_MISSING = ("", "na", "n/a", "null", "none")
_HEAD = 8 * 2**20
_BLOCK = 16 * 2**20


def read_csv(path: Path) -> RawTable:
    """The table of a .csv file, separated by commas, semicolons or tabs, with or without a row of names. Raises
    `InputError`, or `ValueError`, `OSError`, `csv.Error` and `ArrowException` on a damaged file."""
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
    return _joined(path, names, table.columns)


def read_parquet(path: Path) -> RawTable:
    """The table of a .parquet file; columns of equally long lists become several. Raises `InputError`, or
    `ArrowException`, `ValueError` and `OSError` on a damaged file."""
    with pq.ParquetFile(path) as file:
        _check_metadata(path, file)
        fields = list(file.schema_arrow)
    label = next((field.name for field in fields if _may_label(field.name, field.type)), None)
    # Encoded, a column of labels takes no more memory than its distinct texts.
    with pq.ParquetFile(path, read_dictionary=[label] if label else None) as file:
        read = [field.name for field in fields if _is_numeric(field.type) or field.name == label]
        table = file.read(columns=read)
    raw = _joined(path, tuple(printable(name) for name in table.column_names), table.columns)
    others = [field.name for field in fields if field.name not in read]
    return RawTable(raw.points, raw.labels, columns=raw.columns, notes=(*raw.notes, *_left_out(others)))


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


def _check_metadata(path: Path, file: pq.ParquetFile) -> None:
    """Refuse by the footer what would not fit; a run-length code can stand for any number of values."""
    metadata, fields = file.metadata, list(file.schema_arrow)
    check_size(path, (metadata.num_rows, metadata.num_columns), 8)
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    stored = sum(group.total_byte_size for group in groups)
    padded = 8 * metadata.num_rows * sum(f.type.list_size for f in fields if pa.types.is_fixed_size_list(f.type))
    _check_bytes(path, max(stored, padded))
    if any(_is_list(field.type) for field in fields):
        # Asking for a damaged column's count aborts the process, so the pages are walked first: they only raise.
        file.scan_contents()
        values = sum(group.column(index).num_values for group in groups for index in range(group.num_columns))
        _check_bytes(path, 8 * values)


def _check_bytes(path: Path, size: int) -> None:
    if size > MOST_BYTES:
        raise refusal(path, f"at most {MOST_BYTES >> 30} GiB", f"{size / 2**30:.1f} GiB", "give fewer rows or columns")


def _joined(path: Path, names: tuple[str, ...] | None, columns: list[pa.ChunkedArray]) -> RawTable:
    """The numeric columns side by side, with the first column of labels beside them."""
    labels, kept, left_out, notes = None, [], [], []
    for index, column in enumerate(columns):
        name = names[index] if names else ""
        if labels is None and _may_label(name, column.type):
            labels = _flat_labels(column)
        elif names and name in _ROW_NUMBERS and len(columns) > 1:
            notes.append("A column of row numbers was left out.")
        elif _is_numeric(column.type):
            kept.append((name, column))
        else:
            left_out.append(name or f"number {index + 1}")
    if not kept:
        raise refusal(path, "a table with columns of numbers", "none", "check that its values are numbers")
    widths = [_width(path, column) for _, column in kept]
    check_size(path, (len(kept[0][1]), sum(widths)), 4)
    points = np.empty((len(kept[0][1]), sum(widths)), np.float32)
    ends = np.cumsum(widths)
    for (_, column), width, end in zip(kept, widths, ends, strict=True):
        points[:, end - width : end] = _numbers(column, width)
    shown = [
        part
        for (name, column), width in zip(kept, widths, strict=True)
        for part in ([f"{name}[{at}]" for at in range(width)] if _is_list(column.type) else [name])
    ]
    return RawTable(points, labels, columns=tuple(shown) if names else (), notes=(*notes, *_left_out(left_out)))


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


def _may_label(name: str, kind: pa.DataType) -> bool:
    return name.lower() in _LABELS and not pa.types.is_nested(kind)


def _width(path: Path, column: pa.ChunkedArray) -> int:
    """How many numbers a row of the column holds: 1, or the common length of its lists."""
    if not _is_list(column.type):
        return 1
    lengths = pc.unique(pc.drop_null(pc.list_value_length(column))).to_pylist()  # type: ignore[attr-defined]
    if len(lengths) != 1 or not lengths[0]:
        raise refusal(path, "a table whose lists are of one length", f"lengths {lengths[:5]}", "pad or split the lists")
    return lengths[0]


def _numbers(column: pa.ChunkedArray, width: int) -> np.ndarray:
    """(n, width) float32, with NaN where a number or a whole list is missing."""
    if not _is_list(column.type):
        return column.cast(pa.float32(), safe=False).to_numpy()[:, None]
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
