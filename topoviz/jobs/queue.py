"""Training from the page: a queue on the disk, worked off one at a time by a spawned process.

The queue is what lies in `_jobs` beside the user's models, so it outlives page and server: what waited goes on waiting,
what ran when the server ended is interrupted and can be resumed. Of several servers over one folder, the one that
holds the folder's lock works; the others show and queue.
"""

import contextlib
import multiprocessing
import time
import uuid
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO, Any

from core.config import FlowAutoencoderConfig
from core.errors import InputError, invalid
from topoviz.jobs.folders import Job, JobFolder, State, find, job_folders
from topoviz.jobs.processes import hold
from topoviz.jobs.training import free_name, run
from topoviz.jobs.uploads import Uploads
from topoviz.session.checks import folder_name, whole
from topoviz.session.settings import Settings

__all__ = ["ACTIVE", "Jobs", "Status"]

ACTIVE = ("queued", "running")
_NEEDED = (*ACTIVE, "interrupted")
_MOST_QUEUED = 100
_POLL_SECONDS, _TICK_SECONDS = 4.0, 0.2
_TERMINATED = -15


@dataclass(frozen=True)
class Status:
    """Where a job stands. `steps` are its newest reports: phase, step, steps, train_nll, heldout_nll, seconds,
    seconds_left; the last with `latent` (a few rounded points). `name` is the model's, `data` what the person calls the
    data. `error` is one line where it failed, `doubt` one where the model did not converge. `resumable` says whether
    there is something to go on from; `config` and `seed` are its settings."""

    id: str
    state: State
    name: str
    data: str
    steps: tuple[dict[str, Any], ...] = ()
    error: str | None = None
    doubt: str | None = None
    resumable: bool = False
    config: dict[str, Any] | None = None
    seed: int = 0


class Jobs:
    """The training jobs in a folder of models, and the `uploads` beside them. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._models = settings.models
        self._folder = settings.models / "_jobs"
        self.uploads = Uploads(self._folder / "uploads", self._files_needed)
        self._lock = Lock()
        self._held: IO[Any] | None = None
        self._wake, self._closed = Event(), Event()
        self._stopped: set[str] = set()
        # States for which the disk had no room.
        self._unwritten: dict[str, dict[str, Any]] = {}
        self._worker: Thread | None = None
        if self._folder.is_dir() and self._own() and self._waiting():
            self._ensure_worker()

    def start(
        self,
        data: str | Path,
        config: FlowAutoencoderConfig,
        seed: int,
        name: str,
        title: str | None = None,
        features: Sequence[int] | None = None,
        label: str = "",
    ) -> str:
        """Queue the training of a model `name` on a built-in set, or on columns of a file (see `Job`); returns the
        job's id. Raises `InputError` on a bad name or seed, and where a hundred jobs wait already.
        """
        folder_name("name", name)
        if name.startswith("_"):
            raise invalid("name", "without a leading underscore", repr(name), "choose another name")
        whole("seed", seed, 0, 2**31 - 1)
        with self._lock:
            if len(self._waiting()) >= _MOST_QUEUED:
                raise invalid("jobs", f"at most {_MOST_QUEUED} that wait", "one more", "wait, or cancel some")
            source = str(data.absolute()) if isinstance(data, Path) else data
            job = Job(
                name=self._free(name),
                data=source,
                title=title or Path(source).name,
                config=config.to_json(),
                seed=seed,
                features=None if features is None else tuple(features),
                label=label,
                created=time.time(),
            )
            folder = JobFolder.make(self._folder, uuid.uuid4().hex, job)
        self._ensure_worker()
        return folder.id

    def status(self, job: str, tail: int = 200) -> Status:
        """Where a job stands, with its last `tail` reports. Raises `InputError` where there is no such job."""
        return self._status(find(self._folder, job), tail)

    def all(self) -> tuple[Status, ...]:
        """Every job, oldest first, each with its last report. A damaged one is listed as failed."""
        return tuple(self._status(folder, 1) for folder in job_folders(self._folder))

    def cancel(self, job: str) -> None:
        """Stop a job, or keep it from starting. One that has ended stays as it is."""
        folder = find(self._folder, job)
        with self._lock:
            state = self._state(folder)["state"]
            if state == "queued":
                self._note(folder, "cancelled")
            elif state == "running":
                self._stopped.add(job)
                with contextlib.suppress(OSError):
                    folder.stop.touch()

    def resume(self, job: str) -> None:
        """Let a job that came to no good end go on where it was last kept, or from the beginning where nowhere."""
        self._again(job, anew=False)

    def retry(self, job: str) -> None:
        """Let a job that came to no good end begin anew, with the same settings."""
        self._again(job, anew=True)

    def remove(self, job: str) -> None:
        """Forget a job that has ended; its model stays. Raises `InputError` while it runs."""
        folder = find(self._folder, job)
        with self._lock:
            if self._state(folder)["state"] == "running":
                raise invalid("job", "one that has ended", "one that runs", "cancel it first")
            self._unwritten.pop(job, None)
            folder.remove()

    def close(self) -> None:
        """Stop working, interrupting what runs, and let another server have the folder."""
        self._closed.set()
        self._wake.set()
        if self._worker is not None:
            self._worker.join()
        if self._held is not None:
            self._held.close()
            self._held = None

    def _again(self, job: str, anew: bool) -> None:
        folder = find(self._folder, job)
        with self._lock:
            if self._state(folder)["state"] in (*ACTIVE, "done"):
                return
            if anew:
                folder.clear()
            folder.stop.unlink(missing_ok=True)
            self._stopped.discard(job)
            self._note(folder, "queued")
        self._ensure_worker()

    def _status(self, folder: JobFolder, tail: int) -> Status:
        state = self._state(folder)
        try:
            job = folder.job
        except InputError as error:
            return Status(folder.id, "failed", folder.id[:8], "", error=str(error))
        return Status(
            folder.id,
            state["state"],
            state.get("model") or job.name,
            job.title,
            tuple(folder.lines()[-tail:]),
            state.get("error"),
            state.get("doubt"),
            state["state"] not in (*ACTIVE, "done") and folder.checkpoint.is_file(),
            job.config,
            job.seed,
        )

    def _state(self, folder: JobFolder) -> dict[str, Any]:
        return self._unwritten.get(folder.id) or folder.state()

    def _note(self, folder: JobFolder, state: State, **more: Any) -> None:
        """Note a state on the disk, or where that is full here, until there is room."""
        try:
            folder.write_state(state, **more)
        except InputError:
            self._unwritten[folder.id] = {"state": state, **more}
        else:
            self._unwritten.pop(folder.id, None)

    def _waiting(self) -> list[JobFolder]:
        return [folder for folder in job_folders(self._folder) if self._state(folder)["state"] == "queued"]

    def _files_needed(self) -> set[Path]:
        """The files that jobs may still want to read."""
        needed = set()
        for folder in job_folders(self._folder):
            if self._state(folder)["state"] in _NEEDED:
                with contextlib.suppress(InputError):
                    needed.add(Path(folder.job.data))
        return needed

    def _free(self, name: str) -> str:
        """A name that no model has and no other job will give one."""
        taken = set()
        for folder in job_folders(self._folder):
            with contextlib.suppress(InputError):
                taken.add(folder.job.name)
        return free_name(name, self._models, taken.__contains__)

    def _own(self) -> bool:
        """Whether this server may work off the queue. What runs while nobody works was interrupted."""
        if self._held is None:
            self._held = hold(self._folder / "lock")
            if self._held is None:
                return False
            weakref.finalize(self, self._held.close)
            for folder in job_folders(self._folder):
                if self._state(folder)["state"] == "running":
                    self._note(folder, "interrupted")
        return True

    def _ensure_worker(self) -> None:
        with self._lock:
            if self._worker is None:
                self._worker = Thread(target=self._work, daemon=True)
                self._worker.start()
        self._wake.set()

    def _work(self) -> None:
        while not self._closed.is_set():
            job = self._next()
            if job is None:
                self._wake.wait(_POLL_SECONDS)
                self._wake.clear()
            else:
                self._run(job)

    def _next(self) -> JobFolder | None:
        """The job whose turn it is, noted as running."""
        with self._lock:
            waiting = self._waiting() if self._own() else []
            if not waiting:
                return None
            waiting[0].stop.unlink(missing_ok=True)
            self._note(waiting[0], "running", began=time.time())
            return waiting[0]

    def _run(self, folder: JobFolder) -> None:
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=run, args=(folder.path, self._models, sender), daemon=True)
        process.start()
        sender.close()
        stopped = False
        while process.is_alive():
            process.join(_TICK_SECONDS)
            if folder.stop.exists() or folder.id in self._stopped or self._closed.is_set():
                stopped = True
                process.terminate()
        ending = _ending(receiver, process.exitcode, stopped, self._closed.is_set())
        with self._lock:
            self._stopped.discard(folder.id)
            with contextlib.suppress(OSError):
                folder.stop.unlink(missing_ok=True)
                if ending["state"] == "done":
                    folder.checkpoint.unlink(missing_ok=True)
            self._note(folder, **ending, ended=time.time())


def _ending(receiver: Connection, exitcode: int | None, stopped: bool, closed: bool) -> dict[str, Any]:
    """How a training ended, by its own words or else by how its process did."""
    with contextlib.suppress(EOFError, OSError):
        if receiver.poll():
            return receiver.recv()
    # A signal to end that is none of ours comes with the end of the server.
    if closed or (exitcode == _TERMINATED and not stopped):
        return {"state": "interrupted"}
    return {"state": "cancelled"} if stopped else {"state": "failed", "error": _died(exitcode)}


def _died(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"the system stopped the training (signal {-exitcode}); if memory ran out, use fewer points."
    return "training stopped by an error inside the program; the terminal says more."
