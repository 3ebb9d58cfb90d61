"""Do the standard errors of trees tell how far their levels and masses are off?

    python tests/benchmarks/tree_errors.py [--models FOLDER]

First a bootstrap: mixtures fitted anew to many samples of a planted one; then, where --models has trained models of the
hard suite's cases in folders NAME-0 and NAME-1, two models of a case against each other and against what was planted.
Printed is the root mean square of differences over their predicted errors, and a robust and a tail estimate of the same
(the median and the 95 % point over those of a standard normal): 1 is right, above it the errors are too small.
"""

import argparse
import itertools
import warnings
from pathlib import Path

import numpy as np
from sklearn.mixture import GaussianMixture as Fit

import core
from core.gaussians.mixture import GaussianMixture
from core.training.convergence import refit
from core.tree import LevelSets, LevelSetTree, node_of, tree_with_regions
from core.worlds.suite import CASES

Rows = dict[int, int]
Values = dict[str, dict[tuple, tuple[float, float]]]
BANDS = ((-0.0, -2.0), (-2.0, -4.0), (-4.0, -8.0), (-8.0, -np.inf))


def values(tree: LevelSetTree, rows: Rows) -> Values:
    """Level and error of each mode's leaf and of the saddle of each two, logarithmic mass and its error."""
    leaves = {(mode,): (tree.level[row], tree.level_error[row]) for mode, row in rows.items()}
    masses = {
        (mode,): (np.log(tree.basin_mass[row]), tree.mass_error[row] / tree.basin_mass[row])
        for mode, row in rows.items()
    }
    saddles, seen = {}, set()
    for a, b in itertools.combinations(sorted(rows), 2):
        row = next(row for row in tree.path(rows[a]) if row in tree.path(rows[b]))
        if row not in seen:
            saddles[a, b] = tree.level[row], tree.level_error[row]
        seen.add(row)
    return {"leaf level": leaves, "saddle level": saddles, "log mass": masses}


def rows_of_labels(sets: LevelSets, z: np.ndarray, labels: np.ndarray) -> Rows:
    """The leaf of each label: the one most of whose points have it, where no other leaf's have."""
    at, found = node_of(sets, z), {}
    for leaf in sets.tree.leaves[np.isin(sets.tree.leaves, at)]:
        count = np.bincount(labels[at == leaf])
        found.setdefault(int(count.argmax()), []).append(int(leaf))
    return {label: leaves[0] for label, leaves in found.items() if len(leaves) == 1}


def report(name: str, differences: np.ndarray, errors: np.ndarray) -> None:
    """One line: how many, the median error, and the three ratios."""
    z = np.abs(differences / errors)[errors > 0]
    if len(z):
        ratios = np.sqrt(np.mean(z**2)), np.median(z) / 0.6745, np.quantile(z, 0.95) / 1.96
        typical = np.median(errors[errors > 0])
        print(f"  {name:28} {len(z):4} typical error {typical:.3f}; ratios " + " ".join(f"{r:.2f}" for r in ratios))


def bootstrap(name: str, base: GaussianMixture, points: int, repeats: int, anew: bool) -> None:
    """Refits of samples of `base`, from their own starts or from the truth, against their mean."""
    found: list[Values] = []
    for seed in range(repeats):
        z = base.sample(points, seed=1000 + seed)
        sets = tree_with_regions(refit(z, seed) if anew else _from_truth(base, z), points=points)
        leaves = node_of(sets, base.means)
        rows = {mode: int(row) for mode, row in enumerate(leaves) if row in sets.tree.leaves}
        found.append(values(sets.tree, {m: r for m, r in rows.items() if list(rows.values()).count(r) == 1}))
    print(f"{name}: {repeats} refits of {points} points")
    for kind in found[0]:
        keys = set.intersection(*(set(each[kind]) for each in found))
        pairs = np.array([[each[kind][key] for each in found] for key in sorted(keys)])
        off = (pairs[..., 0] - pairs[..., 0].mean(1, keepdims=True)) * np.sqrt(repeats / (repeats - 1))
        report(kind, off.ravel(), pairs[..., 1].ravel())


def _from_truth(base: GaussianMixture, z: np.ndarray) -> GaussianMixture:
    start = {"weights_init": base.weights, "means_init": base.means, "precisions_init": np.linalg.inv(base.covariances)}
    fit = Fit(len(base.weights), max_iter=300, tol=1e-6, **start).fit(z)
    return GaussianMixture(fit.weights_, fit.means_, fit.covariances_)


def trained(folder: Path) -> None:
    """Models of two seeds of each case that `folder` has, against each other and the planted tree."""
    between: dict[str, list[tuple[float, float, float]]] = {}
    planted: dict[str, list[tuple[float, float, float]]] = {}
    for case in CASES:
        paths = [folder / f"{case.name}-{seed}" for seed in (0, 1)]
        if case.kind == "crescents" or not all(path.is_dir() for path in paths):
            continue
        fresh = case.world.sample(case.name, 20_000, seed=999)
        models = []
        for model in map(core.load_model, paths):
            sets = tree_with_regions(model)
            rows = rows_of_labels(sets, model.encode(fresh.points)[0], fresh.labels)
            models.append(values(sets.tree, rows))
        sets = tree_with_regions(case.world.mixture, points=case.points)
        truth = values(sets.tree, rows_of_labels(sets, fresh.latent, fresh.labels))
        for kind, known in truth.items():
            a, b = (model[kind] for model in models)
            for key in set(known) & set(a) & set(b):
                level = known[key][0]
                between.setdefault(kind, []).append((a[key][0] - b[key][0], np.hypot(a[key][1], b[key][1]), level))
                planted.setdefault(kind, []).extend((x[key][0] - level, x[key][1], level) for x in (a, b))
    for title, found in (("two seeds", between), ("a model and what was planted", planted)):
        print(title)
        for kind, rows in found.items():
            off, error, level = np.array(rows).T
            report(kind, off, error)
            for high, low in BANDS if kind == "saddle level" else ():
                band = (level <= high) & (level > low)
                report(f"  {-high:g} to {-low:g} nats down", off[band], error[band])


def main() -> None:
    """The bootstrap, then the models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=None)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    world = next(case for case in CASES if case.name == "24-islands-6").world.mixture
    bootstrap("six Gaussians, from the truth", world, 4000, 60, anew=False)
    bootstrap("forty Gaussians, own starts", world, 8000, 12, anew=True)
    if arguments.models is not None:
        trained(arguments.models)


if __name__ == "__main__":
    main()
