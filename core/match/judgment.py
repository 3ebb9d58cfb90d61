"""The confidence of each pair of a matching."""

import numpy as np

from core.match.calibration import calibration
from core.match.exact import Solution, Solutions
from core.match.heuristic import regrets
from core.match.problem import AssignmentProblem

__all__ = ["chance_gain", "confidence", "least_inclusion", "leftover_pairs", "regret_and_evidence", "terms"]

# Regret is scaled so that the margin of every regime counts as much as that of the plane.
_MARGIN = 1.5


def regret_and_evidence(problem: AssignmentProblem, solutions: Solutions) -> np.ndarray:
    """(na, 2): the regret of each leaf of the best matching, and the evidence for the matching in nats, both bounded.

    The regret is the cost of the cheapest change that separates the leaf from its partner, scaled so that the margin is
    1.5."""
    best = solutions.found[0]
    partners = np.array(best.partners, dtype=int)
    # Pairs of leaves do not give the cost of a map; its solutions include all single changes of the best matching.
    regret = np.full(len(partners), np.inf) if solutions.removal_costs else regrets(problem, partners)
    for other in solutions.found[1:]:
        separated = np.array(other.partners) != partners
        regret[separated] = np.minimum(regret[separated], other.cost - best.cost)
    evidence = -best.cost - chance_gain(problem, solutions)
    bounds = calibration().bounds
    regret = np.minimum(regret * (_MARGIN / problem.margin), bounds["regret"][1])
    return np.column_stack((regret, np.full(len(regret), min(evidence, bounds["evidence"][1]))))


def chance_gain(problem: AssignmentProblem, solutions: Solutions) -> float:
    """The expected gain of as many matched leaves in two unrelated trees."""
    return problem.chance * sum(j >= 0 for j in solutions.found[0].partners)


def confidence(problem: AssignmentProblem, solutions: Solutions) -> np.ndarray:
    """(na,): the probability that the partner of each leaf of the best matching is right.

    Its log-odds are linear in the regret and the evidence, and at most those of the leaf's inclusion.
    """
    known = calibration().regimes[problem.regime].pair
    odds = known.bias + regret_and_evidence(problem, solutions) @ [known.slopes["regret"], known.slopes["evidence"]]
    if solutions.removal_costs:
        odds = np.minimum(odds, _inclusion_log_odds(solutions.removal_costs))
    return 1 / (1 + np.exp(-odds))


def terms(problem: AssignmentProblem, best: Solution) -> dict[int, dict[str, float]]:
    """The cost of each matched leaf (by index) in nats by kind of evidence, 0 where the two trees agree."""
    partners = np.array(best.partners, dtype=int)
    rows = np.flatnonzero(partners >= 0)
    costs = 0.5 * problem.terms(rows, partners[rows]).sum(axis=2)
    return {int(row): dict(zip(problem.kinds, map(float, costs[:, at]), strict=True)) for at, row in enumerate(rows)}


def leftover_pairs(solutions: Solutions) -> int:
    """The number of pairs of the best matching that are more likely wrong, but have no alternative."""
    if not solutions.removal_costs:
        return 0
    matched = np.array(solutions.found[0].partners) >= 0
    return int((matched & (_inclusion_log_odds(solutions.removal_costs) < 0)).sum())


def least_inclusion(solutions: Solutions) -> float | None:
    """The smallest log-odds that a pair of the best matching is rightly matched at all; None if no map decides."""
    matched = np.array(solutions.found[0].partners) >= 0
    if not solutions.removal_costs or not matched.any():
        return None
    return float(_inclusion_log_odds(solutions.removal_costs)[matched].min())


def _inclusion_log_odds(removal_costs: tuple[float, ...]) -> np.ndarray:
    """(na,): the log-odds that each leaf is rightly matched at all, given its removal cost in nats."""
    known = calibration()
    bounded = np.clip(removal_costs, -known.most_removal_cost, known.most_removal_cost)
    return known.inclusion.bias + known.inclusion.slopes["support"] * bounded
