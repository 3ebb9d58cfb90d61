"""The kinds of file that data come in, one row each: whatever opens, accepts or lists files reads this table.

A new kind is a module in this folder and a row here. Readers are named, not imported, so that the table costs nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FOLDER", "FORMATS", "INDEX", "SIDECARS", "SUFFIXES", "Format", "format_of", "in_words"]


@dataclass(frozen=True)
class Format:
    """A kind of file: its `suffix`, and its `name` as errors tell it.

    `points` and `columns` name its readers ("module:function" of this folder), None where it can be no data set or no
    sidecar. `points(path)` gives a `core.data.bounds.RawTable`; it takes `key` too where its tables have names
    (`keyed`), and `whole` where it can give columns of text as well. `columns(path, lengths)` gives a list of
    `core.data.columns.Column`; `lengths` are the numbers of rows that a sidecar of the data may have. Readers raise
    `InputError`, `ValueError` or `OSError`. `mapped` says that tables larger than memory are read in blocks. `needs` is
    a library that only the extra `extra` installs.
    """

    suffix: str
    name: str
    points: str | None = None
    columns: str | None = None
    keyed: bool = False
    whole: bool = False
    mapped: bool = True
    needs: str = ""
    extra: str = ""

    @property
    def title(self) -> str:
        """What a file of this kind is called."""
        return f"{self.suffix} file ({self.name})" if self.suffix else self.name


FORMATS = (
    Format(".npy", "NumPy array", "arrays:read_npy", "arrays:npy_columns"),
    Format(".npz", "NumPy archive", "arrays:read_npz", "arrays:npz_columns", keyed=True),
    Format(".csv", "delimited text", "delimited:read_csv", "delimited:csv_columns", whole=True, mapped=False),
    Format(".parquet", "Parquet table", "parquet:read_parquet", "parquet:parquet_columns", whole=True),
    Format(".safetensors", "tensors", "tensors:read_safetensors", keyed=True),
    Format(".h5ad", "AnnData", "annotated:read_h5ad", keyed=True, whole=True, needs="h5py", extra="h5ad"),
    Format(".json", "JSON document", columns="json_lists:json_columns"),
)
# Not one file but several.
INDEX = Format(".safetensors.index.json", "index of safetensors shards", "tensors:read_index", keyed=True)
FOLDER = Format("", "folder of safetensors shards", "tensors:read_shards", keyed=True)

SUFFIXES = tuple(row.suffix for row in FORMATS if row.points)
SIDECARS = tuple(row.suffix for row in FORMATS if row.columns)
_BY_SUFFIX = {row.suffix: row for row in FORMATS}


def format_of(path: Path) -> Format | None:
    """The row of a file by its name alone; None where no row has its suffix."""
    return INDEX if path.name.lower().endswith(INDEX.suffix) else _BY_SUFFIX.get(path.suffix.lower())


def in_words(suffixes: Iterable[str] = SUFFIXES) -> str:
    """Suffixes as a person lists them.

    >>> in_words([".npy", ".npz", ".csv"])
    '.npy, .npz or .csv'
    """
    *first, last = suffixes
    return f"{', '.join(first)} or {last}" if first else last
