"""Files written whole or not at all, and JSON read with bounds."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from core.errors import InputError, invalid

__all__ = ["atomic_file", "read_json", "write_json", "written"]

_JSON_BYTES = 64 * 2**20


@contextlib.contextmanager
def atomic_file(path: Path | str) -> Iterator[Path]:
    """A temporary name beside `path` that takes its place when the block ends well, and vanishes otherwise."""
    path = Path(path)
    if not path.parent.is_dir():
        raise invalid("out", "in a folder that exists", path.parent, "make the folder first")
    with written(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        try:
            yield Path(name)
            os.chmod(name, 0o644)
            os.replace(name, path)
        finally:
            Path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def written(path: Path) -> Iterator[None]:
    """Whatever the system has against writing `path`, as one line: a full disk, a folder that may not be written to."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:100]
        raise InputError(f"`{path.name}` cannot be written ({reason}); make room or choose another place.") from None


def write_json(document: Any, path: Path | str) -> None:
    """Write a JSON document, atomically. Non-finite numbers are refused."""
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path | str) -> Any:
    """The JSON document in a file. Raises `InputError` where there is none, or one too large."""
    path = Path(path)
    try:
        if path.stat().st_size > _JSON_BYTES:
            raise InputError(f"`{path.name}` is larger than {_JSON_BYTES >> 20} MiB; this is no file of topoviz.")
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise InputError(f"`{path.name}` cannot be read ({error.strerror}); check the path.") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"`{path.name}` is not valid JSON ({error}); write it anew.") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")
