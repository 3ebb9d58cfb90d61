"""The uncertainty of a fitted map, from the scatter of the matched nodes, and the round-trip error of two maps.

The jackknife leaves out each node in turn. With T_(i) the map without node i and T their mean,
    Var T(z) = (n - 1) / n sum_i |T_(i)(z) - T(z)|^2   (Efron and Stein 1981, doi 10.1214/aos/1176345462).
"""

from dataclasses import dataclass

import numpy as np

from core.errors import InputError, invalid
from core.gaussians.procrustes import NodePairs, Step, square_root
from core.maps.affine import LatentMap
from core.maps.families import family_row
from core.maps.fit import agreeing_nodes, fit_nodes
from core.maps.tree_guided import TreeMap
from core.match.types import Matching

__all__ = ["MapUncertainty", "map_uncertainty", "round_trip"]

_STEPS = 20
_FEWEST = 4


@dataclass(frozen=True, eq=False)
class MapUncertainty:
    """The standard deviation of T(z) in B's latent units, as a callable that takes points (n, k_a) to (n,).

    It is the root mean squared distance of T(z) from its expectation. `matrices` (m, k_b, k_a) and `offsets` (m, k_b)
    are the affine maps without each of the m nodes. A tree-guided map `tree` follows every node and so also its error:
    near a node its `scatter` (m,) counts, the typical distance by which affine maps miss it.
    """

    matrices: np.ndarray
    offsets: np.ndarray
    tree: TreeMap | None
    scatter: np.ndarray

    def __call__(self, z: np.ndarray) -> np.ndarray:
        z = np.asarray(z, dtype=np.float64)
        images = z @ np.swapaxes(self.matrices, 1, 2) + self.offsets[:, None]
        count = len(images)
        variance = (count - 1) / count * ((images - images.mean(0)) ** 2).sum((0, 2))
        if self.tree is not None:
            responsibilities = self.tree.responsibilities(z)
            variance = (1 - responsibilities.sum(0)) * variance + self.scatter**2 @ responsibilities
        return np.sqrt(variance)


def map_uncertainty(matching: Matching, family: str = "affine") -> MapUncertainty:
    """The standard deviation of `fit_map(matching, family)` at any point, from the scatter of its nodes.

    Raises `InputError` if the map cannot be fitted, and for fewer than four nodes (k_a + 2 between different
    dimensions), which do not determine a scatter.
    """
    nodes = agreeing_nodes(matching, family)
    fitted = fit_nodes(nodes, family)
    needed = _FEWEST if fitted.dim_in == fitted.dim_out else max(_FEWEST, fitted.dim_in + 2)
    if len(nodes) < needed:
        raise InputError(
            f"how sure the map is takes {needed} matched nodes to tell, there are {len(nodes)}; match more."
        )
    matrices, offsets = _left_out(nodes, family_row(family).step, fitted.matrix)
    traces, k = np.trace(nodes.covariances_b, axis1=1, axis2=2), fitted.dim_out
    # W2^2 is the mean squared distance between the images of the affine map and of the piece over the leaf.
    free = 1 - fitted.matrix.size / (len(nodes) * k * (k + 3) / 2)
    pooled = (nodes.distances(fitted.matrix) / traces).mean() / free
    scatter = np.sqrt(pooled * traces)
    return MapUncertainty(matrices, offsets, fitted if isinstance(fitted, TreeMap) else None, scatter)


def round_trip(there: LatentMap, back: LatentMap, z: np.ndarray) -> float:
    """The mean Mahalanobis distance of back(there(z)) from z over points z (n, k_a), in deviations of these points.

    `back` is a map fitted in the other direction; the result is 0 if the two agree. Raises `InputError` if the
    dimensions do not agree or the points span no volume.
    """
    z = there.points(z)
    covariance = np.cov(z.T, ddof=0).reshape(z.shape[1], -1) if len(z) > 1 else np.zeros((z.shape[1],) * 2)
    if len(z) <= z.shape[1] or np.linalg.matrix_rank(covariance) < z.shape[1]:
        raise invalid("z", f"points that span {z.shape[1]} dimensions", f"{len(z)} that do not", "give more points")
    missed = (back @ there)(z) - z
    return float(np.linalg.norm(missed @ np.linalg.inv(square_root(covariance)), axis=1).mean())


def _left_out(nodes: NodePairs, step: Step, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The matrices (m, k_b, k_a) and offsets (m, k_b) without each of the m nodes: the alternating steps of
    `procrustes` for all of them at once, from the map of all nodes."""
    weights = np.tile(nodes.weights, (len(nodes), 1))
    np.fill_diagonal(weights, 0.0)
    weights /= weights.sum(1, keepdims=True)
    center_a, center_b = weights @ nodes.means_a, weights @ nodes.means_b
    away_a, away_b = nodes.means_a - center_a[:, None], nodes.means_b - center_b[:, None]
    weighted = weights[..., None] * away_a
    spread = np.swapaxes(weighted, 1, 2) @ away_a + np.tensordot(weights, nodes.covariances_a, 1)
    between = np.swapaxes(away_b, 1, 2) @ weighted
    matrices = np.tile(matrix, (len(nodes), 1, 1))
    for _ in range(_STEPS):
        left, _, right = np.linalg.svd(nodes.roots_b @ matrices[:, None] @ nodes.roots_a, full_matrices=False)
        within = nodes.roots_b @ left @ right @ nodes.roots_a
        matrices = step(between + np.einsum("hn,hnba->hba", weights, within), spread)
    return matrices, center_b - np.einsum("hba,ha->hb", matrices, center_a)
