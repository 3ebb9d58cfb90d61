"""Local search for large trees: many starts, each improved until no single change helps. It proves nothing."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from core.match.problem import AssignmentProblem

__all__ = [
    "best_changes",
    "initial_solution",
    "iterated_assignment",
    "local_search",
    "marginal_costs",
    "regrets",
    "solve_from",
    "solve_heuristic",
    "with_pinned",
]

# Limits on the number of starts and on the rows that the lower bound looks at, in entries of the tables to compute.
_STARTS, _START_WORK = 8, 50_000_000
_IMPROVED = 3
_BOUND_WORK = 16_000_000
_NEAR = 20
_ROUNDS = 30
_LARGE = 1e6
_EPSILON = 1e-12


def solve_heuristic(problem: AssignmentProblem, seed: int = 0) -> list[tuple[tuple[int, ...], float]]:
    """Distinct matchings (partner of each first-side leaf, -1 for none) with their costs, best first."""
    rng = np.random.default_rng(seed)
    bounds = _gilmore_lawler(problem, rng)
    na, nb = problem.shape
    starts = [np.full(na, -1), _assign(problem, bounds)]
    for _ in range(min(_STARTS, max(_START_WORK // (na * na * nb), 2))):
        starts.append(_assign(problem, bounds * rng.uniform(0.7, 1.3, bounds.shape)))
    return _searched_from(problem, starts)


def solve_from(problem: AssignmentProblem, known: np.ndarray) -> list[tuple[tuple[int, ...], float]]:
    """As `solve_heuristic`, starting from `known` (na,), a matching that is good except for the pins and bans.

    Where these contradict it more than once, the search also starts from the pins alone.
    """
    start = with_pinned(problem, known)
    contradictions = sum(known[i] != j for i, j in problem.pinned.items())
    rows = np.flatnonzero(start >= 0)
    banned = rows[~problem.allowed[rows, start[rows]]]
    start[banned] = -1
    starts = [start] if contradictions + len(banned) <= 1 else [start, np.full(len(start), -1)]
    return _searched_from(problem, starts)


def _searched_from(problem: AssignmentProblem, starts: list[np.ndarray]) -> list[tuple[tuple[int, ...], float]]:
    """The matchings found from some starts, and those one change away from the best of them, best first."""
    better = [iterated_assignment(problem, start) for start in starts]
    found = {tuple(partners.tolist()): problem.cost(partners) for partners in better}
    for start in sorted(found, key=found.__getitem__)[:_IMPROVED]:
        partners = local_search(problem, np.array(start))
        found[tuple(partners.tolist())] = problem.cost(partners)
    best, least = min(found.items(), key=lambda item: item[1])
    for partners, added in best_changes(problem, np.array(best), _NEAR):
        found.setdefault(tuple(partners.tolist()), least + added)
    return sorted(found.items(), key=lambda item: (item[1], item[0]))


def initial_solution(problem: AssignmentProblem) -> np.ndarray:
    """A good matching, found fast: the partner of each first-side leaf, -1 for none (na,)."""
    return iterated_assignment(problem, _assign(problem, _gilmore_lawler(problem, np.random.default_rng(0))))


def _gilmore_lawler(problem: AssignmentProblem, rng: np.random.Generator) -> np.ndarray:
    """(na, nb): the Gilmore-Lawler lower bound of each pair, its cost if every other leaf took the partner that suits
    this pair best. Large problems estimate it from a random subset of the rows.

    References: Gilmore 1962 and Lawler 1963, on bounds for quadratic assignment.
    """
    from core.match import compiled

    na, nb = problem.shape
    count = int(np.clip(_BOUND_WORK // (na * nb * nb), 4, na))
    rows = rng.permutation(na)[:count]
    return problem.gains + compiled.gilmore_lawler(*problem.evidence, rows, problem.allowed) * (na / count)


def local_search(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """A matching that costs no more than `partners` (na,), after single changes until none helps."""
    from core.match import compiled

    partners = partners.copy()
    compiled.descend(marginal_costs(problem, partners), *problem.evidence, problem.free, partners, 4 * len(partners))
    return partners


def iterated_assignment(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """A matching that costs no more than `partners`: repeated linear assignment, each given the last matching."""
    best = with_pinned(problem, partners)
    best_cost = problem.cost(best)
    for _ in range(_ROUNDS):
        proposal = _assign(problem, marginal_costs(problem, best))
        cost = problem.cost(proposal)
        if cost >= best_cost - _EPSILON:
            break
        best, best_cost = proposal, cost
    return best


def regrets(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """(na,): the cost of the cheapest single change that separates each matched leaf from its partner; 0 for unmatched
    leaves."""
    moved, traded = _neighbors(problem, partners)
    rows = np.flatnonzero(partners >= 0)
    least = np.zeros(len(partners))
    taken = moved[:, partners[rows]]
    taken[rows, np.arange(len(rows))] = np.inf
    taken = taken.min(axis=0, initial=np.inf)
    traded = np.minimum(traded, traded.T)[rows].min(axis=1, initial=np.inf)
    least[rows] = np.minimum(np.minimum(moved[rows].min(axis=1), taken), traded)
    return least


def with_pinned(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """The matching with every pinned pair in it."""
    partners = partners.copy()
    for i, j in problem.pinned.items():
        partners[partners == j] = -1
        partners[i] = j
    return partners


def marginal_costs(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """(na, nb): what each pair would add to the cost, given the matching's pairs in the other rows.

    The table of the last call is updated where its matching is nearer than the empty one.
    """
    from core.match import compiled

    none = np.full_like(partners, -1), np.zeros(problem.shape)
    known, interaction = problem.last[0] if problem.last else none
    if 2 * np.count_nonzero(known != partners) > np.count_nonzero(partners >= 0):
        known, interaction = none
    interaction = compiled.updated(interaction, *problem.evidence, known, partners)
    problem.last[:] = [(partners.copy(), interaction)]
    return problem.gains + interaction


def _assign(problem: AssignmentProblem, costs: np.ndarray) -> np.ndarray:
    """The linear assignment of least total cost; leaving a leaf unmatched costs 0."""
    na, nb = costs.shape
    wide = np.zeros((na, nb + na))
    wide[:, :nb] = np.where(np.isfinite(costs), costs, _LARGE)
    for i, j in problem.pinned.items():
        wide[i, j] = -_LARGE
    columns = linear_sum_assignment(wide)[1]
    forced = np.array([problem.pinned.get(i, -1) for i in range(na)])
    worth = costs[range(na), np.minimum(columns, nb - 1)] < 0
    return np.where((columns < nb) & (worth | (columns == forced)), columns, -1)


def best_changes(problem: AssignmentProblem, partners: np.ndarray, most: int) -> list[tuple[np.ndarray, float]]:
    """The cheapest single changes (removals, moves, takeovers, exchanges), at most `most`: matchings and added
    costs."""
    moved, traded = _neighbors(problem, partners)
    added = np.concatenate((moved.ravel(), traded.ravel()))
    changes = []
    # Ties with the last one are included, so that the order does not depend on how the partition splits them.
    near = np.flatnonzero(added <= np.partition(added, min(most, added.size) - 1)[min(most, added.size) - 1])
    for at in near[np.argsort(added[near], kind="stable")][:most].tolist():
        if not np.isfinite(added[at]):
            break
        changed = partners.copy()
        if at < moved.size:
            i, j = divmod(at, moved.shape[1])
            j = j if j < problem.shape[1] else -1
            if j >= 0:
                changed[partners == j] = -1
            changed[i] = j
        else:
            i, k = divmod(at - moved.size, len(partners))
            changed[[i, k]] = partners[[k, i]]
        changes.append((changed, float(added[at])))
    return changes


def _neighbors(problem: AssignmentProblem, partners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cost changes of every move (na, nb + 1) and every exchange (na, na), infinite where there is none."""
    from core.match import compiled

    return compiled.neighbors(marginal_costs(problem, partners), *problem.evidence, problem.free, partners)
