"""Files and folders written whole or not at all, and JSON read with bounds."""

import contextlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from core.errors import InputError, invalid

__all__ = ["atomic_file", "atomic_folder", "read_json", "write_file", "write_json", "written"]

_JSON_BYTES = 64 * 2**20


@contextlib.contextmanager
def atomic_file(path: Path | str) -> Iterator[Path]:
    """A temporary name next to `path` that takes its place when the block ends well, and vanishes otherwise."""
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
def atomic_folder(path: Path) -> Iterator[Path]:
    """A temporary folder next to `path` that takes its place when the block ends well, also that of an older folder,
    and vanishes otherwise."""
    with written(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        new = temporary / "new"
        try:
            new.mkdir(0o755)
            yield new
            for file in new.iterdir():
                file.chmod(0o644)
            old = temporary / "old"
            if path.exists():
                os.replace(path, old)
            try:
                os.replace(new, path)
            except OSError:
                if old.exists():
                    os.replace(old, path)
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


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
    write_file(json.dumps(document, indent=1, allow_nan=False) + "\n", path)


def write_file(content: bytes | str, path: Path | str) -> None:
    """Write a file, whole or not at all; text in UTF-8."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(content if isinstance(content, bytes) else content.encode())


def read_json(path: Path | str, most: int = _JSON_BYTES) -> Any:
    """The JSON document in a file of at most `most` bytes. Raises `InputError` where there is none, or one too
    large."""
    path = Path(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"`{path.name}` cannot be read (it is a folder or a device); check the path.")
        if status.st_size > most:
            raise InputError(f"`{path.name}` is larger than {most >> 20} MiB; this is no file of topoviz.")
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise InputError(f"`{path.name}` cannot be read ({error.strerror}); check the path.") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"`{path.name}` is not valid JSON ({error}); write it anew.") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")
