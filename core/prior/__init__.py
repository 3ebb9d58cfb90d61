"""Closed-form latent densities."""

from core.prior.mixture import GaussianMixture

__all__ = ["GaussianMixture"]
