"""How good a translator is: on true pairs, and without any."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from core.baselines.types import Latents, Pairs, Translator
from core.errors import need
from core.maps.affine import LatentMap
from core.maps.score import pair_free_score

__all__ = ["Merit", "explained_variance", "label_accuracy", "merit", "retrieval", "sliced_wasserstein"]

_PROJECTIONS = 100


@dataclass(frozen=True)
class Merit:
    """Figures of merit; None where there is nothing to measure one by.

    `r2` is the share of the variance of B's latents that the carried ones of A explain, `label_accuracy` the share of
    carried points whose nearest latent in B has their label, `retrieval` that of those whose nearest is their own.
    `score` is the pair-free score in nats (0 is perfect), `sliced_wasserstein` the distance between the carried cloud
    and B's, in units of B's space.
    """

    r2: float | None
    label_accuracy: float | None
    retrieval: float | None
    score: float | None
    sliced_wasserstein: float


def merit(carry: Translator, source: Latents, target: Latents, pairs: Pairs | None = None, seed: int = 0) -> Merit:
    """The figures of merit of a translator, on pairs that it was not fitted to."""
    paired: tuple[float | None, ...] = (None, None, None)
    if pairs is not None:
        images = carry(pairs.a)
        accuracy = None if pairs.labels is None else label_accuracy(images, pairs.b, pairs.labels)
        paired = (explained_variance(images, pairs.b), accuracy, retrieval(images, pairs.b))
    distance = sliced_wasserstein(carry(source.points), target.points, seed)
    return Merit(*paired, _score(carry, source, target, seed), distance)


def explained_variance(images: np.ndarray, truth: np.ndarray) -> float:
    """R^2 of `images` (n, k) as predictions of `truth` (n, k)."""
    return float(1 - ((images - truth) ** 2).sum() / ((truth - truth.mean(0)) ** 2).sum())


def label_accuracy(images: np.ndarray, truth: np.ndarray, labels: np.ndarray) -> float:
    """The share of `images` (n, k) whose nearest row of `truth` (n, k), their own left out, has their label (n,)."""
    own = np.arange(len(images))
    nearest = np.asarray(KDTree(truth).query(images, 2)[1])
    other = np.where(nearest[:, 0] == own, nearest[:, 1], nearest[:, 0])
    return float((labels[other] == labels).mean())


def retrieval(images: np.ndarray, truth: np.ndarray) -> float:
    """The share of `images` (n, k) whose nearest row of `truth` (n, k) is their own."""
    return float((KDTree(truth).query(images)[1] == np.arange(len(images))).mean())


def sliced_wasserstein(a: np.ndarray, b: np.ndarray, seed: int = 0) -> float:
    """The root of the mean squared Wasserstein-2 distance of two clouds (n, k) and (m, k) over 100 random directions.

    References: Bonneel, Rabin, Peyré and Pfister 2015, "Sliced and Radon Wasserstein barycenters of measures".
    """
    need("ot", "sliced_wasserstein")
    import ot

    return float(np.asarray(ot.sliced_wasserstein_distance(a, b, n_projections=_PROJECTIONS, seed=seed)))


def _score(carry: Translator, source: Latents, target: Latents, seed: int) -> float | None:
    known = source.model is not None and target.model is not None and source.dim == target.dim
    if not known or not isinstance(carry, LatentMap):
        return None
    assert source.model is not None
    assert target.model is not None
    score = pair_free_score(carry, source.model, target.model, seed=seed)
    return score if np.isfinite(score) else None
