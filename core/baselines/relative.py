"""Relative representations: a point is its cosines to anchors, and anchors that are paired make two spaces one.

With x^ = (x - c) / |x - c| and anchors a_1 ... a_m, the relative representation is r(x) = (x^ . a^_1, ..., x^ . a^_m).
No rotation, reflection, shift or change of scale changes it. Its inverse in another space is the direction whose
cosines to that space's anchors are nearest: y^ = A^+ r, with the pseudo-inverse of the table of their unit anchors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from core.baselines.types import Latents, Pairs
from core.errors import InputError, invalid
from core.maps.affine import AffineMap

__all__ = [
    "CHOICES",
    "Anchors",
    "DirectionMap",
    "choose_anchors",
    "relative",
    "relative_like",
    "relative_representation",
    "transfer_labels",
]

_ANCHORS = 300
_SMALL = 1e-6


@dataclass(frozen=True, eq=False)
class Anchors:
    """m anchors that stand for the same inputs in both spaces, `a` (m, k_a) and `b` (m, k_b), and the points that
    cosines are measured from, `center_a` (k_a,) and `center_b` (k_b,)."""

    a: np.ndarray
    b: np.ndarray
    center_a: np.ndarray
    center_b: np.ndarray

    def __len__(self) -> int:
        return len(self.a)

    def relative_a(self, points: np.ndarray) -> np.ndarray:
        """Relative representations (n, m) of points (n, k_a) of the first space."""
        return relative_representation(points, self.a, self.center_a)

    def relative_b(self, points: np.ndarray) -> np.ndarray:
        """Relative representations (n, m) of points (n, k_b) of the second space."""
        return relative_representation(points, self.b, self.center_b)


@dataclass(frozen=True, eq=False)
class DirectionMap:
    """z -> center_b + length u / |u| with u = matrix (z - center_a) / |z - center_a|: the lengths of A are forgotten.

    `matrix` (k_b, k_a), `center_a` (k_a,), `center_b` (k_b,).
    """

    matrix: np.ndarray
    center_a: np.ndarray
    center_b: np.ndarray
    length: float

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Images (n, k_b) of points (n, k_a). Raises `InputError` on another width."""
        z = _points(z, len(self.center_a))
        return self.center_b + self.length * _unit(_unit(z - self.center_a) @ self.matrix.T)


def relative_representation(points: np.ndarray, anchors: np.ndarray, center: np.ndarray) -> np.ndarray:
    """(n, m): the cosines between points (n, k) and anchors (m, k), seen from `center` (k,). A point at the center has
    none. Raises `InputError` on points of another width than the anchors.

    References: Moschella, Maiorca, Fumero, Norelli, Locatello and Rodolà 2023, "Relative representations enable
    zero-shot latent space communication", arXiv 2209.15430. There cosines are measured from the origin.

    >>> z, turn = np.random.default_rng(0).normal(size=(9, 2)), np.array([[0.0, -1.0], [1.0, 0.0]])
    >>> moved = 5 * z @ turn.T + 3
    >>> rows = [relative_representation(x, x[:3], x.mean(0)) for x in (z, moved)]
    >>> np.allclose(*rows)
    True
    """
    return _unit(_points(points, anchors.shape[1]) - center) @ _unit(anchors - center).T


def choose_anchors(pairs: Pairs, anchors: int = _ANCHORS, choice: str = "farthest", seed: int = 0) -> Anchors:
    """So many of the pairs as anchors, all of them where there are fewer; the centers are the means of all pairs.

    `choice` is 'random', or 'farthest' for directions that are as different as can be in both spaces. Raises
    `InputError` on a choice that is none and on fewer than two anchors.
    """
    if choice not in CHOICES:
        raise invalid("choice", "one of " + ", ".join(CHOICES), repr(choice), "choose one of these")
    if isinstance(anchors, bool) or not isinstance(anchors, (int, np.integer)) or anchors < 2:
        raise invalid("anchors", "a whole number of 2 or more", anchors, "take more of the pairs")
    center_a, center_b = pairs.a.mean(0), pairs.b.mean(0)
    both = np.hstack((_unit(pairs.a - center_a), _unit(pairs.b - center_b)))
    rows = CHOICES[choice](both, min(int(anchors), len(pairs)), np.random.default_rng(seed))
    return Anchors(pairs.a[rows], pairs.b[rows], center_a, center_b)


def relative(
    source: Latents,
    target: Latents,
    pairs: Pairs | None,
    seed: int = 0,
    anchors: int = _ANCHORS,
    choice: str = "farthest",
) -> DirectionMap:
    """The translator into B's own space by inverse relative projection: directions are carried, and every image lies as
    far from the center as B's anchors do on average, for what comes after is taken not to mind scale.

    One pseudo-inverse of all anchors that drops what they do not span stands here for the paper's mean over several
    subsets of them. Raises `InputError` where the anchors all lie at the center.

    References: Maiorca, Moschella, Fumero, Locatello and Rodolà 2024, "Latent space translation via inverse relative
    projection", arXiv 2406.15057.
    """
    assert pairs is not None
    chosen = choose_anchors(pairs, anchors, choice, seed)
    matrix, _, length_b = _projection(chosen)
    return DirectionMap(matrix, chosen.center_a, chosen.center_b, length_b)


def relative_like(
    source: Latents,
    target: Latents,
    pairs: Pairs | None,
    seed: int = 0,
    anchors: int = _ANCHORS,
    choice: str = "farthest",
) -> AffineMap:
    """The same with a point's length kept, in the ratio of the anchors' mean lengths: in few dimensions the length is
    much of what there is to know. The map is affine. Raises `InputError` where the anchors all lie at the center.

    References: as for `relative`, from which this differs.
    """
    assert pairs is not None
    chosen = choose_anchors(pairs, anchors, choice, seed)
    matrix, length_a, length_b = _projection(chosen)
    matrix = matrix * (length_b / length_a)
    return AffineMap(matrix, chosen.center_b - matrix @ chosen.center_a)


def transfer_labels(
    anchors: Anchors, points: np.ndarray, known: np.ndarray, labels: np.ndarray, neighbors: int = 1
) -> np.ndarray:
    """(n,): for points (n, k_a) of A the commonest of the `labels` (m,) of their nearest relative representations among
    points `known` (m, k_b) of B; of labels as common as each other the first.

    Raises `InputError` on points of other widths, on labels that are not one for each, and on no neighbors.
    """
    labels = np.asarray(labels)
    if labels.shape != (len(known),):
        raise invalid("labels", f"one per known point ({len(known)})", f"shape {labels.shape}", "label each point")
    if not 1 <= neighbors <= len(known):
        raise invalid("neighbors", f"from 1 to {len(known)}", neighbors, "choose another number")
    nearest = KDTree(anchors.relative_b(known)).query(anchors.relative_a(points), neighbors)[1]
    nearest = np.reshape(nearest, (len(points), neighbors))
    classes, at = np.unique(labels, return_inverse=True)
    votes = (at[nearest][..., None] == np.arange(len(classes))).sum(1)
    return classes[votes.argmax(1)]


def _projection(anchors: Anchors) -> tuple[np.ndarray, float, float]:
    """B^+ A (k_b, k_a) of the unit anchors of either space, and the anchors' mean lengths."""
    away_a, away_b = anchors.a - anchors.center_a, anchors.b - anchors.center_b
    length_a, length_b = (float(np.linalg.norm(away, axis=1).mean()) for away in (away_a, away_b))
    if min(length_a, length_b) == 0:
        raise InputError("the anchors all lie at the center of a latent space and have no directions; give others.")
    return np.linalg.pinv(_unit(away_b), rcond=_SMALL) @ _unit(away_a), length_a, length_b


def _random(directions: np.ndarray, m: int, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(len(directions))[:m]


def _farthest(directions: np.ndarray, m: int, rng: np.random.Generator) -> np.ndarray:
    """Rows (m,), each the farthest from those before it, the first at random."""
    rows = [int(rng.integers(len(directions)))]
    nearest = np.full(len(directions), np.inf)
    while len(rows) < m:
        nearest = np.minimum(nearest, ((directions - directions[rows[-1]]) ** 2).sum(1))
        nearest[rows] = -1.0
        rows.append(int(nearest.argmax()))
    return np.array(rows)


CHOICES: dict[str, Callable[[np.ndarray, int, np.random.Generator], np.ndarray]] = {
    "farthest": _farthest,
    "random": _random,
}


def _points(points: Any, width: int) -> np.ndarray:
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != width:
        raise invalid("z", f"of shape (n, {width})", points.shape, "give latents of the anchors' space")
    return points


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
