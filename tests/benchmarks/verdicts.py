"""Does the verdict tell right maps from wrong ones, and how well do maps carry points without pairs?

    python tests/benchmarks/bank.py FOLDER --jobs 2
    python tests/benchmarks/verdicts.py FOLDER [--final]

Right maps come from pairs of models of one world, wrong ones from models of two worlds, and from right pairs of which a
person pinned two leaves crosswise. For the right ones R^2 of the affine and of the tree-guided map stands beside that
of the best affine map on true pairs of points, which none of ours has seen; labels are those of the planted modes.
"""

import argparse
import itertools
import time
from pathlib import Path

import bank
import numpy as np
from matching import found, truth

import core
from core.tree import leaf_of

N = 4000


def r2(image: np.ndarray, target: np.ndarray) -> float:
    """The share of the variance of `target` (n, k) that `image` explains."""
    return float(1 - ((image - target) ** 2).sum() / ((target - target.mean(0)) ** 2).sum())


def maps(a: bank.Trained, b: bank.Trained, matching: core.Matching) -> dict[str, float]:
    """Figures of the maps of a matching on true pairs of points, of the modes that both sides have."""
    common = np.intersect1d(a.side.kept, b.side.kept)
    plane = a.side.world.mixture.sample(N, seed=11)
    labels = a.side.kept[a.side.world.modes[a.side.world.mixture.log_components(plane).argmax(1)]]
    shared = np.isin(labels, common)
    plane, labels = plane[shared], labels[shared]
    z, y = (t.model.encode(t.side.seen(plane))[0].astype(float) for t in (a, b))
    design = np.column_stack((z, np.ones(len(z))))
    figures = {"best affine": r2(design @ np.linalg.lstsq(design, y, rcond=None)[0], y)}

    def labeled(points: np.ndarray) -> float:
        modes = np.array([b.modes[int(b.sets.tree.id[row])] for row in leaf_of(b.sets, points)])
        return float((modes == labels).mean())

    figures["ceiling"] = labeled(y)
    for family in ("affine", "tree"):
        image = core.fit_map(matching, family)(z)
        figures[family], figures[f"labels {family}"] = r2(image, y), labeled(image)
    return figures


def main() -> None:
    """The tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--final", action="store_true")
    arguments = parser.parse_args()
    names = bank.FINAL if arguments.final else bank.TUNING
    worlds = {name: {t.side.name.rsplit("-", 1)[1]: t for t in bank.load(arguments.folder, name)} for name in names}
    rows, table = [], []
    for name, sides in worlds.items():
        for x, y in (("a", "b"), ("pa", "pb"), ("a", "pb"), ("pa", "b")):
            if x not in sides or y not in sides:
                continue
            a, b = sides[x], sides[y]
            matching = core.match_trees(a.sets.tree, b.sets.tree)
            right = truth(a.modes, b.modes)
            if found(matching) <= right and len(matching.leaf_pairs) > 1:
                rows.append((f"{name}:{x}-{y}", True, judged(a, b, matching)))
                try:
                    table.append(maps(a, b, matching))
                except core.InputError as error:
                    print(f"{name}:{x}-{y:3} {error}")
                    continue
                figures = " ".join(f"{key} {value:.3f}" for key, value in table[-1].items())
                print(f"{name}:{x}-{y:3} {figures}", flush=True)
            elif len(matching.leaf_pairs) > 1:
                rows.append((f"{name}:{x}-{y}", False, judged(a, b, matching)))
            for (i, j), (k, m) in itertools.islice(itertools.combinations(sorted(right), 2), 2):
                crossed = core.match_trees(a.sets.tree, b.sets.tree, [(i, m), (k, j)])
                rows.append((f"{name}:{x}-{y} crossed", False, judged(a, b, crossed)))
    for (name, sides), (other, others) in itertools.permutations(worlds.items(), 2):
        if "a" in sides and "b" in others:
            matching = core.match_trees(sides["a"].sets.tree, others["b"].sets.tree)
            rows.append((f"{name}-{other}", False, judged(sides["a"], others["b"], matching)))
    medians = {key: np.median([figures[key] for figures in table]) for key in table[0]}
    print("medians: " + ", ".join(f"{key} {value:.3f}" for key, value in medians.items()))
    behind = np.median([figures["best affine"] - figures["affine"] for figures in table])
    print(
        f"affine behind the best affine by {behind:.3f} (median); labels by the tree-guided map "
        f"{np.median([f['labels tree'] / f['ceiling'] for f in table]):.3f} of the ceiling"
    )
    right = np.array([verdict.probability for _, good, verdict in rows if good])
    wrong = np.array([verdict.probability for _, good, verdict in rows if not good])
    above = (right[:, None] > wrong).mean() + 0.5 * (right[:, None] == wrong).mean()
    refused = [name for name, good, verdict in rows if good and not verdict.determined]
    passed = [name for name, good, verdict in rows if not good and verdict.determined]
    print(f"AUC {above:.3f} over {len(right)} right and {len(wrong)} wrong maps")
    print(f"right ones refused: {len(refused)} {refused}")
    print(f"wrong ones determined: {len(passed)} {passed}")


def judged(a: bank.Trained, b: bank.Trained, matching: core.Matching) -> core.Verdict | None:
    """The verdict on a matching and its affine map."""
    try:
        fitted = core.fit_map(matching, "affine")
    except core.InputError:
        fitted = None
    return core.assess(matching, fitted, a.model, b.model)


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.0f} s")
