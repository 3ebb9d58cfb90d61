"""How many answers a curator gives until a matching is right, by the order in which pairs are asked about.

    python tests/benchmarks/bank.py FOLDER --jobs 2
    python tests/benchmarks/curation.py FOLDER [--final] [--yes-or-no]

The curator knows the truth of two trees that were matched wrongly and is asked about one pair of leaves at a time: a
right one is pinned; of a wrong one the first leaf, else the second, is linked to its partner, or where neither has one
the pair is banned; the rest is matched anew. With --yes-or-no a wrong pair is only banned. Where all is asked and pairs
lack still, one of them, the heaviest, is linked by hand, which counts as an answer too. Orders: that of
`core.match.outlook`; the pairs of the present matching, the least confident first; these at random (median of five).
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import matching as planted
import numpy as np

import core
from core.match import Matching, outlook

_NOISE = {"basin_mass": 0.25, "level": 0.4, "basin_mean": 0.25, "basin_covariance": 0.3}


def noisy(final: bool) -> Iterator[planted.Planted]:
    """True trees of the suite, the second's leaves blurred: their masses and volumes by a factor, levels and means by a
    shift, several times what trained models differ by."""
    for pair in planted.from_true_trees(final):
        rng = np.random.default_rng(len(pair.name) + 100 * len(pair.b.leaves))
        tree, factor = pair.b, {key: np.exp(size * rng.normal(size=len(pair.b))) for key, size in _NOISE.items()}
        spread = np.sqrt(np.trace(tree.basin_covariance, axis1=1, axis2=2))[:, None]
        blurred = replace(
            tree,
            basin_mass=tree.basin_mass * factor["basin_mass"],
            level=tree.level + np.log(factor["level"]),
            basin_mean=tree.basin_mean + _NOISE["basin_mean"] * spread * rng.normal(size=tree.basin_mean.shape),
            basin_covariance=tree.basin_covariance * factor["basin_covariance"][:, None, None],
        )
        yield replace(pair, b=blurred, kind=pair.kind.replace("true", "noisy"))


Ask = Callable[[Matching, set[tuple[int, int]]], tuple[int, int] | None]
_MOST = 60
_SEEDS = 5


def suggested(matching: Matching, asked: set[tuple[int, int]]) -> tuple[int, int] | None:
    """The pair whose answer decides most, then the least confident."""
    wanted = ((s.a, s.b) for s in outlook(matching).suggestions)
    return next((pair for pair in wanted if pair not in asked), least_confident(matching, asked))


def least_confident(matching: Matching, asked: set[tuple[int, int]]) -> tuple[int, int] | None:
    """The pair of the matching with the least confidence."""
    left = [pair for pair in matching.leaf_pairs if (pair.a, pair.b) not in asked]
    first = min(left, key=lambda pair: (pair.confidence, pair.a), default=None)
    return None if first is None else (first.a, first.b)


def at_random(seed: int) -> Ask:
    """Any pair of the matching."""
    rng = np.random.default_rng(seed)

    def ask(matching: Matching, asked: set[tuple[int, int]]) -> tuple[int, int] | None:
        left = [(pair.a, pair.b) for pair in matching.leaf_pairs if (pair.a, pair.b) not in asked]
        return left[rng.integers(len(left))] if left else None

    return ask


def answers(pair: planted.Planted, ask: Ask, yes_or_no: bool = False) -> int:
    """The number of answers until the matching is right."""
    pins: list[tuple[int, int]] = []
    bans: list[tuple[int, int]] = []
    mass = dict(zip(pair.a.id.tolist(), pair.a.basin_mass.tolist(), strict=True))
    for count in range(_MOST):
        matching = core.match_trees(pair.a, pair.b, pins, bans)
        links = planted.found(matching)
        if links == pair.truth:
            return count
        question = ask(matching, {*pins, *bans})
        if question is None:
            question = max(pair.truth - links, key=lambda link: mass[link[0]])
        right = [link for end in (0, 1) for link in pair.truth if link[end] == question[end]]
        if question in pair.truth:
            pins.append(question)
        elif right and not yes_or_no:
            pins.append(right[0])
        else:
            bans.append(question)
    return _MOST


def main() -> None:
    """A line for each pair that was matched wrongly, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--final", action="store_true")
    parser.add_argument("--yes-or-no", action="store_true")
    arguments = parser.parse_args()
    names = planted.bank.FINAL if arguments.final else planted.bank.TUNING
    pairs = [
        *planted.from_true_trees(arguments.final),
        *noisy(arguments.final),
        *planted.trained(arguments.folder, names),
    ]
    rows = []
    print(f"{'pair':44} leaves  suggested  least sure  random")
    for pair in pairs:
        one_to_one = len({a for a, _ in pair.truth}) == len({b for _, b in pair.truth}) == len(pair.truth)
        if not pair.truth or not one_to_one or planted.found(core.match_trees(pair.a, pair.b)) == pair.truth:
            continue
        random = [answers(pair, at_random(seed), arguments.yes_or_no) for seed in range(_SEEDS)]
        ours, theirs = (answers(pair, order, arguments.yes_or_no) for order in (suggested, least_confident))
        rows.append((ours, theirs, float(np.median(random))))
        line = f"{pair.name[:30]:30} {pair.kind:13} {len(pair.a.leaves):7}" + "".join(f"{n:11.0f}" for n in rows[-1])
        print(line, flush=True)
    table = np.array(rows)
    print(f"{len(rows)} pairs; median" + "".join(f"{n:11.1f}" for n in np.median(table, axis=0)))
    print(f"{'':15} mean" + "".join(f"{n:11.2f}" for n in table.mean(axis=0)))


if __name__ == "__main__":
    main()
