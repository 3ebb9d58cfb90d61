"""Every number that decides matches and verdicts, from pairs of trained models whose right matches are known.

    python tests/benchmarks/bank.py BANK --jobs 2                  planted worlds, two latent dimensions
    python tests/benchmarks/deep_bank.py DEEP --seeds 20 21 40     digit networks, nine latent dimensions
    python tests/benchmarks/calibrate.py features BANK DEEP        measures the pairs: tests/calibration/features.json
    python tests/benchmarks/calibrate.py fit                       writes core/match/calibration.json from the features
    python tests/benchmarks/calibrate.py judge                     says how the verdict does on pairs that nothing saw

Features are measured on pairs to fit and on pairs to judge by; `fit` sees the first alone. A match is right where no
leaf is matched to another than its own; rings of equal beads, other worlds and leaves pinned crosswise are wrong.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parent))
ROOT = Path(__file__).resolve().parents[2]
FEATURES, CALIBRATION = ROOT / "tests/calibration/features.json", ROOT / "core/match/calibration.json"
FITTED, AFTER = "fit", "judge after"
# The figures of a verdict's odds, and which way each may count.
FIGURES = {"evidence": 1, "score": 1, "support": 1, "instability": -1, "strain": -1, "disagreeing": -1, "against": -1}
# Numbers that are tried, one at a time, at these multiples. Leaves of one pair of models are right or wrong together:
# one is moved only where that wins more than the leaves of one pair.
SCALE = ("noise", "spread", "weight")
TRIED = {
    "plane": (
        *(("plane", "evidence", kind, of) for kind in ("distances", "mass", "height", "volume") for of in SCALE),
        *(("plane", name) for name in ("ways", "price", "margin")),
        *((name,) for name in ("misfit", "untested_misfit", "floor", "holes", "far")),
    ),
    "sampled": (
        *(("sampled", "evidence", kind, of) for kind in ("distances", "height", "volume") for of in SCALE),
        *(("map", name) for name in ("weight", "limit", "most", "room", "matched", "pseudo", "covariances")),
    ),
}  # fmt: skip
MULTIPLES, WORTH = (0.5, 0.7, 1.4, 2.0), 10

Links = set[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Judged:
    """Two models, their trees, and the pairs of leaf ids that are right."""

    name: str
    part: str
    kind: str
    models: tuple[Any, Any]
    trees: tuple[Any, Any]
    truth: Links


def planted(folder: Path) -> Iterator[Judged]:
    """Whole, partial, unrelated and symmetric pairs of a bank of planted worlds."""
    import bank

    for part, names in ((FITTED, (*bank.TUNING, *bank.FINAL)), ("judge", bank.JUDGED), (AFTER, bank.JUDGED_AFTER)):
        worlds = {name: {t.side.name.rsplit("-", 1)[1]: t for t in bank.load(folder, name)} for name in names}
        for name, sides in worlds.items():
            for x, y in (("a", "b"), ("pa", "pb"), ("a", "pb"), ("pa", "b")):
                if x in sides and y in sides:
                    kind = "whole" if (x, y) == ("a", "b") else "partial"
                    yield _of_bank(f"{name}:{x}-{y}", part, kind, sides[x], sides[y])
        for (name, sides), (other, others) in itertools.permutations(worlds.items(), 2):
            if "a" in sides and "b" in others:
                yield _of_bank(f"{name}-{other}", part, "unrelated", sides["a"], others["b"])
    for beads in bank.RINGS:
        ring = bank.load(folder, f"ring-{beads}")
        if len(ring) == 2:
            yield _of_bank(f"ring-{beads}", FITTED, "symmetric", *ring)


def _of_bank(name: str, part: str, kind: str, a: Any, b: Any) -> Judged:
    links = set()
    if kind in ("whole", "partial"):
        links = {(i, j) for i, mode in a.modes.items() for j, other in b.modes.items() if mode == other >= 0}
    return Judged(name, part, kind, (a.model, b.model), (a.sets.tree, b.sets.tree), links)


def networks(folder: Path) -> Iterator[Judged]:
    """Whole, partial and unrelated pairs of a bank of digit networks, both ways."""
    import core

    for place in sorted(path.parent for path in folder.glob("*/truth.json")):
        kind, seed, _ = place.name.split("-")
        classes = [{int(k): v for k, v in side.items()} for side in json.loads((place / "truth.json").read_text())]
        models = tuple(core.load_model(place / side) for side in "ab")
        trees = tuple(map(core.level_set_tree, models))
        links = {(i, j) for i, x in classes[0].items() for j, y in classes[1].items() if x == y}
        part = FITTED if int(seed) < 30 else "judge" if int(seed) < 50 else AFTER
        yield Judged(f"{place.name}:a-b", part, kind, models, trees, links)
        back = {(j, i) for i, j in links}
        yield Judged(f"{place.name}:b-a", part, kind, models[::-1], trees[::-1], back)


def measure(pair: Judged) -> dict[str, Any]:
    """What the verdict rests on, for the matching found and for two with leaves pinned crosswise; and the doubts
    about each pair of leaves."""
    import core
    from core.match import MatchConfig, judgment, matching
    from core.tree.regime import Regime, regime_of

    a, b = pair.trees
    regime = regime_of(a.dim, b.dim)
    found = core.match_trees(a, b)
    crossed = [] if len(pair.truth) < 2 else itertools.islice(itertools.combinations(sorted(pair.truth), 2), 2)
    rows = [_row(pair, found)]
    rows += [_row(pair, core.match_trees(a, b, [(i, m), (k, j)]), crossed=True) for (i, j), (k, m) in crossed]
    allowed = np.ones((len(a.leaves), len(b.leaves)), dtype=bool)
    solve = matching._solved_by_map if regime is Regime.SAMPLED and a.dim == b.dim else matching._solved_by_pairs
    problem, solutions, _ = solve(a, b, MatchConfig(), allowed, {})
    doubts, ids_b, leaves = judgment.regret_and_evidence(problem, solutions), b.ids(b.leaves), []
    for row, leaf in enumerate(a.ids(a.leaves)):
        to = solutions.found[0].partners[row]
        if to >= 0 and pair.kind != "symmetric":
            support = solutions.removal_costs[row] if solutions.removal_costs else None
            right = (leaf, ids_b[to]) in pair.truth
            leaves.append([*map(float, doubts[row]), None if support is None else float(support), right])
    return {"name": pair.name, "part": pair.part, "kind": pair.kind, "regime": str(regime), "rows": rows,
            "leaves": leaves}  # fmt: skip


def _row(pair: Judged, matching: Any, crossed: bool = False) -> dict[str, Any]:
    import core
    from core.match.explanations import changed
    from core.verdict.assess import figures

    try:
        fitted = core.fit_map(matching, "tree")
    except core.InputError:
        fitted = None
    links = {(p.a, p.b) for p in matching.leaf_pairs}
    found = figures(matching, fitted, *pair.models)
    kept = {name: round(found[name], 4) for name in FIGURES if name in found}
    return kept | {
        "rivals": [[round(r.cost - matching.cost, 4), changed(matching, r)] for r in matching.rivals],
        "tells": len(links) > 1,
        "mass": round(matching.matched_mass, 4),
        "right": bool(links <= pair.truth and len(links) > 1 and not crossed),
        "matched": len(links),
        "possible": len(pair.truth),
    }


def tried(pairs: list[Judged], regime: str) -> list[dict[str, Any]]:
    """For each number that is tried, at each multiple: right less wrong pairs of leaves over `pairs` of a regime."""
    shipped = json.loads(CALIBRATION.read_text("utf-8"))
    # Pairs of networks are there both ways, which says nearly the same.
    some = [p for p in pairs if p.part == FITTED and p.kind in ("whole", "partial") and not p.name.endswith(":b-a")]
    found: list[dict[str, Any]] = [{"number": None, "value": None, "won": _won(some, shipped)}]
    for number, multiple in itertools.product(TRIED[regime], (1.0, *MULTIPLES)):
        changed = json.loads(json.dumps(shipped))
        place, last = _place(changed, number)
        place[last] = round(place[last] * multiple, 6)
        won = found[0]["won"] if multiple == 1.0 else _won(some, changed)
        found.append({"number": number, "value": place[last], "won": won})
    return found


def _place(document: dict[str, Any], number: Any) -> tuple[dict[str, Any], str]:
    """The object that holds a number, and its key there."""
    *path, last = number
    for key in path:
        document = document[key]
    return document, last


def _won(pairs: list[Judged], document: dict[str, Any]) -> int:
    """Right less wrong pairs of leaves in the matchings under another calibration."""
    import core
    from core.match import by_map, explanations, judgment, matching, misfit, problem
    from core.match import calibration as shipped

    changed = shipped.read(document)
    users = [module for module in (by_map, explanations, judgment, misfit, problem) if hasattr(module, "calibration")]
    for module in users:
        module.calibration = lambda: changed
    for cached in (matching._problems, matching._free_by_map, matching._unconstrained, by_map._alignment):
        cached.cache_clear()
    won = 0
    for pair in pairs:
        links = {(p.a, p.b) for p in core.match_trees(*pair.trees).leaf_pairs}
        won += len(links & pair.truth) - len(links - pair.truth)
    for module in users:
        module.calibration = shipped.calibration
    return won


def fitted(features: dict[str, Any], shipped: dict[str, Any]) -> dict[str, Any]:
    """The calibration that the features call for. What is not fitted stays as in `shipped`."""
    document = json.loads(json.dumps(shipped))
    for tries in features["tried"].values():
        _moved(tries, document)
    pairs = [pair for pair in features["pairs"] if pair["part"] == FITTED]
    for regime in ("plane", "sampled"):
        own, place = [pair for pair in pairs if pair["regime"] == regime], document[regime]
        place["pair"] = _pair_odds(own)
        place["rival"] = _rival(own, place["margin"])
        place["verdict"] = _verdict_odds(own, place["rival"] * place["margin"], document["bounds"])
    sampled = [pair for pair in pairs if pair["regime"] == "sampled"]
    document["support"] |= _support_odds(sampled, document["support"]["most"])
    return document | {"data": f"tests/calibration/features.json: {len(pairs)} pairs", "written": features["written"]}


def _pair_odds(pairs: list[dict[str, Any]]) -> dict[str, float]:
    """The odds that a pair of leaves is right, from its regret and the matching's evidence."""
    rows = np.array([[*leaf[:2], leaf[3]] for pair in pairs for leaf in pair["leaves"]], dtype=float)
    bias, regret, evidence = _logistic(rows[:, :2], rows[:, 2], [(0, None), (0, None)])
    return {"bias": bias, "regret": regret, "evidence": evidence}


def _support_odds(pairs: list[dict[str, Any]], most: float) -> dict[str, float]:
    """The odds that a leaf is rightly matched at all, from what it brings against being left out."""
    # Of a whole pair every leaf has a partner, so that only partial ones can tell.
    leaves = [leaf for pair in pairs if pair["kind"] == "partial" for leaf in pair["leaves"] if leaf[2] is not None]
    rows = np.array([[np.clip(leaf[2], -most, most), leaf[3]] for leaf in leaves], dtype=float)
    bias, slope = _logistic(rows[:, :1], rows[:, 1], [(0, None)])
    return {"bias": bias, "support": slope}


def _logistic(values: np.ndarray, right: np.ndarray, bounds: list[Any]) -> list[float]:
    """Bias and slopes of a ridge logistic regression, the slopes within bounds."""
    sign = np.where(right > 0, 1.0, -1.0)

    def loss(odds: np.ndarray) -> float:
        return float(np.logaddexp(0, -sign * (odds[0] + values @ odds[1:])).sum() + 0.5 * (odds[1:] ** 2).sum())

    found = minimize(loss, np.zeros(values.shape[1] + 1), method="L-BFGS-B", bounds=[(None, None), *bounds])
    return [round(float(value), 2) for value in found.x]


def _rival(pairs: list[dict[str, Any]], margin: float) -> float:
    """How much chance moves the costs of two matchings against each other, as a share of the margin: what makes the
    right matchings among their rivals likeliest. Of equal beads the one found counts as wrong."""
    rows = [pair["rows"][0] for pair in pairs if pair["kind"] != "unrelated"]
    rows = [row for row in rows if row["rivals"] and row["tells"]]

    def loss(share: float) -> float:
        odds = np.array([_rival_odds(row["rivals"], share * margin) for row in rows])
        return float(np.where([row["right"] for row in rows], np.log1p(odds), np.log1p(odds) - np.log(odds)).sum())

    shares = np.round(np.arange(0.05, 0.501, 0.01), 2)
    return float(min(shares, key=loss))


def _verdict_odds(pairs: list[dict[str, Any]], rival: float, bounds: dict[str, Any]) -> dict[str, float]:
    """The odds that a match is wholly right, its rivals aside; right and wrong ones weigh alike."""
    rows = [row for pair in pairs for row in pair["rows"] if row["tells"]]
    values = np.array([[np.clip(row.get(name, 0.0), *bounds[name]) for name in FIGURES] for row in rows])
    right = np.array([row["right"] for row in rows])
    odds = np.array([_rival_odds(row["rivals"], rival) for row in rows])
    weight = np.where(right, 0.5 / right.mean(), 0.5 / (1 - right.mean()))

    def loss(slopes: np.ndarray) -> float:
        log_right = -np.logaddexp(0, -slopes[0] - values @ slopes[1:]) - np.log1p(odds)
        log_wrong = np.log1p(-np.minimum(np.exp(log_right), 1 - 1e-12))
        return float(-(weight * np.where(right, log_right, log_wrong)).sum() + 0.5 * (slopes[1:] ** 2).sum())

    ways = [(0, None) if way > 0 else (None, 0) for way in FIGURES.values()]
    found = minimize(loss, np.zeros(len(FIGURES) + 1), method="L-BFGS-B", bounds=[(None, None), *ways]).x
    return dict(zip(("bias", *FIGURES), (round(float(value), 2) + 0.0 for value in found), strict=True))


def _rival_odds(rivals: list[list[float]], scale: float) -> float:
    return sum(np.exp(-gap / (scale * changed**0.5)) for gap, changed in rivals)


def _moved(tries: list[dict[str, Any]], document: dict[str, Any]) -> None:
    """Set each number that was tried: to what it was, unless another value wins so many more pairs of leaves."""
    for number in dict.fromkeys(tuple(row["number"]) for row in tries if row["number"]):
        usual, *others = [row for row in tries if row["number"] == list(number)]
        best = max(others, key=lambda row: row["won"])
        place, last = _place(document, number)
        place[last] = (best if best["won"] >= usual["won"] + WORTH else usual)["value"]


def judged(features: dict[str, Any], part: str) -> None:
    """How the verdict does on the pairs of one part."""
    import core  # noqa: F401  (the calibration that is shipped)
    from core.match.calibration import calibration

    known = calibration()
    for regime, own in known.regimes.items():
        rows = [
            (pair, row, _probability(row, own, known))
            for pair in features["pairs"] if pair["part"] == part and pair["regime"] == regime
            for row in pair["rows"]
        ]  # fmt: skip
        right = [(pair, p) for pair, row, p in rows if row["right"]]
        refused = [f"{pair['name']} {p:.2f}" for pair, p in right if p < known.threshold]
        wrong = [(pair, row, p) for pair, row, p in rows if not row["right"]]
        passed = [f"{pair['name']} {p:.2f}" for pair, _, p in wrong if p >= known.threshold]
        print(f"{part}, {regime}: {len(right)} right, refused {len(refused)}: {refused}")
        print(f"    {len(wrong)} wrong, determined {len(passed)}: {passed}")
        whole = [p for pair, p in right if pair["kind"] == "whole"]
        print(f"    of {len(whole)} right whole pairs {sum(p < known.threshold for p in whole)} refused")


def _probability(row: dict[str, Any], own: Any, known: Any) -> float:
    told = own.verdict.bias + sum(
        slope * np.clip(row.get(name, 0.0), *known.bounds[name]) for name, slope in own.verdict.slopes.items()
    )
    chance = 1 / (1 + np.exp(-told))
    if not row["tells"] or row["mass"] < known.least_mass:
        chance = min(chance, 0.5)
    return float(chance / (1 + _rival_odds(row["rivals"], own.rival * own.margin)))


def main() -> None:
    """One of the three steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("features", "fit", "judge"))
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--date", default=date.today().isoformat())
    arguments = parser.parse_args()
    if arguments.step == "features":
        pairs = [*planted(arguments.folders[0]), *networks(arguments.folders[1])]
        found = {
            "written": arguments.date,
            "data": {part: sorted({p.name for p in pairs if p.part == part}) for part in (FITTED, "judge", AFTER)},
            "pairs": [measure(pair) for pair in pairs],
            "tried": {
                regime: tried([pair for pair in pairs if _regime(pair) == regime], regime) for regime in TRIED
            },
        }  # fmt: skip
        FEATURES.write_text(json.dumps(found, separators=(",", ":")), "utf-8")
        return
    features = json.loads(FEATURES.read_text("utf-8"))
    if arguments.step == "fit":
        document = fitted(features, json.loads(CALIBRATION.read_text("utf-8")))
        CALIBRATION.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    else:
        for part in (FITTED, "judge", AFTER):
            judged(features, part)


def _regime(pair: Judged) -> str:
    from core.tree.regime import regime_of

    return str(regime_of(*(tree.dim for tree in pair.trees)))


if __name__ == "__main__":
    main()
