"""Matching beyond three dimensions: the cost of a matching includes the misfit of the one map that it implies.

In k dimensions pairs of leaves no longer determine a matching, but one map must fit all leaves. Both sides are whitened
by the average covariance of their leaves. A rotation Q is fitted to means and covariances, then a matrix M to the
means, with Q as a prior of `pseudo` observations. With J_i the symmetric Kullback-Leibler divergence between
M N(m_i, C_i) and N(m_pi(i), C_pi(i)),
    cost = cost of the pairs + weight * sum_i (log(1 + J_i) - limit),
where `limit` is what random leaves have after a map is fitted to them. The few leaves that remain on both sides need
less evidence, because they have few possible matchings: a pair of them is added if it costs at most `room`.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from core.match.calibration import calibration
from core.match.exact import Solution, Solutions
from core.match.heuristic import best_changes, initial_solution, local_search, marginal_costs, with_pinned
from core.match.problem import AssignmentProblem
from core.tree.types import LevelSetTree

__all__ = ["proposals", "solve_by_map"]

_ROTATION_STEPS = 2
_NOISE, _PROPOSALS, _STARTS = 0.3, 60, 24
_AROUND, _STARTS_AROUND = 6, 4
_NEIGHBORS = 250
_KEPT, _EPSILON = 200, 1e-9


def solve_by_map(
    a: LevelSetTree, b: LevelSetTree, problem: AssignmentProblem, known: np.ndarray | None = None
) -> Solutions:
    """The matchings of two trees of equal dimension that local search finds from proposals, best first, with the cost
    of their map. If `known` (na,) is a good matching except for pins and bans, the search also starts from it.

    Leftover leaves are added to the best one without cost. Matchings that only lack some of its pairs are dropped."""
    alignment = _alignment(a, b)
    few = known is not None
    starts = proposals(problem, _AROUND if few else _PROPOSALS)
    if few:
        starts = np.vstack((starts, _completed(problem, with_pinned(problem, known))))
    costs = _total_costs(problem, alignment, starts)
    found: dict[tuple[int, ...], float] = {}
    visited: set[tuple[int, ...]] = set()
    for at in np.argsort(costs, kind="stable")[: _STARTS_AROUND if few else _STARTS].tolist():
        _search(problem, alignment, starts[at], float(costs[at]), found, visited)
    (best, cost), *others = sorted(found.items(), key=lambda item: (item[1], item[0]))[:_KEPT]
    whole = _with_leftovers(problem, alignment, np.array(best))
    rest = [Solution(partners, c) for partners, c in others if ((np.array(partners) >= 0) & (partners != whole)).any()]
    removal_costs = tuple(_removal_costs(problem, alignment, whole).tolist())
    return Solutions((Solution(tuple(whole.tolist()), cost), *rest), proven=False, removal_costs=removal_costs)


def proposals(problem: AssignmentProblem, count: int, seed: int = 0) -> np.ndarray:
    """(c, na): distinct full matchings that the pairs of leaves propose, for their evidence and for `count` noisy
    copies of it."""
    found = {_proposed(problem, problem)}
    for number in range(count):
        found.add(_proposed(problem, _perturbed(problem, np.random.default_rng([seed, number]))))
    return np.array(sorted(found))


def _proposed(problem: AssignmentProblem, seen: AssignmentProblem) -> tuple[int, ...]:
    """The best matching of the noisy problem `seen`, completed with further pairs."""
    partners = local_search(seen, _completed(seen, initial_solution(seen)))
    return tuple(_completed(problem, partners).tolist())


def _perturbed(problem: AssignmentProblem, rng: np.random.Generator) -> AssignmentProblem:
    """The problem with noise in its evidence, which stays symmetric or antisymmetric."""
    noisy = []
    for between in (problem.between_a, problem.between_b):
        noise = _NOISE * np.triu(rng.laplace(size=between.shape), 1)
        sign = np.where((np.swapaxes(between, 1, 2) == between).all((1, 2)), 1.0, -1.0)[:, None, None]
        noisy.append(between + noise + sign * np.swapaxes(noise, 1, 2))
    return replace(problem, between_a=noisy[0], between_b=noisy[1])


class _WhitenedLeaves:
    """The leaves of a tree, whitened by their average covariance: `means` (n, k), `covariances` and their
    `inverses`."""

    def __init__(self, tree: LevelSetTree) -> None:
        rows = tree.leaves
        share = tree.basin_mass[rows] / tree.basin_mass[rows].sum()
        values, vectors = np.linalg.eigh(np.tensordot(share, tree.basin_covariance[rows], 1))
        white = vectors @ np.diag(values**-0.5) @ vectors.T
        self.means = (tree.basin_mean[rows] - share @ tree.basin_mean[rows]) @ white
        self.covariances = white @ tree.basin_covariance[rows] @ white
        self.inverses = np.linalg.inv(self.covariances)


class _Alignment:
    """The maps between two whitened trees that matchings imply."""

    def __init__(self, a: LevelSetTree, b: LevelSetTree) -> None:
        self.a, self.b = _WhitenedLeaves(a), _WhitenedLeaves(b)

    def costs(self, partners: np.ndarray) -> np.ndarray:
        """(c,): the costs in nats of the maps of matchings (c, na)."""
        scale = calibration().map
        divergence = np.minimum(np.log1p(self._divergences(partners)), scale.most)
        return scale.weight * np.where(partners >= 0, divergence - scale.limit, 0.0).sum(axis=1)

    def _divergences(self, partners: np.ndarray) -> np.ndarray:
        """(c, na): J of every leaf; unmatched leaves have meaningless values."""
        a, b, matched = self.a, self.b, (partners >= 0).astype(float)
        count = np.maximum(matched.sum(axis=1), 1.0)[:, None]
        means_b, covariances_b, inverses_b = (part[partners] for part in (b.means, b.covariances, b.inverses))
        centered_a = a.means - ((matched @ a.means) / count)[:, None]
        centered_b = means_b - ((matched[:, None] @ means_b)[:, 0] / count)[:, None]
        weighted = matched[..., None] * centered_a
        between = np.swapaxes(centered_b, 1, 2) @ weighted
        matrix = self._matrices(between, np.swapaxes(centered_a, 1, 2) @ weighted, covariances_b, matched)
        back = np.linalg.inv(matrix)
        image = matrix[:, None] @ a.covariances @ np.swapaxes(matrix, 1, 2)[:, None]
        inverse = np.swapaxes(back, 1, 2)[:, None] @ a.inverses @ back[:, None]
        residual = centered_a @ np.swapaxes(matrix, 1, 2) - centered_b
        shape = (inverse * covariances_b).sum((2, 3)) + (inverses_b * image).sum((2, 3))
        place = (residual[..., None, :] @ (inverse + inverses_b) @ residual[..., None])[..., 0, 0]
        return np.maximum(0.5 * (shape + place) - a.means.shape[1], 0.0)

    def _matrices(
        self, between: np.ndarray, within: np.ndarray, covariances_b: np.ndarray, matched: np.ndarray
    ) -> np.ndarray:
        """(c, k, k): the matrix of each map, from sums over matched leaves of b a' (c, k, k) and of a a'."""
        scale, unit = calibration().map, np.eye(between.shape[1])
        shape_a = self.a.covariances - unit
        shape_b = (covariances_b - unit) * matched[..., None, None]
        rotation = _polar(between)
        for _ in range(_ROTATION_STEPS):
            rotation = _polar(between + scale.covariances * (shape_b @ rotation[:, None] @ shape_a).sum(axis=1))
        sums, target = within + scale.pseudo * unit, between + scale.pseudo * rotation
        return np.swapaxes(np.linalg.solve(sums, np.swapaxes(target, 1, 2)), 1, 2)


# Every edit of a match uses the same two trees.
@lru_cache(maxsize=32)
def _alignment(a: LevelSetTree, b: LevelSetTree) -> _Alignment:
    return _Alignment(a, b)


def _polar(matrices: np.ndarray) -> np.ndarray:
    """The orthogonal matrices nearest to some (c, k, k)."""
    left, _, right = np.linalg.svd(matrices)
    return left @ right


def _completed(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """A matching with pairs added, cheapest first, until no leaf is free on one side: only the map decides whether a
    pair fits."""
    partners = partners.copy()
    while True:
        taken = np.isin(np.arange(problem.shape[1]), partners)
        free = (partners < 0)[:, None] & ~taken
        costs = np.where(free, marginal_costs(problem, partners), np.inf)
        i, j = divmod(int(costs.argmin()), problem.shape[1])
        if not np.isfinite(costs[i, j]):
            return partners
        partners[i] = j


def _with_leftovers(problem: AssignmentProblem, alignment: _Alignment, partners: np.ndarray) -> np.ndarray:
    """A matching of most leaves, with pairs of the leaves that remain on both sides added, cheapest first."""
    scale = calibration().map
    if (partners >= 0).sum() <= scale.matched * min(problem.shape):
        return partners
    cost = _total_costs(problem, alignment, partners[None])[0]
    while True:
        free = (partners < 0)[:, None] & ~np.isin(np.arange(problem.shape[1]), partners) & problem.allowed
        if not free.any():
            return partners
        others = np.repeat(partners[None], free.sum(), axis=0)
        rows, columns = np.nonzero(free)
        others[np.arange(len(rows)), rows] = columns
        costs = _total_costs(problem, alignment, others)
        at = int(costs.argmin())
        if costs[at] - cost > scale.room:
            return partners
        partners, cost = others[at], costs[at]


def _removal_costs(problem: AssignmentProblem, alignment: _Alignment, partners: np.ndarray) -> np.ndarray:
    """(na,): the cost in nats of leaving each leaf of a matching out; 0 for unmatched leaves."""
    without = np.where(np.eye(len(partners), dtype=bool), -1, partners)
    return _total_costs(problem, alignment, without) - _total_costs(problem, alignment, partners[None])[0]


def _total_costs(problem: AssignmentProblem, alignment: _Alignment, partners: np.ndarray) -> np.ndarray:
    """(c,): the costs of matchings (c, na), by pairs and by their maps."""
    return np.array([problem.cost(row) for row in partners]) + alignment.costs(partners)


def _search(
    problem: AssignmentProblem,
    alignment: _Alignment,
    partners: np.ndarray,
    cost: float,
    found: dict[tuple[int, ...], float],
    visited: set[tuple[int, ...]],
) -> None:
    """Local search from one matching until no single change helps or a matching was `visited` before. Adds the local
    optimum and its neighbors to `found`."""
    while (key := tuple(partners.tolist())) not in visited:
        visited.add(key)
        near = best_changes(problem, partners, _NEIGHBORS)
        if not near:
            # Pins leave nothing to change.
            found[key] = cost
            return
        others, added = np.array([change[0] for change in near]), np.array([change[1] for change in near])
        costs = problem.cost(partners) + added + alignment.costs(others)
        at = int(costs.argmin())
        if costs[at] >= cost - _EPSILON:
            found |= {tuple(other.tolist()): float(c) for other, c in zip(others, costs, strict=True)}
            found[key] = cost
            return
        partners, cost = others[at], float(costs[at])
