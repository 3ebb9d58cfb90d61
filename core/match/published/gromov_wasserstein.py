"""Gromov-Wasserstein between samples of two densities: points go to points so that distances stay what they are."""

import numpy as np
from scipy.spatial.distance import cdist

from core.errors import need
from core.match.published.types import Published

__all__ = ["gromov_wasserstein"]


def gromov_wasserstein(
    points_a: np.ndarray, labels_a: np.ndarray, points_b: np.ndarray, labels_b: np.ndarray
) -> Published:
    """The Gromov-Wasserstein distance of two clouds (n, k), (m, l), and the leaves that send most to each other.

    `labels_a` (n,) and `labels_b` (m,) are rows of the leaves that the points belong to; two leaves are a pair where
    each sends more of the plan to the other than to any third. The clouds are whitened, for a latent space is known up
    to an affine map at best, and their mean distances set to one; points weigh alike. `distance` is the root of
    sum |d_ik - d'_jl|^2 P_ij P_kl, without unit. Two starts, the better of which counts: the product of the weights,
    and the transport between the points' sorted distances to all others (the paper's third lower bound). A local
    optimum: the problem is not convex. O((n + m)^3).

    References: Memoli 2011, "Gromov-Wasserstein distances and the metric approach to object matching", Foundations of
    Computational Mathematics 11; solved by Peyre, Cuturi, Solomon 2016, "Gromov-Wasserstein averaging of kernel and
    distance matrices", ICML, in POT.
    """
    need("ot", "gromov_wasserstein")
    import ot

    distance_a, distance_b = _distances(points_a), _distances(points_b)
    weight_a, weight_b = ot.unif(len(distance_a)), ot.unif(len(distance_b))
    profiles = np.asarray(ot.emd(weight_a, weight_b, _profile_costs(distance_a, distance_b)))
    plans = [
        np.asarray(ot.gromov.gromov_wasserstein(distance_a, distance_b, weight_a, weight_b, symmetric=True, G0=start))
        for start in (profiles, np.outer(weight_a, weight_b))
    ]
    best, plan = min(((_strain(distance_a, distance_b, plan), plan) for plan in plans), key=lambda found: found[0])
    return Published(_majority(plan, np.asarray(labels_a), np.asarray(labels_b)), float(np.sqrt(max(best, 0.0))))


def _strain(distance_a: np.ndarray, distance_b: np.ndarray, plan: np.ndarray) -> float:
    """sum |d_ik - d'_jl|^2 P_ij P_kl."""
    weight_a, weight_b = plan.sum(axis=1), plan.sum(axis=0)
    squares = weight_a @ distance_a**2 @ weight_a + weight_b @ distance_b**2 @ weight_b
    return float(squares - 2 * ((distance_a @ plan @ distance_b) * plan).sum())


def _distances(points: np.ndarray) -> np.ndarray:
    """(n, n): distances between whitened points, on average one."""
    centered = points - points.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(centered, rowvar=False).reshape(centered.shape[1], -1))
    turned = centered @ axes
    distance = cdist(turned / turned.std(axis=0), turned / turned.std(axis=0))
    return distance / distance.mean()


def _profile_costs(distance_a: np.ndarray, distance_b: np.ndarray) -> np.ndarray:
    """(n, m): squared Wasserstein distances between the points' distributions of distances."""
    shares = np.linspace(0, 1, min(len(distance_a), len(distance_b)))
    profile_a, profile_b = (np.quantile(distance, shares, axis=1).T for distance in (distance_a, distance_b))
    return cdist(profile_a, profile_b, "sqeuclidean") / len(shares)


def _majority(plan: np.ndarray, labels_a: np.ndarray, labels_b: np.ndarray) -> tuple[tuple[int, int], ...]:
    rows, of_a = np.unique(labels_a, return_inverse=True)
    columns, of_b = np.unique(labels_b, return_inverse=True)
    moved = np.zeros((len(rows), len(columns)))
    np.add.at(moved, (of_a[:, None], of_b[None, :]), plan)
    to_b, to_a = moved.argmax(axis=1), moved.argmax(axis=0)
    return tuple((int(rows[i]), int(columns[j])) for i, j in enumerate(to_b) if to_a[j] == i)
