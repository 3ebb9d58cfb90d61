"""Digit networks aligned without pairs: classes matched, labels carried, networks stitched; beside other translators.

    PYTHONPATH=. OMP_NUM_THREADS=1 python tests/benchmarks/digits.py --seeds 20 21 22 --jobs 2
    ... --unrelated      pairs of which nothing should be told
    ... --missing        pairs of which either side, or the second, is shown fewer classes
    ... --anchors FILE   the pairs of an earlier run (its --out) that failed, again with 1, 3 and 10 anchors

Each network's activations are of the half that it learned from, so that networks of different halves share no input.
Stitched ones are judged on the inputs that A's network did not learn from.
"""

import argparse
import itertools
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.spatial import KDTree

sys.path.insert(0, str(Path(__file__).parent))
from digit_networks import KINDS, STRANGERS, Network, images, labels, pair, stranger, trained

from core.aligner import TopologyAligner
from core.baselines import Latents, Pairs, Translator, rebasin, translate
from core.baselines.stitching import stitch_on_task
from core.meaning import leaves_of, map_labels, score_labels

METHODS = ("gromov-wasserstein", "mini-vec2vec-like", "wasserstein-procrustes")
ANCHORS = (10, 50, 300)
CLASSES = (50, 300)
NAMES = (
    *METHODS,
    *(f"relative-{count}" for count in ANCHORS),
    *(f"latent-translation-{count}" for count in CLASSES),
    "git-rebasin",
    "stitching",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[20, 21, 22])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--unrelated", action="store_true")
    parser.add_argument("--missing", action="store_true")
    parser.add_argument("--anchors", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.anchors:
        return _anchored([json.loads(line) for line in arguments.anchors.read_text("utf-8").splitlines()])
    kind = "unrelated" if arguments.unrelated else "missing" if arguments.missing else "related"
    jobs, run, tell = {
        "related": (_related, _pair, _told),
        "unrelated": (_unrelated, _strangers, _told_unrelated),
        "missing": (_lacking, _partial, _told_partial),
    }[kind]
    rows = []
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for found in pool.map(run, jobs(arguments.seeds)):
            rows += found
            for row in found:
                print(json.dumps(row), flush=True)
    if arguments.out:
        arguments.out.write_text("\n".join(map(json.dumps, rows)) + "\n", "utf-8")
    tell(rows)


def _related(seeds: list[int]) -> list[tuple[int, int, int]]:
    return [(seed, i, j) for seed in seeds for i, j in itertools.combinations(range(4), 2)]


def _pair(job: tuple[int, int, int]) -> list[dict[str, Any]]:
    """Both directions of one pair of networks."""
    torch.set_num_threads(1)
    seed, i, j = job
    a, b = pair(seed, i, j)
    began = time.monotonic()
    aligner = TopologyAligner(seed=0).fit(a.activations(a.rows), b.activations(b.rows))
    seconds = time.monotonic() - began
    back = _turned(aligner)
    return [
        {"seed": seed, "a": x.name, "b": y.name, "k": one.model_a_.latent_dim, "seconds": round(seconds, 1)}
        | _judged(one, x, y) | _others(one, x, y)
        for one, x, y in ((aligner, a, b), (back, b, a))
    ]  # fmt: skip


def _turned(aligner: TopologyAligner) -> TopologyAligner:
    """The aligner of the same two models from B to A, matched anew."""
    turned = TopologyAligner(seed=0)
    for one, other in (("a", "b"), ("b", "a")):
        for name in ("preparation", "model", "tree"):
            setattr(turned, f"{name}_{one}_", getattr(aligner, f"{name}_{other}_"))
    turned.n_features_in_ = len(turned.preparation_a_.mean)
    return turned.rematch()


def _classes(aligner: TopologyAligner, network: Network, side: str, rows: np.ndarray | None = None) -> dict[int, int]:
    """The digit that most of each leaf's points are, of the rows that its network learned from or of others."""
    rows = network.rows if rows is None else rows
    tree, model = getattr(aligner, f"tree_{side}_"), getattr(aligner, f"model_{side}_")
    latents = getattr(aligner, f"encode_{side}")(network.activations(rows))
    owners, y = leaves_of(model, tree, latents), labels()[rows]
    return {
        int(tree.id[row]): int(np.bincount(y[owners == row], minlength=10).argmax())
        for row in tree.leaves if (owners == row).any()
    }  # fmt: skip


def _judged(aligner: TopologyAligner, a: Network, b: Network) -> dict[str, Any]:
    of_a, of_b = _classes(aligner, a, "a"), _classes(aligner, b, "b")
    pairs = aligner.matching_.leaf_pairs
    right = {of_a.get(p.a) for p in pairs if of_a.get(p.a) == of_b.get(p.b)} - {None}
    y, test = labels(), _unseen(a)
    found: dict[str, Any] = {
        "leaves": [len(aligner.tree_a_.leaves), len(aligner.tree_b_.leaves)],
        "classes_matched": len(right),
        "wrong": sum(of_a.get(p.a) != of_b.get(p.b) for p in pairs),
        "determined": aligner.verdict_.determined,
        "probability": round(aligner.verdict_.probability, 3),
        "reasons": list(aligner.verdict_.reasons),
        "converged": [model.metrics["verdict"]["converged"] for model in (aligner.model_a_, aligner.model_b_)],
        "why": [model.metrics["verdict"]["reasons"] for model in (aligner.model_a_, aligner.model_b_)],
        "b_alone": round(float((b.classes(b.activations(test)) == y[test]).mean()), 4),
    }
    if aligner.map_ is None:
        return found | {"labels": 0.0, "stitched": 0.0, "score": None}
    carried = map_labels(
        aligner.matching_, aligner.map_, aligner.model_a_, aligner.model_b_,
        aligner.encode_a(a.activations(a.rows)), y[a.rows], aligner.encode_b(b.activations(b.rows)),
    )  # fmt: skip
    scored = score_labels(carried, y[b.rows])
    share = 0.0 if scored is None else scored.accuracy * scored.rows / len(b.rows)
    stitched = b.classes(aligner.transform(a.activations(test)))
    return found | {
        "labels": round(share, 4),
        "stitched": round(float((stitched == y[test]).mean()), 4),
        "score": round(aligner.score(), 3),
    }


def _unseen(a: Network) -> np.ndarray:
    """The rows that A did not learn from."""
    return np.setdiff1d(np.arange(len(labels())), a.rows)


def _others(aligner: TopologyAligner, a: Network, b: Network) -> dict[str, Any]:
    """The other translators: label transfer by the nearest of B's, and stitched accuracy. Those of latents get ours;
    Git Re-Basin, where the networks are of one kind, and the stitching layer, the upper bound, get the networks."""
    latents_a, latents_b = aligner.encode_a(a.activations(a.rows)), aligner.encode_b(b.activations(b.rows))
    source, target = Latents(latents_a, aligner.model_a_), Latents(latents_b, aligner.model_b_)
    rng = np.random.default_rng(0)

    def drawn(count: int) -> Pairs:
        rows = rng.choice(len(labels()), count, replace=False)
        sides = aligner.encode_a(a.activations(rows)), aligner.encode_b(b.activations(rows))
        return Pairs(*sides, labels=labels()[rows])

    ways: list[tuple[str, str, Pairs | None]] = [(name, name, None) for name in METHODS]
    ways += [("relative", f"relative-{count}", drawn(count)) for count in ANCHORS]
    ways += [("latent-translation", f"latent-translation-{count}", drawn(count)) for count in CLASSES]
    found: dict[str, Any] = {}
    for method, name, pairs in ways:
        try:
            carry = translate(method, source, target, pairs, 0)
        except Exception as error:
            found |= {f"{name}:labels": 0.0, f"{name}:stitched": 0.0, f"{name}:error": str(error)}
            continue
        found |= _measured(name, _between_activations(aligner, carry), aligner, a, b)
    if a.name[:3] == b.name[:3]:
        found |= _measured("git-rebasin", _reordered(a, b), aligner, a, b)
    layer = stitch_on_task(a.front, b.front, b.back, images()[a.rows], labels()[a.rows])
    return found | _measured("stitching", layer, aligner, a, b)


def _between_activations(aligner: TopologyAligner, carry: Translator) -> Translator:
    def carried(activations: np.ndarray) -> np.ndarray:
        return aligner.preparation_b_.inverse(aligner.model_b_.decode(carry(aligner.encode_a(activations))))

    return carried


def _reordered(a: Network, b: Network) -> Translator:
    """A's units in the places that weight matching gives them in B."""
    # The networks of images begin by giving them a channel, which has no units.
    begin = 1 if a.name.startswith("cnn") else 0
    whole = [torch.nn.Sequential(*x.front[begin:], *x.back) for x in (a, b)]
    *_, order = rebasin.weight_matching(*whole).orders.values()
    return lambda activations: activations[:, np.argsort(order)]


def _measured(name: str, carry: Translator, aligner: TopologyAligner, a: Network, b: Network) -> dict[str, Any]:
    """A map from A's activations to B's by the labels of neighbors in B's latent space, and by what B's last layer
    makes of inputs that A did not learn from."""
    y, test = labels(), _unseen(a)
    carried = aligner.encode_b(carry(a.activations(a.rows)))
    near = KDTree(carried).query(aligner.encode_b(b.activations(b.rows)))[1]
    stitched = b.classes(carry(a.activations(test)))
    return {
        f"{name}:labels": round(float((y[a.rows][near] == y[b.rows]).mean()), 4),
        f"{name}:stitched": round(float((stitched == y[test]).mean()), 4),
    }


def _told(rows: list[dict[str, Any]]) -> None:
    print(f"\n{len(rows)} ordered pairs")
    whole = np.mean([row["classes_matched"] == 10 for row in rows])
    print(f"all ten classes matched in {whole:.1%}; determined {np.mean([row['determined'] for row in rows]):.1%}")
    print(f"{'':<26}{'pairs':>5}{'labels: median':>16}{'worst':>8}{'stitched / own: median':>26}{'worst':>8}")
    for name in ("", *(f"{name}:" for name in NAMES)):
        there = [row for row in rows if f"{name}labels" in row]
        carried = np.array([row[f"{name}labels"] for row in there])
        share = np.array([row[f"{name}stitched"] / row["b_alone"] for row in there])
        told = f"{np.median(carried):>16.3f}{carried.min():>8.3f}{np.median(share):>26.3f}{share.min():>8.3f}"
        print(f"{name.rstrip(':') or 'ours':<26}{len(there):>5}{told}")
    low = [row for row in rows if row["labels"] < 0.8]
    print(f"{len(low)} pairs under 0.8, of them {sum(row['determined'] for row in low)} called determined")


def _anchored(rows: list[dict[str, Any]]) -> None:
    """Pairs in which not all classes were matched, with anchors drawn at random: how many are then."""
    names = [f"{kind}-{half}" for kind, half in KINDS]
    failed = [row for row in rows if row["classes_matched"] < 10]
    print(f"{len(failed)} of {len(rows)} pairs failed")
    for seed, i, j in sorted({(r["seed"], *sorted((names.index(r["a"]), names.index(r["b"])))) for r in failed}):
        networks = pair(seed, i, j)
        aligner = TopologyAligner(seed=0).fit(*(network.activations(network.rows) for network in networks))
        for one, (a, b) in ((aligner, networks), (_turned(aligner), networks[::-1])):
            if not any((r["seed"], r["a"], r["b"]) == (seed, a.name, b.name) for r in failed):
                continue
            for count in (0, 1, 3, 10):
                for draw in range(5 if count else 1):
                    inputs = np.random.default_rng([seed, draw]).choice(len(labels()), count, replace=False)
                    given = (a.activations(inputs), b.activations(inputs)) if count else ()
                    found = _judged(one.rematch(*given), a, b)
                    kept = ("classes_matched", "wrong", "determined", "labels", "stitched")
                    told = {name: found[name] for name in kept}
                    print(json.dumps({"seed": seed, "a": a.name, "b": b.name, "anchors": count, "draw": draw} | told))


def _unrelated(seeds: list[int]) -> list[tuple[int, int]]:
    return [(seed, number) for seed in seeds for number in range(len(STRANGERS) + 1)]


def _strangers(job: tuple[int, int]) -> list[dict[str, Any]]:
    """A stranger, or a blob, and two of the four networks, both ways."""
    torch.set_num_threads(1)
    seed, number = job
    if number == len(STRANGERS):
        name, table = "blob", np.random.default_rng(seed).normal(size=(898, 64))
    else:
        strange = stranger(seed, number)
        name, table = strange.name, strange.activations(strange.rows)
    found = []
    for kind, half in (KINDS[number % 4], KINDS[(number + 2) % 4]):
        other = trained(kind, half, seed)
        aligner = TopologyAligner(seed=0).fit(table, other.activations(other.rows))
        for one, names in ((aligner, (name, other.name)), (_turned(aligner), (other.name, name))):
            found.append({
                "seed": seed, "a": names[0], "b": names[1], "determined": one.verdict_.determined,
                "leaves": [len(one.tree_a_.leaves), len(one.tree_b_.leaves)],
                "probability": round(one.verdict_.probability, 3), "reasons": list(one.verdict_.reasons),
            })  # fmt: skip
    return found


def _lacking(seeds: list[int]) -> list[tuple[int, int, int, tuple[int, int]]]:
    pairs, counts = ((0, 3), (1, 2), (0, 1)), ((1, 1), (2, 2), (0, 3))
    return [(seed, i, j, missing) for seed in seeds for missing in counts for i, j in pairs]


def _partial(job: tuple[int, int, int, tuple[int, int]]) -> list[dict[str, Any]]:
    """Both directions of one pair, of which each side is not shown so many classes, others than the other side."""
    torch.set_num_threads(1)
    seed, i, j, missing = job
    a, b = pair(seed, i, j)
    order = np.random.default_rng([seed, i, j]).permutation(10)
    absent = order[: missing[0]], order[missing[0] : sum(missing)]
    rows = [x.rows[~np.isin(labels()[x.rows], gone)] for x, gone in zip((a, b), absent, strict=True)]
    aligner = TopologyAligner(seed=0).fit(a.activations(rows[0]), b.activations(rows[1]))
    known = np.flatnonzero(~np.isin(labels(), np.concatenate(absent)))
    found = []
    for one, sides in ((aligner, ((a, rows[0]), (b, rows[1]))), (_turned(aligner), ((b, rows[1]), (a, rows[0])))):
        of_a, of_b = (_classes(one, x, side, kept) for side, (x, kept) in zip("ab", sides, strict=True))
        possible = len({*of_a.values()} & {*of_b.values()})
        told = {"right": _right(one, of_a, of_b), "matched": len(one.matching_.leaf_pairs), "possible": possible}
        told |= {"determined": one.verdict_.determined, "anchored": []}
        for draw in range(3 if told["right"] < possible else 0):
            inputs = np.random.default_rng([seed, i, j, draw]).choice(known, 3, replace=False)
            one.rematch(*(x.activations(inputs) for x, _ in sides))
            told["anchored"].append(_right(one, of_a, of_b))
        found.append({"seed": seed, "a": sides[0][0].name, "b": sides[1][0].name, "missing": missing} | told)
    return found


def _right(aligner: TopologyAligner, of_a: dict[int, int], of_b: dict[int, int]) -> int:
    return sum(of_a.get(p.a) == of_b.get(p.b) for p in aligner.matching_.leaf_pairs)


def _told_partial(rows: list[dict[str, Any]]) -> None:
    for missing in sorted({tuple(row["missing"]) for row in rows}):
        some = [row for row in rows if tuple(row["missing"]) == missing]
        right, matched, possible = (sum(row[name] for row in some) for name in ("right", "matched", "possible"))
        sure = [row for row in some if row["determined"]]
        whole = sum(row["right"] == row["possible"] for row in sure)
        spoiled = sum(row["right"] < row["matched"] for row in sure)
        print(
            f"{missing} classes missing: of {possible} pairs {right} found, {matched - right} others; {len(sure)} of "
            f"{len(some)} determined, of these {whole} with all that both know, {spoiled} with a wrong pair"
        )
        draws = [(row["right"] / row["possible"], n / row["possible"]) for row in some for n in row["anchored"]]
        if draws:
            before, after = np.transpose(draws)
            print(
                f"  the rest with 3 anchors, {len(draws)} draws: found {before.mean():.2f} before, {after.mean():.2f} "
                f"after; all that both know in {np.mean(after == 1):.2f}"
            )


def _told_unrelated(rows: list[dict[str, Any]]) -> None:
    wrong = sum(row["determined"] for row in rows)
    print(f"\n{len(rows)} pairs of unrelated networks: {wrong} called determined")


if __name__ == "__main__":
    main()
