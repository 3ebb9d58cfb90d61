"""How far each pair of a matching can be believed."""

import numpy as np

from core.match.calibration import calibration
from core.match.exact import Solution, Solutions
from core.match.heuristic import regrets
from core.match.problem import AssignmentProblem

__all__ = ["by_chance", "confidence", "doubts", "forced", "least_support", "terms"]

# Regret is counted in units of the margin, as far as these count in the plane.
_MARGIN = 1.5

def doubts(problem: AssignmentProblem, solutions: Solutions) -> np.ndarray:
    """(na, 2): for each leaf of the best matching what parting it from its partner would cost at least, and the
    evidence for the matching, in nats; both bounded, the first in units in which 1.5 are a margin."""
    best = solutions.found[0]
    partners = np.array(best.partners, dtype=int)
    # Pairs of leaves do not tell the cost of a pose; all single changes of the best are among its solutions.
    regret = np.full(len(partners), np.inf) if solutions.support else regrets(problem, partners)
    for other in solutions.found[1:]:
        parted = np.array(other.partners) != partners
        regret[parted] = np.minimum(regret[parted], other.cost - best.cost)
    evidence = -best.cost - by_chance(problem, solutions)
    bounds = calibration().bounds
    regret = np.minimum(regret * (_MARGIN / problem.margin), bounds["regret"][1])
    return np.column_stack((regret, np.full(len(regret), min(evidence, bounds["evidence"][1]))))


def by_chance(problem: AssignmentProblem, solutions: Solutions) -> float:
    """What the leaves of the best matching would bring in trees that have nothing in common."""
    return problem.chance * sum(j >= 0 for j in solutions.found[0].partners)


def confidence(problem: AssignmentProblem, solutions: Solutions) -> np.ndarray:
    """(na,): for each leaf of the best matching the probability that its partner is right.

    Logistic in its doubts.
    """
    known = calibration().regimes[problem.regime].pair
    odds = known.bias + doubts(problem, solutions) @ [known.slopes["regret"], known.slopes["evidence"]]
    if solutions.support:
        odds = np.minimum(odds, _support_odds(solutions.support))
    return 1 / (1 + np.exp(-odds))


def terms(problem: AssignmentProblem, best: Solution) -> dict[int, dict[str, float]]:
    """For each matched leaf (its place) what each kind of evidence costs it in nats, 0 where the two trees agree."""
    partners = np.array(best.partners, dtype=int)
    rows = np.flatnonzero(partners >= 0)
    costs = 0.5 * problem.terms(rows, partners[rows]).sum(axis=2)
    return {int(row): dict(zip(problem.kinds, map(float, costs[:, at]), strict=True)) for at, row in enumerate(rows)}


def forced(solutions: Solutions) -> int:
    """How many pairs of the best matching are there for want of another."""
    if not solutions.support:
        return 0
    matched = np.array(solutions.found[0].partners) >= 0
    return int((matched & (_support_odds(solutions.support) < 0)).sum())


def least_support(solutions: Solutions) -> float | None:
    """The log-odds of the least supported pair of the best matching, None where leaves have no support of their own."""
    matched = np.array(solutions.found[0].partners) >= 0
    if not solutions.support or not matched.any():
        return None
    return float(_support_odds(solutions.support)[matched].min())


def _support_odds(support: tuple[float, ...]) -> np.ndarray:
    """(na,): the log odds that each leaf of a matching is rightly in it at all."""
    known = calibration()
    bounded = np.clip(support, -known.most_support, known.most_support)
    return known.support.bias + known.support.slopes["support"] * bounded
