"""Leaf pairs found by the published methods and by ours, on true trees whose pairs are known: a table.

    python tests/benchmarks/published.py [--seeds 0 1] [--only NAME ...] [--points 300]

Each planted mixture of the hard suite is matched with itself after a random affine map, its modes' weights changed by
15 % or so and their means moved by 0.15 deviations. 'whole': all modes on both sides; 'partial': each side has lost
30 % of its modes, chosen at random, and the rest of the weights fill its place. 'floor': the density is cut off 4 nats
under its peak, as in our merge depths. Precision and recall count all leaf pairs of a group together; 'all right' is
the share of tree pairs without a mistake. Nothing may be tuned on the final cases.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

import numpy as np

from core.gaussians.mixture import GaussianMixture
from core.match import MatchConfig, match_trees
from core.match.methods import METHODS as ROWS
from core.match.published import gromov_wasserstein
from core.tree import LevelSets, LevelSetTree, leaf_of, tree_with_regions
from core.worlds.suite import CASES, Case

Rows = Iterable[tuple[int, int]]
Truth = Collection[tuple[int, int]]
Method = Callable[[LevelSetTree, LevelSetTree], Rows]

PUBLISHED = {name: row.find for name, row in ROWS.items() if row.find is not None}

JITTER, LOST, FLOOR = 0.15, 0.3, 4.0


@dataclass(frozen=True)
class Score:
    """Leaf pairs: `right` of those `found`, and how many are `planted`; the seconds that finding them took."""

    right: int
    found: int
    planted: int
    seconds: float

    def __add__(self, other: "Score") -> "Score":
        return Score(*(x + y for x, y in zip(vars(self).values(), vars(other).values(), strict=True)))

    @property
    def perfect(self) -> bool:
        return self.right == self.found == self.planted


def score(
    method: Method, tree_a: LevelSetTree, tree_b: LevelSetTree, truth_pairs: Collection[tuple[int, int]]
) -> Score:
    """How well a method finds the `truth_pairs` (rows of leaves) of two trees; of its own pairs, leaf pairs count."""
    start = perf_counter()
    pairs = method(tree_a, tree_b)
    seconds = perf_counter() - start
    leaves_a, leaves_b = set(tree_a.leaves.tolist()), set(tree_b.leaves.tolist())
    found = {(i, j) for i, j in pairs if i in leaves_a or j in leaves_b}
    return Score(len(found & set(truth_pairs)), len(found), len(truth_pairs), seconds)


def ours(tree_a: LevelSetTree, tree_b: LevelSetTree, method: str = "leaf-distances") -> Rows:
    """The rows of the leaf pairs that `match_trees` finds."""
    pairs = match_trees(tree_a, tree_b, config=MatchConfig(method=method)).leaf_pairs
    return [(tree_a.row(pair.a), tree_b.row(pair.b)) for pair in pairs]


def published(tree_a: LevelSetTree, tree_b: LevelSetTree, method: str) -> Rows:
    """The rows of the pairs that a published method finds."""
    return PUBLISHED[method](tree_a, tree_b).pairs


def floored(tree_a: LevelSetTree, tree_b: LevelSetTree, method: str) -> Rows:
    """The same for trees of densities cut off `FLOOR` nats under the peak, as ours reads merge depths."""
    cut_a, cut_b = (replace(tree, level=np.maximum(tree.level, -FLOOR)) for tree in (tree_a, tree_b))
    return PUBLISHED[method](cut_a, cut_b).pairs


METHODS: dict[str, Method] = {
    "ours": ours,
    **{name: partial(published, method=name) for name in PUBLISHED},
    **{f"{name}, floor": partial(floored, method=name) for name in PUBLISHED if "gromov" not in name},
}


@dataclass(frozen=True, eq=False)
class Side:
    """A density whose modes are known: `mode` (c,) is the mode of each of its components."""

    density: GaussianMixture
    mode: np.ndarray
    sets: LevelSets

    @property
    def leaf_of_mode(self) -> dict[int, int]:
        """The row of the leaf of each mode; of several, of that with the most mass."""
        tree = self.sets.tree
        rows = tree.leaves[np.argsort(tree.basin_mass[tree.leaves])]
        modes = self.mode[self.density.log_components(tree.peak[rows]).argmax(axis=1)]
        return dict(zip(modes.tolist(), rows.tolist(), strict=True))

    def points(self, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """n points and the rows of their leaves."""
        points = self.density.sample(n, seed)
        return points, leaf_of(self.sets, points)


def side(density: GaussianMixture, mode: np.ndarray, kept: np.ndarray) -> Side:
    """What is left of a mixture where only some modes are kept."""
    stays = np.isin(mode, kept)
    weights = density.weights[stays]
    rest = GaussianMixture(weights / weights.sum(), density.means[stays], density.covariances[stays])
    return Side(rest, mode[stays], tree_with_regions(rest))


def planted(case: Case, lost: float, seed: int) -> tuple[Side, Side, set[tuple[int, int]]]:
    """A case's mixture, the same one moved and jittered, and the rows of the leaves of the same modes."""
    rng = np.random.default_rng([case.seed, seed, int(100 * lost)])
    world, modes = case.world, np.arange(case.modes)
    keep = case.modes - round(lost * case.modes)
    kept_a, kept_b = (np.sort(rng.choice(modes, keep, replace=False)) for _ in range(2))
    q, mode = world.mixture, world.modes
    deviation = np.sqrt(np.sqrt(np.linalg.det(q.covariances))).mean()
    weights = q.weights * np.exp(JITTER * rng.normal(size=case.modes))[mode]
    means = q.means + JITTER * deviation * rng.normal(size=(case.modes, 2))[mode]
    left, right = np.linalg.qr(rng.normal(size=(2, 2, 2)))[0]
    matrix = left @ np.diag(np.exp(rng.uniform(-0.4, 0.4, 2))) @ right
    other = GaussianMixture(weights / weights.sum(), means, q.covariances).transformed(matrix, rng.normal(size=2))
    a, b = side(q, mode, kept_a), side(other, mode, kept_b)
    truth = {(row, b.leaf_of_mode[m]) for m, row in a.leaf_of_mode.items() if m in b.leaf_of_mode}
    return a, b, truth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", default=[case.name for case in CASES])
    parser.add_argument("--points", type=int, default=300, help="points a side for Gromov-Wasserstein, 0 for none")
    options = parser.parse_args()
    scores: dict[tuple[str, str, str], list[Score]] = defaultdict(list)
    for case in (case for case in CASES if case.name in options.only):
        for seed, lost in ((seed, lost) for seed in options.seeds for lost in (0.0, LOST)):
            a, b, truth = planted(case, lost, seed)
            methods = dict(METHODS)
            if options.points:
                clouds = *a.points(options.points, seed), *b.points(options.points, seed + 1)
                methods["gromov-wasserstein"] = lambda _a, _b, clouds=clouds: gromov_wasserstein(*clouds).pairs
            for name, method in methods.items():
                key = "final" if case.final else "tuning", "partial" if lost else "whole", name
                scores[key].append(score(method, a.sets.tree, b.sets.tree, truth))
    columns = f"{'pairs':>6} {'precision':>9} {'recall':>6} {'all right':>9} {'s/pair':>6}"
    print(f"{'cases':7}{'trees':8}{'method':28}{columns}")
    for (cases, kind, name), every in sorted(scores.items(), key=lambda item: item[0][:2], reverse=True):
        total = sum(every[1:], every[0])
        print(
            f"{cases:8}{kind:9}{name:34}{len(every):5} {total.right / max(total.found, 1):9.3f} "
            f"{total.right / max(total.planted, 1):6.3f} {np.mean([s.perfect for s in every]):9.2f} "
            f"{total.seconds / len(every):7.3f}"
        )


if __name__ == "__main__":
    main()
