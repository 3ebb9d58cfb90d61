"""A million activations of 768 units on the disk: seconds and memory of reading, examining and aligning them.

    python tests/benchmarks/activations.py FOLDER [--rows 1000000] [--units 768] [--stages examine read align]

FOLDER needs 3.2 GB for the file, which is deleted afterwards. The points are a planted mixture with a few dead units
and copies, the same each time. Each stage runs in a process of its own. Peak memory is the largest resident set of that
process; what is its own leaves out pages of the file, which the system may drop at any time.
"""

import argparse
import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import core

_BLOCK = 20_000
_MODES, _LATENT = 12, 16
_DEAD, _COPIES = 5, 7


def write(path: Path, rows: int, units: int) -> None:
    """A mixture in 16 dimensions carried to `units` by a random map, with noise; the last units are dead or copies."""
    rng = np.random.default_rng(0)
    means = 4 * rng.normal(size=(_MODES, _LATENT))
    carry = rng.normal(size=(_LATENT, units)).astype(np.float32) / np.sqrt(_LATENT)
    table = np.lib.format.open_memmap(path, "w+", np.float32, (rows, units))
    for at in range(0, rows, _BLOCK):
        count = min(_BLOCK, rows - at)
        latent = means[rng.integers(_MODES, size=count)] + rng.normal(size=(count, _LATENT))
        block = latent.astype(np.float32) @ carry + 0.3 * rng.standard_normal((count, units), np.float32)
        block[:, -_DEAD:] = 0
        block[:, -_DEAD - _COPIES : -_DEAD] = -2 * block[:, :_COPIES]
        table[at : at + count] = block
    table.flush()


def examine(path: Path) -> str:
    """`core.examine_units` on the mapped file."""
    return " ".join(core.examine_units(np.load(path, mmap_mode="r")).sentences())


def read(path: Path) -> str:
    """`core.load_dataset`, which looks for bad rows, constant columns and copies."""
    data = core.load_dataset(path)
    return f"{len(data):,} x {data.dim}. {' '.join(data.notes)}"


def align(path: Path) -> str:
    """`core.TopologyAligner` from the whole file to its last tenth: prepared, learned, matched, mapped."""
    table = np.load(path, mmap_mode="r")
    aligner = core.TopologyAligner().fit(table, table[9 * len(table) // 10 :])
    verdict = aligner.verdict_.word
    return f"k = {aligner.model_a_.latent_dim}, {len(aligner.matching_.leaf_pairs)} leaves matched, {verdict}."


# Each takes the file and says in a line what came of it.
STAGES: dict[str, Callable[[Path], str]] = {"read": read, "examine": examine, "align": align}


def measured(stage: str, path: Path) -> dict[str, float | str]:
    """Run a stage here: its seconds, peak memory in GiB, and what it says."""
    own, done = [0.0], threading.Event()
    watch = threading.Thread(target=_watch, args=(own, done), daemon=True)
    watch.start()
    began = time.monotonic()
    told = STAGES[stage](path)
    seconds = time.monotonic() - began
    done.set()
    watch.join()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": seconds, "peak": peak, "own": max(own), "told": told}


def _watch(own: list[float], done: threading.Event) -> None:
    """The memory of this process without pages of files, in GiB, every twentieth of a second."""
    while not done.wait(0.05):
        lines = Path("/proc/self/status").read_text().splitlines()
        own.append(next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 2**20)


def main() -> None:
    """A line for every stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--units", type=int, default=768)
    parser.add_argument("--stages", nargs="*", choices=STAGES, default=list(STAGES))
    parser.add_argument("--here", choices=STAGES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    path = arguments.folder / "activations.npy"
    if arguments.here:
        print(json.dumps(measured(arguments.here, path)))
        return
    arguments.folder.mkdir(parents=True, exist_ok=True)
    try:
        write(path, arguments.rows, arguments.units)
        print(f"{arguments.rows:,} x {arguments.units} float32, {path.stat().st_size / 2**30:.2f} GiB", flush=True)
        for stage in arguments.stages:
            command = [sys.executable, __file__, str(arguments.folder), "--here", stage]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            print(
                f"{stage}: {found['seconds']:.0f} s, peak {found['peak']:.2f} GiB, {found['own']:.2f} GiB of its own; "
                f"{found['told']}",
                flush=True,
            )
    finally:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
