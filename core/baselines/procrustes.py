"""The rotation or reflection, and shift, that carries paired latents best."""

import numpy as np

from core.baselines.types import Latents, Pairs
from core.maps.affine import AffineMap

__all__ = ["orthogonal_map", "polar_factor", "procrustes"]


def procrustes(source: Latents, target: Latents, pairs: Pairs | None, seed: int = 0) -> AffineMap:
    """The orthogonal map and shift of least squared error on the pairs.

    References: Schönemann 1966, "A generalized solution of the orthogonal Procrustes problem".
    """
    assert pairs is not None
    return orthogonal_map(pairs.a, pairs.b)


def orthogonal_map(a: np.ndarray, b: np.ndarray) -> AffineMap:
    """z -> Q z + o with Q orthogonal that minimizes sum |Q a_i + o - b_i|^2, for rows a_i (n, k) and b_i (n, k)."""
    center_a, center_b = a.mean(0), b.mean(0)
    turn = polar_factor((b - center_b).T @ (a - center_a))
    return AffineMap(turn, center_b - turn @ center_a, "orthogonal")


def polar_factor(matrix: np.ndarray) -> np.ndarray:
    """The orthogonal matrix (k, k) nearest to a square one."""
    left, _, right = np.linalg.svd(matrix)
    return left @ right
