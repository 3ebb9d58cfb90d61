"""Where rungs run: processes of this machine, or a Dask cluster. Either takes a rung and gives a future.

A lost worker costs the one rung that it had. A process of this machine has a pool of its own, so that its death breaks
no other; on a cluster the scheduler gives the rung to another worker and the new start is counted by an event.
"""

import contextlib
import importlib
import multiprocessing
import os
import re
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import lru_cache, partial
from multiprocessing.connection import wait
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol
from uuid import uuid4

import numpy as np

from core.data.dataset import Dataset
from core.errors import InputError, invalid, need
from core.files import read_json, write_json
from core.search.trial import Outcome, Rung, run_rung

__all__ = ["Cluster", "Pool", "Workers"]

_ADDRESS = re.compile(r"tcp://(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}")
_ANSWER_SECONDS = 10
_IDLE_SECONDS = 60


class Workers(Protocol):
    """A place that runs rungs."""

    @property
    def lost(self) -> tuple[type[BaseException], ...]:
        """What a future raises whose worker was lost."""
        ...

    @property
    def address(self) -> str | None:
        """That of the scheduler, if there is one."""
        ...

    @property
    def slots(self) -> int:
        """How many rungs can run at once, now."""
        ...

    def submit(self, rung: Rung) -> "Future[Outcome]":
        """Run a rung; at most `slots` of them at once."""
        ...

    def restarted(self) -> list[int]:
        """The trials whose rung began anew on another worker since the last call, without our doing."""
        ...

    def check(self) -> None:
        """Raises `InputError` where there is no more hope for results."""
        ...

    def close(self) -> None:
        """Stop what runs."""
        ...


class Pool:
    """Processes of this machine, each with its own copy of nothing: they map one file of the points.

    They end with the process that made them, however it ends.
    """

    lost: tuple[type[BaseException], ...] = (BrokenProcessPool,)
    address: str | None = None

    def __init__(self, dataset: Dataset, processes: int | None = None) -> None:
        most = os.cpu_count() or 2
        self.slots = max(most - 1, 1) if processes is None else processes
        if not 1 <= self.slots <= 4 * most:
            raise invalid("workers", f"from 1 to {4 * most}", self.slots, "choose another number of processes")
        self._folder = tempfile.TemporaryDirectory(prefix="topoviz-search-")
        _hand_over(dataset, Path(self._folder.name))
        self._idle: list[ProcessPoolExecutor] = []
        self._lock = threading.Lock()
        self._busy: set[ProcessPoolExecutor] = set()

    def submit(self, rung: Rung) -> "Future[Outcome]":
        """Run a rung in an idle process, or in a new one."""
        with self._lock:
            process = self._idle.pop() if self._idle else _process()
        try:
            future = process.submit(_run_beside, rung, self._folder.name)
        except BrokenProcessPool:
            # It was killed while it had nothing to do.
            process.shutdown(wait=False)
            process = _process()
            future = process.submit(_run_beside, rung, self._folder.name)
        with self._lock:
            self._busy.add(process)
        future.add_done_callback(partial(self._released, process))
        return future

    def _released(self, process: ProcessPoolExecutor, future: "Future[Outcome]") -> None:
        with self._lock:
            self._busy.discard(process)
            if future.cancelled() or not isinstance(future.exception(), BrokenProcessPool):
                self._idle.append(process)

    def restarted(self) -> list[int]:
        """None: here nothing begins anew by itself."""
        return []

    def check(self) -> None:
        """There is always hope: a process that ends is replaced."""

    def close(self) -> None:
        """End all processes, at once those that are at work."""
        with self._lock:
            processes = [*self._idle, *self._busy]
        for process in processes:
            for child in list((process._processes or {}).values()):
                child.terminate()
            process.shutdown(wait=True, cancel_futures=True)
        self._folder.cleanup()


class Cluster:
    """The workers of a Dask scheduler at tcp://HOST:PORT, one rung per thread of theirs.

    Each gets the data set once, also those that come later. `modules` must have the same version on all of them as
    here, and Python up to its minor version. Raises `InputError` where the address is none, nobody answers within ten
    seconds, there is no worker, or one that differs.
    """

    def __init__(self, address: str, dataset: Dataset, modules: Sequence[str] = ("torch",)) -> None:
        if not _ADDRESS.fullmatch(address):
            raise invalid("scheduler", "an address like tcp://10.0.0.5:8786", repr(address), "see where it listens")
        self.address: str | None = address
        self._modules = tuple(modules)
        self.client = _connected(address)
        try:
            from distributed.scheduler import KilledWorker

            self.lost: tuple[type[BaseException], ...] = (KilledWorker, CancelledError)
            self._worked = time.monotonic()
            self._first_scheduler = self._scheduler()
            self._known: set[str] = set()
            self._name = f"topoviz-{uuid4().hex}"
            self._events: SimpleQueue[str] = SimpleQueue()
            self._starts: dict[str, int] = {}
            self._numbers: dict[str, int] = {}
            self._wait_for_workers()
            self._check_versions()
            self._register(dataset)
        except BaseException:
            self.client.close()
            raise

    def _wait_for_workers(self) -> None:
        try:
            self.client.wait_for_workers(1, timeout=_ANSWER_SECONDS)
        except TimeoutError:
            raise InputError(
                f"the scheduler {self.address} has no workers after {_ANSWER_SECONDS} s; start some with "
                f"`dask worker {self.address}`."
            ) from None

    def _register(self, dataset: Dataset) -> None:
        from core.search.plugin import DataPlugin

        whole = replace(dataset, points=np.array(dataset.points))
        self.client.register_plugin(DataPlugin(self._name, whole), name=self._name)
        self.client.subscribe_topic(self._name, lambda event: self._events.put(event[1]["ticket"]))
        self._executor = self.client.get_executor(pure=False)

    @property
    def slots(self) -> int:
        """The threads of all workers, now."""
        return sum(self._threads().values())

    def _threads(self) -> dict[str, int]:
        """The number of threads of each worker; none where the scheduler does not answer."""
        with contextlib.suppress(OSError, TimeoutError):
            if self.client.status == "running":
                return dict(self.client.nthreads())
        return {}

    def submit(self, rung: Rung) -> "Future[Outcome]":
        """Hand a rung to the scheduler."""
        from core.search.plugin import run_with_plugin

        ticket = uuid4().hex
        self._numbers[ticket] = rung.number
        return self._executor.submit(run_with_plugin, self._name, ticket, rung)

    def restarted(self) -> list[int]:
        """The trials of second and further starts."""
        again = []
        while True:
            try:
                ticket = self._events.get_nowait()
            except Empty:
                return again
            self._starts[ticket] = self._starts.get(ticket, 0) + 1
            if self._starts[ticket] > 1:
                again.append(self._numbers[ticket])

    def check(self) -> None:
        """Raises `InputError` where the scheduler is gone, no worker has been there for a minute, or one that came
        later differs."""
        if self.client.status != "running" or self._scheduler() != self._first_scheduler:
            raise InputError(f"the scheduler {self.address} is gone; start it again and the search with --resume.")
        threads = self._threads()
        if threads:
            self._worked = time.monotonic()
        elif time.monotonic() - self._worked > _IDLE_SECONDS:
            raise InputError(f"{self.address} has had no workers for {_IDLE_SECONDS} s; start some and use --resume.")
        if set(threads) - self._known:
            self._check_versions()

    def _scheduler(self) -> str:
        """Which scheduler answers; one that was started anew has another name."""
        with contextlib.suppress(OSError, TimeoutError):
            return str(self.client.scheduler_info(n_workers=0)["id"])
        return ""

    def _check_versions(self) -> None:
        """Raises `InputError` where a worker has another Python, or another version of a module."""
        found = self.client.get_versions()
        ours = found["client"]["packages"]["python"]
        for worker, about in found["workers"].items():
            _same_python(worker, about["packages"]["python"], ours)
        probe = _version_probe(self._modules)
        here = probe()
        for worker, there in self.client.run(probe, on_error="return").items():
            if isinstance(there, BaseException):
                raise InputError(f"the worker {worker} cannot say its versions ({_one_line(there)}); start it anew.")
            for module in self._modules:
                if there[module] != here[module]:
                    raise _differs(worker, module, there[module], here[module])
        self._known |= set(found["workers"])

    def close(self) -> None:
        """Take back what is still to do, and the data; the cluster goes on."""
        if self.client.status == "running":
            self.client.unregister_worker_plugin(self._name)
        self._executor.shutdown(wait=False)
        self.client.close()


def _connected(address: str) -> Any:
    """A client of the scheduler; its methods are not typed."""
    need("distributed", "scheduler")
    from distributed import Client

    answers: SimpleQueue[Any] = SimpleQueue()

    def connect() -> None:
        try:
            answers.put(Client(address, timeout=_ANSWER_SECONDS, set_as_default=False))
        except (OSError, TimeoutError, ValueError) as error:
            answers.put(error)

    # In a thread that may be left behind: a port that takes the call and says nothing holds Dask for ever.
    threading.Thread(target=connect, daemon=True).start()
    try:
        client = answers.get(timeout=_ANSWER_SECONDS + 1)
    except Empty:
        client = TimeoutError("it takes the call and says nothing")
    if isinstance(client, Exception):
        raise InputError(
            f"no Dask scheduler answers at {address} within {_ANSWER_SECONDS} s ({_one_line(client)}); start it, or "
            "mend the address."
        )
    return client


def _version_probe(modules: tuple[str, ...]) -> Any:
    """A function that says the versions of `modules` where it runs, 'none' for a missing one, without what follows a
    '+': which processor it was built for. It travels by value: a worker without our packages can run it."""

    def versions() -> dict[str, str]:
        found = {}
        for module in modules:
            try:
                found[module] = str(importlib.import_module(module).__version__).split("+")[0]
            except (ImportError, AttributeError):
                found[module] = "none"
        return found

    return versions


def _same_python(worker: str, theirs: str, ours: str) -> None:
    """Raises `InputError` where two versions of Python, as '3.11.2.final.0', differ before the second point."""
    theirs, ours = (".".join(version.split(".")[:3]) for version in (theirs, ours))
    if theirs.split(".")[:2] != ours.split(".")[:2]:
        raise _differs(worker, "Python", theirs, ours)


def _differs(worker: str, what: str, theirs: str, ours: str) -> InputError:
    return InputError(f"the worker {worker} has {what} {theirs}, and here it is {ours}; install the same on both.")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _process() -> ProcessPoolExecutor:
    """A pool of one fresh process."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for work for ever; and Ctrl-C is the parent's affair."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _run_beside(rung: Rung, folder: str) -> Outcome:
    return run_rung(rung, _handed_over(folder))


def _hand_over(dataset: Dataset, folder: Path) -> None:
    """Write a data set so that processes can map its points."""
    for name in ("points", "labels", "latent"):
        array = getattr(dataset, name)
        if array is not None:
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
    rest = {"name": dataset.name, "entropy": dataset.entropy, "columns": dataset.columns}
    write_json(rest, folder / "dataset.json")


@lru_cache(maxsize=1)
def _handed_over(folder: str) -> Dataset:
    """The data set that another process wrote, its points mapped."""
    paths = {name: Path(folder) / f"{name}.npy" for name in ("points", "labels", "latent")}
    arrays: dict[str, Any] = {name: np.load(path, mmap_mode="r") for name, path in paths.items() if path.is_file()}
    rest = read_json(Path(folder) / "dataset.json")
    return Dataset(name=rest["name"], entropy=rest["entropy"], columns=tuple(rest["columns"]), **arrays)
