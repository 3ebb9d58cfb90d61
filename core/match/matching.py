"""Match two level-set trees, partially if need be, and say how far the result can be believed."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from core.errors import InputError, invalid
from core.match.exact import Solution, Solutions, solve_exact
from core.match.heuristic import quick_solution, regrets, solve_heuristic
from core.match.problem import EVIDENCE, AssignmentProblem, MatchConfig, poses
from core.match.types import Alternative, Matching, Pair
from core.tree.types import LevelSetTree

__all__ = ["match_trees"]

_MOST = 20
_ODDS = (-1.0, 1.0, 1.0)
_MOST_REGRET, _MOST_EVIDENCE = 3.0, 6.0
_LEAST_EVIDENCE = 1.0


def match_trees(
    a: LevelSetTree,
    b: LevelSetTree,
    pins: Iterable[tuple[int, int]] = (),
    bans: Iterable[tuple[int, int]] = (),
    config: MatchConfig | None = None,
) -> Matching:
    """The partial matching of two trees' nodes of least cost that holds every pin and no ban.

    `pins` and `bans` are pairs of node ids (of `a`, of `b`). A pin of two internal nodes keeps the leaves below the
    one to the leaves below the other. Trees of at most `config.exact_leaves` leaves are solved to the proven
    optimum. Raises `InputError` for ids that are not there and for pins that contradict each other or a ban.
    """
    config = config or MatchConfig()
    if config.method != "leaf-distances":
        raise invalid("method", "'leaf-distances'", repr(config.method), "choose one of these")
    pins, bans = _known(a, b, pins, "pins"), _known(a, b, bans, "bans")
    problem, solutions, solver = _solved(a, b, config, pins, bans)
    best, others = solutions.found[0], solutions.found[1:]
    gap = others[0].cost - best.cost if others else config.margin
    alternatives = tuple(
        Alternative(_ids(a, b, other), other.cost) for other in others if other.cost - best.cost <= config.margin
    )
    pairs = _pairs(a, b, best, pins, bans, _confidence(problem, solutions), _terms(problem, best))
    matched_a, matched_b = {p.a for p in pairs}, {p.b for p in pairs}
    matching = Matching(
        tree_a=a,
        tree_b=b,
        pairs=pairs,
        unmatched_a=tuple(i for i in a.ids(a.leaves) if i not in matched_a),
        unmatched_b=tuple(j for j in b.ids(b.leaves) if j not in matched_b),
        cost=best.cost,
        gap=gap,
        determined=False,
        solver=solver,
        alternatives=alternatives,
    )
    return _judged(matching, problem, best)


def _known(
    a: LevelSetTree, b: LevelSetTree, pairs: Iterable[tuple[int, int]], name: str
) -> tuple[tuple[int, int], ...]:
    known = []
    for pair in pairs:
        try:
            i, j = (int(x) for x in pair)
        except (TypeError, ValueError):
            raise invalid(name, "pairs of node ids (a, b)", repr(pair), "give pairs such as (1, 3)") from None
        for tree, node, side in ((a, i, "first"), (b, j, "second")):
            try:
                tree.row(node)
            except KeyError:
                there = ", ".join(map(str, sorted(tree.ids(range(len(tree))))))
                raise invalid(name, f"of nodes of the {side} tree ({there})", node, "choose one of these") from None
        known.append((i, j))
    return tuple(dict.fromkeys(known))


def _constraints(
    a: LevelSetTree,
    b: LevelSetTree,
    pins: tuple[tuple[int, int], ...],
    bans: tuple[tuple[int, int], ...],
) -> tuple[np.ndarray, dict[int, int]]:
    """Which leaves may go where (na, nb), and which must. Raises `InputError` where pins and bans leave no matching."""
    place_a, place_b = ({int(row): at for at, row in enumerate(tree.leaves)} for tree in (a, b))
    allowed: np.ndarray = np.ones((len(place_a), len(place_b)), dtype=bool)
    forced: dict[int, int] = {}
    for i, j in bans:
        if (i, j) in pins:
            raise InputError(f"the pair {i}:{j} is both pinned and banned; take one of the two back.")
        if a.row(i) in place_a and b.row(j) in place_b:
            allowed[place_a[a.row(i)], place_b[b.row(j)]] = False
    for i, j in pins:
        row_a, row_b = a.row(i), b.row(j)
        if (row_a in place_a) != (row_b in place_b):
            raise InputError(f"the pin {i}:{j} joins a leaf to an inner node; pin a leaf to a leaf.")
        below_a = np.array([row in a.leaves_below[row_a] for row in place_a])
        below_b = np.array([row in b.leaves_below[row_b] for row in place_b])
        allowed &= below_a[:, None] == below_b[None, :]
        if row_a in place_a:
            if place_a[row_a] in forced or place_b[row_b] in forced.values():
                raise InputError(f"the pin {i}:{j} contradicts another pin of node {i} or {j}; take one back.")
            forced[place_a[row_a]] = place_b[row_b]
    for i, j in forced.items():
        if not allowed[i, j]:
            pin = (int(a.id[a.leaves[i]]), int(b.id[b.leaves[j]]))
            raise InputError(f"the pin {pin[0]}:{pin[1]} contradicts another pin or ban; take one back.")
    return allowed, forced


def _solved(
    a: LevelSetTree,
    b: LevelSetTree,
    config: MatchConfig,
    pins: tuple[tuple[int, int], ...],
    bans: tuple[tuple[int, int], ...],
) -> tuple[AssignmentProblem, Solutions, str]:
    """The problem at the level of noise that explains the trees best, its solutions, and which solver found them."""
    allowed, forced = _constraints(a, b, pins, bans)
    problems = [replace(problem, allowed=allowed, forced=forced) for problem in poses(a, b, config)]
    if max(allowed.shape) > config.exact_leaves:
        problems = [min(problems, key=lambda problem: problem.cost(quick_solution(problem)))]
    solved = [(problem, *_solutions(problem)) for problem in problems]
    return min(solved, key=lambda result: result[1].found[0].cost)


def _solutions(problem: AssignmentProblem) -> tuple[Solutions, str]:
    found: dict[tuple[int, ...], float] = {}
    if max(problem.shape) <= problem.config.exact_leaves:
        solutions = solve_exact(problem, _MOST)
        if solutions.proven:
            return solutions, "exact"
        found = {s.partners: s.cost for s in solutions.found}
    best = sorted((found | dict(solve_heuristic(problem))).items(), key=lambda item: (item[1], item[0]))[:_MOST]
    return Solutions(tuple(Solution(p, c) for p, c in best), proven=False), "heuristic"


def _ids(a: LevelSetTree, b: LevelSetTree, solution: Solution) -> tuple[tuple[int, int], ...]:
    return tuple((int(a.id[a.leaves[i]]), int(b.id[b.leaves[j]])) for i, j in enumerate(solution.partners) if j >= 0)


def _confidence(problem: AssignmentProblem, solutions: Solutions) -> np.ndarray:
    """(na,): for each leaf of the best matching the probability that its partner is right, 0 for leaves left out.

    Logistic in what parting the two would cost and in the evidence for all of the matching; fitted to pairs of trained
    models, right, partial and unrelated ones (see tests/benchmarks/matching.py).
    """
    best = solutions.found[0]
    partners = np.array(best.partners, dtype=int)
    regret = regrets(problem, partners)
    for other in solutions.found[1:]:
        parted = np.array(other.partners) != partners
        regret[parted] = np.minimum(regret[parted], other.cost - best.cost)
    odds = _ODDS[0] + _ODDS[1] * np.minimum(regret, _MOST_REGRET) + _ODDS[2] * min(-best.cost, _MOST_EVIDENCE)
    return np.where(partners >= 0, 1 / (1 + np.exp(-odds)), 0.0)


def _terms(problem: AssignmentProblem, best: Solution) -> dict[int, dict[str, float]]:
    """For each matched leaf (its place) what each kind of evidence costs it in nats, 0 where the two trees agree."""
    partners = np.array(best.partners, dtype=int)
    rows = np.flatnonzero(partners >= 0)
    costs = 0.5 * problem.terms(rows, partners[rows]).sum(axis=2)
    return {int(row): dict(zip(EVIDENCE, map(float, costs[:, at]), strict=True)) for at, row in enumerate(rows)}


def _pairs(
    a: LevelSetTree,
    b: LevelSetTree,
    best: Solution,
    pins: tuple[tuple[int, int], ...],
    bans: tuple[tuple[int, int], ...],
    confidence: np.ndarray,
    terms: dict[int, dict[str, float]],
) -> tuple[Pair, ...]:
    """Matched leaves, then the inner nodes whose matched leaves are each other's images."""
    leaves, pairs = {}, []
    for i, j in enumerate(best.partners):
        if j >= 0:
            leaves[int(a.leaves[i])] = int(b.leaves[j]), float(confidence[i])
            ids = (int(a.id[a.leaves[i]]), int(b.id[b.leaves[j]]))
            sure = 1.0 if ids in pins else float(confidence[i])
            pairs.append(Pair(*ids, sure, ids in pins, terms[i]))
    pinned = {pair for pair in pins if a.children[a.row(pair[0])]}
    taken_a, taken_b = {i for i, _ in pinned}, {j for _, j in pinned}
    for row, image in _inner(a, b, {row: image for row, (image, _) in leaves.items()}).items():
        ids = (int(a.id[row]), int(b.id[image]))
        if ids not in bans and ids[0] not in taken_a and ids[1] not in taken_b:
            pairs.append(Pair(*ids, min(leaves[leaf][1] for leaf in a.leaves_below[row] if leaf in leaves)))
    return (*pairs, *(Pair(i, j, 1.0, True) for i, j in sorted(pinned)))


def _inner(a: LevelSetTree, b: LevelSetTree, leaves: dict[int, int]) -> dict[int, int]:
    """Rows of inner nodes that go to each other: the roots, and below them the deepest with corresponding leaves."""
    images = {}
    for row in range(1, len(b)):
        if b.children[row]:
            # Rows go down the tree: of nested nodes with the same matched leaves the deepest stays.
            images[b.leaves_below[row] & frozenset(leaves.values())] = row
    inner = {}
    for row in range(1, len(a)):
        below = frozenset(leaves[leaf] for leaf in a.leaves_below[row] if leaf in leaves)
        if a.children[row] and len(below) >= 2 and below in images:
            inner[images[below]] = row
    found = {row: image for image, row in inner.items()}
    return {0: 0} | found if leaves and a.children[0] and b.children[0] else found


def _contradicts(pairs: tuple[tuple[int, int], ...], best: tuple[Pair, ...]) -> bool:
    """Whether a matching gives a leaf, of either side, another partner than the best one does."""
    there, back = {p.a: p.b for p in best}, {p.b: p.a for p in best}
    return any(there.get(i, j) != j or back.get(j, i) != i for i, j in pairs)


def _judged(matching: Matching, problem: AssignmentProblem, best: Solution) -> Matching:
    """The matching with whether the evidence singles it out, and the reasons in sentences."""
    config = problem.config
    matched = sum(j >= 0 for j in best.partners)
    faults, ties, notes = [], [], []
    if matched < 2:
        faults.append(f"{'One leaf is' if matched else 'No leaves are'} matched; two are needed to tell.")
    elif 2 * matched < min(problem.shape):
        faults.append(f"Only {matched} of {min(problem.shape)} leaves are matched.")
    if matched:
        text = f"The evidence for this matching is {-best.cost:.1f} nats (threshold {_LEAST_EVIDENCE:.1f})."
        (faults if -best.cost < _LEAST_EVIDENCE else notes).append(text)
    rivals = [a.cost - best.cost for a in matching.alternatives if _contradicts(a.pairs, matching.leaf_pairs)]
    if matched and rivals:
        one = len(rivals) == 1
        verb = "matching sends leaves elsewhere and costs" if one else "matchings send leaves elsewhere and cost"
        ties.append(f"{len(rivals)} {verb} at most {config.margin:.1f} nats more (the closest {rivals[0]:.2f}).")
    elif matched:
        notes.append(f"No matching that sends a leaf elsewhere comes within {config.margin:.1f} nats.")
    for ids, side, other in ((matching.unmatched_a, "A", "B"), (matching.unmatched_b, "B", "A")):
        if ids:
            start = "One leaf of" if len(ids) == 1 else f"{len(ids)} leaves of"
            verb, them = ("is", "it") if len(ids) == 1 else ("are", "them")
            notes.append(f"{start} {side} {verb} left out: nothing left in {other} resembles {them}.")
    if matching.solver == "heuristic":
        notes.append("Found by local search, which does not prove that no better matching exists.")
    reasons = tuple(faults + ties + notes)
    return replace(matching, determined=not faults and not ties, plausible=not faults, reasons=reasons)
