"""Gaussians in closed form: mixtures, and Procrustes analysis between pairs of Gaussians."""

from core.gaussians.mixture import GaussianMixture

__all__ = ["GaussianMixture"]
