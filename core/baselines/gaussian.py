"""The optimal transport map between the Gaussians of two clouds: linear, and in closed form."""

import numpy as np

from core.baselines.types import Latents, Pairs
from core.gaussians.procrustes import square_root
from core.maps.affine import AffineMap

__all__ = ["gaussian_transport", "monge_map"]


def gaussian_transport(source: Latents, target: Latents, pairs: Pairs | None = None, seed: int = 0) -> AffineMap:
    """The Monge map between the Gaussians that have the clouds' means and covariances.

    It is the least that fits both, and knows nothing of rotations: between whitened clouds it is a shift.
    """
    return monge_map(
        source.points.mean(0),
        np.atleast_2d(np.cov(source.points.T)),
        target.points.mean(0),
        np.atleast_2d(np.cov(target.points.T)),
    )


def monge_map(mean_a: np.ndarray, covariance_a: np.ndarray, mean_b: np.ndarray, covariance_b: np.ndarray) -> AffineMap:
    """The map that carries N(mean_a, covariance_a) to N(mean_b, covariance_b) at the least squared distance.

    Its matrix A^-1/2 (A^1/2 B A^1/2)^1/2 A^-1/2 is symmetric; means are (k,), covariances (k, k).

    References: Knott and Smith 1984, "On the optimal mapping of distributions"; Peyré and Cuturi 2019, "Computational
    optimal transport", arXiv 1803.00567, remark 2.31.
    """
    root = square_root(covariance_a)
    back = np.linalg.inv(root)
    matrix = back @ square_root(root @ covariance_b @ root) @ back
    return AffineMap(matrix, mean_b - matrix @ mean_a)
