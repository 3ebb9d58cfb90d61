"""A bank of pairs of models in more than three latent dimensions: digit networks, whole, partial and unrelated.

    PYTHONPATH=. OMP_NUM_THREADS=1 python tests/benchmarks/deep_bank.py FOLDER --seeds 20 21 [--jobs 2]

A pair is a folder with the models `a` and `b` and `truth.json`, which says what class most of each leaf's inputs are.
Seeds 20 to 29 are for fitting, 30 and more to judge by. A pair that is there already is left as it is.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from digit_networks import KINDS, STRANGERS, Network, labels, pair, stranger, trained

import core
from core.meaning import leaves_of

_LACKING = (((0, 3), (1, 1)), ((1, 2), (2, 2)), ((0, 1), (0, 3)))


@dataclass(frozen=True)
class Job:
    """A pair to fit: of `kind` whole, partial or unrelated, its number `at` among those of a seed."""

    kind: str
    seed: int
    at: int

    @property
    def name(self) -> str:
        """The folder's name."""
        return f"{self.kind}-{self.seed}-{self.at}"


def jobs(seeds: list[int]) -> Iterator[Job]:
    """The pairs of some seeds."""
    for seed, (kind, count) in itertools.product(seeds, (("whole", 6), ("partial", 3), ("unrelated", len(STRANGERS)))):
        yield from (Job(kind, seed, at) for at in range(count))


def tables(job: Job) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of both sides the activations (n, 64) and the classes (n,), -1 where a network knows nothing of digits."""
    if job.kind == "unrelated":
        strange, known = stranger(job.seed, job.at), trained(*KINDS[job.at % 4], job.seed)
        return [(strange.activations(strange.rows), np.full(len(strange.rows), -1)), _shown(known, ())]
    i, j = list(itertools.combinations(range(4), 2))[job.at] if job.kind == "whole" else _LACKING[job.at][0]
    first, second = pair(job.seed, i, j)
    lack = (0, 0) if job.kind == "whole" else _LACKING[job.at][1]
    order = np.random.default_rng([job.seed, i, j]).permutation(10)
    return [_shown(first, order[: lack[0]]), _shown(second, order[lack[0] : sum(lack)])]


def _shown(network: Network, absent: Any) -> tuple[np.ndarray, np.ndarray]:
    rows = network.rows[~np.isin(labels()[network.rows], absent)]
    return network.activations(rows), labels()[rows]


def fit(job: Job, folder: Path) -> str:
    """Fit a pair and save it; a line about it."""
    place = folder / job.name
    if not place.exists():
        torch.set_num_threads(1)
        (table_a, y_a), (table_b, y_b) = tables(job)
        aligner = core.TopologyAligner(seed=0).fit(table_a, table_b)
        sides = (
            (aligner.model_a_, aligner.tree_a_, aligner.encode_a(table_a), y_a),
            (aligner.model_b_, aligner.tree_b_, aligner.encode_b(table_b), y_b),
        )
        truth = [_classes(model, tree, latent, y) for model, tree, latent, y in sides]
        for side, (model, *_) in zip("ab", sides, strict=True):
            core.save_model(model, place / side)
        (place / "truth.json").write_text(json.dumps(truth), "utf-8")
    return job.name


def _classes(model: Any, tree: Any, latent: np.ndarray, y: np.ndarray) -> dict[int, int]:
    """The class that most of each leaf's points are, by the leaf's id."""
    owners = leaves_of(model, tree, latent)
    known = {row: y[(owners == row) & (y >= 0)] for row in tree.leaves.tolist()}
    return {int(tree.id[row]): int(np.bincount(own).argmax()) for row, own in known.items() if len(own)}


def main() -> None:
    """Fit what is missing in the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[20, 21])
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for line in pool.map(partial(fit, folder=arguments.folder), jobs(arguments.seeds)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
