"""Pruning of a mixture: without the components that its points do not support.

Pairs that differ least are merged, a few at a time, and the rest is fitted anew; of all the mixtures on the way to a
single Gaussian the one of the shortest description is kept.
"""

from collections.abc import Iterable

import numpy as np

from core.gaussians.mixture import GaussianMixture

__all__ = ["description_length", "pruned", "refitted", "shortest"]

_STEP = 0.1
_ROUNDS = 8
_GIVE_UP = 4
_FLOOR = 1e-6
_STRONG = 5.0
# Nats a point below which a round of expectation maximization changes nothing.
_STILL = 1e-9


def description_length(parameters: int, points: int) -> float:
    """What a part of so many `parameters` must gain to be worth having, in nats a point: half the logarithm of the
    number of points for each parameter.

    References: Schwarz 1978, "Estimating the dimension of a model".

    >>> round(description_length(6, 16_000), 4)
    0.0018
    """
    return 0.5 * parameters * float(np.log(points)) / points


def pruned(density: GaussianMixture, z: np.ndarray, points: int, shared: float = 0.0) -> GaussianMixture:
    """The mixture with as few components as latents `z` (n, k), a sample of `points` points, support.

    Each covariance counts `shared` points of the average one beside its own: few points leave some directions empty.

    References: Runnalls 2007, "Kullback-Leibler approach to Gaussian mixture reduction", for the pairs; Figueiredo and
    Jain 2002, "Unsupervised learning of finite mixture models", for going down from too many.
    """
    price = _price(density, points)
    best, shortest, failed = density, _length(density, z, price), 0
    while len(density.weights) > 1 and failed < _GIVE_UP:
        for _ in range(max(1, int(_STEP * len(density.weights)))):
            density = _with_merged_pair(density)
        density = refitted(density, z, _ROUNDS, shared)
        length = _length(density, z, price)
        failed = 0 if length < shortest else failed + 1
        if length < shortest:
            best, shortest = density, length
    return best


def shortest(starts: Iterable[GaussianMixture], z: np.ndarray) -> GaussianMixture:
    """Of the mixtures that some are `pruned` to by latents (n, k) the one of the shortest description; of those that
    are within five nats of it the one with the fewest components.

    References: Kass & Raftery 1995, "Bayes factors", for what five nats say: strong evidence, not more.
    """
    found = [pruned(start, z, len(z), z.shape[1] + 1) for start in starts]
    lengths = [_length(density, z, _price(density, len(z))) for density in found]
    good = [at for at, length in enumerate(lengths) if length <= min(lengths) + _STRONG / len(z)]
    return found[min(good, key=lambda at: (len(found[at].weights), lengths[at]))]


def _price(density: GaussianMixture, points: int) -> float:
    """Nats a point that a component must gain."""
    return description_length(1 + density.dim + density.dim * (density.dim + 1) // 2, points)


def _length(density: GaussianMixture, z: np.ndarray, price: float) -> float:
    return price * len(density.weights) - float(density.log_density(z).mean())


def _with_merged_pair(q: GaussianMixture) -> GaussianMixture:
    """The two components whose merging can change the density least, replaced by one of the same moments.

    The change is at most B = ((w_i + w_j) log|S_ij| - w_i log|S_i| - w_j log|S_j|) / 2.
    """
    i, j = np.triu_indices(len(q.weights), 1)
    weight = q.weights[i] + q.weights[j]
    share = (q.weights[i] / weight)[:, None]
    away = q.means[i] - q.means[j]
    spread = (share * (1 - share))[..., None] * away[:, :, None] * away[:, None]
    covariance = share[..., None] * q.covariances[i] + (1 - share)[..., None] * q.covariances[j] + spread
    size = q.weights * np.linalg.slogdet(q.covariances)[1]
    at = int((weight * np.linalg.slogdet(covariance)[1] - size[i] - size[j]).argmin())
    rest = np.delete(np.arange(len(q.weights)), [i[at], j[at]])
    mean = share[at] * q.means[i[at]] + (1 - share[at]) * q.means[j[at]]
    return GaussianMixture(
        np.append(q.weights[rest], weight[at]),
        np.vstack([q.means[rest], mean]),
        np.concatenate([q.covariances[rest], covariance[at][None]]),
    )


def refitted(
    q: GaussianMixture, z: np.ndarray, rounds: int, shared: float = 0.0, gain: float = _STILL
) -> GaussianMixture:
    """The mixture after so many rounds of expectation maximization on latents (n, k), or fewer once one gains less
    than `gain` nats a point. A component that holds next to no points is let go, but the heaviest.

    References: Dempster, Laird, Rubin 1977, "Maximum likelihood from incomplete data via the EM algorithm".
    """
    level = -np.inf
    for _ in range(rounds):
        logs = q.log_components(z)
        likelihood = np.logaddexp.reduce(logs, axis=1)
        if likelihood.mean() - level < gain:
            break
        level = float(likelihood.mean())
        q = _maximized(np.exp(logs - likelihood[:, None]), z, shared)
    return q


def _maximized(share: np.ndarray, z: np.ndarray, shared: float) -> GaussianMixture:
    """The mixture whose components hold these shares (n, c) of latents (n, k)."""
    dim, held = z.shape[1], share.sum(axis=0)
    kept = (held > dim + 1) | (held == held.max())
    share, held = share[:, kept], held[kept]
    means = (share.T @ z) / held[:, None]
    squares = (share.T[:, None] * z.T) @ z / held[:, None, None]
    covariances = squares - means[:, :, None] * means[:, None] + _FLOOR * z.var() * np.eye(dim)
    if shared:
        average = np.tensordot(held / held.sum(), covariances, 1)
        covariances = (held[:, None, None] * covariances + shared * average) / (held + shared)[:, None, None]
    return GaussianMixture(held / held.sum(), means, covariances)
