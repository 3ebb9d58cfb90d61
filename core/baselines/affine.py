"""The affine map that carries paired latents best: the ceiling of every affine translator."""

import numpy as np

from core.baselines.types import Latents, Pairs
from core.maps.affine import AffineMap

__all__ = ["affine", "least_squares"]


def affine(source: Latents, target: Latents, pairs: Pairs | None, seed: int = 0) -> AffineMap:
    """The affine map of least squared error on the pairs, between any two dimensions.

    References: Maiorca, Moschella, Norelli, Fumero, Locatello and Rodolà 2023, "Latent space translation via semantic
    alignment", arXiv 2311.00664.
    """
    assert pairs is not None
    return least_squares(pairs.a, pairs.b)


def least_squares(a: np.ndarray, b: np.ndarray) -> AffineMap:
    """z -> M z + o that minimizes sum |M a_i + o - b_i|^2, for rows a_i (n, k_a) and b_i (n, k_b)."""
    center_a, center_b = a.mean(0), b.mean(0)
    matrix = np.linalg.lstsq(a - center_a, b - center_b, rcond=None)[0].T
    return AffineMap(matrix, center_b - matrix @ center_a)
