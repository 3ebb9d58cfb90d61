"""Local search for large trees: many starts, each improved until no single change helps. It proves nothing."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from core.match.problem import AssignmentProblem

__all__ = ["improve", "solve_heuristic"]

_STARTS = 24
_ROUNDS = 30


def solve_heuristic(problem: AssignmentProblem, seed: int = 0) -> list[tuple[tuple[int, ...], float]]:
    """Distinct matchings (partner of each first-side leaf, -1 for none) with their costs, best first."""
    rng = np.random.default_rng(seed)
    seeds = [np.full(problem.shape[0], -1)]
    pairs = np.argwhere(problem.allowed)
    order = np.argsort(problem.leaf_cost[tuple(pairs.T)], kind="stable")
    for i, j in pairs[order[: _STARTS // 2]]:
        seeds.append(_seed(problem, i, j))
    for i, j in pairs[rng.permutation(len(pairs))[: _STARTS // 2]]:
        seeds.append(_seed(problem, i, j))
    found = {tuple(int(p) for p in partners): problem.cost(partners) for partners in (improve(problem, s) for s in seeds)}
    return sorted(found.items(), key=lambda item: (item[1], item[0]))


def improve(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """A matching that costs no more than `partners`, by linear assignments against the last one, then single moves."""
    best = _with_forced(problem, partners)
    best_cost = problem.cost(best)
    for _ in range(_ROUNDS):
        proposal = _assign(problem, _table(problem, best))
        cost = problem.cost(proposal)
        if cost >= best_cost - 1e-12:
            break
        best, best_cost = proposal, cost
    return _moves(problem, best, best_cost)


def _seed(problem: AssignmentProblem, i: int, j: int) -> np.ndarray:
    partners = np.full(problem.shape[0], -1)
    if i not in problem.forced and j not in problem.forced.values():
        partners[i] = j
    return partners


def _with_forced(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    partners = partners.copy()
    for i, j in problem.forced.items():
        partners[partners == j] = -1
        partners[i] = j
    return partners


def _table(problem: AssignmentProblem, partners: np.ndarray) -> np.ndarray:
    """(na, nb): what each pair would add beside the matching's other pairs."""
    table = problem.gains
    for k in np.flatnonzero(partners >= 0):
        link = problem.pair_cost(int(k), int(partners[k]))
        link[k, :] = 0.0
        table = table + link
    return table


def _assign(problem: AssignmentProblem, table: np.ndarray) -> np.ndarray:
    """The matching that is best against a fixed table of costs, a dummy (cost 0) for each leaf."""
    na, nb = table.shape
    square = np.zeros((na + nb, na + nb))
    square[:na, :nb] = np.where(np.isfinite(table), table, 1e6)
    for i, j in problem.forced.items():
        square[i, j] = -1e6
    rows, columns = linear_sum_assignment(square)
    partners = np.full(na, -1)
    for i, j in zip(rows, columns, strict=True):
        if i < na and j < nb and np.isfinite(table[i, j]) and (table[i, j] < 0 or problem.forced.get(i) == j):
            partners[i] = j
    return partners


def _moves(problem: AssignmentProblem, partners: np.ndarray, cost: float) -> np.ndarray:
    """Take the best of all single changes (drop, move, trade partners) until none helps."""
    free = [i for i in range(len(partners)) if i not in problem.forced]
    taken = set(problem.forced.values())
    for _ in range(4 * len(partners)):
        best, best_cost = partners, cost
        for i in free:
            table_row = _row(problem, partners, i)
            base = table_row[partners[i]] if partners[i] >= 0 else 0.0
            for j in np.flatnonzero(table_row - base < 1.0):
                if j in taken or j == partners[i]:
                    continue
                holder = np.flatnonzero(partners == j)
                changed = partners.copy()
                changed[i] = j
                if len(holder):
                    old = partners[i]
                    changed[holder[0]] = old if old < 0 or problem.allowed[holder[0], old] else -1
                new = problem.cost(changed) if len(holder) else cost - base + table_row[j]
                if new < best_cost - 1e-12:
                    best, best_cost = changed, new
            if base > 0 and cost - base < best_cost - 1e-12:
                best, best_cost = partners.copy(), cost - base
                best[i] = -1
        if best is partners:
            return partners
        partners, cost = best, best_cost
    return partners


def _row(problem: AssignmentProblem, partners: np.ndarray, i: int) -> np.ndarray:
    """(nb,): what each partner for leaf i would add beside the other pairs."""
    others = np.flatnonzero((partners >= 0) & (np.arange(len(partners)) != i))
    row = problem.gains[i]
    for k in others:
        row = row + problem.pair_cost(int(k), int(partners[k]))[i]
    return row
