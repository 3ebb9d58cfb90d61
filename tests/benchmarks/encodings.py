"""How affine are two encodings of one world to each other, and what would make them more so?

    python tests/benchmarks/encodings.py [--all | --final | --only NAME ...] [--tangles 2] [--jobs 2] [--curve]

Every case of the hard suite with 16,000 points is tangled anew, twice or more, and encoded with a seed of its own
each time. The same planted points, with noise of their own, go through both encoders: R^2 is that of the best affine
map from one's latents to the other's. --set changes the configuration (evenness=0, transport=0.05, flow=cnf); --curve
goes through a grid of evenness, transport, width and family on two cases, with the cost in nats.
"""

import argparse
import itertools
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import torch

import core
from core.worlds.suite import CASES, Case
from core.worlds.tangle import Tangle

CURVE: list[dict[str, Any]] = [
    *({"evenness": value} for value in (0.0, 0.05, 0.2)),
    *({"evenness": 0.0, "transport": value} for value in (0.01, 0.1)),
    {"evenness": 0.0, "width": 64},
    {"evenness": 0.0, "flow": "cnf"},
    {"evenness": 0.05, "flow": "cnf"},
]
CURVE_CASES = ("24-islands-6", "06-ring-6")


def encoding(case: Case, tangle: int, changes: dict[str, Any]) -> tuple[np.ndarray, float]:
    """Latents (4000, 2) of the case's common points under one tangle, and the excess of that model in nats."""
    torch.set_num_threads(1)
    old = case.world.tangle
    world = replace(case.world, tangle=Tangle(old.dim, old.seed + 1000 * tangle, old.amount, spread=old.spread))
    data = world.sample(case.name, case.points, seed=tangle)
    *_, last = core.train(data, core.FlowAutoencoderConfig(**changes), tangle)
    fresh = world.sample(case.name, 10_000, seed=999)
    excess = np.mean(world.log_density(fresh.points.astype(np.float64)) - last.model.log_density(fresh.points))
    plane = world.mixture.sample(4000, seed=5)
    noise = world.noise * np.random.default_rng(tangle).normal(size=(len(plane), world.dim - 2))
    return last.model.encode(world.tangle(np.concatenate((plane, noise), axis=1)))[0], float(excess)


def affine_r2(a: np.ndarray, b: np.ndarray) -> float:
    """R^2 of the best affine map from latents `a` to `b`, both (n, 2)."""
    augmented = np.concatenate((a, np.ones((len(a), 1))), axis=1)
    left = b - augmented @ np.linalg.lstsq(augmented, b, rcond=None)[0]
    return float(1 - left.var(0).sum() / b.var(0).sum())


def main() -> None:
    """A line for every case and configuration, then the medians by kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--final", action="store_true")
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--tangles", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--curve", action="store_true")
    arguments = parser.parse_args()
    names = CURVE_CASES if arguments.curve and arguments.only is None else arguments.only
    cases = [
        case
        for case in CASES
        if case.points == 16_000 and case.dim <= 10 and (arguments.all or case.final == arguments.final)
    ]
    if names is not None:
        cases = [case for case in CASES if case.name in names]
    given = {key: _value(text) for key, text in (pair.split("=", 1) for pair in arguments.set)}
    settings = CURVE if arguments.curve else [given]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for changes in settings:
            print(f"{changes or 'defaults'}", flush=True)
            runs = [(case, tangle) for case in cases for tangle in range(1, arguments.tangles + 1)]
            results = pool.map(encoding, *zip(*((case, tangle, changes) for case, tangle in runs), strict=True))
            found: dict[str, list[float]] = {}
            costs = []
            for case in cases:
                encoded = [next(results) for _ in range(arguments.tangles)]
                pairs = [affine_r2(a, b) for (a, _), (b, _) in itertools.permutations(encoded, 2)]
                costs += [excess for _, excess in encoded]
                found.setdefault("rings" if "ring" in case.kind else "islands", []).extend(pairs)
                print(
                    f"  {case.name:16} R^2 {np.mean(pairs):.3f} excess {np.mean(costs[-len(encoded) :]):.3f}",
                    flush=True,
                )
            medians = ", ".join(f"{kind} {np.median(pairs):.3f}" for kind, pairs in found.items())
            print(f"  median R^2: {medians}; median excess {np.median(costs):.3f} nats", flush=True)


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


if __name__ == "__main__":
    main()
