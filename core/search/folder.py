"""A study on disk: `study.json`, a model folder per complete trial, the best one's copy, and where running ones stand.

`study.json` is the truth. It is rewritten whole after every change, before anything that follows from the change, so
that a search that was killed at any moment goes on from it.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.config import FlowAutoencoderConfig
from core.data.dataset import Dataset
from core.errors import InputError, invalid
from core.files import atomic_folder, read_json, write_json, written
from core.model.checkpoint import load_checkpoint, save_checkpoint
from core.search.records import Study, Trial

__all__ = ["StudyFolder"]

_MODEL_FILES = ("config.json", "metrics.json", "model.safetensors", "sample.safetensors")


class StudyFolder:
    """The folder of a study. Raises `InputError` where `path` is a file, or a folder of something else."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if self.path.exists() and not self.path.is_dir():
            raise invalid("out", "a folder", self.path, "choose another place")
        others = [each.name for each in self.path.iterdir()] if self.path.is_dir() else []
        if not self.has_study and any(not name.startswith(".") for name in others):
            raise invalid("out", "a new folder or that of a study", self.path, "choose another place")

    @property
    def has_study(self) -> bool:
        """Whether there is a study here."""
        return (self.path / "study.json").is_file()

    @property
    def journal(self) -> Path:
        """Where Optuna keeps its own."""
        return self.path / "journal.log"

    def read(self) -> Study:
        """The study here. Raises `InputError` where there is none, or a damaged one."""
        return Study.from_json(read_json(self.path / "study.json"))

    def write(self, study: Study) -> None:
        """Write `study.json`, whole or not at all."""
        write_json(study.to_json(), self.path / "study.json")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other searches out of this folder. The lock ends with the process, however it ends."""
        import fcntl

        with written(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(
                    f"another search is writing to `{self.path.name}`; wait for it or choose another folder."
                ) from None
            yield

    def model(self, trial: Trial | int) -> str:
        """Where the model of a trial belongs, relative to this folder."""
        return f"trials/{trial if isinstance(trial, int) else trial.number:04d}"

    def write_model(self, number: int, files: Mapping[str, bytes]) -> None:
        """Write the model folder of a trial from its files by name. Raises `InputError` on a name that is not one of a
        model folder's."""
        for name in files:
            if name not in _MODEL_FILES:
                raise invalid("model", f"made of {', '.join(_MODEL_FILES)}", repr(name), "look at the workers")
        self._replace(self.path / self.model(number), files)

    def write_best(self, trial: Trial) -> None:
        """Copy the model of a trial to `best`."""
        source = self.path / self.model(trial)
        self._replace(self.path / "best", {path.name: path.read_bytes() for path in sorted(source.iterdir())})

    def _replace(self, path: Path, files: Mapping[str, bytes]) -> None:
        """A folder of files, whole or not at all, in the place of an older one."""
        with atomic_folder(path) as new:
            for name, content in files.items():
                (new / name).write_bytes(content)

    def write_state(self, trial: Trial, state: bytes, dataset: Dataset, config: FlowAutoencoderConfig) -> None:
        """Keep where a running trial stands."""
        with written(self.path):
            (self.path / "running").mkdir(exist_ok=True)
        save_checkpoint(self._state(trial), load(state), dataset, config, trial.seed)

    def read_state(self, trial: Trial, dataset: Dataset, config: FlowAutoencoderConfig) -> bytes | None:
        """Where a running trial stands; None where nothing is kept, or nothing that can be used."""
        if not self._state(trial).is_file():
            return None
        with contextlib.suppress(InputError, SafetensorError):
            return save(load_checkpoint(self._state(trial), dataset, config, trial.seed))
        return None

    def drop_state(self, trial: Trial) -> None:
        """Forget where an ended trial stood."""
        self._state(trial).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            (self.path / "running").rmdir()

    def _state(self, trial: Trial) -> Path:
        return self.path / "running" / f"{trial.number:04d}.safetensors"
