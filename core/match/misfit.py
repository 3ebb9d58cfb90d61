"""The misfit of a matching: what the best affine map leaves between three and more leaves. Pairs of leaves cannot show
it."""

from dataclasses import replace

import numpy as np

from core.gaussians.procrustes import affine_step, solve
from core.match.calibration import calibration
from core.match.exact import Solution, Solutions
from core.match.pairs import basin_pairs
from core.tree.types import LevelSetTree

__all__ = ["with_misfits"]

# With so many leaves, matchings that differ in one leaf have nearly the same map, so one step from the last map is
# enough.
_MANY = 24


def with_misfits(a: LevelSetTree, b: LevelSetTree, solutions: Solutions) -> Solutions:
    """The solutions with their misfit added to their costs, best first.

    The misfit is never negative, so solutions that cost more without it than the best with it keep their costs.
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
    """The misfit in nats, and the matrix of the best affine map between the matched leaves.

    Each leaf adds its squared Wasserstein distance from its image, in units of its own spread and at most one, because
    encodings may differ by more than an affine map. If there are many leaves, one step from `near` gives the matrix."""
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
