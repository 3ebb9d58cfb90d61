"""Points and sidecars in .parquet files.

A table too large for memory is read in blocks of rows and mapped from a temporary file. Text is kept encoded: of a text
that many rows share there is one copy.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.data.bounds import (
    MEMORY_BYTES,
    MOST_SIDECAR_COLUMNS,
    SIDECAR_BYTES,
    RawTable,
    check_bytes,
    check_size,
    most_of,
    printable,
    refusal,
)
from core.data.columns import Column, Texts
from core.data.spool import block_rows, is_large, spooled_table
from core.data.tables import (
    MOST_TEXTS,
    choose,
    column_names,
    contents,
    flat_labels,
    is_list,
    is_numeric,
    is_text,
    joined,
    label_of,
    left_out_note,
    side_by_side,
    width_of,
    with_texts,
)

__all__ = ["parquet_columns", "read_parquet"]

# So a column is read page by page; by default, all columns of a row group are taken into memory at once.
_BY_PAGES = {"buffer_size": 16 * 2**10, "pre_buffer": False}
# What a value of a list takes while its row is spelled out, and the letters of a row that are kept.
_OBJECT_BYTES = 32
_LONGEST = 4096


def read_parquet(path: Path, whole: bool = False) -> RawTable:
    """The table of a .parquet file; columns of equally long lists become several. `whole` and what is raised as of
    `read_csv`."""
    with pq.ParquetFile(path, **_BY_PAGES) as file:
        fields = list(file.schema_arrow)
        labels = _labels(fields, whole)
        numbers = _check_metadata(path, file, labels)
    read = [field for field in fields if is_numeric(field.type) or field.name in labels]
    large = is_large((numbers,), 4)
    # Encoded, a column of labels takes no more memory than its distinct texts.
    with pq.ParquetFile(path, read_dictionary=labels or None, **(_BY_PAGES if large else {})) as file:
        if large:
            raw = _joined_in_blocks(path, file, read, numbers, whole)
        else:
            table = file.read(columns=[field.name for field in read])
            raw = joined(path, tuple(printable(name) for name in table.column_names), table.columns, whole)
    others = [field for field in fields if field.name not in {field.name for field in read}]
    if whole:
        left_out = tuple((printable(field.name), contents(field.type)) for field in others)
        return replace(raw, left_out=(*raw.left_out, *left_out))
    return replace(raw, notes=(*raw.notes, *left_out_note([field.name for field in others])))


def parquet_columns(path: Path, lengths: set[int]) -> list[Column]:
    """The columns of a .parquet file: numbers as they are, anything else as text. Raises like `read_parquet`."""
    with pq.ParquetFile(path, **_BY_PAGES) as file:
        encoded = _check_sidecar(path, file, max(lengths))
    with pq.ParquetFile(path, read_dictionary=encoded or None) as file:
        table = file.read()
    table.validate(full=True)
    # Many rows may share one long text: what they are written out counts, before any of it is.
    check_bytes(path, sum(map(_text_bytes, table.columns)), SIDECAR_BYTES, "of text")
    return [_column(name, column) for name, column in zip(table.column_names, table.columns, strict=True)]


def _labels(fields: list[pa.Field], whole: bool) -> list[str]:
    """The columns to be read as labels: the one that is called so, or `whole` the first few of text."""
    if whole:
        return [field.name for field in fields if is_text(field.type)][:MOST_TEXTS]
    label = label_of([field.name for field in fields], [field.type for field in fields])
    return [] if label is None else [fields[label].name]


def _check_sidecar(path: Path, file: pq.ParquetFile, rows: int) -> list[str]:
    """Refuse by the footer a sidecar of more than `rows` rows or too much else; returns the leaves to keep encoded."""
    metadata = file.metadata
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    if metadata.num_rows > rows or metadata.num_columns > MOST_SIDECAR_COLUMNS:
        got = f"{metadata.num_rows:,} rows of {metadata.num_columns:,} columns"
        expected = f"at most {rows:,} rows of {MOST_SIDECAR_COLUMNS} columns"
        raise refusal(path, expected, got, "give the rows of the data alone")
    check_bytes(path, sum(group.total_byte_size for group in groups), SIDECAR_BYTES, "unpacked")
    leaves = [file.schema.column(at) for at in range(metadata.num_columns)]
    if walked := [field.name for field in file.schema_arrow if not is_numeric(field.type) or is_list(field.type)]:
        # Asking for a damaged column's counts aborts the process, so the pages are walked first: they only raise.
        file.scan_contents(walked)
    held = 0
    for at, leaf in enumerate(leaves):
        values = sum(group.column(at).num_values for group in groups)
        nested = leaf.max_repetition_level > 0
        # A number in a list becomes an object, and one of fixed length is never kept encoded.
        held += values * (_OBJECT_BYTES if nested else max(8, leaf.length))
    check_bytes(path, held, SIDECAR_BYTES, "of values")
    return [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]


def _text_bytes(column: pa.ChunkedArray | pa.Array) -> int:
    """How many bytes the texts of a column have, each written out."""
    kind = column.type
    if isinstance(column, pa.ChunkedArray):
        return sum(map(_text_bytes, column.chunks))
    if pa.types.is_dictionary(kind):
        if not _is_bytes(kind.value_type):
            return 0
        return _sum(pc.binary_length(column.dictionary).take(column.indices))  # type: ignore[attr-defined]
    if _is_bytes(kind):
        return _sum(pc.binary_length(column))  # type: ignore[attr-defined]
    if pa.types.is_struct(kind):
        return sum(map(_text_bytes, column.flatten()))
    if pa.types.is_map(kind):
        return _text_bytes(column.keys) + _text_bytes(column.items)
    return _text_bytes(column.flatten()) if is_list(kind) else 0


def _sum(lengths: pa.Array) -> int:
    return pc.sum(lengths).as_py() or 0  # type: ignore[attr-defined]


def _is_bytes(kind: pa.DataType) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(kind) for test in tests)


def _column(name: str, column: pa.ChunkedArray) -> Column:
    kind = column.type
    if is_text(kind):
        return Column(name, Texts(column))
    if pa.types.is_dictionary(kind) and not _is_bytes(kind.value_type):
        return _column(name, column.cast(kind.value_type))
    plain = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    if plain and column.null_count < len(column):
        return Column(name, column.cast(pa.float64(), safe=False).to_numpy())
    # Dates, lists and whatever else as text, a row at a time.
    values = (scalar.as_py() for chunk in column.chunks for scalar in chunk)
    return Column(name, [None if value is None else str(value)[:_LONGEST] for value in values])


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
    lists = [field.name for field in fields if is_list(field.type) and is_numeric(field.type)]
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


def _joined_in_blocks(path: Path, file: pq.ParquetFile, fields: list[pa.Field], numbers: int, whole: bool) -> RawTable:
    """The same of these columns of a file that holds so many numbers, but never all of them in memory."""
    names, kinds = tuple(printable(field.name) for field in fields), [field.type for field in fields]
    label, kept, notes = choose(path, names, kinds, whole)
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
        widths.append(width_of(path, next(known, [pa.chunked_array([], field.type)])[0]) if is_list(field.type) else 1)
    shape = rows, sum(widths)
    check_size(path, shape, 4)
    points = spooled_table(path, shape, (side_by_side(path, block, widths) for block in blocks(numeric)))

    def column(index: int) -> pa.ChunkedArray:
        return file.read(columns=[fields[index].name]).column(0)

    labels = None if label is None else flat_labels(column(label))
    raw = RawTable(points, labels, columns=column_names([names[at] for at in kept], numeric, widths), notes=notes)
    return with_texts(raw, names, kinds, column) if whole else raw


