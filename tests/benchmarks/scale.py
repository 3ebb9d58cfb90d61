"""Train on data sets of millions of points from files, each in a process of its own: seconds and the memory it took.

    python tests/benchmarks/scale.py [--steps 2500] [--formats npy parquet]

10,000,000 points in 3-D and 1,000,000 in 64-D. Peak memory is the process's largest resident set; its anonymous part
leaves out pages of the file itself, which the system may drop at any time.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.worlds.suite import CASES

SETS = (("30-ring-11", 10_000_000), ("33-nested-8", 1_000_000))


def write(name: str, n: int, path: Path) -> None:
    """`n` points of a case, half a million at a time."""
    case = next(case for case in CASES if case.name == name)
    block = 500_000
    if path.suffix == ".npy":
        table = np.lib.format.open_memmap(path, "w+", np.float32, (n, case.dim))
        for at in range(0, n, block):
            table[at : at + block] = case.world.sample(name, block, seed=at // block).points
        table.flush()
        return
    names = [f"x{index}" for index in range(case.dim)]
    with pq.ParquetWriter(path, pa.schema([(column, pa.float32()) for column in names])) as writer:
        for at in range(0, n, block):
            columns = case.world.sample(name, block, seed=at // block).points.T
            writer.write_table(pa.table(dict(zip(names, columns, strict=True))))


def main() -> None:
    """A line for every set and format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", default="2500")
    parser.add_argument("--formats", nargs="*", default=["npy", "parquet"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, n in SETS:
            for suffix in arguments.formats:
                data = Path(folder) / f"{name}.{suffix}"
                write(name, n, data)
                command = [sys.executable, "-m", "topoviz", "train", str(data), "--steps", arguments.steps]
                began = time.monotonic()
                subprocess.run([*command, "--out", str(Path(folder) / "model")], check=True)
                seconds = time.monotonic() - began
                # Children are told apart by the growth of the largest so far: sets come in order of size.
                peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
                print(
                    f"{name} {n:,} points {suffix}: {seconds:.0f} s, {seconds / n * 1e6:.1f} s per million points, "
                    f"peak so far {peak:.2f} GiB",
                    flush=True,
                )
                data.unlink()


if __name__ == "__main__":
    main()
