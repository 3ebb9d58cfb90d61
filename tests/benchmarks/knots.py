"""Train the defaults with two pads on the knots and print a table: is each one ring with its beads in order?

    python tests/benchmarks/knots.py [--seeds 0 1 2 3 4] [--pads 2] [--jobs 2] [--names trefoil ...]

One ring: a leaf for every bead and no other, Betti numbers [1, 1] of the set in which all have joined, and the beads'
mean latents, by their angle around the middle, in the order they have along the curve.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch

import core
from core.worlds import dataset_info


def run(name: str, seed: int, pads: int) -> tuple[bool, bool, str]:
    """Whether a model is one ring, whether it converged, and a line about it."""
    torch.set_num_threads(1)
    *_, last = core.train(core.load_dataset(name, seed=seed), core.FlowAutoencoderConfig(pad=pads), seed)
    model = last.model
    tree, metrics, sample = core.level_set_tree(model), model.metrics, model.sample
    beads = np.unique(sample.labels)
    center = np.array([sample.latent[sample.labels == bead].mean(0) for bead in beads])
    around = np.argsort(np.arctan2(*(center - center.mean(0)).T))
    steps = np.diff(np.append(around, around[0])) % len(beads)
    order = set(steps.tolist()) in ({1}, {len(beads) - 1})
    leaves, betti = len(tree.leaves), tree.betti[0].tolist()
    whole, words = leaves == dataset_info(name).topology.leaves and betti == [1, 1] and order, ("no", "yes")
    converged = metrics["verdict"]["converged"]
    line = (
        f"{name:13} {seed:4} {pads:4} {words[whole]:>8} {leaves:6} {betti!s:>7} {words[order]:>8} "
        f"{words[converged]:>9} {metrics['excess']:6.3f} +- {metrics['nll_error']:.3f} "
        f"{metrics['volume_defect']:7.0e} {last.seconds:7.0f}"
    )
    return whole, converged, line


def main() -> None:
    """Every knot with every seed, and the share of rings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", nargs="*", default=["trefoil", "figure-eight", "cinquefoil"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--pads", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    runs = [(name, seed, arguments.pads) for seed in arguments.seeds for name in arguments.names]
    print(
        "knot          seed pads one ring leaves   betti in order converged excess            defect seconds",
        flush=True,
    )
    with ProcessPoolExecutor(arguments.jobs) as pool:
        results = []
        for result in pool.map(run, *zip(*runs, strict=True)):
            results.append(result)
            print(result[2], flush=True)
    missed = [converged for whole, converged, _ in results if not whole]
    rings = len(results) - len(missed)
    print(f"one ring {rings} of {len(results)}; flagged {missed.count(False)} of {len(missed)} missed")


if __name__ == "__main__":
    main()
