"""How right matchings are, and whether they know: leaves of planted pairs, from trained models and from true trees.

    python tests/benchmarks/bank.py FOLDER --jobs 2
    python tests/benchmarks/matching.py FOLDER [--final] [--method leaf-distances ...] [--fit]

Without --final the tuning worlds count, on which weights, thresholds and odds were fixed. Same-world pairs are two
tangles of one world in spaces of their own; partial pairs lack three leaves in ten on either side; unrelated pairs are
models of two worlds, and rings of equal beads are symmetric: neither may be called determined. True trees are those of
the planted densities, the second moved by a random affine map. --fit prints the odds of the confidence anew.
"""

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bank
import numpy as np

import core
from core.gaussians.mixture import GaussianMixture
from core.match import MatchConfig, Matching
from core.match.judgment import doubts
from core.match.matching import _solved
from core.tree import LevelSetTree, node_of, tree_with_regions
from core.worlds.suite import CASES, Case

Links = set[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Planted:
    """Two trees and the pairs of leaf ids that are right; none where the worlds are others."""

    name: str
    kind: str
    a: LevelSetTree
    b: LevelSetTree
    truth: Links


def truth(a: dict[int, int], b: dict[int, int]) -> Links:
    """The pairs of leaves that hold the same planted mode."""
    return {(i, j) for i, mode in a.items() for j, other in b.items() if mode == other >= 0}


def trained(folder: Path, names: tuple[str, ...]) -> Iterator[Planted]:
    """Same-world, partial and unrelated pairs of a bank's models."""
    worlds = {name: {t.side.name.rsplit("-", 1)[1]: t for t in bank.load(folder, name)} for name in names}
    kinds = (("a", "b", "same"), ("pa", "pb", "partial"), ("a", "pb", "one-sided"), ("pa", "b", "one-sided"))
    for name, sides in worlds.items():
        for x, y, kind in kinds:
            if x in sides and y in sides:
                yield _planted(f"{name}:{x}-{y}", kind, sides[x], sides[y])
    for (name, sides), (other, others) in itertools.permutations(worlds.items(), 2):
        for x, y in itertools.product(("a", "pa"), ("b", "pb")):
            if x in sides and y in others:
                yield Planted(f"{name}:{x}-{other}:{y}", "unrelated", sides[x].sets.tree, others[y].sets.tree, set())
    for beads in bank.RINGS:
        ring = bank.load(folder, f"ring-{beads}")
        if len(ring) == 2:
            yield Planted(f"ring-{beads}", "symmetric", ring[0].sets.tree, ring[1].sets.tree, set())


def _planted(name: str, kind: str, a: bank.Trained, b: bank.Trained) -> Planted:
    return Planted(name, kind, a.sets.tree, b.sets.tree, truth(a.modes, b.modes))


def from_true_trees(final: bool) -> Iterator[Planted]:
    """Whole and partial pairs of the suite's planted densities."""
    for case in CASES:
        if case.final == final:
            rng = np.random.default_rng(case.seed)
            whole, shuffled = np.arange(case.modes), rng.permutation(case.modes)
            away = max(round(0.23 * case.modes), 1)
            parts = np.setdiff1d(whole, shuffled[:away]), np.setdiff1d(whole, shuffled[away : 2 * away])
            for kind, (ours, theirs) in {"true": (whole, whole), "true partial": parts}.items():
                (a, modes_a), (b, modes_b) = _true_tree(case, ours), _true_tree(case, theirs, rng)
                yield Planted(case.name, kind, a, b, truth(modes_a, modes_b))


def _true_tree(
    case: Case, kept: np.ndarray, rng: np.random.Generator | None = None
) -> tuple[LevelSetTree, dict[int, int]]:
    """The tree of the modes kept, perhaps under a random affine map, and the mode of each of its leaves."""
    rows = np.isin(case.world.modes, kept)
    whole = case.world.mixture
    density = GaussianMixture(
        whole.weights[rows] / whole.weights[rows].sum(), whole.means[rows], whole.covariances[rows]
    )
    if rng is not None:
        left, _, right = np.linalg.svd(rng.normal(size=(2, 2)))
        density = density.transformed(left @ np.diag(np.exp(rng.uniform(-0.5, 0.5, 2))) @ right, rng.normal(size=2))
    sets, points = tree_with_regions(density), density.sample(6000, seed=1)
    labels = case.world.modes[rows][density.log_components(points).argmax(1)]
    held = node_of(sets, points)
    modes = {int(sets.tree.id[row]): labels[held == row] for row in sets.tree.leaves}
    return sets.tree, {leaf: int(np.bincount(found).argmax()) if len(found) else -1 for leaf, found in modes.items()}


def found(matching: Matching) -> Links:
    """The matched pairs of leaves."""
    return {(pair.a, pair.b) for pair in matching.leaf_pairs}


def calibration(sure: np.ndarray, right: np.ndarray) -> float:
    """The expected calibration error over ten bins of confidence."""
    bins = np.minimum((10 * sure).astype(int), 9)
    return sum(abs(sure[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins))


def corrected(pair: Planted, most: int = 3) -> list[bool]:
    """Whether the matching is right after one, two, three corrections by hand: a pin of the heaviest right pair that it
    lacks, or where it lacks none a ban of a wrong one."""
    results, pins, bans = [], [], []
    mass = dict(zip(pair.a.id.tolist(), pair.a.basin_mass.tolist(), strict=True))
    links = found(core.match_trees(pair.a, pair.b))
    for _ in range(most):
        lacking, wrong = pair.truth - links, links - pair.truth
        if lacking:
            pins.append(max(lacking, key=lambda link: mass[link[0]]))
        elif wrong:
            bans.append(min(wrong))
        links = found(core.match_trees(pair.a, pair.b, pins, bans))
        results.append(links == pair.truth)
    return results


def table(pairs: list[Planted], config: MatchConfig) -> list[tuple[Planted, Matching]]:
    """A line for each kind of pair, and the pairs that are not wholly right."""
    results = [(pair, core.match_trees(pair.a, pair.b, config=config)) for pair in pairs]
    for kind in dict.fromkeys(pair.kind for pair in pairs):
        part = [(pair, matching) for pair, matching in results if pair.kind == kind]
        determined = sum(matching.determined for _, matching in part)
        if kind in ("unrelated", "symmetric"):
            print(f"  {kind:12} not determined {len(part) - determined} of {len(part)}")
            continue
        right = sum(len(found(matching) & pair.truth) for pair, matching in part)
        all_found, all_true = sum(len(found(m)) for _, m in part), sum(len(pair.truth) for pair, _ in part)
        whole = [matching.determined for pair, matching in part if found(matching) == pair.truth]
        wrong = [matching.determined for pair, matching in part if not found(matching) <= pair.truth]
        print(
            f"  {kind:12} precision {right / max(all_found, 1):.3f} recall {right / all_true:.3f}; whole {len(whole)} "
            f"of {len(part)}, of these determined {sum(whole)}; with a wrong leaf {len(wrong)}, determined {sum(wrong)}"
        )
        for pair, matching in part:
            if found(matching) != pair.truth:
                links = found(matching)
                print(
                    f"    {pair.name}: {len(links & pair.truth)} right, {len(links - pair.truth)} wrong of "
                    f"{len(pair.truth)}; cost {matching.cost:.2f}, determined {matching.determined}"
                )
    return results


def main() -> None:
    """The tables, then the calibration and the curve over pins."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--final", action="store_true")
    parser.add_argument("--method", nargs="*", default=["leaf-distances"])
    parser.add_argument("--fit", action="store_true")
    arguments = parser.parse_args()
    pairs = [*from_true_trees(arguments.final), *trained(arguments.folder, _names(arguments.final))]
    for method in arguments.method:
        print(method)
        results = table(pairs, MatchConfig(method=method))
    if "leaf-distances" in arguments.method:
        learned = [(pair, matching) for pair, matching in results if not pair.kind.startswith("true")]
        rows = [
            (leaf.confidence, (leaf.a, leaf.b) in pair.truth)
            for pair, matching in learned
            for leaf in matching.leaf_pairs
            if pair.kind != "symmetric"
        ]
        sure, right = np.array(rows, dtype=float).T
        print(
            f"confidence of {len(rows)} pairs of leaves, {right.mean():.2f} right: error {calibration(sure, right):.3f}"
        )
        failed = [pair for pair, m in learned if pair.truth and found(m) != pair.truth]
        if failed:
            curve = np.mean([corrected(pair) for pair in failed], axis=0)
            print(f"of {len(failed)} pairs not wholly right, right after one, two, three corrections: {curve.round(2)}")
    if arguments.fit:
        _fit_odds(learned)


def _names(final: bool) -> tuple[str, ...]:
    return bank.FINAL if final else bank.TUNING


def _fit_odds(results: list[tuple[Planted, Matching]]) -> None:
    """The odds of the confidence from each pair's regret and the matching's evidence."""
    from sklearn.linear_model import LogisticRegression

    rows = []
    for pair, matching in results:
        if pair.kind != "symmetric":
            problem, solutions, _ = _solved(pair.a, pair.b, MatchConfig(), (), ())
            places = pair.a.leaves.tolist()
            for leaf, features in zip(pair.a.ids(places), doubts(problem, solutions), strict=True):
                image = [j for i, j in found(matching) if i == leaf]
                rows += [(*features, (leaf, j) in pair.truth) for j in image]
    values = np.array(rows, dtype=float)

    model = LogisticRegression().fit(values[:, :2], values[:, 2])
    print("odds", model.intercept_.round(3), model.coef_.round(3))


if __name__ == "__main__":
    main()
