"""What several commands share: models by name or folder, arrays in and out, words on stderr."""

import sys
import zipfile
import zlib
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import InputError, invalid
from topoviz.session.library import Library
from topoviz.session.log import Log, session_and_log
from topoviz.session.settings import Settings
from topoviz.session.state import Session

if TYPE_CHECKING:
    from core.activations.prepare import Preparation
    from core.model.autoencoder import FlowAutoencoder

__all__ = ["need_folder", "open_model", "open_preparation", "read_array", "read_session", "say", "write_arrays"]

_MAX_BYTES = 2**30
_MAX_SESSION = 1_000_000


def say(text: str) -> None:
    """Tell a person something, on stderr."""
    print(text, file=sys.stderr)


def open_model(argument: str) -> "FlowAutoencoder":
    """The model in a folder, or of that name in the library. Raises `InputError` where there is neither."""
    from core.model.store import load_model

    return load_model(_folder(argument))


def open_preparation(argument: str) -> "Preparation | None":
    """How a model's data were made from activations, None where it learned data as they are. Raises `InputError` where
    there is no such model, or what its folder says is damaged."""
    from core.activations.prepare import load_preparation

    return load_preparation(_folder(argument))


def _folder(argument: str) -> Path:
    """The folder of a model, by its path or by its name in the library."""
    if Path(argument).is_dir():
        return Path(argument)
    if Path(argument).name != argument:
        raise invalid("model", "a model folder", repr(argument), "check the path, or train a model there")
    return Library(Settings()).entry(argument).folder


def read_array(path: Path, key: str) -> np.ndarray:
    """The array `key` of an .npz file. Raises `InputError` where it is missing, damaged, pickled or huge."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{key}.npy") as member:
            _check_header(path, key, member)
        with np.load(path, allow_pickle=False) as arrays:
            return arrays[key]
    except KeyError:
        raise InputError(f"`{path.name}` has no array `{key}`; write it with that key.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"`{path.name}` is no readable .npz file ({error}); write it again.") from None


def read_session(path: Path) -> tuple[Session, Log]:
    """The session in a file, and the log of its edits. Raises `InputError` on anything else."""
    if path.stat().st_size > _MAX_SESSION:
        raise invalid("session", f"at most {_MAX_SESSION} bytes", path.stat().st_size, "choose a saved session")
    try:
        return session_and_log(path.read_text("utf-8"))
    except UnicodeDecodeError:
        raise InputError(f"`{path.name}` is not text; choose a saved session.") from None


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write an .npz file whole or not at all. Raises `InputError` where its folder is missing."""
    from core.files import atomic_file

    with atomic_file(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def need_folder(path: Path) -> Path:
    """`path` as a folder, made if need be. Raises `InputError` where a file is in its place."""
    if path.exists() and not path.is_dir():
        raise invalid("out", "a folder", path, "choose another place")
    path.mkdir(parents=True, exist_ok=True)
    return path


def _check_header(path: Path, key: str, member: Any) -> None:
    """Refuse by its header what would not fit or is no plain array, before anything is unpacked."""
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(member)
    if dtype.hasobject or dtype.kind not in "fiub":
        raise InputError(f"`{key}` in `{path.name}` holds {dtype}, not numbers; write it as float32.")
    if prod(shape) * dtype.itemsize > _MAX_BYTES:
        raise invalid(key, f"at most {_MAX_BYTES >> 20} MiB", f"shape {shape}", "split the file")
