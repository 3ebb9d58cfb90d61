"""How far noise dimensions are from what a flow auto-encoder promises: independent of the latents and of one another.

What a smooth function of some coordinates explains of another coordinate, or of its square, on points that the function
was not fitted to: 0 where they are independent, 1 where one follows from the other.
"""

import numpy as np

__all__ = ["dependence", "explained", "normality_gap"]

_FEATURES = 60
_RIDGE = 1e-3
_MOST_TARGETS = 16


def dependence(latent: np.ndarray, noise: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """The largest share of a noise dimension's variance, or its square's, that the latents (n, k) explain, and that the
    other noise dimensions explain, for noise (n, m); 0 where there is nothing to explain.

    Of more than 16 noise dimensions, the 16 that look least normal are tried as targets.
    """
    if not noise.shape[1]:
        return 0.0, 0.0
    noise = (noise - noise.mean(0)) / np.maximum(noise.std(0), 1e-12)
    odd = np.argsort(-np.abs((noise**4).mean(0) - 3))[:_MOST_TARGETS]
    by_latent = explained(latent, _moments(noise[:, odd]), seed).max()
    if noise.shape[1] == 1:
        return float(by_latent), 0.0
    among = [explained(np.delete(noise, j, axis=1), _moments(noise[:, [j]]), seed).max() for j in odd]
    return float(by_latent), float(max(among))


def explained(by: np.ndarray, targets: np.ndarray, seed: int = 0) -> np.ndarray:
    """(t,): the share of the variance of each target (n, t) that a smooth function of `by` (n, k) explains on the half
    of the points that it was not fitted to; at least 0.

    Ridge regression on random Fourier features (Rahimi and Recht 2007) of three lengths, beside a linear term.
    """
    rng = np.random.default_rng(seed)
    by = (by - by.mean(0)) / np.maximum(by.std(0), 1e-12)
    n, k = by.shape
    length = np.repeat([0.4, 1.0, 2.5], _FEATURES // 3) * np.sqrt(k)
    waves = by @ (rng.normal(size=(k, _FEATURES)) / length) + rng.uniform(0, 2 * np.pi, _FEATURES)
    features = np.concatenate((np.ones((n, 1)), by, np.cos(waves)), axis=1)
    order = rng.permutation(n)
    fit, test = order[: n // 2], order[n // 2 :]
    gram = features[fit].T @ features[fit] / len(fit) + _RIDGE * np.eye(features.shape[1])
    weights = np.linalg.solve(gram, features[fit].T @ targets[fit] / len(fit))
    left = ((targets[test] - features[test] @ weights) ** 2).mean(0)
    whole = ((targets[test] - targets[fit].mean(0)) ** 2).mean(0)
    return np.maximum(1 - left / np.maximum(whole, 1e-12), 0.0)


def normality_gap(noise: np.ndarray) -> float:
    """The largest distance between the distribution of a noise dimension (n, m) and the normal one (Kolmogorov and
    Smirnov's: the largest difference of the two cumulative distributions)."""
    from scipy.stats import kstest

    scaled = (noise - noise.mean(0)) / np.maximum(noise.std(0), 1e-12)
    return float(max((kstest(column, "norm").statistic for column in scaled.T), default=0.0))


def _moments(noise: np.ndarray) -> np.ndarray:
    """Standard coordinates and their squares, side by side, tails cut so that no single point decides."""
    clipped = np.clip(noise, -4, 4)
    return np.concatenate((clipped, clipped**2), axis=1)
