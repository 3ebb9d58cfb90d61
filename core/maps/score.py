"""The pair-free score: how well a map T explains two densities, without any pair of points.

    S = E_A[log q_B(T z)] + log|det T'(z)| - E_A[log q_A(z)]
is minus the Kullback-Leibler divergence between q_A and q_B pulled back by T, in nats: 0 is perfect.
"""

from typing import Protocol

import numpy as np

from core.errors import InputError
from core.gaussians.mixture import GaussianMixture
from core.maps.affine import LatentMap

__all__ = ["HasPrior", "gains", "pair_free_score"]


class HasPrior(Protocol):
    """A model with a closed-form latent density."""

    @property
    def prior(self) -> GaussianMixture:
        """The latent density."""
        ...


def pair_free_score(fitted: LatentMap, model_a: HasPrior, model_b: HasPrior, n: int = 2000, seed: int = 0) -> float:
    """S of a map from A's latents to B's in nats: at most 0, up to the sampling error of n draws from A's prior.

    Raises `InputError` between latent spaces of different dimensions, for which S is not defined.
    """
    if fitted.dim_in != fitted.dim_out:
        raise InputError(
            f"the score compares latent spaces of one dimension, these have {fitted.dim_in} and {fitted.dim_out}."
        )
    return float(gains(fitted, model_a, model_b, model_a.prior.sample(n, seed)).mean())


def gains(fitted: LatentMap, model_a: HasPrior, model_b: HasPrior, z: np.ndarray) -> np.ndarray:
    """The terms whose mean is S: log q_B(T z) + log|det T'(z)| - log q_A(z) (n,) in nats, at points (n, k) of A."""
    images, stretch = fitted.with_log_det(z)
    return model_b.prior.log_density(images) + stretch - model_a.prior.log_density(z)
