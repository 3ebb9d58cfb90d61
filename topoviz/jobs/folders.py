"""A job on the disk: a folder in `_jobs` beside the user's models.

`job.json` says what to do and never changes, `state.json` where it stands, `progress.jsonl` what has been done, one
line a report, `latent.json` the newest latents, `checkpoint.safetensors` what to go on from, `stop` that it is to end.
"""

import contextlib
import json
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from core.errors import InputError, invalid
from core.files import write_json

__all__ = ["CHECKPOINT", "Job", "JobFolder", "State", "job_folders"]

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
CHECKPOINT = "checkpoint.safetensors"
_ID = re.compile(r"[0-9a-f]{32}")
_MOST_TEXT = 4_000_000


@dataclass(frozen=True)
class Job:
    """What to do: train a model `name` on `data`, a built-in set or the path of a file that the person calls `title`;
    of a file, on the columns `features` (None: all that can be), with the column `label` (a key of
    `topoviz.session.labels.chosen_labels`, '' for none) for its colors. `config` is that of a `FlowAutoencoderConfig`.
    """

    name: str
    data: str
    title: str
    config: dict[str, Any]
    seed: int
    features: tuple[int, ...] | None = None
    label: str = ""
    created: float = 0.0

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Job":
        features = document.get("features")
        return cls(**{**document, "features": None if features is None else tuple(features)})


class JobFolder:
    """The folder of one job."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name

    @classmethod
    def make(cls, root: Path, job_id: str, job: Job) -> "JobFolder":
        """A new job that waits. Raises `InputError` where it cannot be written."""
        folder = cls(root / job_id)
        try:
            folder.path.mkdir(parents=True)
            # The state first: a folder without job.json is no job yet.
            folder.write_state("queued")
            write_json(asdict(job), folder.path / "job.json")
        except (OSError, InputError) as error:
            shutil.rmtree(folder.path, ignore_errors=True)
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise InputError(f"the job cannot be kept ({reason}); make room on the disk and queue it again.") from None
        return folder

    @property
    def job(self) -> Job:
        """What to do. Raises `InputError` where the file is damaged."""
        try:
            return Job.from_json(_read(self.path / "job.json"))
        except (TypeError, ValueError, OSError):
            raise InputError(f"the job {self.id[:8]} is damaged; remove it.") from None

    def state(self) -> dict[str, Any]:
        """Where it stands: `state`, and where known `error`, `doubt`, `model`, `resume`, `began`, `ended`."""
        try:
            found = _read(self.path / "state.json")
        except (OSError, ValueError):
            found = {}
        return found if isinstance(found, dict) and found.get("state") in get_args(State) else {"state": "interrupted"}

    def write_state(self, state: State, **more: Any) -> None:
        """Note where it stands. Raises `InputError` where there is no room for that."""
        write_json({"state": state, **more}, self.path / "state.json")

    def append(self, line: Mapping[str, Any], latent: list[list[float]] | None = None) -> None:
        """Report progress; a report for which there is no room is lost, and nothing else."""
        with contextlib.suppress(OSError, InputError):
            with (self.path / "progress.jsonl").open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")
            if latent is not None:
                write_json(latent, self.path / "latent.json")

    def lines(self) -> list[dict[str, Any]]:
        """The reports so far. What was gone over again after a new beginning counts once; the newest has `latent`."""
        try:
            text = (self.path / "progress.jsonl").read_text("utf-8", errors="replace")
        except OSError:
            return []
        found: list[dict[str, Any]] = []
        reached: dict[str, int] = {}
        for line in filter(None, map(_parsed, text.splitlines())):
            phase, step = line["phase"], line["step"]
            if reached.get(phase, -1) >= step:
                found = [old for old in found if old["phase"] != phase or old["step"] < step]
            reached[phase] = step
            found.append(line)
        if found:
            with contextlib.suppress(OSError, ValueError):
                found[-1] = found[-1] | {"latent": _read(self.path / "latent.json")}
        return found

    def clear(self) -> None:
        """Forget all progress, so that it begins anew."""
        for name in ("progress.jsonl", "latent.json", CHECKPOINT, "stop"):
            (self.path / name).unlink(missing_ok=True)
        shutil.rmtree(self.path / "model", ignore_errors=True)

    def remove(self) -> None:
        """Forget the job."""
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def stop(self) -> Path:
        """The file that asks for its end."""
        return self.path / "stop"

    @property
    def checkpoint(self) -> Path:
        """What to go on from."""
        return self.path / CHECKPOINT


def job_folders(root: Path) -> list[JobFolder]:
    """The jobs in a folder, oldest first."""
    if not root.is_dir():
        return []
    found = [path for path in root.iterdir() if _ID.fullmatch(path.name) and (path / "job.json").is_file()]
    return [JobFolder(path) for path in sorted(found, key=_created)]


def find(root: Path, job_id: object) -> JobFolder:
    """The job of that id. Raises `InputError` where there is none."""
    if isinstance(job_id, str) and _ID.fullmatch(job_id) and (root / job_id / "job.json").is_file():
        return JobFolder(root / job_id)
    raise invalid("job", "one of this server's", repr(job_id), "start the training again")


def _created(path: Path) -> tuple[float, str]:
    try:
        return float(_read(path / "job.json")["created"]), path.name
    except (OSError, ValueError, KeyError, TypeError):
        return time.time(), path.name


def _read(path: Path) -> Any:
    if path.stat().st_size > _MOST_TEXT:
        raise ValueError("too large")
    return json.loads(path.read_text("utf-8"))


def _parsed(line: str) -> dict[str, Any] | None:
    """A whole report; one that was cut off is none."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    sound = isinstance(found, dict) and isinstance(found.get("phase"), str) and isinstance(found.get("step"), int)
    return found if sound else None
