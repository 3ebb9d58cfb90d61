"""Train the defaults on the hard suite and print a table: is the tree whole, how far is the likelihood from the
entropy, does the verdict say so, and would a mixture fitted to the untangled points have found the tree?

    python tests/benchmarks/suite.py [--final | --all] [--only NAME ...] [--seeds 0 1 2] [--jobs 2] [--flow cnf]

Without --final or --all only the tuning cases run. What is whole, missed, spurious and the distance say
`core.worlds.truth.TreeError`; "excess" is the held-out negative log-likelihood above the planted density's, on 20,000
fresh points, in nats. The oracle sees the planted plane itself: forty Gaussians fitted to the same number of
untangled points by expectation maximization.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

import core
from core.training.convergence import refit
from core.worlds.suite import CASES, Case
from core.worlds.tangled import World
from core.worlds.truth import TreeError, tree_error

CLEAR = 0.8, 16_000, 10
"""The weakest saddle, the fewest points and the most dimensions of a case whose tree must come whole."""


@dataclass(frozen=True)
class Result:
    """One training: its tree, the oracle's, excess, seconds and what the verdict said."""

    case: Case
    seed: int
    tree: TreeError
    oracle: TreeError
    excess: float
    error: float
    seconds: float
    converged: bool
    defect: float

    def __str__(self) -> str:
        c, tree = self.case, self.tree
        words = ["no", "yes"]
        return (
            f"{c.name:16} {c.dim:2} {c.points:6} {c.amount:6} {c.weakest:7} {self.seed:4} {words[tree.whole]:>5} "
            f"{tree.missed:6} {tree.spurious:8} {tree.distance:8.2f} {words[tree.holes]:>5} "
            f"{words[self.oracle.whole]:>6} {words[self.converged]:>9} "
            f"{self.excess:6.3f} +- {self.error:.3f} {self.defect:8.0e} {self.seconds:6.1f}"
        )


HEADER = (
    f"{'case':16} {'d':>2} {'points':>6} {'amount':>6} {'weakest':>7} seed whole missed spurious distance holes oracle "
    "converged excess"
)


@dataclass(frozen=True, eq=False)
class Oracle:
    """What could be found at best: a mixture fitted to the planted coordinates of so many points."""

    name: str
    world: World
    prior: core.GaussianMixture
    metrics: dict[str, int]

    def encode(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The planted coordinates of points, and the noise."""
        y = self.world.tangle.inverse(x)
        return y[:, :2], y[:, 2:]


def run(case: Case, seed: int, flow: str) -> Result:
    """Train one case with the defaults and weigh the model."""
    torch.set_num_threads(1)
    dataset = case.dataset(seed)
    *_, last = core.train(dataset, core.FlowAutoencoderConfig(flow=flow), seed)
    model = last.model
    fresh = case.world.sample(case.name, 20_000, seed=999)
    gain = case.world.log_density(fresh.points.astype(np.float64)) - model.log_density(fresh.points)
    oracle = Oracle(case.name, case.world, refit(dataset.latent, seed), {"points": len(dataset)})
    return Result(
        case,
        seed,
        tree_error(model),
        tree_error(oracle),
        float(gain.mean()),
        float(gain.std() / np.sqrt(len(gain))),
        last.seconds,
        model.metrics["verdict"]["converged"],
        model.metrics["volume_defect"],
    )


def summary(results: list[Result]) -> None:
    """The shares, for clear cases and for those below, and the medians by dimension."""
    weakest, points, dims = CLEAR
    clear = [r for r in results if r.case.weakest >= weakest and r.case.points >= points and r.case.dim <= dims]
    below = [r for r in results if r not in clear]
    for name, part in (("clear", clear), ("below", below)):
        if part:
            missed = [r for r in part if not r.tree.whole]
            flagged = sum(not r.converged for r in missed)
            alarms = sum(not r.converged for r in part if r.tree.whole)
            print(
                f"{name}: whole, oracle, of: {_whole(part)}, {len(part)}; "
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
        print(f"  {key[0]:4} {key[1]:7}: {_whole(part)}, {len(part)}")


def _whole(part: list[Result]) -> str:
    """How many trees are whole, and how many of the oracle's."""
    return f"{sum(r.tree.whole for r in part)}, {sum(r.oracle.whole for r in part)}"


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
