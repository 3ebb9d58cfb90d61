"""Maps between encodings of one world, fitted without pairs and judged on true pairs.

    python tests/benchmarks/maps.py [--models FOLDER] [--only NAME ...]

Without a folder the shipped island models are judged; a folder holds models named CASE-SEED, where CASE is one of the
hard suite's, and every two seeds of a case make a pair. R^2 is the share of the variance of B's latents that the
carried latents of A explain; "best" is the affine map fitted to the true pairs. Labels are the planted modes: a carried
point takes that of the leaf of B where it lands, and the ceiling is what its true partner would take. "Folds" is the
share of points out to four deviations of A's leaves where the map turns against its global part, "back" the worst
error of T^-1(T(z)) and "round" the mean of T_ba(T_ab(z)), in deviations of A's density.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

import core
from core.maps import round_trip
from core.match import Matching
from core.tree import LevelSets, leaf_of, tree_with_regions
from core.worlds.suite import CASES
from core.worlds.tangled import WORLDS, World
from topoviz import resource

N = 5000
SHIPPED = (
    ("islands-a", "islands-b"),
    ("islands-a", "islands-5d"),
    ("islands-b", "islands-10d"),
    ("islands-a", "islands-partial"),
)


@dataclass(frozen=True)
class Measured:
    """What the maps of one pair of models are worth; `seconds` is the processor's time to fit both."""

    right: float
    best: float
    affine: float
    tree: float
    ceiling: float
    affine_labels: float
    tree_labels: float
    folds: float
    back: float
    round: float
    seconds: float


@dataclass(frozen=True, eq=False)
class PairOfModels:
    """Two models, their latents (n, k) of the same n points and the points' labels (n,)."""

    name: str
    models: tuple[core.FlowAutoencoder, core.FlowAutoencoder]
    latents: tuple[np.ndarray, np.ndarray]
    labels: np.ndarray


def measure(pair: PairOfModels) -> Measured:
    """Match, fit and judge."""
    sets = [tree_with_regions(model) for model in pair.models]
    matching = core.match_trees(sets[0].tree, sets[1].tree)
    start = time.process_time()
    affine, tree = (core.fit_map(matching, family) for family in ("affine", "tree"))
    seconds = time.process_time() - start
    a, b = (np.asarray(latent, dtype=np.float64) for latent in pair.latents)
    design = np.column_stack((a, np.ones(len(a))))
    best = design @ np.linalg.lstsq(design, b, rcond=None)[0]
    modes = [modes_of_leaves(s, latent, pair.labels) for s, latent in zip(sets, (a, b), strict=True)]
    accuracy = accuracy_in(sets[1], modes[1], pair.labels)
    ceiling = accuracy(b)
    around = leaves_out_to_four(matching)
    turned = np.sign(np.linalg.det(tree.jacobian(around))) * np.sign(np.linalg.det(affine.matrix))
    z = pair.models[0].prior.sample(2000, seed=0)
    back = core.fit_map(core.match_trees(sets[1].tree, sets[0].tree), "tree")
    return Measured(
        float(np.mean([modes[0][p.a] == modes[1][p.b] for p in matching.leaf_pairs])),
        explained(best, b),
        explained(affine(a), b),
        explained(tree(a), b),
        ceiling,
        accuracy(affine(a)) / ceiling,
        accuracy(tree(a)) / ceiling,
        float((turned <= 0).mean()),
        float(np.abs(tree.inverse()(tree(z)) - z).max()),
        round_trip(tree, back, z),
        seconds,
    )


def explained(image: np.ndarray, truth: np.ndarray) -> float:
    """R^2 of images (n, k) of the true partners (n, k)."""
    return float(1 - ((image - truth) ** 2).sum() / ((truth - truth.mean(0)) ** 2).sum())


def modes_of_leaves(sets: LevelSets, latent: np.ndarray, labels: np.ndarray) -> dict[int, int]:
    """The label of each leaf (by id): that of most of its points."""
    rows = leaf_of(sets, latent)
    most = {row: np.bincount(labels[rows == row], minlength=1).argmax() for row in sets.tree.leaves}
    return {int(sets.tree.id[row]): int(label) for row, label in most.items()}


def accuracy_in(sets: LevelSets, modes: dict[int, int], labels: np.ndarray) -> Callable[[np.ndarray], float]:
    """How well points (n, k) take their labels from the leaves where they lie."""

    def accuracy(z: np.ndarray) -> float:
        found = np.array([modes[int(node)] for node in sets.tree.id[leaf_of(sets, z)]])
        return float((found == labels).mean())

    return accuracy


def leaves_out_to_four(matching: Matching, n: int = 4000) -> np.ndarray:
    """About n points (n, k), evenly within four deviations of the matched leaves of A."""
    tree, rng = matching.tree_a, np.random.default_rng(1)
    rows = [tree.row(pair.a) for pair in matching.leaf_pairs]
    away = rng.normal(size=(len(rows), n // len(rows), tree.dim))
    away *= 4 * rng.uniform(size=(*away.shape[:2], 1)) ** (1 / tree.dim) / np.linalg.norm(away, axis=2, keepdims=True)
    roots = np.linalg.cholesky(tree.basin_covariance[rows])
    return (tree.basin_mean[rows][:, None] + away @ np.swapaxes(roots, 1, 2)).reshape(-1, tree.dim)


def encoded(
    name: str, models: tuple[core.FlowAutoencoder, core.FlowAutoencoder], worlds: tuple[World, World]
) -> PairOfModels:
    """A pair of models of two worlds over one plane, with points of the modes that both worlds have."""
    mixture = worlds[0].mixture
    z = mixture.sample(N, seed=3)
    labels = worlds[0].modes[mixture.log_components(z).argmax(1)]
    shared = [c for c, mean in enumerate(mixture.means) if (worlds[1].mixture.means == mean).all(axis=1).any()]
    kept = np.isin(labels, worlds[0].modes[shared])
    z, labels = z[kept], labels[kept]
    latents = []
    for model, world in zip(models, worlds, strict=True):
        noise = world.noise * np.random.default_rng(5).normal(size=(len(z), world.dim - 2))
        latents.append(model.encode(world.tangle(np.concatenate((z, noise), axis=1)).astype(np.float32))[0])
    return PairOfModels(name, models, (latents[0], latents[1]), labels)


def shipped() -> Iterator[PairOfModels]:
    """The shipped island models."""
    folder = resource("sample_data") / "models"
    for name_a, name_b in SHIPPED:
        models = core.load_model(folder / name_a), core.load_model(folder / name_b)
        yield encoded(f"{name_a[8:]} > {name_b[8:]}", models, (WORLDS[name_a], WORLDS[name_b]))


def of_suite(folder: Path, only: list[str] | None) -> Iterator[PairOfModels]:
    """Every two models of one case in a folder of models named CASE-SEED."""
    for case in CASES:
        if only is not None and case.name not in only:
            continue
        seeds = sorted(path for path in folder.glob(f"{case.name}-*") if (path / "model.safetensors").exists())
        for paths in itertools.combinations(seeds, 2):
            models = core.load_model(paths[0]), core.load_model(paths[1])
            suffixes = [path.name.removeprefix(f"{case.name}-") for path in paths]
            yield encoded(f"{case.name} {suffixes[0]} > {suffixes[1]}", models, (case.world, case.world))


def main() -> None:
    """Print a line for each pair, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--only", nargs="*", default=None)
    arguments = parser.parse_args()
    print(f"{'pair':22}" + " ".join(f"{f.name.replace('_labels', ' lab'):>10}" for f in fields(Measured)))
    rows = []
    for pair in shipped() if arguments.models is None else of_suite(arguments.models, arguments.only):
        rows.append(astuple(measure(pair)))
        print(f"{pair.name:22}" + " ".join(f"{x:10.4f}" for x in rows[-1]), flush=True)
    if rows:
        print(f"{'median of ' + str(len(rows)):22}" + " ".join(f"{x:10.4f}" for x in np.median(rows, axis=0)))
        worst = [float(max(0.0, r[1] - r[2])) for r in rows]
        print(
            f"affine falls short of the best on true pairs by {np.median(worst):.4f} (median), {max(worst):.4f} (worst)"
        )


if __name__ == "__main__":
    main()
