"""How a file is opened: what it must be first, the reader of its kind, and one line for whatever is wrong with it."""

import csv
import importlib
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from safetensors import SafetensorError

from core.data.bounds import check_bytes, printable, refusal
from core.data.formats import Format, format_of
from core.errors import InputError, need

__all__ = ["check_file", "one_line", "reader"]

# All that the libraries raise on a damaged file; RuntimeError is zipfile's for a method or a password it does not know.
_DAMAGE = (
    ValueError, OSError, EOFError, KeyError, TypeError, OverflowError, RuntimeError, zipfile.BadZipFile, zlib.error,
    lzma.LZMAError, csv.Error, pa.ArrowException, SafetensorError,
)  # fmt: skip


def check_file(path: Path, most: int, suffixes: Sequence[str] = (), folders: bool = False) -> None:
    """Refuse, before it is opened, what is no file of one of the suffixes (any where none are given), empty, or larger
    than `most` bytes; `folders` are let pass."""
    try:
        if not path.exists():
            raise refusal(path, "a file that exists", "none", "check the path")
        if path.is_dir():
            if folders:
                return
            raise refusal(path, "a file", "a folder", "name a file in it")
        if not path.is_file():
            raise refusal(path, "a file", "a device", "name a file of numbers or text")
        size = path.stat().st_size
    except OSError as error:
        raise refusal(path, "a file that can be read", error.strerror, "check the path") from None
    kind = format_of(path)
    if suffixes and (kind is None or kind.suffix not in suffixes):
        raise refusal(path, f"one of {', '.join(suffixes)}", path.suffix or "no suffix", "convert it")
    if size == 0:
        raise refusal(path, "a file with something in it", "an empty file", "write it again")
    check_bytes(path, size, most, "on the disk")


def reader(path: Path, kind: Format, name: str) -> Callable[..., Any]:
    """The reader of that name ("module:function") for a file of a kind. Raises `InputError` where the library that the
    kind needs is missing."""
    if kind.needs:
        need(kind.needs, printable(path.name), kind.extra)
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(f"core.data.{module}"), function)


@contextmanager
def one_line(path: Path, what: str) -> Iterator[None]:
    """Say in one line whatever a library has against the file at `path`, which should be a sound `what`."""
    try:
        yield
    except InputError:
        raise
    except MemoryError:
        raise refusal(path, "small enough for this machine's memory", "more", "give fewer points") from None
    except _DAMAGE as error:
        reason = str(error) or type(error).__name__
        raise refusal(path, f"a sound {what}", reason, "copy or write it again") from None
