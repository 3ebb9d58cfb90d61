"""What several commands share: models by name or folder, sessions, words on stderr."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError, invalid
from topoviz.session.library import Library
from topoviz.session.log import Log, session_and_log
from topoviz.session.settings import Settings
from topoviz.session.state import Session

if TYPE_CHECKING:
    from core.activations.prepare import Preparation
    from core.model.autoencoder import FlowAutoencoder

__all__ = ["need_folder", "open_model", "open_preparation", "read_session", "say"]

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


def read_session(path: Path) -> tuple[Session, Log]:
    """The session in a file, and the log of its edits. Raises `InputError` on anything else."""
    if path.stat().st_size > _MAX_SESSION:
        raise invalid("session", f"at most {_MAX_SESSION} bytes", path.stat().st_size, "choose a saved session")
    try:
        return session_and_log(path.read_text("utf-8"))
    except UnicodeDecodeError:
        raise InputError(f"`{path.name}` is not text; choose a saved session.") from None


def need_folder(path: Path) -> Path:
    """`path` as a folder, made if need be. Raises `InputError` where a file is in its place."""
    if path.exists() and not path.is_dir():
        raise invalid("out", "a folder", path, "choose another place")
    path.mkdir(parents=True, exist_ok=True)
    return path
