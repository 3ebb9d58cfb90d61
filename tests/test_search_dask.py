"""A search on a Dask cluster of its own: lost workers, a lost scheduler, workers that differ."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import core
import core.search.workers
from core.errors import InputError
from core.search import Cluster, Rung, SearchConfig, Space, StudyFolder, search
from topoviz.__main__ import main
from zoo import SPACE

distributed = pytest.importorskip("distributed")

ROOT = Path(core.__file__).parent.parent


class Dask:
    """A scheduler on a free port of this machine, and workers of one thread, each a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        self.processes: list[subprocess.Popen] = []
        port = self.address.rsplit(":", 1)[1]
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
        with self._client():
            pass

    def _client(self):
        return distributed.Client(self.address, timeout=120, set_as_default=False)

    def worker(self, marker="1") -> subprocess.Popen:
        """One more worker, on which the module `marker` has that version; it is there when this returns."""
        number = len(self.processes)
        place = self.folder / str(number)
        place.mkdir()
        (place / "marker.py").write_text(f"__version__ = {marker!r}\n")
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(place))
        process = self._start("worker", self.address, *options, path=f"{place}:{ROOT}")
        with self._client() as client:
            while not any(path.startswith(str(place)) for path in self._places(client)):
                time.sleep(0.05)
        return process

    def _places(self, client) -> list[str]:
        return [about["local_directory"] for about in client.scheduler_info(n_workers=-1)["workers"].values()]

    def _start(self, *command: str, path: str = str(ROOT)) -> subprocess.Popen:
        with (self.folder / "log").open("a") as log:
            environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
            argv = [sys.executable, "-m", "distributed.cli.dask_" + command[0], *command[1:]]
            process = subprocess.Popen(argv, stdout=log, stderr=log, env=environment)
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def dask(tmp_path):
    cluster = Dask(tmp_path)
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def data():
    return core.load_dataset("blob", n=300)


def config(data, trials=4):
    return SearchConfig(trials=trials, steps=40, space=Space.of(data, SPACE))


class Murderous(Cluster):
    """A cluster, one of whose workers is killed while it is at the first last rung."""

    victims: dict[str, subprocess.Popen]
    killed: subprocess.Popen | None = None

    def submit(self, rung: Rung):
        future = super().submit(rung)
        if rung.last and self.killed is None:
            self.killed = next(iter(self.victims.values()))
            threading.Timer(0.3, self._kill).start()
        return future

    def _kill(self) -> None:
        while True:
            for worker, tasks in self.client.processing().items():
                if tasks:
                    self.killed = self.victims[worker]
                    self.killed.send_signal(signal.SIGKILL)
                    return
            time.sleep(0.02)


@pytest.mark.slow
def test_a_killed_worker_costs_one_rung_and_the_search_ends_on_the_other(dask, data, tmp_path):
    processes = [dask.worker(), dask.worker()]
    cluster = Murderous(dask.address, data, ("topoviz", "torch"))
    pids = cluster.client.run(os.getpid)
    cluster.victims = {worker: next(p for p in processes if p.pid == pid) for worker, pid in pids.items()}
    try:
        assert cluster.slots == 2
        ended = []
        for change in search(data, tmp_path / "out", cluster, config(data)):
            ended += [change.trial.number] if change.trial else []
        assert cluster.slots == 1
    finally:
        cluster.close()
    assert cluster.killed is not None
    assert cluster.killed.poll() == -signal.SIGKILL
    study = StudyFolder(tmp_path / "out").read()
    assert study.scheduler == dask.address
    assert sorted(ended) == [0, 1, 2, 3]
    assert {trial.state for trial in study.trials} <= {"complete", "pruned"}
    assert sum(trial.attempts - 1 for trial in study.trials) == 1
    for trial in study.trials:
        assert (trial.state == "complete") == (tmp_path / "out" / "trials" / f"{trial.number:04d}").exists()


@pytest.mark.slow
def test_a_lost_scheduler_is_one_line_and_the_study_goes_on_elsewhere(dask, data, tmp_path, monkeypatch, capsys):
    dask.worker()
    (tmp_path / "space.json").write_text(json.dumps(SPACE))
    monkeypatch.setattr(core.search.workers, "_ANSWER_SECONDS", 5)
    submit = Cluster.submit

    def last_submit(cluster, rung):
        future = submit(cluster, rung)
        if rung.number == 1:
            dask.scheduler.kill()
        return future

    monkeypatch.setattr(Cluster, "submit", last_submit)
    out = tmp_path / "out"
    flags = ["--n", "300", "--steps", "40", "--trials", "3", "--space", str(tmp_path / "space.json"), "--out", str(out)]
    assert main(["search", "blob", *flags, "--scheduler", dask.address]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == f"topoviz: the scheduler {dask.address} is gone; start it again and the search with --resume."
    study = StudyFolder(out).read()
    assert [trial.state for trial in study.trials] == ["complete", "running"]
    assert [trial.attempts for trial in study.trials] == [1, 1]
    assert main(["search", "blob", "--out", str(out), "--workers", "1", "--resume"]) == 0
    again = StudyFolder(out).read()
    assert again.trials[0] == study.trials[0]
    assert again.trials[1].params == study.trials[1].params
    assert len(again.trials) == 3
    assert again.count("running") == 0


def test_workers_that_differ_are_named_with_both_versions(dask, data, tmp_path, monkeypatch):
    dask.worker(marker="0.9")
    monkeypatch.syspath_prepend(tmp_path / "here")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "marker.py").write_text("__version__ = '1.0'\n")
    with pytest.raises(InputError, match=r"the worker tcp://127.0.0.1:\d+ has marker 0.9, and here it is 1.0; install"):
        Cluster(dask.address, data, ("topoviz", "marker"))
    (tmp_path / "here" / "nowhere.py").write_text("__version__ = '2'\n")
    with pytest.raises(InputError, match="has nowhere none, and here it is 2"):
        Cluster(dask.address, data, ("nowhere",))
    with pytest.raises(
        InputError, match=rf"has Python {'.'.join(map(str, sys.version_info[:3]))}, and here it is 2.7.1"
    ):
        core.search.workers._same_python("tcp://w:1", f"{'.'.join(map(str, sys.version_info))}", "2.7.1.final.0")


@pytest.mark.slow
def test_a_scheduler_without_workers_is_one_line(dask, data, monkeypatch):
    monkeypatch.setattr(core.search.workers, "_ANSWER_SECONDS", 5)
    with pytest.raises(
        InputError, match=f"the scheduler {dask.address} has no workers after 5 s; start some with `dask"
    ):
        Cluster(dask.address, data)


def test_a_scheduler_that_does_not_answer_is_one_line_in_time(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(core.search.workers, "_ANSWER_SECONDS", 1)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        address = f"tcp://127.0.0.1:{deaf.getsockname()[1]}"
        assert main(["search", "blob", "--n", "300", "--scheduler", address, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"topoviz: no Dask scheduler answers at {address} within 1 s")
    assert said.count("\n") == 1
    with pytest.raises(InputError, match=f"no Dask scheduler answers at {address}"):
        Cluster(address, data)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "address", ["", "localhost:8786", "tcp://", "tcp://host", "http://127.0.0.1:80", "tcp://a:1/x"]
)
def test_what_is_no_address_is_one_line(data, address):
    with pytest.raises(InputError, match=r"`scheduler` must be an address like tcp://10\.0\.0\.5:8786"):
        Cluster(address, data)


def test_dask_missing_is_one_line(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"^`scheduler` needs distributed; install it with `pip install .topoviz"):
        Cluster("tcp://127.0.0.1:1", data)
