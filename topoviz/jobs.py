"""Training from the page: one process at a time, spawned, which appends its progress to a file.

A job is a folder in `_jobs` beside the user's models: job.json says what to do, progress.jsonl what has been
done. A page that is reloaded reads on where it was; a finished model joins the library.
"""

import json
import multiprocessing
import uuid
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Literal

from core.config import FlowAutoencoderConfig
from core.errors import InputError, invalid
from topoviz import resource
from topoviz.checks import folder_name, whole
from topoviz.settings import Settings
from topoviz.verdict import doubt

__all__ = ["Jobs", "Status"]

State = Literal["queued", "running", "done", "failed", "cancelled"]
_SUFFIXES = (".npy", ".npz", ".csv", ".parquet", ".safetensors")
_SHOWN = 600


@dataclass(frozen=True)
class Status:
    """Where a job stands. `steps` are its newest progress lines: phase, step, steps, train_nll, heldout_nll,
    seconds, seconds_left, latent (a few rounded points). `error` is one line where it failed, `doubt` one where the
    model did not converge."""

    id: str
    state: State
    name: str
    data: str
    steps: tuple[dict[str, Any], ...] = ()
    error: str | None = None
    doubt: str | None = None


class Jobs:
    """The training jobs of one server. Thread-safe; at most one runs, the others wait in order."""

    def __init__(self, settings: Settings) -> None:
        self._models = settings.models
        self._folder = settings.models / "_jobs"
        self._waiting: SimpleQueue[str] = SimpleQueue()
        self._lock = Lock()
        self._running: tuple[str, BaseProcess] | None = None
        self._cancelled: set[str] = set()
        self._ids: list[str] = []
        self._worker: Thread | None = None

    def upload(self, filename: str, content: bytes) -> Path:
        """Keep a file that a person dropped, under a name of ours, and return its path for `start`.

        Raises `InputError` on a kind of file that no reader takes.
        """
        suffix = Path(filename).suffix.lower()
        if suffix not in _SUFFIXES:
            raise invalid("file", f"one of {', '.join(_SUFFIXES)}", filename, "save it as one of these")
        folder = self._folder / "uploads"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{uuid.uuid4().hex}{suffix}"
        path.write_bytes(content)
        return path

    def uploaded(self, token: str) -> Path:
        """The path of an upload by the name that `upload` gave it. Raises `InputError` where there is none."""
        path = self._folder / "uploads" / Path(str(token)).name
        if not path.is_file():
            raise invalid("file", "an upload of this server's", repr(token), "drop the file again")
        return path

    def start(self, data: str | Path, config: FlowAutoencoderConfig, seed: int, name: str) -> str:
        """Queue the training of a model `name` on a built-in set or an uploaded file; returns the job's id.

        Raises `InputError` on a bad name or seed.
        """
        folder_name("name", name)
        if name.startswith("_"):
            raise invalid("name", "without a leading underscore", repr(name), "choose another name")
        whole("seed", seed, 0, 2**31 - 1)
        job = uuid.uuid4().hex
        folder = self._folder / job
        folder.mkdir(parents=True)
        document = {"data": str(data), "config": config.to_json(), "seed": seed, "name": self._free(name)}
        (folder / "job.json").write_text(json.dumps(document), "utf-8")
        with self._lock:
            self._ids.append(job)
            if self._worker is None:
                self._worker = Thread(target=self._work, daemon=True)
                self._worker.start()
        self._waiting.put(job)
        return job

    def status(self, job: str, tail: int = 200) -> Status:
        """Where a job stands, with its last `tail` lines. Raises `InputError` where there is no such job."""
        with self._lock:
            if job not in self._ids:
                raise invalid("job", "one of this server's", repr(job), "start the training again")
            running = self._running is not None and self._running[0] == job
            cancelled = job in self._cancelled
        document = json.loads((self._folder / job / "job.json").read_text("utf-8"))
        lines = _read_lines(self._folder / job / "progress.jsonl")
        end = next((line for line in lines if "end" in line), {})
        state: State = end.get("end") or ("cancelled" if cancelled else "running" if running else "queued")
        steps = tuple(line for line in lines if "step" in line)[-tail:]
        return Status(
            job, state, document["name"], Path(document["data"]).name, steps, end.get("error"), end.get("doubt")
        )

    def all(self) -> tuple[Status, ...]:
        """Every job of this server, oldest first, each with its last line."""
        with self._lock:
            ids = tuple(self._ids)
        return tuple(self.status(job, tail=1) for job in ids)

    def cancel(self, job: str) -> None:
        """Stop a job, or keep it from starting. One that has ended stays as it is."""
        with self._lock:
            if job not in self._ids:
                return
            self._cancelled.add(job)
            if self._running is not None and self._running[0] == job:
                self._running[1].terminate()

    def _free(self, name: str) -> str:
        """`name`, or with a number behind it where that is taken: a shipped model would hide one of the same name."""
        with self._lock:
            ids = tuple(self._ids)
        taken = {json.loads((self._folder / job / "job.json").read_text("utf-8"))["name"] for job in ids}
        folders = (self._models, resource("sample_data") / "models")
        free, count = name, 2
        while free in taken or any((folder / free).exists() for folder in folders):
            free, count = f"{name}-{count}", count + 1
        return free

    def _work(self) -> None:
        while True:
            job = self._waiting.get()
            folder = self._folder / job
            with self._lock:
                if job in self._cancelled:
                    continue
                process = multiprocessing.get_context("spawn").Process(
                    target=_train, args=(folder, self._models), daemon=True
                )
                process.start()
                self._running = (job, process)
            process.join()
            with self._lock:
                self._running = None
                cancelled = job in self._cancelled
            if not any("end" in line for line in _read_lines(folder / "progress.jsonl")):
                ending = {"end": "cancelled"} if cancelled else {"end": "failed", "error": _died(process.exitcode)}
                _append(folder / "progress.jsonl", ending)


def _train(folder: Path, models: Path) -> None:
    """The spawned process: train, report, save."""
    from core.data import load_dataset
    from core.store import save_model
    from core.training import train
    from topoviz.progress import spare_a_processor

    spare_a_processor()
    job = json.loads((folder / "job.json").read_text("utf-8"))
    report = folder / "progress.jsonl"
    try:
        config = FlowAutoencoderConfig.from_json(job["config"])
        model = None
        for step in train(load_dataset(job["data"], seed=job["seed"]), config, seed=job["seed"]):
            _append(report, _line(step))
            model = step.model
        if model is None:
            raise InputError("training ended without a model; try again.")
        save_model(model, models / job["name"])
    except InputError as error:
        _append(report, {"end": "failed", "error": str(error)})
    else:
        _append(report, {"end": "done", "doubt": doubt(job["name"], model.metrics)})


def _line(step: Any) -> dict[str, Any]:
    names = ("phase", "step", "steps", "train_nll", "heldout_nll", "seconds", "seconds_left")
    latent = None if step.latent is None else step.latent[:_SHOWN].round(3).tolist()
    return {name: getattr(step, name) for name in names} | {"latent": latent}


def _append(path: Path, line: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


def _read_lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines so far; the last may still be on its way."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")]


def _died(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"the system stopped the training (signal {-exitcode}); if memory ran out, use fewer points."
    return "training stopped by an error inside the program; the terminal says more."
