"""How far a matching can be believed: each pair, and the whole."""

from dataclasses import replace

import numpy as np

from core.match.exact import Solution, Solutions
from core.match.heuristic import regrets
from core.match.problem import AssignmentProblem
from core.match.types import Matching

__all__ = ["by_chance", "confidence", "doubts", "judged", "terms"]

_ODDS = (-7.3, 2.0, 1.1)
_MOST_REGRET, _MOST_EVIDENCE = 3.0, 6.0
_LEAST_EVIDENCE, _MARGIN = 2.0, 1.5
_LEAST_MASS = 0.4
# The odds that a leaf is matched at all, by its support; from there on more support says no more.
_SUPPORT_ODDS, _MOST_SUPPORT = (-0.25, 0.65), 8.0


def doubts(problem: AssignmentProblem, solutions: Solutions) -> np.ndarray:
    """(na, 2): for each leaf of the best matching what parting it from its partner would cost at least, and the
    evidence for the matching, in nats; both bounded, the first in units in which 1.5 are an ambiguity."""
    best = solutions.found[0]
    partners = np.array(best.partners, dtype=int)
    # Pairs of leaves do not tell the cost of a pose; all single changes of the best are among its solutions.
    regret = np.full(len(partners), np.inf) if solutions.support else regrets(problem, partners)
    for other in solutions.found[1:]:
        parted = np.array(other.partners) != partners
        regret[parted] = np.minimum(regret[parted], other.cost - best.cost)
    evidence = -best.cost - by_chance(problem, solutions)
    regret = np.minimum(regret * (_MARGIN / problem.margin), _MOST_REGRET)
    return np.column_stack((regret, np.full(len(regret), min(evidence, _MOST_EVIDENCE))))


def by_chance(problem: AssignmentProblem, solutions: Solutions) -> float:
    """What the leaves of the best matching would bring in trees that have nothing in common."""
    return problem.chance * sum(j >= 0 for j in solutions.found[0].partners)


def confidence(problem: AssignmentProblem, solutions: Solutions) -> np.ndarray:
    """(na,): for each leaf of the best matching the probability that its partner is right.

    Logistic in its doubts; fitted to pairs of trained models, whole, partial and unrelated ones (see
    tests/benchmarks/matching.py).
    """
    odds = _ODDS[0] + doubts(problem, solutions) @ _ODDS[1:]
    if solutions.support:
        odds = np.minimum(odds, _support_odds(solutions.support))
    return 1 / (1 + np.exp(-odds))


def terms(problem: AssignmentProblem, best: Solution) -> dict[int, dict[str, float]]:
    """For each matched leaf (its place) what each kind of evidence costs it in nats, 0 where the two trees agree."""
    partners = np.array(best.partners, dtype=int)
    rows = np.flatnonzero(partners >= 0)
    costs = 0.5 * problem.terms(rows, partners[rows]).sum(axis=2)
    return {int(row): dict(zip(problem.kinds, map(float, costs[:, at]), strict=True)) for at, row in enumerate(rows)}


def judged(matching: Matching, problem: AssignmentProblem, solutions: Solutions) -> Matching:
    """The matching with whether the evidence singles it out, and the reasons in sentences."""
    partners = solutions.found[0].partners
    matched = sum(j >= 0 for j in partners)
    faults, ties, notes = [], [], []
    if matched < 2:
        faults.append(f"{'One leaf is' if matched else 'No leaves are'} matched; two are needed to tell.")
    share = matching.matched_mass
    if matched > 1 and share < _LEAST_MASS:
        faults.append(f"Only {share:.0%} of the mass is matched (threshold {_LEAST_MASS:.0%}).")
    if matched:
        text = f"The evidence for this matching is {-matching.cost:.1f} nats (threshold {_LEAST_EVIDENCE:.1f})."
        (faults if -matching.cost < _LEAST_EVIDENCE else notes).append(text)
    rivals = [other.cost - matching.cost for other in matching.rivals]
    if matched and rivals:
        one = len(rivals) == 1
        verb = "matching sends leaves elsewhere and costs" if one else "matchings send leaves elsewhere and cost"
        ties.append(f"{len(rivals)} {verb} at most {problem.margin:.1f} nats more (the closest {rivals[0]:.2f}).")
    elif matched:
        notes.append(f"No matching that sends a leaf elsewhere comes within {problem.margin:.1f} nats.")
    for ids, side, other in ((matching.unmatched_a, "A", "B"), (matching.unmatched_b, "B", "A")):
        if ids:
            start = "One leaf of" if len(ids) == 1 else f"{len(ids)} leaves of"
            verb, them = ("is", "it") if len(ids) == 1 else ("are", "them")
            notes.append(f"{start} {side} {verb} left out: nothing left in {other} resembles {them}.")
    weak = _weak(solutions)
    if weak:
        verb, they = ("One pair joins", "it fits") if weak == 1 else (f"{weak} pairs join", "they fit")
        notes.append(f"{verb} what was left over on both sides, where {they} little better than by chance.")
    if matching.solver == "heuristic":
        notes.append("Found by local search, which does not prove that no better matching exists.")
    reasons = tuple(faults + ties + notes)
    return replace(matching, determined=not faults and not ties, plausible=not faults, reasons=reasons)


def _weak(solutions: Solutions) -> int:
    """How many pairs of the best matching are there for want of another."""
    if not solutions.support:
        return 0
    matched = np.array(solutions.found[0].partners) >= 0
    return int((matched & (_support_odds(solutions.support) < 0)).sum())


def _support_odds(support: tuple[float, ...]) -> np.ndarray:
    """(na,): the log odds that each leaf of a matching is rightly in it at all."""
    return _SUPPORT_ODDS[0] + _SUPPORT_ODDS[1] * np.clip(support, -_MOST_SUPPORT, _MOST_SUPPORT)
