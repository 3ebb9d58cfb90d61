"""Points and sidecars in .csv files: separated by commas, semicolons or tabs, with or without a row of names."""

import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from core.data.bounds import MOST_SIDECAR_COLUMNS, RawTable, check_bytes, check_size, printable, refusal
from core.data.columns import Column, Texts
from core.data.names import MISSING
from core.data.tables import joined

__all__ = ["csv_columns", "read_csv"]

_HEAD = 8 * 2**20
_BLOCK = 16 * 2**20
_SIDECAR_TEXT = 256 * 2**20


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
    table = _table(path, delimiter, len(first), skipped=int(named))
    names = tuple(printable(cell.strip()) for cell in first) if named else None
    return joined(path, names, table.columns, whole)


def csv_columns(path: Path, lengths: set[int]) -> list[Column]:
    """The columns of a .csv file: numbers where all of its cells are, else text. Its first row holds names unless the
    file has as many rows as the data. Raises like `read_csv`."""
    check_bytes(path, path.stat().st_size, _SIDECAR_TEXT, "of text")
    delimiter, rows = _first_rows(path)
    if not rows:
        return []
    width = len(rows[0])
    if width > MOST_SIDECAR_COLUMNS:
        raise refusal(path, f"at most {MOST_SIDECAR_COLUMNS} columns", f"{width:,}", "leave out the others")
    table = _table(path, delimiter, width, kind=pa.string())
    cells = [pc.utf8_trim_whitespace(column) for column in table.columns]  # type: ignore[attr-defined]
    names = [""] * width
    if len(table) not in lengths:
        names = [column[0].as_py() for column in cells]
        cells = [column.slice(1) for column in cells]
    return [_column(name, column) for name, column in zip(names, cells, strict=True)]


def _table(path: Path, delimiter: str, width: int, skipped: int = 0, kind: pa.DataType | None = None) -> pa.Table:
    """The rows of a file, each `width` cells wide, without the first few; all cells of one `kind` if that is given."""
    names = [str(index) for index in range(width)]
    return pyarrow.csv.read_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(column_names=names, skip_rows_after_names=skipped, block_size=_BLOCK),
        parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types=None if kind is None else dict.fromkeys(names, kind)),
    )


def _column(name: str, cells: pa.ChunkedArray) -> Column:
    missing = pc.is_in(pc.utf8_lower(cells), pa.array([*MISSING, "nan"]))  # type: ignore[attr-defined]
    known = pc.if_else(missing, None, cells)  # type: ignore[attr-defined]
    if known.null_count < len(known):
        try:
            return Column(name, known.cast(pa.float64()).to_numpy())
        except pa.ArrowInvalid:
            # Some cell is no number.
            known = pc.if_else(pc.equal(cells, ""), None, cells)  # type: ignore[attr-defined]
    return Column(name, Texts(known))


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
    if cell.strip().lower() in MISSING:
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


