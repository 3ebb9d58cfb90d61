"""Mapped labels: A's labels for B's points, by the map and by the matched leaves.

Either way gives every point of B shares over the classes. By the map these are the votes of A's nearest labeled latents
after mapping, weighted by exp(-(d / d_k)^2) with d_k the distance of the k-th. By the nodes these are the classes of
A's points in the leaf matched with the point's own. A point has no label if its leaf has no partner and no mapped
latent is near.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from core.errors import invalid
from core.maps.affine import LatentMap
from core.match.types import Matching
from core.tree.owners import leaves_of

__all__ = ["LabelScore", "MappedLabels", "map_labels", "score_labels"]

_VOTERS = 15
# A point has no vote if its voters are `_FAR` times farther away than mapped latents are from each other.
_FAR, _USUAL = 3.0, 0.95


@dataclass(frozen=True, eq=False)
class MappedLabels:
    """A's classes (numbers from 0, -1 for none) for n points of B.

    `by_map` and `by_nodes` (n,) are the classes that either way gives. `label` (n,) is the class of the greatest mean
    share over the ways that give one, `confidence` (n,) that share (0 without a label). `agree` (n,) says whether both
    ways give the same class.
    """

    label: np.ndarray
    confidence: np.ndarray
    by_map: np.ndarray
    by_nodes: np.ndarray
    agree: np.ndarray

    def __len__(self) -> int:
        return len(self.label)

    @property
    def labeled(self) -> int:
        """The number of points with a label."""
        return int((self.label >= 0).sum())

    @property
    def agreement(self) -> float:
        """The share of agreement among the points that both ways label; NaN if there are none."""
        both = (self.by_map >= 0) & (self.by_nodes >= 0)
        return float(self.agree[both].mean()) if both.any() else float("nan")


@dataclass(frozen=True, eq=False)
class LabelScore:
    """The agreement of mapped labels with B's own, over the `rows` points that have both.

    `accuracy` is the share of right labels, `by_class` (c,) that of each class (NaN for a class without points),
    `counts` (c,) the number of points of each class, and `chance` the expected accuracy of the same labels in random
    order.
    """

    rows: int
    accuracy: float
    chance: float
    by_class: np.ndarray
    counts: np.ndarray


def map_labels(
    matching: Matching,
    mapping: LatentMap | None,
    model_a: Any,
    model_b: Any,
    latents_a: np.ndarray,
    labels_a: np.ndarray,
    latents_b: np.ndarray,
) -> MappedLabels:
    """The labels (n_a,) of A's latents (n_a, k_a), mapped to B's latents (n_b, k_b).

    `labels_a` are whole numbers, -1 where unknown. `mapping` maps A's latents into B's; with None only the nodes count.
    `model_a` and `model_b` are the matched level sets, or the models. Raises `InputError` for arrays of wrong shape or
    type.
    """
    latents_a, latents_b = (np.asarray(z, dtype=np.float64) for z in (latents_a, latents_b))
    labels_a = _classes("labels_a", labels_a, len(latents_a))
    count = int(labels_a.max(initial=-1)) + 1
    owners_a = leaves_of(model_a, matching.tree_a, latents_a)
    owners_b = leaves_of(model_b, matching.tree_b, latents_b)
    shares = [
        _by_map(mapping, latents_a, labels_a, latents_b, count),
        _by_nodes(matching, owners_a, labels_a, owners_b, count),
    ]
    ways = [_decided(share) for share in shares]
    given = np.stack([way >= 0 for way in ways])
    mean = sum(shares) / np.maximum(given.sum(0), 1)[:, None]
    label = _decided(mean)
    confidence = mean.max(axis=1) if count else np.zeros(len(latents_b))
    agree = given.all(axis=0) & (ways[0] == ways[1])
    return MappedLabels(label, np.where(label >= 0, confidence, 0.0), ways[0], ways[1], agree)


def score_labels(mapped: MappedLabels, labels_b: np.ndarray) -> LabelScore | None:
    """The agreement of mapped labels with B's own (n,), which have the same numbers, -1 where unknown; None if no
    point has both. Raises `InputError` for another number of labels."""
    own = _classes("labels_b", labels_b, len(mapped))
    both = (own >= 0) & (mapped.label >= 0)
    if not both.any():
        return None
    own, label = own[both], mapped.label[both]
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
    """(n,): the class of the greatest share in (n, c), -1 if all shares are zero."""
    if not shares.shape[1]:
        return np.full(len(shares), -1)
    return np.where(shares.max(axis=1) > 0, shares.argmax(axis=1), -1)


def _by_map(
    mapping: LatentMap | None, latents_a: np.ndarray, labels_a: np.ndarray, latents_b: np.ndarray, count: int
) -> np.ndarray:
    """(n_b, count): the shares of the votes of the nearest mapped latents, zero where these are far."""
    known = labels_a >= 0
    shares = np.zeros((len(latents_b), count))
    if mapping is None or not known.any() or not len(latents_b):
        return shares
    mapped, labels = mapping(latents_a[known]), labels_a[known]
    voters = min(_VOTERS, len(mapped))
    tree = KDTree(mapped)
    distance, near = (np.asarray(part).reshape(len(latents_b), voters) for part in tree.query(latents_b, voters))
    among = np.asarray(tree.query(mapped, min(voters + 1, len(mapped)))[0]).reshape(len(mapped), -1)[:, -1]
    reached = distance[:, -1] <= _FAR * np.quantile(among, _USUAL) if len(mapped) > 1 else np.ones(len(distance), bool)
    weight = np.exp(-((distance / np.maximum(distance[:, -1:], 1e-300)) ** 2)) * reached[:, None]
    np.add.at(shares, (np.arange(len(latents_b))[:, None], labels[near]), weight)
    return shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)


def _by_nodes(
    matching: Matching, owners_a: np.ndarray, labels_a: np.ndarray, owners_b: np.ndarray, count: int
) -> np.ndarray:
    """(n_b, count): the shares of the classes in the leaf of A matched with each point's leaf, zero if there is
    none."""
    shares = np.zeros((len(owners_b), count))
    for pair in matching.leaf_pairs:
        classes = labels_a[(owners_a == matching.tree_a.row(pair.a)) & (labels_a >= 0)]
        if len(classes):
            shares[owners_b == matching.tree_b.row(pair.b)] = np.bincount(classes, minlength=count) / len(classes)
    return shares
