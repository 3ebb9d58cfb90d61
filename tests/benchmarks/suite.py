"""Train the defaults on the hard suite and print a table: is the tree whole, how far is the likelihood from the
entropy, does the verdict say so, and would a mixture fitted to the untangled points have found the tree?

    python tests/benchmarks/suite.py [--final | --all] [--only NAME ...] [--seeds 0 1 2] [--jobs 2] [--flow cnf]

Without --final or --all only the tuning cases run. A tree is whole where every planted mode has one leaf and no
other leaf is there, and where two planted saddles down to 4 nats under the peak differ by 0.3 nats or more, the
leaves join in their order; "excess"
is the held-out negative log-likelihood above the planted density's, on 20,000 fresh points, in nats. The oracle sees
the planted plane itself: forty Gaussians fitted to the same number of untangled points by expectation maximisation.
"""

import argparse
import itertools
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

import core
from core.data.suite import CASES, Case
from core.tree import LevelSets, node_of, tree_with_regions
from core.verdict import refit

CLEAR = 0.8, 16_000, 10
"""The weakest saddle, the fewest points and the most dimensions of a case whose tree must come whole."""
DEEPEST = -4.0
"""The level, in nats under the peak, below which a saddle has too few points for its height to be known."""


@dataclass(frozen=True)
class Result:
    """One training: whole, leaves found, excess, seconds, what the verdict said and whether the oracle was right."""

    case: Case
    seed: int
    whole: bool
    leaves: int
    excess: float
    error: float
    seconds: float
    converged: bool
    oracle: bool
    holes: bool
    defect: float

    def __str__(self) -> str:
        c = self.case
        words = ["no", "yes"]
        return (
            f"{c.name:16} {c.dim:2} {c.points:6} {c.amount:6} {c.weakest:7} {self.seed:4} {words[self.whole]:>5} "
            f"{self.leaves:3}/{c.modes:<2} {words[self.oracle]:>6} {words[self.holes]:>5} {words[self.converged]:>9} "
            f"{self.excess:6.3f} +- {self.error:.3f} {self.defect:8.0e} {self.seconds:6.1f}"
        )


HEADER = (
    f"{'case':16} {'d':>2} {'points':>6} {'amount':>6} {'weakest':>7} seed whole leaves oracle holes converged excess"
)


def is_whole(case: Case, sets: LevelSets, latent: np.ndarray, labels: np.ndarray) -> bool:
    """Whether leaves and planted modes are one to one, and join in the planted order where that is clear."""
    rows, leaves = node_of(sets, latent), sets.tree.leaves
    held = [labels[rows == row] for row in leaves]
    if len(leaves) != case.modes or min(map(len, held)) == 0:
        return False
    modes = [int(np.bincount(part, minlength=case.modes).argmax()) for part in held]
    return len(set(modes)) == case.modes and _joins_in_order(case, sets, dict(zip(modes, leaves, strict=True)))


def _joins_in_order(case: Case, sets: LevelSets, leaf_of_mode: dict[int, int]) -> bool:
    """Of three modes, the two that join 0.3 nats or more before the third does so in both trees."""
    truth = tree_with_regions(case.world.mixture)
    planted = dict(enumerate(node_of(truth, case.world.mixture.means)))
    for trio in itertools.combinations(range(case.modes), 3):
        for a, b, c in (trio, trio[1:] + trio[:1], trio[2:] + trio[:2]):
            joined = _meets(truth.tree, planted[a], planted[b]), _meets(truth.tree, planted[a], planted[c])
            if min(joined) >= DEEPEST and joined[0] - joined[1] >= 0.3:
                found = [_meets(sets.tree, leaf_of_mode[a], leaf_of_mode[mode]) for mode in (b, c)]
                if not found[0] > found[1]:
                    return False
    return True


def _meets(tree: core.LevelSetTree, a: int, b: int) -> float:
    """The level at which two leaves join."""
    above = []
    while a >= 0:
        above.append(a)
        a = tree.parent[a]
    while b not in above:
        b = tree.parent[b]
    return float(tree.level[b])


def run(case: Case, seed: int, flow: str) -> Result:
    """Train one case with the defaults and weigh the model."""
    torch.set_num_threads(1)
    dataset = case.dataset(seed)
    *_, last = core.train(dataset, core.FlowAutoencoderConfig(flow=flow), seed)
    model = last.model
    fresh = case.world.sample(case.name, 20_000, seed=999)
    gain = case.world.log_density(fresh.points.astype(np.float64)) - model.log_density(fresh.points)
    sets = tree_with_regions(model)
    oracle = tree_with_regions(refit(dataset.latent, seed), points=len(dataset))
    return Result(
        case,
        seed,
        is_whole(case, sets, model.encode(fresh.points)[0], fresh.labels),
        len(sets.tree.leaves),
        float(gain.mean()),
        float(gain.std() / np.sqrt(len(gain))),
        last.seconds,
        model.metrics["verdict"]["converged"],
        is_whole(case, oracle, fresh.latent, fresh.labels),
        int(sets.tree.betti[0, 1]) == case.world.topology.betti[1],
        model.metrics["volume_defect"],
    )


def summary(results: list[Result]) -> None:
    """The shares, for clear cases and for those below, and the medians by dimension."""
    weakest, points, dims = CLEAR
    clear = [r for r in results if r.case.weakest >= weakest and r.case.points >= points and r.case.dim <= dims]
    below = [r for r in results if r not in clear]
    for name, part in (("clear", clear), ("below", below)):
        if part:
            missed = [r for r in part if not r.whole]
            flagged = sum(not r.converged for r in missed)
            alarms = sum(not r.converged for r in part if r.whole)
            print(
                f"{name}: whole {sum(r.whole for r in part)} of {len(part)} (oracle {sum(r.oracle for r in part)}); "
                f"flagged {flagged} of {len(missed)} missed, {alarms} of {len(part) - len(missed)} whole"
            )
    for dim in sorted({r.case.dim for r in results}):
        part = [r for r in results if r.case.dim == dim]
        excess, seconds = [r.excess for r in part], [r.seconds for r in part]
        least = min(r.excess / r.error for r in part)
        print(
            f"{dim:2}-D: excess median {np.median(excess):.3f}, worst {max(excess):.3f} nats, "
            f"least {least:.1f} standard errors; seconds median {np.median(seconds):.0f}, worst {max(seconds):.0f}"
        )
    print("saddle depth x points: whole, oracle, of")
    for key in sorted({(r.case.weakest, r.case.points) for r in results}):
        part = [r for r in results if (r.case.weakest, r.case.points) == key]
        print(f"  {key[0]:4} {key[1]:7}: {sum(r.whole for r in part)}, {sum(r.oracle for r in part)}, {len(part)}")


def main() -> None:
    """Run the cases asked for and print a line for each, then the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--final", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--flow", default="coupling")
    arguments = parser.parse_args()
    chosen = [case for case in CASES if arguments.all or case.final == arguments.final]
    if arguments.only is not None:
        chosen = [case for case in CASES if case.name in arguments.only]
    runs = [(case, seed, arguments.flow) for seed in arguments.seeds for case in chosen]
    print(HEADER, flush=True)
    results = []
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for result in pool.map(run, *zip(*runs, strict=True)):
            results.append(result)
            print(result, flush=True)
    summary(results)


if __name__ == "__main__":
    main()
