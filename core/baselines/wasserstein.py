"""Wasserstein-Procrustes: a rotation and a coupling, in turns.

    min over orthogonal Q and couplings P of sum_ij P_ij |Q a_i - b_j|^2, both clouds centered,
by stochastic steps: couple a small batch exactly under the present Q, step down the gradient -2 B^T P^T A, project.
What it finds depends on where it starts.
"""

from collections.abc import Iterable

import numpy as np

from core.baselines.ours import ours
from core.baselines.procrustes import polar_factor
from core.baselines.transport import exact_coupling, squared_distances
from core.baselines.types import Latents, Pairs
from core.maps.affine import AffineMap

__all__ = ["wasserstein_procrustes", "wasserstein_procrustes_ours"]

_STARTS = 24
_COARSE = 150, 50
_FINE = 600, 25
_JUDGED = 800
_STEP = 1.0


def wasserstein_procrustes(source: Latents, target: Latents, pairs: Pairs | None = None, seed: int = 0) -> AffineMap:
    """The best, by the cost of the coupling it leaves, of 24 random starts.

    References: Grave, Joulin and Berthet 2019, "Unsupervised alignment of embeddings with Wasserstein Procrustes",
    arXiv 1805.11222; there one start comes from a convex relaxation.
    """
    rng = np.random.default_rng(seed)
    starts = (polar_factor(rng.normal(size=(source.dim, source.dim))) for _ in range(_STARTS))
    return _best(source, target, starts, rng)


def wasserstein_procrustes_ours(
    source: Latents, target: Latents, pairs: Pairs | None = None, seed: int = 0
) -> AffineMap:
    """The same, from one start: the rotation in the affine map of the matched level-set trees.

    Raises `InputError` where too few nodes are matched.
    """
    start = polar_factor(ours(source, target).matrix)
    return _best(source, target, [start], np.random.default_rng(seed))


def _best(source: Latents, target: Latents, starts: Iterable[np.ndarray], rng: np.random.Generator) -> AffineMap:
    """Each start descended on small batches, the best of them on large ones."""
    center_a, center_b = source.points.mean(0), target.points.mean(0)
    a = Latents(source.points - center_a)
    b = Latents(target.points - center_b)
    some_a, some_b = a.some(_JUDGED, rng), b.some(_JUDGED, rng)
    turns = [_descended(turn, a, b, *_COARSE, rng) for turn in starts]
    turn = min(turns, key=lambda turn: _cost(turn, some_a, some_b))
    turn = _descended(turn, a, b, *_FINE, rng)
    return AffineMap(turn, center_b - turn @ center_a, "orthogonal")


def _descended(
    turn: np.ndarray, a: Latents, b: Latents, batch: int, rounds: int, rng: np.random.Generator
) -> np.ndarray:
    for at in range(rounds):
        some_a, some_b = a.some(batch, rng), b.some(batch, rng)
        coupling = exact_coupling(squared_distances(some_a @ turn.T, some_b))
        turn = polar_factor(turn + 2 * _STEP / np.sqrt(1 + at) * some_b.T @ coupling.T @ some_a)
    return turn


def _cost(turn: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    costs = squared_distances(a @ turn.T, b)
    return float((exact_coupling(costs) * costs).sum())
