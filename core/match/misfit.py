"""What pairs of leaves cannot tell: whether three and more of them fit one map."""

from dataclasses import replace

import numpy as np

from core.coupling import NodePairs, solve
from core.match.exact import Solution, Solutions
from core.tree.types import LevelSetTree

__all__ = ["with_misfits"]

# Nats a leaf per unit of what an affine map leaves, and what two leaves, which fit some map, are taken to leave.
_MISFIT, _UNTESTED = 0.3, 0.6


def with_misfits(a: LevelSetTree, b: LevelSetTree, solutions: Solutions) -> Solutions:
    """The solutions with what the best affine map leaves of their leaves added to their costs, best first.

    What is added is never negative: a solution that costs more without it than another with it is not looked at.
    """
    if a.dim != b.dim:
        return solutions
    found, best = [], np.inf
    for solution in solutions.found:
        if solution.cost < best:
            solution = replace(solution, cost=solution.cost + _misfit(a, b, solution))
            best = min(best, solution.cost)
        found.append(solution)
    return replace(solutions, found=tuple(sorted(found, key=lambda s: (s.cost, s.partners))))


def _misfit(a: LevelSetTree, b: LevelSetTree, solution: Solution) -> float:
    """In nats: what the best affine map leaves between matched leaves, the squared Wasserstein distance of each in
    units of its own spread and at most one, for encodings may differ by more than an affine map."""
    partners = np.array(solution.partners)
    matched = np.flatnonzero(partners >= 0)
    if len(matched) < 2:
        return 0.0
    rows_a, rows_b = a.leaves[matched], b.leaves[partners[matched]]
    if len(matched) == 2:
        return 2 * _MISFIT * _UNTESTED
    nodes = NodePairs.of(a, rows_a, b, rows_b)
    left = nodes.distances(solve(nodes, "affine")[0]) / np.trace(nodes.covariances_b, axis1=1, axis2=2)
    return _MISFIT * float(np.minimum(left, 1.0).sum())
