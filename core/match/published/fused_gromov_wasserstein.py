"""Partial fused Gromov-Wasserstein on the leaves of two trees.

Leaves weigh 1 / max(n, m) each. For a plan P that moves k of them, with features f and merge depths D,
    cost(P) = (1 - alpha) sum P_ij |f_i - f_j|^2 + alpha sum P_ij P_kl |D_ik - D_jl|^2 + price * (weight left out) / 2
and k is the number for which this is least.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from core.match.published.types import Published
from core.tree.types import LevelSetTree

__all__ = ["fused_gromov_wasserstein"]

_DEEPEST = 4.0

_ALPHA, _PRICE = 0.5, 0.2
_STEPS, _RESTS = 200, 1e-12


def fused_gromov_wasserstein(a: LevelSetTree, b: LevelSetTree) -> Published:
    """The partial fused Gromov-Wasserstein cost (squared nats) of two trees' leaves, and the leaves that send more than
    half of their weight to each other.

    Features are the log-masses of the leaves' basins and their heights, distances the depths at which two leaves join
    (at most 4 nats); both count alike. For each number of leaves moved, conditional gradients start from the product of
    the weights, from what the features alone would move, and from the plan that moves one leaf more: a local optimum,
    for the problem is not convex.

    References: Vayer, Chapel, Flamary, Tavenard, Courty 2019, "Optimal transport for structured data with application
    on graphs", ICML (arXiv 1805.09114), for the fused cost; Chapel, Alaya, Gasso 2020, "Partial optimal transport with
    applications on positive-unlabeled learning", NeurIPS (arXiv 2002.08276), for the partial one; on merge trees: Li,
    Yan, Yan, Needham, Wang 2025, "Flexible and probabilistic topology tracking with partial optimal transport", IEEE
    TVCG (arXiv 2302.02895), who choose what is moved by other means.
    """
    problem = _Partial(cdist(_features(a), _features(b), "sqeuclidean"), _merge_depths(a), _merge_depths(b))
    cost, plan = min(problem.solutions(), key=lambda solution: solution[0])
    rows, columns = linear_sum_assignment(-plan)
    sent = plan[rows, columns] > problem.unit / 2
    return Published(tuple(zip(a.leaves[rows[sent]].tolist(), b.leaves[columns[sent]].tolist(), strict=True)), cost)


def _features(tree: LevelSetTree) -> np.ndarray:
    return np.column_stack((np.log(np.maximum(tree.basin_mass[tree.leaves], 1e-12)), tree.level[tree.leaves]))


@dataclass(frozen=True, eq=False)
class _Partial:
    """Squared differences of the leaves' features (n, m), and the depths (n, n), (m, m) at which they join."""

    features: np.ndarray
    depth_a: np.ndarray
    depth_b: np.ndarray

    @property
    def unit(self) -> float:
        """What a leaf weighs."""
        return 1 / max(self.features.shape)

    def solutions(self) -> Iterator[tuple[float, np.ndarray]]:
        """Cost and plan (n, m) for every number of leaves moved, the most first."""
        shape, plan = self.features.shape, None
        for moved in range(min(shape), 0, -1):
            starts = [np.full(shape, moved * self.unit / np.prod(shape)), self._assigned(self.features, moved)]
            if plan is not None:
                starts.append(plan * moved / (moved + 1))
            plan = min((self._descended(start, moved) for start in starts), key=self.loss)
            yield self.loss(plan) + _PRICE * (sum(shape) - 2 * moved) * self.unit / 2, plan
        yield _PRICE * sum(shape) * self.unit / 2, np.zeros(shape)

    def loss(self, plan: np.ndarray) -> float:
        """The fused cost of a plan (n, m)."""
        return float(((1 - _ALPHA) * self.features * plan + _ALPHA * self._strain(plan) * plan).sum())

    def _strain(self, plan: np.ndarray) -> np.ndarray:
        """(n, m): sum over k, l of P_kl |D_ik - D_jl|^2, as in Peyre, Cuturi, Solomon 2016."""
        of_a, of_b = self.depth_a**2 @ plan.sum(axis=1), self.depth_b**2 @ plan.sum(axis=0)
        return of_a[:, None] + of_b[None, :] - 2 * self.depth_a @ plan @ self.depth_b

    def _descended(self, plan: np.ndarray, moved: int) -> np.ndarray:
        """The plan at which conditional gradients come to rest: each step goes as far as helps towards the plan that is
        best to first order."""
        for _ in range(_STEPS):
            gradient = (1 - _ALPHA) * self.features + 2 * _ALPHA * self._strain(plan)
            change = self._assigned(gradient, moved) - plan
            slope, curvature = (gradient * change).sum(), _ALPHA * (self._strain(change) * change).sum()
            if slope > -_RESTS:
                break
            plan = plan + change * (1.0 if slope + 2 * curvature <= 0 else -slope / (2 * curvature))
        return plan

    def _assigned(self, costs: np.ndarray, moved: int) -> np.ndarray:
        """The plan that moves so many leaves at the least cost: an assignment in which every other leaf goes to a
        dummy, and no dummy to a dummy."""
        n, m = costs.shape
        square = np.zeros((n + m - moved,) * 2)
        square[:n, :m] = costs
        square[n:, m:] = np.inf
        plan = np.zeros_like(square)
        plan[linear_sum_assignment(square)] = self.unit
        return plan[:n, :m]


def _merge_depths(tree: LevelSetTree) -> np.ndarray:
    """How far down (nats) each two leaves first lie in one component (n, n), in row order, at most 4: a tree's own
    distance, the cophenetic one."""
    leaves = tree.leaves.tolist()
    depth = np.array([[0.0 if i == k else -tree.merge_level(i, k) for k in leaves] for i in leaves])
    return np.minimum(depth.reshape(len(leaves), len(leaves)), _DEEPEST)
