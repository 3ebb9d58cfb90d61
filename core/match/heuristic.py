"""Local search for large trees: many starts, each improved until no single change helps. It proves nothing."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from core.match.problem import AssignmentProblem

__all__ = [
    "assign_repeatedly",
    "changed_singly",
    "changes",
    "quick_solution",
    "regrets",
    "solve_around",
    "solve_heuristic",
    "table",
    "with_forced",
]

# How many starts are worth it and how many rows are asked for their promise: in entries of the tables to compute.
_STARTS, _START_WORK = 8, 50_000_000
_IMPROVED = 3
_ANCHOR_WORK = 16_000_000
_NEAR = 20
_ROUNDS = 30
_LARGE = 1e6
_EPSILON = 1e-12


def solve_heuristic(problem: AssignmentProblem, seed: int = 0) -> list[tuple[tuple[int, ...], float]]:
    """Distinct matchings (partner of each first-side leaf, -1 for none) with their costs, best first."""
    rng = np.random.default_rng(seed)
    promise = _promises(problem, rng)
    na, nb = problem.shape
    starts = [np.full(na, -1), _assign(problem, promise)]
    for _ in range(min(_STARTS, max(_START_WORK // (na * na * nb), 2))):
        starts.append(_assign(problem, promise * rng.uniform(0.7, 1.3, promise.shape)))
    return _with_nearest(problem, starts)


def solve_around(problem: AssignmentProblem, known: np.ndarray) -> list[tuple[tuple[int, ...], float]]:
    """As `solve_heuristic`, from a matching that is good but for the problem's pins and bans, `known` (na,), and where
    these contradict it more than once from what they say alone as well."""
    start = with_forced(problem, known)
    against = sum(known[i] != j for i, j in problem.forced.items())
    rows = np.flatnonzero(start >= 0)
    banned = rows[~problem.allowed[rows, start[rows]]]
    start[banned] = -1
    starts = [start] if against + len(banned) <= 1 else [start, np.full(len(start), -1)]
    return _with_nearest(problem, starts)


def _with_nearest(problem: AssignmentProblem, starts: list[np.ndarray]) -> list[tuple[tuple[int, ...], float]]:
    """The matchings found from some starts, those a single change away from the best among them, best first."""
    better = [assign_repeatedly(problem, start) for start in starts]
    found = {tuple(partners.tolist()): problem.cost(partners) for partners in better}
    for start in sorted(found, key=found.__getitem__)[:_IMPROVED]:
        partners = changed_singly(problem, np.array(start))
        found[tuple(partners.tolist())] = problem.cost(partners)
    best, least = min(found.items(), key=lambda item: item[1])
    for partners, added in changes(problem, np.array(best), _NEAR):
        found.setdefault(tuple(partners.tolist()), least + added)
    return sorted(found.items(), key=lambda item: (item[1], item[0]))


def quick_solution(problem: AssignmentProblem) -> np.ndarray:
    """A fair matching, found fast: the partner of each first-side leaf, -1 for none (na,)."""
    return assign_repeatedly(problem, _assign(problem, _promises(problem, np.random.default_rng(0))))


def _promises(problem: AssignmentProblem, rng: np.random.Generator) -> np.ndarray:
    """(na, nb): the least that each pair could cost if every other leaf went where it suits that pair best, seen from
    some of the leaves only where there are many.

    References: Gilmore 1962 and Lawler 1963, on bounds for quadratic assignment.
    """
    from core.match import compiled

    na, nb = problem.shape
    count = int(np.clip(_ANCHOR_WORK // (na * nb * nb), 4, na))
    rows = rng.permutation(na)[:count]
    return problem.gains + compiled.promised(*problem.evidence, rows, problem.allowed) * (na / count)


def changed_singly(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """A matching that costs no more than `partners` (na,), by single changes until none helps."""
    from core.match import compiled

    partners = partners.copy()
    compiled.descend(table(problem, partners), *problem.evidence, problem.free, partners, 4 * len(partners))
    return partners


def assign_repeatedly(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """A matching that costs no more than `partners`, by linear assignments, each against the last matching."""
    best = with_forced(problem, partners)
    best_cost = problem.cost(best)
    for _ in range(_ROUNDS):
        proposal = _assign(problem, table(problem, best))
        cost = problem.cost(proposal)
        if cost >= best_cost - _EPSILON:
            break
        best, best_cost = proposal, cost
    return best


def regrets(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """(na,): how much more the cheapest single change costs that parts each matched leaf from its partner; 0 for leaves
    left out."""
    moved, traded = _neighbors(problem, partners)
    rows = np.flatnonzero(partners >= 0)
    least = np.zeros(len(partners))
    taken = moved[:, partners[rows]]
    taken[rows, np.arange(len(rows))] = np.inf
    taken = taken.min(axis=0, initial=np.inf)
    traded = np.minimum(traded, traded.T)[rows].min(axis=1, initial=np.inf)
    least[rows] = np.minimum(np.minimum(moved[rows].min(axis=1), taken), traded)
    return least


def with_forced(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    partners = partners.copy()
    for i, j in problem.forced.items():
        partners[partners == j] = -1
        partners[i] = j
    return partners


def table(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """(na, nb): what each pair would add beside the matching's pairs of other rows; from the last matching that was
    asked for, where it is nearer than none."""
    from core.match import compiled

    none = np.full_like(partners, -1), np.zeros(problem.shape)
    known, together = problem.last[0] if problem.last else none
    if 2 * np.count_nonzero(known != partners) > np.count_nonzero(partners >= 0):
        known, together = none
    together = compiled.added(together, *problem.evidence, known, partners)
    problem.last[:] = [(partners.copy(), together)]
    return problem.gains + together


def _assign(problem: AssignmentProblem, table: np.ndarray) -> np.ndarray:
    """The matching that is best against a fixed table of costs, a dummy (cost 0) for each leaf."""
    na, nb = table.shape
    wide = np.zeros((na, nb + na))
    wide[:, :nb] = np.where(np.isfinite(table), table, _LARGE)
    for i, j in problem.forced.items():
        wide[i, j] = -_LARGE
    columns = linear_sum_assignment(wide)[1]
    forced = np.array([problem.forced.get(i, -1) for i in range(na)])
    worth = table[range(na), np.minimum(columns, nb - 1)] < 0
    return np.where((columns < nb) & (worth | (columns == forced)), columns, -1)


def changes(problem: AssignmentProblem, partners: np.ndarray, most: int) -> list[tuple[np.ndarray, float]]:
    """The matchings after the drops, moves, takeovers and trades that cost least, best first, and what they add."""
    moved, traded = _neighbors(problem, partners)
    added = np.concatenate((moved.ravel(), traded.ravel()))
    changes = []
    # Those that tie with the last one as well, so that their order does not hang on how they are parted.
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
    """What changes with every move (na, nb + 1) and every trade (na, na), infinite where there is none."""
    from core.match import compiled

    return compiled.neighbors(table(problem, partners), *problem.evidence, problem.free, partners)
