"""Gaussians in closed form: mixtures, and the linear maps that best carry Gaussians onto Gaussians."""

from core.gaussians.mixture import GaussianMixture

__all__ = ["GaussianMixture"]
