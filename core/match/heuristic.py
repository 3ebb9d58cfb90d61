"""Local search for large trees: many starts, each improved until no single change helps. It proves nothing."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from core.match.problem import AssignmentProblem

__all__ = ["assign_repeatedly", "improve", "quick_solution", "regrets", "solve_heuristic"]

# How many starts, anchors and single changes are worth it: in entries of the tables that have to be computed.
_STARTS, _START_WORK = 8, 4_000_000
_IMPROVED = 2
_ANCHOR_WORK = 1_000_000
_CHANGE_WORK = 20_000_000
_NEAR = 20
_ROUNDS = 30
_LARGE = 1e6
_EPSILON = 1e-12


def solve_heuristic(problem: AssignmentProblem, seed: int = 0) -> list[tuple[tuple[int, ...], float]]:
    """Distinct matchings (partner of each first-side leaf, -1 for none) with their costs, best first."""
    rng = np.random.default_rng(seed)
    promise = _promises(problem, rng)
    na, nb = problem.shape
    starts = [_with_forced(problem, np.full(na, -1)), _assign(problem, promise)]
    for _ in range(min(_STARTS, _START_WORK // (na * na * nb))):
        starts.append(_assign(problem, promise * rng.uniform(0.7, 1.3, promise.shape)))
    better = [assign_repeatedly(problem, start) for start in starts]
    found = {tuple(partners.tolist()): problem.cost(partners) for partners in better}
    for start in sorted(found, key=found.__getitem__)[:_IMPROVED]:
        partners = improve(problem, np.array(start))
        found[tuple(partners.tolist())] = problem.cost(partners)
    best = np.array(min(found, key=found.__getitem__))
    for partners in _changes(problem, best, _NEAR)[0]:
        found[tuple(partners.tolist())] = problem.cost(partners)
    return sorted(found.items(), key=lambda item: (item[1], item[0]))


def quick_solution(problem: AssignmentProblem) -> np.ndarray:
    """A fair matching, found fast: the partner of each first-side leaf, -1 for none (na,)."""
    return assign_repeatedly(problem, _assign(problem, _promises(problem, np.random.default_rng(0))))


def _promises(problem: AssignmentProblem, rng: np.random.Generator) -> np.ndarray:
    """(na, nb): the least that each pair could cost if every other leaf went where it suits that pair best, seen from
    some of the leaves only where there are many.

    References: Gilmore 1962 and Lawler 1963, on bounds for quadratic assignment.
    """
    na, nb = problem.shape
    count = int(np.clip(_ANCHOR_WORK // (na * nb * nb), 4, na))
    promise = np.zeros((na, nb))
    for k in rng.permutation(na)[:count]:
        columns = np.flatnonzero(problem.allowed[k])
        if not len(columns):
            continue
        links = problem.pair_costs(np.full(len(columns), k), columns)
        links[range(len(columns)), :, columns] = 0.0
        best = np.minimum(links.min(axis=0), 0.0)
        best[k] = 0.0
        promise += best
    return problem.gains + promise * (na / count)


def improve(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """A matching that costs no more than `partners`: linear assignments against the last one, then single changes."""
    partners = assign_repeatedly(problem, partners)
    na, nb = problem.shape
    for _ in range(min(4 * na, _CHANGE_WORK // (na * na * nb) + 1)):
        changed, gains = _changes(problem, partners, 1)
        if not changed or gains[0] >= -_EPSILON:
            break
        partners = changed[0]
    return partners


def assign_repeatedly(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """A matching that costs no more than `partners`, by linear assignments, each against the last matching."""
    best = _with_forced(problem, partners)
    best_cost = problem.cost(best)
    for _ in range(_ROUNDS):
        proposal = _assign(problem, _table(problem, best))
        cost = problem.cost(proposal)
        if cost >= best_cost - _EPSILON:
            break
        best, best_cost = proposal, cost
    return best


def regrets(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """(na,): how much more the cheapest single change costs that parts each matched leaf from its partner; 0 for leaves
    left out."""
    rows, moved, traded = _neighbors(problem, partners)
    least = np.zeros(len(partners))
    taken = np.array([np.delete(moved[:, partners[row]], row).min(initial=np.inf) for row in rows])
    traded = np.minimum(traded, traded.T)
    least[rows] = np.minimum(np.minimum(moved[rows].min(axis=1), taken), traded.min(axis=1, initial=np.inf))
    return least


def _with_forced(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    partners = partners.copy()
    for i, j in problem.forced.items():
        partners[partners == j] = -1
        partners[i] = j
    return partners


def _links(problem: AssignmentProblem, partners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The matched rows (m,), and (m, na, nb) what each of them costs together with each pair of another row."""
    rows = np.flatnonzero(partners >= 0)
    links = problem.pair_costs(rows, partners[rows])
    links[range(len(rows)), rows] = 0.0
    return rows, links


def _table(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """(na, nb): what each pair would add beside the matching's pairs of other rows."""
    return problem.gains + _links(problem, partners)[1].sum(axis=0)


def _assign(problem: AssignmentProblem, table: np.ndarray) -> np.ndarray:
    """The matching that is best against a fixed table of costs, a dummy (cost 0) for each leaf."""
    na, nb = table.shape
    square = np.zeros((na + nb, na + nb))
    square[:na, :nb] = np.where(np.isfinite(table), table, _LARGE)
    for i, j in problem.forced.items():
        square[i, j] = -_LARGE
    columns = linear_sum_assignment(square)[1][:na]
    forced = np.array([problem.forced.get(i, -1) for i in range(na)])
    worth = table[range(na), np.minimum(columns, nb - 1)] < 0
    return np.where((columns < nb) & (worth | (columns == forced)), columns, -1)


def _changes(problem: AssignmentProblem, partners: np.ndarray, most: int) -> tuple[list[np.ndarray], list[float]]:
    """The matchings after the drops, moves, takeovers and trades that cost least, and what each adds, best first."""
    rows, moved, traded = _neighbors(problem, partners)
    added = np.concatenate((moved.ravel(), traded.ravel()))
    changes, costs = [], []
    for at in np.argsort(added, kind="stable")[:most].tolist():
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
            i, k = rows[list(divmod(at - moved.size, len(rows)))]
            changed[[i, k]] = partners[[k, i]]
        changes.append(changed)
        costs.append(float(added[at]))
    return changes, costs


def _neighbors(problem: AssignmentProblem, partners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The matched rows (m,), and what changes with every move (na, nb + 1) and every trade (m, m)."""
    rows, links = _links(problem, partners)
    table = problem.gains + links.sum(axis=0)
    free = np.array([i not in problem.forced for i in range(len(partners))])
    base = np.zeros(len(partners))
    base[rows] = table[rows, partners[rows]]
    moved = _moves(partners, rows, links, table, base, free)
    held = partners[rows]
    traded = _trades(held, links[:, rows], table[rows], base[rows], free[rows])
    return rows, moved, traded + problem.together(rows, held, traded=True) - problem.together(rows, held)


def _moves(
    partners: np.ndarray, rows: np.ndarray, links: np.ndarray, table: np.ndarray, base: np.ndarray, free: np.ndarray
) -> np.ndarray:
    """(na, nb + 1): what changes when row i goes to column j and its holder is dropped; the last column drops row i."""
    moved = np.concatenate((table, np.zeros((len(table), 1))), axis=1) - base[:, None]
    for at, holder in enumerate(rows):
        j = partners[holder]
        shared = np.where(partners >= 0, links[at, range(len(partners)), partners], 0.0)
        moved[:, j] += shared - links[at, :, j] - base[holder] if free[holder] else np.inf
        moved[holder, j] = np.inf
    moved[~free] = np.inf
    moved[partners < 0, -1] = np.inf
    return moved


def _trades(held: np.ndarray, links: np.ndarray, table: np.ndarray, base: np.ndarray, free: np.ndarray) -> np.ndarray:
    """(m, m): what changes when matched rows i < k trade their columns, but for what the two cost together; infinite
    elsewhere."""
    links = links[:, :, held]
    one_way = table[:, held] - base[:, None] - np.einsum("kik->ik", links) + np.einsum("kii->ik", links)
    traded = one_way + one_way.T
    traded[~free] = np.inf
    traded[:, ~free] = np.inf
    traded[np.tril_indices(len(held))] = np.inf
    return traded
