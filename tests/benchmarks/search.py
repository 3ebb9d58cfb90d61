"""The search: what a second worker gains, what killing costs, and what the best of 40 trials is worth.

    python tests/benchmarks/search.py --speed [--trials 16] [--steps 300] [--repeats 3]
    python tests/benchmarks/search.py --kill [--searches 10] [--drivers 5]
    python tests/benchmarks/search.py --best NAME [NAME ...] [--trials 40] [--steps 3500] [--n 16000] [--workers W]

`--speed` searches with one Dask worker and with two of one thread each, in turn, three times, and prints the ratio of
the times and of the steps trained per second: two workers weigh trials in another order and so stop others. It needs
two free processors; the share of the time that workers are busy needs none. `--kill`
kills a worker in each of some searches and the search itself in others, which is then resumed, at random moments; lost
are trials that did not end, double those that ended twice or have the parameters of another. `--best` weighs the best
model of a search and that of the defaults on 100,000 fresh points, in nats, and by the error of their trees.
"""

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np

import core
from core.search import Cluster, Pool, SearchConfig, Space, Study, StudyFolder, search
from core.training.run import train
from core.worlds.truth import tree_error

ROOT = Path(core.__file__).parent.parent
TINY = {
    "latent_dim": [1, 2],
    "pad": [0, 0],
    "blocks": [2, 4],
    "width": [8, 16],
    "components": [2, 6],
    "fixed": {"batch": 64, "warm_start": "pca"},
}
# Trainings that take equally long, so that what is timed is the search.
EVEN = {"latent_dim": [2, 2], "pad": [0, 0], "blocks": [8, 8], "width": [32, 32], "components": [20, 20]}


class Dask:
    """A scheduler and workers of one thread each, which their nannies start again."""

    def __init__(self, folder: Path, workers: int) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self._log = (folder / "dask.log").open("w")
        self._processes = [self._start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")]
        for number in range(workers):
            place = str(folder / f"worker-{number}")
            flags = ("--nthreads", "1", "--no-dashboard", "--local-directory", place)
            self._processes.append(self._start("worker", self.address, *flags))

    def _start(self, what: str, *flags: str) -> subprocess.Popen:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *flags]
        return subprocess.Popen(command, stdout=self._log, stderr=self._log, env=environment)

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            process.wait()


def run(folder: Path, address: str, data: core.Dataset, config: SearchConfig, victim_after: float | None) -> None:
    """A search; a line per trial that ends goes to `ended.txt`. A worker is killed after some seconds."""
    cluster = Cluster(address, data, ("topoviz", "torch"))
    if victim_after is not None:
        threading.Timer(victim_after, kill_a_worker, (cluster,)).start()
    try:
        for change in search(data, folder, cluster, config):
            if change.trial is not None:
                with (folder.parent / "ended.txt").open("a") as stream:
                    stream.write(f"{change.trial.number}\n")
    finally:
        cluster.close()


def kill_a_worker(cluster: Cluster) -> None:
    """Kill one that is at work."""
    while cluster.client.status == "running":
        busy = [worker for worker, tasks in cluster.client.processing().items() if tasks]
        if busy:
            os.kill(cluster.client.run(os.getpid, workers=busy[:1])[busy[0]], signal.SIGKILL)
            return
        time.sleep(0.02)


def tiny() -> tuple[core.Dataset, SearchConfig]:
    data = core.load_dataset("blob", n=300)
    return data, SearchConfig(trials=8, steps=60, space=Space.of(data, TINY))


def drive(folder: Path, address: str) -> None:
    """The search of a process that will be killed."""
    data, config = tiny()
    run(folder, address, data, config, None)


def killed_driver(folder: Path, address: str, after: float) -> None:
    command = [sys.executable, __file__, "--drive", str(folder), address]
    process = subprocess.Popen(command)
    while not (folder / "study.json").exists():
        time.sleep(0.02)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run(command, check=True)


def tally(folder: Path) -> list[object]:
    study = StudyFolder(folder).read()
    ended = Counter((folder.parent / "ended.txt").read_text().split())
    params = Counter(json.dumps(dict(trial.params), sort_keys=True) for trial in study.trials)
    lost = study.trials_wanted - sum(trial.state != "running" for trial in study.trials)
    # A search that is killed between writing that a trial ended and saying so has not said so.
    double = sum(count - 1 for count in ended.values()) + sum(count - 1 for count in params.values())
    states = [study.count(state) for state in ("complete", "pruned", "failed")]
    return [len(study.trials), *states, sum(trial.attempts for trial in study.trials), lost, double]


def kill(searches: int, drivers: int) -> None:
    chance = random.Random(0)
    head = ("killed", "asked", "complete", "pruned", "failed", "attempts", "lost", "double")
    print("".join(f"{name:>10}" for name in head))
    totals: dict[str, list[list]] = {"worker": [], "driver": []}
    with tempfile.TemporaryDirectory() as name:
        dask = Dask(Path(name), 2)
        try:
            data, config = tiny()
            (Path(name) / "warm").mkdir()
            run(Path(name) / "warm" / "out", dask.address, data, config, None)
            for number in range(searches + drivers):
                what = "worker" if number < searches else "driver"
                folder = Path(name) / f"search-{number}" / "out"
                folder.parent.mkdir()
                if what == "worker":
                    run(folder, dask.address, data, config, chance.uniform(0, 3))
                else:
                    killed_driver(folder, dask.address, chance.uniform(0, 4))
                totals[what].append(tally(folder))
                print(f"{what:>10}" + "".join(f"{value:>10}" for value in totals[what][-1]), flush=True)
        finally:
            dask.stop()
    for what, rows in totals.items():
        sums = [sum(column) for column in zip(*rows, strict=True)]
        print(f"{'all ' + what:>10}" + "".join(f"{value:>10}" for value in sums))


def speed(trials: int, steps: int, repeats: int) -> None:
    data = core.load_dataset("islands-a", n=4000)
    config = SearchConfig(trials=trials, steps=steps, space=Space.of(data, EVEN))
    seconds: dict[int, list[float]] = {1: [], 2: []}
    rates: dict[int, list[float]] = {1: [], 2: []}
    for again in range(repeats):
        for workers in (1, 2):
            with tempfile.TemporaryDirectory() as name:
                dask = Dask(Path(name), workers)
                try:
                    warm(dask.address, workers)
                    began = time.monotonic()
                    run(Path(name) / "out", dask.address, data, config, None)
                    seconds[workers].append(time.monotonic() - began)
                    study = StudyFolder(Path(name) / "out").read()
                finally:
                    dask.stop()
            rates[workers].append(sum(trial.steps for trial in study.trials) / seconds[workers][-1])
            busy = sum(trial.seconds for trial in study.trials)
            print(
                f"{workers} workers, run {again}: {seconds[workers][-1]:.1f} s, {rates[workers][-1]:.0f} steps/s, "
                f"{study.count('complete')} complete, workers busy {busy / workers / seconds[workers][-1]:.0%}, "
                f"load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    time_ratio = np.median(seconds[1]) / np.median(seconds[2])
    rate_ratio = np.median(rates[2]) / np.median(rates[1])
    print(f"two workers against one: {time_ratio:.2f} times as fast, {rate_ratio:.2f} times the steps per second")


def warm(address: str, workers: int) -> None:
    """Have every worker load and compile what it needs."""
    from core.search import Rung, run_rung

    data, _ = tiny()
    with Cluster(address, data).client as client:
        client.wait_for_workers(workers, timeout=60)
        settings = core.FlowAutoencoderConfig(blocks=2, width=8, components=2, steps=20).to_json()
        addresses = list(client.nthreads())
        client.gather(
            [client.submit(run_rung, Rung(0, settings, 0, 20, True), data, workers=[each]) for each in addresses]
        )


def best(names: list[str], trials: int, steps: int, n: int | None, workers: int | None) -> None:
    head = ("set", "model", "fresh NLL", "error", "entropy", "missed", "spurious", "distance", "whole", "seconds")
    print("".join(f"{name:>12}" for name in head))
    for name in names:
        data = core.load_dataset(name, n=n)
        fresh = core.load_dataset(name, seed=10_000, n=100_000)
        began = time.monotonic()
        *_, last = train(data, core.FlowAutoencoderConfig(steps=steps), seed=0)
        models = {"defaults": (last.model, time.monotonic() - began)}
        with tempfile.TemporaryDirectory() as folder:
            pool, began = Pool(data, workers), time.monotonic()
            try:
                study = finished(Path(folder) / "out", data, pool, SearchConfig(trials, steps))
            finally:
                pool.close()
            models[f"best of {trials}"] = (core.load_model(Path(folder) / "out" / "best"), time.monotonic() - began)
        log_densities = {key: model.log_density(fresh.points) for key, (model, _) in models.items()}
        for key, (model, seconds) in models.items():
            ours = log_densities[key]
            error = tree_error(model)
            shown = (
                ("", "", "", "")
                if error is None
                else (error.missed, error.spurious, f"{error.distance:.2f}", error.whole)
            )
            entropy = "" if data.entropy is None else f"{data.entropy:.4f}"
            row = (
                name,
                key,
                f"{-ours.mean():.4f}",
                f"{ours.std() / np.sqrt(len(ours)):.4f}",
                entropy,
                *map(str, shown),
            )
            print("".join(f"{value:>12}" for value in (*row, f"{seconds:.0f}")), flush=True)
        gain = log_densities[f"best of {trials}"] - log_densities["defaults"]
        chosen = None if study.best is None else dict(study.best.params)
        print(
            f"gain {gain.mean():.4f} +- {gain.std() / np.sqrt(len(gain)):.4f} nats, paired; chosen: {chosen}",
            flush=True,
        )


def finished(folder: Path, data: core.Dataset, pool: Pool, config: SearchConfig) -> Study:
    *_, last = search(data, folder, pool, config)
    return last.study


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--best", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--drive", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--searches", type=int, default=10)
    parser.add_argument("--drivers", type=int, default=5)
    parser.add_argument("--trials", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--n", type=int)
    parser.add_argument("--workers", type=int)
    flags = parser.parse_args()
    if flags.drive:
        drive(Path(flags.drive[0]), flags.drive[1])
    if flags.speed:
        speed(flags.trials or 16, flags.steps or 300, flags.repeats)
    if flags.kill:
        kill(flags.searches, flags.drivers)
    if flags.best:
        best(flags.best, flags.trials or 40, flags.steps or 3500, flags.n, flags.workers)
