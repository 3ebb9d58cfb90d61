"""mini-vec2vec: anchors matched by how they resemble each other, pseudo-pairs, Procrustes, refinement.

Points are centered and put on the unit sphere. Clusters of either cloud are matched by a quadratic assignment of their
similarities, many times. A point's similarities to all matched anchors are its profile, which needs no common basis:
points of like profiles make pseudo-pairs, and these a rotation, which is refined with the neighbors of the points that
it carries over, and with clusters.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import quadratic_assignment
from scipy.spatial import KDTree
from sklearn.cluster import KMeans

from core.baselines.procrustes import polar_factor
from core.baselines.types import Latents, Pairs
from core.maps.affine import AffineMap

__all__ = ["matched_anchors", "mini_vec2vec", "mini_vec2vec_like"]

_POINTS = 3000
_RUNS, _CLUSTERS, _SEARCHES = 12, 16, 20
_NEIGHBORS = 50
_ROUNDS, _BATCH = 75, 1000
_FINE_CLUSTERS = 200
_SMOOTHING = 0.5

Place = Callable[[np.ndarray], np.ndarray]


def mini_vec2vec(source: Latents, target: Latents, pairs: Pairs | None = None, seed: int = 0) -> AffineMap:
    """The rotation found in three stages, with fewer clusters and runs than the paper's, whose spaces have hundreds of
    dimensions.

    References: Dar 2025, "mini-vec2vec: scaling universal geometry alignment with linear transformations", arXiv
    2510.02348.
    """
    return _aligned(source, target, _unit, np.random.default_rng(seed))


def mini_vec2vec_like(source: Latents, target: Latents, pairs: Pairs | None = None, seed: int = 0) -> AffineMap:
    """The same without the unit sphere, and with inner products for cosines: in few dimensions the length of a point
    is much of what there is to know.

    References: as for `mini_vec2vec`, from which this differs.
    """
    return _aligned(source, target, np.asarray, np.random.default_rng(seed))


def _aligned(source: Latents, target: Latents, place: Place, rng: np.random.Generator) -> AffineMap:
    """The rotation between centered clouds, after `place` (n, k) -> (n, k) has put their points where they count."""
    center_a, center_b = source.points.mean(0), target.points.mean(0)
    a, b = place(source.some(_POINTS, rng) - center_a), place(target.some(_POINTS, rng) - center_b)
    turn = _first(a, b, place, rng)
    neighbors = KDTree(b)
    for _ in range(_ROUNDS):
        some = a[rng.permutation(len(a))[:_BATCH]]
        turn = _mixed(turn, some, _mean_of_nearest(neighbors, b, some @ turn.T))
    clusters = min(_FINE_CLUSTERS, len(a), len(b))
    centers_a = _centers(a, clusters, rng)
    centers_b = _centers(b, clusters, rng, centers_a @ turn.T)
    turn = _mixed(turn, centers_a, centers_b)
    return AffineMap(turn, center_b - turn @ center_a, "orthogonal")


def _first(a: np.ndarray, b: np.ndarray, place: Place, rng: np.random.Generator) -> np.ndarray:
    """The rotation of the first pseudo-pairs: every point of A with the mean of the points of B of like profiles."""
    anchors = [matched_anchors(a, b, rng) for _ in range(_RUNS)]
    profiles_a = place(a @ place(np.concatenate([pair[0] for pair in anchors])).T)
    profiles_b = place(b @ place(np.concatenate([pair[1] for pair in anchors])).T)
    images = _mean_of_nearest(KDTree(profiles_b), b, profiles_a)
    return polar_factor(images.T @ a)


def matched_anchors(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Centers (c, k) of clusters of points (n, k) and (m, k), the second in the order of the first: the best of many
    searches for the order that makes the centered inner products of the centers agree."""
    clusters = min(_CLUSTERS, len(a), len(b))
    centers_a, centers_b = _centers(a, clusters, rng), _centers(b, clusters, rng)
    inner_a, inner_b = (x @ x.T for x in (centers_a - centers_a.mean(0), centers_b - centers_b.mean(0)))
    options = {"maximize": True, "rng": rng}
    searches = (quadratic_assignment(inner_a, inner_b, "2opt", options) for _ in range(_SEARCHES))
    return centers_a, centers_b[max(searches, key=lambda found: found.fun).col_ind]


def _centers(points: np.ndarray, clusters: int, rng: np.random.Generator, start: Any = "k-means++") -> np.ndarray:
    seed = int(rng.integers(2**31))
    return KMeans(clusters, init=start, random_state=seed).fit(points).cluster_centers_


def _mean_of_nearest(tree: KDTree, values: np.ndarray, queries: np.ndarray) -> np.ndarray:
    nearest = tree.query(queries, min(_NEIGHBORS, len(values)))[1]
    return values[nearest].mean(1)


def _mixed(turn: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Half the present rotation, half the one of the new pseudo-pairs, made orthogonal again."""
    return polar_factor((1 - _SMOOTHING) * turn + _SMOOTHING * polar_factor(b.T @ a))


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
