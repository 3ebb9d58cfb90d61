"""Which matched pairs are outliers: one without which the others agree, or two whose partners are exchanged.

Two nodes determine an affine map, so few pairs already predict the rest. The test leaves out each pair in turn,
exchanges the partners of each two pairs, and compares the residual sums of squares per degree of freedom (deletion
tests: Cook and Weisberg 1982, "Residuals and Influence in Regression").
"""

import itertools

import numpy as np

from core.gaussians.procrustes import NodePairs, Step, solve
from core.maps.families import Family

__all__ = ["disagreeing"]

_FEWEST = 4
# If all nodes agree within this share of their own spread (W2^2), the test stops.
_AGREED = 0.1
# An exchange must reduce the residual by this factor.
_EXCHANGED = 2.5
# The least F statistic of a left-out pair. The largest seen for right pairs whose true map is far from affine is 18.
_LEFT_OUT = 20.0
_STEPS, _CANDIDATES = 5, 3
# The test looks at no more nodes than these, those with the largest residuals under the map of all nodes.
_SUSPECTS = 24


def disagreeing(nodes: NodePairs, family: Family) -> tuple[int, ...]:
    """The indices of the one outlier, of the two pairs to exchange, or none, judged by the affine part of a family."""
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
    """The best exchange of two suspects' partners, and the residual after it. A few steps rank the exchanges, and the
    first ones are solved in full."""
    ranks = _ranks(nodes, step, suspects)
    chosen = sorted(ranks, key=lambda two: (ranks[two], two))[:_CANDIDATES]
    cost, two = min((_unexplained(nodes.exchanged(*two), step), two) for two in chosen)
    return two, cost


def _ranks(nodes: NodePairs, step: Step, suspects: np.ndarray) -> dict[tuple[int, int], float]:
    """The approximate residual of each exchange, from a few alternating steps for all exchanges at once."""
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
