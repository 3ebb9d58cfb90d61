"""Ridges in the plane: mixtures of narrow Gaussians along a skeleton, spaced at about their own deviation.

Nodes at equal steps of one deviation along the tangent sum to a ridge whose ripple is 2 exp(-2 pi^2) of its height:
none that could be measured.
"""

import numpy as np

from core.prior.mixture import GaussianMixture

__all__ = ["ridge"]


def ridge(
    places: np.ndarray, tangents: np.ndarray, weights: np.ndarray, along: float | np.ndarray, across: float
) -> GaussianMixture:
    """The mixture of Gaussians at `places` (c, 2), of deviation `along` their unit `tangents` (c, 2) and `across`."""
    outer = tangents[:, :, None] * tangents[:, None, :]
    shapes = across**2 * np.eye(2) + (np.broadcast_to(along, len(places))[:, None, None] ** 2 - across**2) * outer
    return GaussianMixture(weights / weights.sum(), places, shapes)
