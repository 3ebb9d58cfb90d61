"""Which matched pair does not belong: the one without which the others agree, or the two whose partners are exchanged.

Two nodes fix an affine map, so that few pairs already say where the rest should go. Every pair is left out in turn, and
every two pairs exchange their partners; what stays unexplained, per degree of freedom, judges (deletion tests: Cook and
Weisberg 1982, "Residuals and Influence in Regression").
"""

import itertools

import numpy as np

from core.gaussians.procrustes import NodePairs, Step, solve
from core.maps.families import Family

__all__ = ["disagreeing"]

_FEWEST = 4
# Nodes at a distance (W2^2) of this share of their own spread agree: nothing is sought.
_AGREED = 0.1
# What is unexplained must fall so many times when two pairs exchange their partners.
_EXCHANGED = 2.5
# The least F of a left-out pair; of right pairs whose true map is far from affine the largest seen is 18.
_LEFT_OUT = 20.0
_STEPS, _CANDIDATES = 5, 3
# Of more nodes only those that a map of all leaves furthest from their partners are suspected.
_SUSPECTS = 24


def disagreeing(nodes: NodePairs, family: Family) -> tuple[int, ...]:
    """Indices of the one pair that does not belong, of the two that exchange their partners, or none, judged by the
    affine part of a family."""
    n, (k_b, k_a) = len(nodes), nodes.between.shape
    constraints = k_b + k_b * (k_b + 1) // 2
    freedom = constraints * (n - 1) - k_b - family.parameters(k_b, k_a)
    if n < _FEWEST or freedom <= 0:
        return ()
    step = family.step
    matrix, cost = solve(nodes, step)
    away = nodes.distances(matrix) / np.trace(nodes.covariances_b, axis1=1, axis2=2)
    if (away < _AGREED).all():
        return ()
    suspects = np.sort(np.argsort(-away, kind="stable")[:_SUSPECTS])
    unexplained = cost * nodes.size_b
    left = np.full(n, np.inf)
    left[suspects] = [_unexplained(nodes.without(i), step) * (1 - nodes.weights[i]) for i in suspects.tolist()]
    one = int(left.argmin())
    scatter = left[one] / freedom
    two, exchanged = _best_exchange(nodes, step, suspects)
    if exchanged < min(unexplained / _EXCHANGED, scatter * (freedom + constraints)):
        return two
    return (one,) if (unexplained - left[one]) / constraints > _LEFT_OUT * scatter else ()


def _best_exchange(nodes: NodePairs, step: Step, suspects: np.ndarray) -> tuple[tuple[int, int], float]:
    """The two of some nodes that best exchange their partners, and what is then unexplained: a few steps rank the
    exchanges, the first are solved in full."""
    ranks = _ranks(nodes, step, suspects)
    chosen = sorted(ranks, key=lambda two: (ranks[two], two))[:_CANDIDATES]
    cost, two = min((_unexplained(nodes.exchanged(*two), step), two) for two in chosen)
    return two, cost


def _ranks(nodes: NodePairs, step: Step, suspects: np.ndarray) -> dict[tuple[int, int], float]:
    """What about is unexplained under each exchange: the steps of `descend` for all of them at once."""
    exchanges = list(itertools.combinations(suspects.tolist(), 2))
    order = np.tile(np.arange(len(nodes)), (len(exchanges), 1))
    np.put_along_axis(order, np.array(exchanges), np.array(exchanges)[:, ::-1], axis=1)
    away_a, means_b = nodes.means_a - nodes.center_a, nodes.means_b[order]
    away_b = means_b - (nodes.weights @ means_b)[:, None]
    between = np.swapaxes(away_b, 1, 2) @ (nodes.weights[:, None] * away_a)
    sizes = ((away_b**2).sum(2) + np.trace(nodes.covariances_b, axis1=1, axis2=2)[order]) @ nodes.weights
    roots_b = nodes.roots_b[order]
    costs = np.full(len(exchanges), np.inf)
    for start in nodes.from_means(between):
        matrices = step(start, nodes.spread)
        for _ in range(_STEPS):
            left, values, right = np.linalg.svd(roots_b @ matrices[:, None] @ nodes.roots_a, full_matrices=False)
            within = (roots_b * nodes.weights[:, None, None]) @ left @ right @ nodes.roots_a
            linear = (matrices * between).sum((1, 2)) + values.sum(-1) @ nodes.weights
            costs = np.minimum(costs, (matrices @ nodes.spread * matrices).sum((1, 2)) - 2 * linear + sizes)
            matrices = step(between + within.sum(1), nodes.spread)
    return dict(zip(exchanges, costs.tolist(), strict=True))


def _unexplained(nodes: NodePairs, step: Step) -> float:
    return solve(nodes, step)[1] * nodes.size_b
