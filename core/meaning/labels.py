"""Labels that travel: what A's labels say of B's points, by the map and by the matched leaves.

Each way gives every point of B shares over the classes. By the map they are the votes of A's labeled latents that lie
nearest once carried over, weighted by exp(-(d / d_k)^2), d_k the distance of the k-th; by the nodes they are the
classes of A's points in the leaf that is matched with the point's own. Nothing is said where neither way says anything:
in a leaf without a partner, and where no carried latent is near.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from core.errors import invalid
from core.maps.affine import LatentMap
from core.match.types import Matching
from core.tree.owners import leaves_of

__all__ = ["CarriedLabels", "LabelScore", "carry_labels", "score_labels"]

_VOTERS = 15
# A point is out of reach where its voters are so many times farther than carried latents are from each other.
_FAR, _USUAL = 3.0, 0.95


@dataclass(frozen=True, eq=False)
class CarriedLabels:
    """A's classes (numbers from 0, -1 for none) for n points of B.

    `by_map` and `by_nodes` (n,) are what each way says alone, `label` (n,) the class of the greatest mean share of the
    ways that say something, `confidence` (n,) that share (0 where nothing is said). `agree` (n,) says whether both ways
    speak and say the same.
    """

    label: np.ndarray
    confidence: np.ndarray
    by_map: np.ndarray
    by_nodes: np.ndarray
    agree: np.ndarray

    def __len__(self) -> int:
        return len(self.label)

    @property
    def spoken(self) -> int:
        """How many points have a label."""
        return int((self.label >= 0).sum())

    @property
    def agreement(self) -> float:
        """The share of the points with a label by both ways on which these agree; NaN where there is none."""
        both = (self.by_map >= 0) & (self.by_nodes >= 0)
        return float(self.agree[both].mean()) if both.any() else float("nan")


@dataclass(frozen=True, eq=False)
class LabelScore:
    """How carried labels stand to B's own, over the `rows` points that have both.

    `accuracy` is the share that is right, `by_class` (c,) the same among the points of each class (NaN where there are
    none), `counts` (c,) how many these are, `chance` the accuracy to expect of the same labels in random order.
    """

    rows: int
    accuracy: float
    chance: float
    by_class: np.ndarray
    counts: np.ndarray


def carry_labels(
    matching: Matching,
    carry: LatentMap | None,
    model_a: Any,
    model_b: Any,
    latents_a: np.ndarray,
    labels_a: np.ndarray,
    latents_b: np.ndarray,
) -> CarriedLabels:
    """What labels (n_a,) of A's latents (n_a, k_a) say of B's latents (n_b, k_b).

    `labels_a` are whole numbers, -1 where unknown; `carry` maps A's latents into B's, None leaves only the nodes to
    speak. `model_a` and `model_b` are the level sets that were matched, or the models. Raises `InputError` on arrays
    that do not fit.
    """
    latents_a, latents_b = (np.asarray(z, dtype=np.float64) for z in (latents_a, latents_b))
    labels_a = _classes("labels_a", labels_a, len(latents_a))
    count = int(labels_a.max(initial=-1)) + 1
    owners_a = leaves_of(model_a, matching.tree_a, latents_a)
    owners_b = leaves_of(model_b, matching.tree_b, latents_b)
    shares = [
        _by_map(carry, latents_a, labels_a, latents_b, count),
        _by_nodes(matching, owners_a, labels_a, owners_b, count),
    ]
    ways = [_decided(share) for share in shares]
    speaking = np.stack([way >= 0 for way in ways])
    mean = sum(shares) / np.maximum(speaking.sum(0), 1)[:, None]
    label = _decided(mean)
    confidence = mean.max(axis=1) if count else np.zeros(len(latents_b))
    agree = speaking.all(axis=0) & (ways[0] == ways[1])
    return CarriedLabels(label, np.where(label >= 0, confidence, 0.0), ways[0], ways[1], agree)


def score_labels(carried: CarriedLabels, labels_b: np.ndarray) -> LabelScore | None:
    """Carried labels set beside B's own (n,), whole numbers in the same numbering, -1 where unknown; None where no
    point has both. Raises `InputError` on another number of labels."""
    own = _classes("labels_b", labels_b, len(carried))
    both = (own >= 0) & (carried.label >= 0)
    if not both.any():
        return None
    own, label = own[both], carried.label[both]
    count = int(max(own.max(), label.max())) + 1
    counts = np.bincount(own, minlength=count)
    right = np.bincount(own[own == label], minlength=count)
    by_class = np.where(counts > 0, right / np.maximum(counts, 1), np.nan)
    chance = float(counts @ np.bincount(label, minlength=count)) / len(own) ** 2
    return LabelScore(len(own), float((own == label).mean()), chance, by_class, counts)


def _classes(name: str, labels: np.ndarray, length: int) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != (length,):
        raise invalid(name, f"one label a row ({length})", f"shape {labels.shape}", "give as many labels as latents")
    if labels.dtype.kind not in "iu":
        raise invalid(name, "whole numbers, -1 where unknown", labels.dtype, "number the classes from 0")
    return labels.astype(np.int64)


def _decided(shares: np.ndarray) -> np.ndarray:
    """(n,): the class of the greatest share in (n, c), -1 where all are zero."""
    if not shares.shape[1]:
        return np.full(len(shares), -1)
    return np.where(shares.max(axis=1) > 0, shares.argmax(axis=1), -1)


def _by_map(
    carry: LatentMap | None, latents_a: np.ndarray, labels_a: np.ndarray, latents_b: np.ndarray, count: int
) -> np.ndarray:
    """Shares (n_b, count) of the votes of the nearest carried latents; zero where these are far."""
    known = labels_a >= 0
    shares = np.zeros((len(latents_b), count))
    if carry is None or not known.any() or not len(latents_b):
        return shares
    carried, labels = carry(latents_a[known]), labels_a[known]
    voters = min(_VOTERS, len(carried))
    tree = KDTree(carried)
    away, near = (np.asarray(part).reshape(len(latents_b), voters) for part in tree.query(latents_b, voters))
    among = np.asarray(tree.query(carried, min(voters + 1, len(carried)))[0]).reshape(len(carried), -1)[:, -1]
    reached = away[:, -1] <= _FAR * np.quantile(among, _USUAL) if len(carried) > 1 else np.ones(len(away), bool)
    weight = np.exp(-((away / np.maximum(away[:, -1:], 1e-300)) ** 2)) * reached[:, None]
    np.add.at(shares, (np.arange(len(latents_b))[:, None], labels[near]), weight)
    return shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)


def _by_nodes(
    matching: Matching, owners_a: np.ndarray, labels_a: np.ndarray, owners_b: np.ndarray, count: int
) -> np.ndarray:
    """Shares (n_b, count) of the classes in the leaf of A that is matched with each point's; zero where none is."""
    shares = np.zeros((len(owners_b), count))
    for pair in matching.leaf_pairs:
        held = labels_a[(owners_a == matching.tree_a.row(pair.a)) & (labels_a >= 0)]
        if len(held):
            shares[owners_b == matching.tree_b.row(pair.b)] = np.bincount(held, minlength=count) / len(held)
    return shares
