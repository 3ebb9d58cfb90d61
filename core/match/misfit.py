"""What pairs of leaves cannot tell: whether three and more of them fit one map."""

from dataclasses import replace

import numpy as np

from core.gaussians.procrustes import affine_step, solve
from core.match.calibration import calibration
from core.match.exact import Solution, Solutions
from core.match.pairs import basin_pairs
from core.tree.types import LevelSetTree

__all__ = ["with_misfits"]

# From so many leaves on, matchings that differ in one of them have nearly one map: a step from the last one's finds it.
_MANY = 24


def with_misfits(a: LevelSetTree, b: LevelSetTree, solutions: Solutions) -> Solutions:
    """The solutions with what the best affine map leaves of their leaves added to their costs, best first.

    What is added is never negative: a solution that costs more without it than another with it is not looked at.
    """
    if a.dim != b.dim:
        return solutions
    found, best, matrix = [], np.inf, None
    for solution in solutions.found:
        if solution.cost < best:
            misfit, matrix = _misfit(a, b, solution, matrix)
            solution = replace(solution, cost=solution.cost + misfit)
            best = min(best, solution.cost)
        found.append(solution)
    return replace(solutions, found=tuple(sorted(found, key=lambda s: (s.cost, s.partners))))


def _misfit(
    a: LevelSetTree, b: LevelSetTree, solution: Solution, near: np.ndarray | None
) -> tuple[float, np.ndarray | None]:
    """In nats: what the best affine map leaves between matched leaves, the squared Wasserstein distance of each in
    units of its own spread and at most one, for encodings may differ by more than an affine map. And that map's matrix,
    sought from `near` on where there are many leaves."""
    partners = np.array(solution.partners)
    matched = np.flatnonzero(partners >= 0)
    if len(matched) < 2:
        return 0.0, None
    rows_a, rows_b = a.leaves[matched], b.leaves[partners[matched]]
    if len(matched) == 2:
        return 2 * calibration().misfit * calibration().untested_misfit, None
    nodes = basin_pairs(a, rows_a, b, rows_b)
    if near is None or len(nodes) < _MANY:
        matrix = solve(nodes, affine_step)[0]
    else:
        matrix = affine_step(nodes.moments(near[None])[0], nodes.spread)[0]
    left = nodes.distances(matrix) / np.trace(nodes.covariances_b, axis1=1, axis2=2)
    return calibration().misfit * float(np.minimum(left, 1.0).sum()), matrix
