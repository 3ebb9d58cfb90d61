"""Gromov-Wasserstein: the coupling of two clouds under which distances within them agree, and the affine map it gives.

No basis and no common dimension is needed, but the problem is not convex: it is solved from several starts, and a good
value is no proof of the right coupling.
"""

import warnings

import numpy as np
from scipy.spatial.distance import cdist

from core.baselines.affine import least_squares
from core.baselines.transport import exact_coupling, squared_distances
from core.baselines.types import Latents, Pairs
from core.errors import InputError, need
from core.maps.affine import AffineMap

__all__ = ["gromov_coupling", "gromov_wasserstein"]

_POINTS = 400
_RANDOM_STARTS = 6
_ROUNDS = 500
_QUANTILES = 64
_MIXED = 8


def gromov_wasserstein(source: Latents, target: Latents, pairs: Pairs | None = None, seed: int = 0) -> AffineMap:
    """The affine map that fits the coupling of at most 400 points a side best.

    Raises `InputError` where no start converges.

    References: Mémoli 2011, "Gromov-Wasserstein distances and the metric approach to object matching"; Vayer, Chapel,
    Flamary, Tavenard and Courty 2019, "Optimal transport for structured data", arXiv 1805.09114 (the solver, of POT).
    """
    rng = np.random.default_rng(seed)
    n = min(_POINTS, len(source.points), len(target.points))
    a, b = source.some(n, rng), target.some(n, rng)
    coupling, _ = gromov_coupling(cdist(a, a), cdist(b, b), rng)
    return least_squares(a, n * coupling @ b)


def gromov_coupling(
    distances_a: np.ndarray, distances_b: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """The best coupling (n, n) of two uniform metric measure spaces found, and its value: the mean squared difference
    of distances.

    The starts are the independent coupling, the one that fits each point's quantiles of distances best (Mémoli's third
    lower bound), and random ones. Raises `InputError` where no start converges.
    """
    need("ot", "gromov-wasserstein")
    import ot

    n = len(distances_a)
    levels = np.linspace(0, 1, _QUANTILES)
    profiles = [np.quantile(distances, levels, axis=1).T for distances in (distances_a, distances_b)]
    starts = [np.full((n, n), n**-2.0), exact_coupling(squared_distances(*profiles))]
    starts += [_random_coupling(n, rng) for _ in range(_RANDOM_STARTS)]
    found = []
    for start in starts:
        with warnings.catch_warnings():
            # A step whose inner problem stays unsolved is one more round, or one too many.
            warnings.simplefilter("ignore")
            coupling, log = ot.gromov.gromov_wasserstein(
                distances_a, distances_b, symmetric=True, G0=start, max_iter=_ROUNDS, log=True
            )
        losses = np.asarray(log["loss"])
        if len(losses) <= _ROUNDS and np.isfinite(losses[-1]):
            found.append((float(losses[-1]), len(found), np.asarray(coupling)))
    if not found:
        raise InputError(f"Gromov-Wasserstein did not converge in {_ROUNDS} rounds from any of {len(starts)} starts.")
    value, _, coupling = min(found)
    return coupling, value


def _random_coupling(n: int, rng: np.random.Generator) -> np.ndarray:
    """The mean of a few random permutations: from a single one the solver hardly moves."""
    return np.mean([np.eye(n)[rng.permutation(n)] for _ in range(_MIXED)], axis=0) / n
