"""Beyond three dimensions: matchings judged by the map that they imply, in which every leaf has to fit.

In k dimensions n leaves differ in so many ways that pairs of them no longer single a matching out, yet one map must
carry all. Both sides are whitened by the average covariance of their leaves, so that what is left between them is close
to a rotation Q: that of the means and covariances, then loosened to the matrix M that fits the means best for so many
pseudo-observations of Q. A matched leaf brings what its divergence from its image falls short of what leaves at random
have once a map is fitted to them,
    cost = cost of the pairs + weight * sum_i (log(1 + J_i) - limit),
J_i the symmetric Kullback-Leibler divergence between M N(m_i, C_i) and N(m_pi(i), C_pi(i)). The matching of least cost
holds the leaves that fit well. Of few that are left over on both sides there are not many matchings, so that less will
do for them: they are matched too where that costs no more than `room`, each with what it brings by itself.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from core.match.calibration import calibration
from core.match.exact import Solution, Solutions
from core.match.heuristic import changed_singly, changes, quick_solution, table, with_forced
from core.match.problem import AssignmentProblem
from core.tree.types import LevelSetTree

__all__ = ["proposals", "solve_by_map"]

_TURNS = 2
_NOISE, _PROPOSALS, _STARTS = 0.3, 60, 24
_AROUND, _STARTS_AROUND = 6, 4
_NEIGHBORS = 250
_KEPT, _EPSILON = 200, 1e-9


def solve_by_map(
    a: LevelSetTree, b: LevelSetTree, problem: AssignmentProblem, known: np.ndarray | None = None
) -> Solutions:
    """The matchings of two trees of one dimension that single changes lead to from what pairs of leaves propose, best
    first, each with the cost of its alignment; where a good one is `known` (na,) but for pins and bans, from there on.

    To the best what is left over is added, at no cost; those that only leave out some of its pairs are not told."""
    alignment = _alignment(a, b)
    few = known is not None
    starts = proposals(problem, _AROUND if few else _PROPOSALS)
    if few:
        starts = np.vstack((starts, _filled(problem, with_forced(problem, known))))
    costs = _whole_costs(problem, alignment, starts)
    found: dict[tuple[int, ...], float] = {}
    ways: set[tuple[int, ...]] = set()
    for at in np.argsort(costs, kind="stable")[: _STARTS_AROUND if few else _STARTS].tolist():
        _descend(problem, alignment, starts[at], float(costs[at]), found, ways)
    (best, cost), *others = sorted(found.items(), key=lambda item: (item[1], item[0]))[:_KEPT]
    whole = _with_left_over(problem, alignment, np.array(best))
    told = [Solution(partners, c) for partners, c in others if ((np.array(partners) >= 0) & (partners != whole)).any()]
    support = tuple(_support(problem, alignment, whole).tolist())
    return Solutions((Solution(tuple(whole.tolist()), cost), *told), proven=False, support=support)


def proposals(problem: AssignmentProblem, count: int, seed: int = 0) -> np.ndarray:
    """(c, na): distinct full matchings that pairs of leaves could propose: what they say, and what they would had
    their evidence come out a little otherwise, `count` times."""
    found = {_proposed(problem, problem)}
    for number in range(count):
        found.add(_proposed(problem, _otherwise(problem, np.random.default_rng([seed, number]))))
    return np.array(sorted(found))


def _proposed(problem: AssignmentProblem, seen: AssignmentProblem) -> tuple[int, ...]:
    """The best matching of a problem as it is `seen`, filled up where it leaves room."""
    partners = changed_singly(seen, _filled(seen, quick_solution(seen)))
    return tuple(_filled(problem, partners).tolist())


def _otherwise(problem: AssignmentProblem, rng: np.random.Generator) -> AssignmentProblem:
    """The problem with noise in its evidence; what differs between two leaves differs the other way round as well."""
    noisy = []
    for between in (problem.between_a, problem.between_b):
        noise = _NOISE * np.triu(rng.laplace(size=between.shape), 1)
        turned = np.where((np.swapaxes(between, 1, 2) == between).all((1, 2)), 1.0, -1.0)[:, None, None]
        noisy.append(between + noise + turned * np.swapaxes(noise, 1, 2))
    return replace(problem, between_a=noisy[0], between_b=noisy[1])


class _Side:
    """The leaves of a tree in units of their average covariance: `means` (n, k), `covariances` and their `inverses`."""

    def __init__(self, tree: LevelSetTree) -> None:
        rows = tree.leaves
        share = tree.basin_mass[rows] / tree.basin_mass[rows].sum()
        values, vectors = np.linalg.eigh(np.tensordot(share, tree.basin_covariance[rows], 1))
        white = vectors @ np.diag(values**-0.5) @ vectors.T
        self.means = (tree.basin_mean[rows] - share @ tree.basin_mean[rows]) @ white
        self.covariances = white @ tree.basin_covariance[rows] @ white
        self.inverses = np.linalg.inv(self.covariances)


class _Alignment:
    """One tree laid into the other's space, as many matchings say."""

    def __init__(self, a: LevelSetTree, b: LevelSetTree) -> None:
        self.a, self.b = _Side(a), _Side(b)

    def costs(self, partners: np.ndarray) -> np.ndarray:
        """(c,): what matchings (c, na) cost by the divergences that their maps leave, in nats."""
        scale = calibration().map
        divergence = np.minimum(np.log1p(self._divergences(partners)), scale.most)
        return scale.weight * np.where(partners >= 0, divergence - scale.limit, 0.0).sum(axis=1)

    def _divergences(self, partners: np.ndarray) -> np.ndarray:
        """(c, na): J of every leaf, of those that are not matched without meaning."""
        a, b, there = self.a, self.b, (partners >= 0).astype(float)
        count = np.maximum(there.sum(axis=1), 1.0)[:, None]
        means_b, covariances_b, inverses_b = (part[partners] for part in (b.means, b.covariances, b.inverses))
        away_a = a.means - ((there @ a.means) / count)[:, None]
        away_b = means_b - ((there[:, None] @ means_b)[:, 0] / count)[:, None]
        matched = there[..., None] * away_a
        between = np.swapaxes(away_b, 1, 2) @ matched
        matrix = self._matrices(between, np.swapaxes(away_a, 1, 2) @ matched, covariances_b, there)
        back = np.linalg.inv(matrix)
        image = matrix[:, None] @ a.covariances @ np.swapaxes(matrix, 1, 2)[:, None]
        inverse = np.swapaxes(back, 1, 2)[:, None] @ a.inverses @ back[:, None]
        missed = away_a @ np.swapaxes(matrix, 1, 2) - away_b
        shape = (inverse * covariances_b).sum((2, 3)) + (inverses_b * image).sum((2, 3))
        place = (missed[..., None, :] @ (inverse + inverses_b) @ missed[..., None])[..., 0, 0]
        return np.maximum(0.5 * (shape + place) - a.means.shape[1], 0.0)

    def _matrices(
        self, between: np.ndarray, within: np.ndarray, covariances_b: np.ndarray, there: np.ndarray
    ) -> np.ndarray:
        """(c, k, k): the linear part of each map, from sums over matched leaves of b a' (c, k, k) and a a'."""
        scale, unit = calibration().map, np.eye(between.shape[1])
        shape_a = self.a.covariances - unit
        shape_b = (covariances_b - unit) * there[..., None, None]
        turn = _polar(between)
        for _ in range(_TURNS):
            turn = _polar(between + scale.covariances * (shape_b @ turn[:, None] @ shape_a).sum(axis=1))
        sums, target = within + scale.pseudo * unit, between + scale.pseudo * turn
        return np.swapaxes(np.linalg.solve(sums, np.swapaxes(target, 1, 2)), 1, 2)


# Every edit of a match asks for the same two trees.
@lru_cache(maxsize=32)
def _alignment(a: LevelSetTree, b: LevelSetTree) -> _Alignment:
    return _Alignment(a, b)


def _polar(matrices: np.ndarray) -> np.ndarray:
    """The orthogonal matrices nearest to some (c, k, k)."""
    left, _, right = np.linalg.svd(matrices)
    return left @ right


def _filled(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """A matching with the pairs added, cheapest first, that it has room for: that pairs of leaves do not fit is no
    reason to leave one out before the map has been asked."""
    partners = partners.copy()
    while True:
        taken = np.isin(np.arange(problem.shape[1]), partners)
        open_to = (partners < 0)[:, None] & ~taken
        costs = np.where(open_to, table(problem, partners), np.inf)
        i, j = divmod(int(costs.argmin()), problem.shape[1])
        if not np.isfinite(costs[i, j]):
            return partners
        partners[i] = j


def _with_left_over(problem: AssignmentProblem, alignment: _Alignment, partners: np.ndarray) -> np.ndarray:
    """A matching of most leaves with those matched too, the cheapest first, that are left over on both sides."""
    scale = calibration().map
    if (partners >= 0).sum() <= scale.matched * min(problem.shape):
        return partners
    cost = _whole_costs(problem, alignment, partners[None])[0]
    while True:
        free = (partners < 0)[:, None] & ~np.isin(np.arange(problem.shape[1]), partners) & problem.allowed
        if not free.any():
            return partners
        others = np.repeat(partners[None], free.sum(), axis=0)
        rows, columns = np.nonzero(free)
        others[np.arange(len(rows)), rows] = columns
        costs = _whole_costs(problem, alignment, others)
        at = int(costs.argmin())
        if costs[at] - cost > scale.room:
            return partners
        partners, cost = others[at], costs[at]


def _support(problem: AssignmentProblem, alignment: _Alignment, partners: np.ndarray) -> np.ndarray:
    """(na,): what each leaf of a matching brings against its being left out, in nats; 0 where it is."""
    without = np.where(np.eye(len(partners), dtype=bool), -1, partners)
    return _whole_costs(problem, alignment, without) - _whole_costs(problem, alignment, partners[None])[0]


def _whole_costs(problem: AssignmentProblem, alignment: _Alignment, partners: np.ndarray) -> np.ndarray:
    """(c,): what matchings (c, na) cost by pairs and alignment."""
    return np.array([problem.cost(row) for row in partners]) + alignment.costs(partners)


def _descend(
    problem: AssignmentProblem,
    alignment: _Alignment,
    partners: np.ndarray,
    cost: float,
    found: dict[tuple[int, ...], float],
    ways: set[tuple[int, ...]],
) -> None:
    """Single changes from one matching until none helps, unless another of the `ways` led there; notes in `found` where
    they end, and what lies around that."""
    while (key := tuple(partners.tolist())) not in ways:
        ways.add(key)
        near = changes(problem, partners, _NEIGHBORS)
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
