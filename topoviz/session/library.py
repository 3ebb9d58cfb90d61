"""The library: the models in `sample_data` and the user's own, the example sessions, and the studies in the user's
folders, whose trials are models too.

A folder that is not a model is listed with its problem and does not stop the rest.
"""

import contextlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from safetensors import SafetensorError, safe_open

from core.errors import InputError, invalid
from topoviz import resource
from topoviz.session.checks import folder_name, model_name
from topoviz.session.settings import Settings
from topoviz.session.state import Session
from topoviz.session.studies import Study
from topoviz.session.study_folders import StudyFolders, is_listed, keeps_inside, model_folder, subfolders

if TYPE_CHECKING:
    from core.model.autoencoder import FlowAutoencoder

__all__ = ["Entry", "Example", "Library", "Step"]

_IN_MEMORY = 12
_MAX_TEXT = 4_000_000
_BEYOND = 1e300


@dataclass(frozen=True)
class Entry:
    """A model in the list.

    `dataset` names its data, `dim` is d, `latent_dim` k, `nll` the held-out negative log-likelihood in nats; each is
    None where the folder does not say. `stamp` changes when the folder does. `problem` is one line, None for a model
    that can be opened.
    """

    name: str
    title: str
    source: Literal["shipped", "yours"]
    folder: Path
    stamp: str
    dataset: str = ""
    dim: int | None = None
    latent_dim: int | None = None
    nll: float | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Example:
    """An example session, with a title and a sentence that says what it shows."""

    id: str
    title: str
    sentence: str
    session: Session


@dataclass(frozen=True)
class Step:
    """A step of the guided story: a `session` with a `title`, a `text`, and a `task` for the user.

    `done` names what completes the task, `act` what a button may do for it, `look` selects the view in question, and
    `nodes` are the nodes to point at.
    """

    title: str
    text: str
    task: str
    done: str
    look: str
    session: Session
    act: str = ""
    nodes: tuple[tuple[str, int], ...] = ()


class Library:
    """The models in `sample_data/models`, those in the user's folder, and `others` by name.

    Folders are read on demand and cached while unchanged. Thread-safe.
    """

    def __init__(self, settings: Settings, others: Mapping[str, Path] | None = None) -> None:
        self._others = dict(others or {})
        self._folders: tuple[tuple[Literal["shipped", "yours"], Path], ...] = (
            ("shipped", _sample_data() / "models"),
            ("yours", settings.models),
        )
        self._studies = StudyFolders(settings.models)
        self._models: OrderedDict[tuple[Path, str], FlowAutoencoder] = OrderedDict()
        self._entries: dict[tuple[Path, str], Entry] = {}
        self._lock = Lock()

    def entries(self) -> tuple[Entry, ...]:
        """Every model, shipped ones first, by name. Broken folders have a `problem`."""
        found: dict[str, Entry] = {}
        for name, path in self._others.items():
            found[name] = replace(self._entry("yours", path), name=name)
        for source, folder in self._folders:
            for path in subfolders(folder):
                if source == "yours" and self._studies.hold(path):
                    continue
                entry = self._entry(source, path)
                if entry.name not in found:
                    found[entry.name] = entry
        return tuple(found.values())

    def listed(self, *in_use: Any) -> tuple[Entry, ...]:
        """`entries`, and those trials of studies that are in use; the others are too many to list."""
        trials: dict[str, Entry] = {}
        for name in in_use:
            if "/" in str(name):
                with contextlib.suppress(InputError):
                    trials[name] = self.entry(name)
        return (*self.entries(), *trials.values())

    def studies(self) -> tuple[Study, ...]:
        """The studies in the user's folders, by name. Broken ones have a `problem`."""
        return self._studies.all()

    def entry(self, name: str) -> Entry:
        """The entry of that name. Raises `InputError` where there is none, or where it is broken."""
        entry = self._find(model_name("model", name))
        if entry is None:
            usable = ", ".join(entry.name for entry in self.entries() if not entry.problem)
            there = usable or "none yet; train one first"
            raise invalid("model", "the name of a model at hand", repr(name), f"those are {there}")
        if entry.problem:
            raise InputError(f"the model `{name}` cannot be opened: {entry.problem}")
        return entry

    def model(self, name: str) -> "FlowAutoencoder":
        """The model of that name. It is shared, so do not change it. Raises `InputError` as `entry` does."""
        entry = self.entry(name)
        key = (entry.folder, entry.stamp)
        with self._lock:
            if key not in self._models:
                from core.model.store import load_model

                self._models[key] = load_model(entry.folder)
                while len(self._models) > _IN_MEMORY:
                    self._models.popitem(last=False)
            self._models.move_to_end(key)
            return self._models[key]

    def examples(self) -> tuple[Example, ...]:
        """The shipped examples whose models are in the library; a first visit opens the first."""
        path = _sample_data() / "examples.json"
        if not path.is_file():
            return ()
        usable = {entry.name for entry in self.entries() if not entry.problem}
        examples = [_example(item) for item in _read_json(path, list)]
        return tuple(e for e in examples if {e.session.model_a, e.session.model_b} <= usable)

    def story(self) -> tuple[Step, ...]:
        """The guided story; empty where a model of it is not in the library."""
        path = _sample_data() / "story.json"
        if not path.is_file():
            return ()
        usable = {entry.name for entry in self.entries() if not entry.problem}
        steps = [_step(item) for item in _read_json(path, list)]
        return tuple(steps) if all({s.session.model_a, s.session.model_b} <= usable for s in steps) else ()

    def first_session(self) -> Session:
        """The session of a first visit: the first example, or the first two models, or an empty session."""
        examples = self.examples()
        if examples:
            return examples[0].session
        usable = [entry.name for entry in self.entries() if not entry.problem]
        return Session(model_a=usable[0], model_b=usable[min(1, len(usable) - 1)]) if usable else Session()

    def _find(self, name: str) -> Entry | None:
        """The entry of a name in `entries`; the other folders are not read."""
        if name in self._others:
            return replace(self._entry("yours", self._others[name]), name=name)
        if "/" in name:
            return self._trial(name)
        for source, folder in self._folders:
            if is_listed(folder / name, folder.resolve()):
                return self._entry(source, folder / name)
        return None

    def _trial(self, name: str) -> Entry | None:
        """The entry of a trial's model."""
        found = self._studies.trial(name)
        if found is None:
            return None
        study, trial = found
        entry = self._entry("yours", model_folder(study, trial), study.folder)
        return replace(entry, name=name, title=f"trial {trial.number} · {study.name}")

    def _entry(self, source: Literal["shipped", "yours"], path: Path, root: Path | None = None) -> Entry:
        """The entry of a folder; with `root`, the folder must lie inside it."""
        stamp = _stamp(path)
        key = (path, stamp)
        if key not in self._entries:
            self._entries[key] = _read_entry(source, path, stamp, root)
        return self._entries[key]


def _sample_data() -> Path:
    return resource("sample_data")


def _stamp(path: Path) -> str:
    """A text that changes whenever one of a model's files does."""
    parts = []
    for name in ("model.safetensors", "config.json", "metrics.json"):
        try:
            status = (path / name).stat()
        except OSError:
            parts.append("-")
        else:
            parts.append(f"{status.st_mtime_ns}.{status.st_size}")
    return "/".join(parts)


def _read_entry(source: Literal["shipped", "yours"], path: Path, stamp: str, root: Path | None) -> Entry:
    title = path.name.replace("-", " ").replace("_", " ")
    try:
        folder_name("model", path.name)
        if root is not None and not keeps_inside(path, root):
            raise InputError("it does not lie in its study's folder.")
        config = _read_json(path / "config.json", dict)
        metrics = _read_json(path / "metrics.json", dict)
        dim = _data_dim(path / "model.safetensors")
    except InputError as error:
        return Entry(path.name, title, source, path, stamp, problem=str(error))
    return Entry(
        path.name,
        str(metrics.get("title") or title),
        source,
        path,
        stamp,
        dataset=str(metrics.get("dataset", "")),
        dim=dim,
        latent_dim=_whole(config.get("latent_dim")),
        nll=_finite(metrics.get("nll")),
    )


def _read_json(path: Path, kind: type) -> Any:
    """The JSON in a file, of type `kind`. Raises `InputError` in one line."""
    try:
        if path.stat().st_size > _MAX_TEXT:
            raise InputError(f"{path.name} is too big to be a model's; train it again.")
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"it has no {path.name}; it is no model folder, or was not written to the end.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name} cannot be read ({' '.join(str(error).split())}).") from None
    if not isinstance(document, kind):
        raise InputError(f"{path.name} holds no JSON {'object' if kind is dict else 'list'}.")
    return document


def _data_dim(path: Path) -> int:
    """The data's dimension, read from the header of a model's arrays."""
    try:
        with safe_open(path, "numpy") as arrays:
            return arrays.get_slice("shift").get_shape()[0]
    except FileNotFoundError:
        raise InputError(f"it has no {path.name}; it is no model folder, or was not written to the end.") from None
    except (SafetensorError, OSError, IndexError) as error:
        raise InputError(f"{path.name} is damaged ({' '.join(str(error).split())}).") from None


def _example(item: dict[str, Any]) -> Example:
    session = {key: value for key, value in item.items() if key not in ("id", "title", "sentence")}
    return Example(item["id"], item["title"], item["sentence"], Session.from_json(session))


def _step(item: dict[str, Any]) -> Step:
    nodes = tuple((side, node) for side, node in item.get("nodes", ()))
    return Step(**item | {"session": Session.from_json(item["session"]), "nodes": nodes})


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _finite(value: Any) -> float | None:
    """A finite number, or None; integers in JSON have no bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _BEYOND:
        return None
    return float(value)
