"""Branch and bound for the partial quadratic assignment: the proven optimum and every matching near it.

Rows are decided one after the other; `table[i, j]` holds what matching (i, j) would add given the rows decided so far. Since
pair costs are not negative, sum_i min(0, min_j table[i, j]) bounds from below what the undecided rows can still add.
"""

from dataclasses import dataclass

import numpy as np

from core.match.heuristic import improve
from core.match.problem import AssignmentProblem

__all__ = ["Solution", "Solutions", "solve_exact"]


@dataclass(frozen=True)
class Solution:
    """A matching as the partner of each first-side leaf (-1 for none), and its cost."""

    partners: tuple[int, ...]
    cost: float


@dataclass(frozen=True)
class Solutions:
    """Matchings, best first; `proven` where no matching better than the last of those within the margin is missing."""

    found: tuple[Solution, ...]
    proven: bool


def solve_exact(problem: AssignmentProblem, most: int = 20, budget: int = 200_000) -> Solutions:
    """The best matching, the second best, and all within `problem.config.margin` of the best (at most `most`).

    Not proven where more than `budget` nodes were opened.
    """
    if problem.shape[0] > problem.shape[1]:
        turned = solve_exact(problem.transposed(), most, budget)
        return Solutions(tuple(_turned(s, problem.shape[0]) for s in turned.found), turned.proven)
    search = _Search(problem, most, budget)
    search.run()
    found = sorted(search.found.items(), key=lambda item: (item[1], item[0]))
    return Solutions(tuple(Solution(p, c) for p, c in found[:most]), search.nodes <= budget)


def _turned(solution: Solution, rows: int) -> Solution:
    partners = [-1] * rows
    for j, i in enumerate(solution.partners):
        if i >= 0:
            partners[i] = j
    return Solution(tuple(partners), solution.cost)


class _Search:
    def __init__(self, problem: AssignmentProblem, most: int, budget: int) -> None:
        self.problem, self.most, self.budget = problem, most, budget
        self.nodes = 0
        self.found: dict[tuple[int, ...], float] = {}
        self.limit = np.inf
        na, nb = problem.shape
        table = problem.gains
        for i, j in problem.forced.items():
            keep = table[i, j]
            table[i, :] = np.inf
            table[:, j] = np.inf
            table[i, j] = keep
        free = np.array([i not in problem.forced for i in range(na)])
        # The rows with most to gain are decided first: their pair costs then sharpen the bound for the rest.
        self.order = np.argsort(np.where(free, table.min(axis=1, initial=0.0), -np.inf), kind="stable")
        self.free = free[self.order]
        self.table = table[self.order]
        self.links = np.stack(
            [[problem.pair_cost(int(i), j)[self.order] for j in range(nb)] for i in self.order]
        )

    def run(self) -> None:
        self._record(improve(self.problem, np.full(self.problem.shape[0], -1)))
        self._open(0, self.table, self.problem.unmatched_cost, [])

    def _record(self, partners: np.ndarray) -> None:
        self.found[tuple(partners.tolist())] = self.problem.cost(partners)
        costs = sorted(self.found.values())
        if len(costs) > self.most:
            self.found = {p: c for p, c in self.found.items() if c <= costs[self.most - 1]}
            costs = costs[: self.most]
        second = costs[1] if len(costs) > 1 else np.inf
        within = costs[0] + self.problem.config.margin
        full = len(costs) >= self.most
        self.limit = max(second, min(within, costs[-1]) if full else within)

    def _open(self, row: int, table: np.ndarray, cost: float, chosen: list[int]) -> None:
        self.nodes += 1
        if self.nodes > self.budget:
            return
        if row == len(self.order):
            partners = np.empty(row, dtype=int)
            partners[self.order] = chosen
            self._record(partners)
            return
        lowest = table[row:].min(axis=1)
        np.minimum(lowest, 0.0, out=lowest, where=self.free[row:])
        rest = cost + lowest[1:].sum()
        entries = table[row]
        options = [(float(entries[j]), int(j)) for j in np.flatnonzero(np.isfinite(entries))]
        if self.free[row]:
            options.append((0.0, -1))
        for added, j in sorted(options):
            if rest + added > self.limit + 1e-12:
                break
            if j < 0:
                self._open(row + 1, table, cost, [*chosen, -1])
            else:
                below = table + self.links[row, j]
                below[:, j] = np.inf
                self._open(row + 1, below, cost + added, [*chosen, j])
