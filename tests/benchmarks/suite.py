"""Train the defaults on the hard suite and print a table: is the tree whole, how far is the likelihood from the
entropy?

    python tests/benchmarks/suite.py [--final | --all] [--only NAME ...] [--seeds 0 1 2] [--flow cnf]

Without --final or --all only the tuning cases run. A tree is whole where every planted mode has one leaf and no
other leaf is there; "excess" is the held-out negative log-likelihood above the planted density's, on 20,000 fresh
points, in nats.
"""

import argparse

import numpy as np

import core
from core.data.suite import CASES, Case
from core.model import FlowAutoencoder
from core.tree import node_of, tree_with_regions


def is_whole(case: Case, model: FlowAutoencoder) -> bool:
    """Whether leaves and planted modes are one to one: each leaf holds mostly one mode, and no two the same."""
    sets = tree_with_regions(model)
    rows, labels = node_of(sets, model.sample.latent), model.sample.labels
    modes = [np.bincount(labels[rows == row], minlength=case.modes).argmax() for row in sets.tree.leaves]
    return len(modes) == case.modes and len(set(modes)) == case.modes


def main() -> None:
    """Run the cases asked for and print a line for each, then the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--final", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--flow", default="coupling")
    arguments = parser.parse_args()
    chosen = [case for case in CASES if arguments.all or case.final == arguments.final]
    if arguments.only is not None:
        chosen = [case for case in CASES if case.name in arguments.only]
    config = core.FlowAutoencoderConfig(flow=arguments.flow)
    whole, excesses = [], []
    print(f"{'case':18} {'d':>2} {'n':>6} {'amount':>6} {'weakest':>7} seed whole leaves excess seconds", flush=True)
    for case in chosen:
        fresh = case.world.sample(case.name, 20_000, seed=999)
        truth = case.world.log_density(fresh.points.astype(np.float64))
        for seed in arguments.seeds:
            *_, last = core.train(case.dataset(seed), config, seed)
            model = last.model
            whole.append(is_whole(case, model))
            excesses.append(float(np.mean(truth - model.log_density(fresh.points))))
            leaves = len(core.level_set_tree(model).leaves)
            print(
                f"{case.name:18} {case.dim:2} {case.points:6} {case.amount:6} {case.weakest:7} {seed:4} "
                f"{'yes' if whole[-1] else 'no':>5} {leaves:3}/{case.modes:<2} {excesses[-1]:6.3f} {last.seconds:7.1f}",
                flush=True,
            )
    print(f"whole {sum(whole)} of {len(whole)}, median excess {np.median(excesses):.3f} nats")


if __name__ == "__main__":
    main()
