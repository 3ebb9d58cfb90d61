"""The partial matching of two level-set trees."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from core.errors import InputError, invalid
from core.match.by_map import solve_by_map
from core.match.exact import Solution, Solutions, solve_exact
from core.match.heuristic import initial_solution, solve_from, solve_heuristic
from core.match.judgment import chance_gain, confidence, least_inclusion, leftover_pairs, terms
from core.match.methods import method_row
from core.match.misfit import with_misfits
from core.match.pairs import node_pairs
from core.match.problem import AssignmentProblem, MatchConfig, assignment_problems
from core.match.published.types import Published
from core.match.types import Alternative, Matching, Pair
from core.tree.regime import Regime, regime_of
from core.tree.types import LevelSetTree

__all__ = ["match_trees"]

_MOST = 20


def match_trees(
    a: LevelSetTree,
    b: LevelSetTree,
    pins: Iterable[tuple[int, int]] = (),
    bans: Iterable[tuple[int, int]] = (),
    config: MatchConfig | None = None,
) -> Matching:
    """The partial matching of two trees' nodes with the least cost that contains every pin and no ban.

    `pins` and `bans` are pairs of node ids (of `a`, of `b`). A pin of two internal nodes restricts the leaves below one
    to the leaves below the other. Trees with at most `config.exact_leaves` leaves are solved to the proven optimum; the
    misfit of an affine map decides among its near ties. Raises `InputError` for unknown ids, for pins that contradict
    each other or a ban, and for leaves that are not finite or are flat.
    """
    config = config or MatchConfig()
    find = method_row(config.method).find
    _check_leaves(a, "a")
    _check_leaves(b, "b")
    pins, bans = _node_pairs(a, b, pins, "pins"), _node_pairs(a, b, bans, "bans")
    allowed, pinned = _constraints(a, b, pins, bans)
    if find is not None:
        return _published(a, b, pins, bans, allowed, pinned, find(a, b), config.method)
    regime = regime_of(a.dim, b.dim)
    # If both spaces have the same dimension, one map must fit all leaves.
    solve = _solved_by_map if regime is Regime.SAMPLED and a.dim == b.dim else _solved_by_pairs
    problem, solutions, solver = solve(a, b, config, allowed, pinned)
    best, others = solutions.found[0], solutions.found[1:]
    chance = chance_gain(problem, solutions)
    pairs = node_pairs(a, b, best, pins, bans, confidence(problem, solutions), terms(problem, best))
    near = [s for s in solutions.found if s.cost - best.cost <= problem.margin]
    return Matching(
        a,
        b,
        pairs,
        *_unmatched(a, b, pairs),
        cost=best.cost + chance,
        gap=others[0].cost - best.cost if others else problem.margin,
        solver=solver,
        margin=problem.margin,
        alternatives=_alternatives(a, b, near, chance),
        leftover_pairs=leftover_pairs(solutions),
        least_inclusion=least_inclusion(solutions),
        constraint_cost=best.cost + chance - _free_cost(a, b, config) if pinned or not allowed.all() else 0.0,
    )


@lru_cache(maxsize=32)
def _free_cost(a: LevelSetTree, b: LevelSetTree, config: MatchConfig) -> float:
    """The cost of the best matching without pins and bans."""
    return match_trees(a, b, config=config).cost


def _check_leaves(tree: LevelSetTree, name: str) -> None:
    """Raises `InputError` if a leaf's level, mass or Gaussian is not finite, or its Gaussian is flat."""
    rows = tree.leaves
    values = (tree.level[rows], tree.basin_mass[rows], tree.basin_mean[rows], tree.basin_covariance[rows])
    finite = np.all([np.isfinite(part).reshape(len(rows), -1).all(axis=1) for part in values], axis=0)
    if not finite.all():
        raise invalid(
            name,
            "a tree of finite levels, masses, means and covariances",
            f"others at node {tree.id[rows[finite.argmin()]]}",
            "build it anew",
        )
    flat = np.linalg.slogdet(tree.basin_covariance[rows])[0] <= 0
    if flat.any():
        node = tree.id[rows[flat.argmax()]]
        raise invalid(name, "a tree whose leaves span volume", f"a flat node {node}", "build it anew")


def _alternatives(a: LevelSetTree, b: LevelSetTree, found: list[Solution], chance: float) -> tuple[Alternative, ...]:
    """The alternatives to the first solution, without those whose pairs a better one contains. The `chance` gain of the
    best is added to their costs."""
    kept: list[tuple[set[tuple[int, int]], Alternative]] = []
    for solution in found:
        pairs = _ids(a, b, solution)
        if not any(set(pairs) <= better for better, _ in kept):
            kept.append((set(pairs), Alternative(pairs, solution.cost + chance)))
    return tuple(alternative for _, alternative in kept[1:])


def _published(
    a: LevelSetTree,
    b: LevelSetTree,
    pins: tuple[tuple[int, int], ...],
    bans: tuple[tuple[int, int], ...],
    allowed: np.ndarray,
    pinned: dict[int, int],
    found: Published,
    method: str,
) -> Matching:
    """A published method's matching of the leaves, with every pin added and every ban removed."""
    place_a, place_b = ({int(row): at for at, row in enumerate(tree.leaves)} for tree in (a, b))
    partners = np.full(len(place_a), -1)
    for i, j in found.pairs:
        if i in place_a and j in place_b and allowed[place_a[i], place_b[j]] and place_b[j] not in pinned.values():
            partners[place_a[i]] = place_b[j]
    for i, j in pinned.items():
        partners[i] = j
    best = Solution(tuple(partners.tolist()), found.distance)
    pairs = node_pairs(a, b, best, pins, bans, None, {})
    return Matching(a, b, pairs, *_unmatched(a, b, pairs), found.distance, 0.0, "published", method)


def _unmatched(a: LevelSetTree, b: LevelSetTree, pairs: tuple[Pair, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ids of the unmatched leaves of either tree."""
    matched_a, matched_b = {p.a for p in pairs}, {p.b for p in pairs}
    return (
        tuple(i for i in a.ids(a.leaves) if i not in matched_a),
        tuple(j for j in b.ids(b.leaves) if j not in matched_b),
    )


def _node_pairs(
    a: LevelSetTree, b: LevelSetTree, pairs: Iterable[tuple[int, int]], name: str
) -> tuple[tuple[int, int], ...]:
    """The distinct pairs of node ids. Raises `InputError` for one that is malformed or unknown."""
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
    """Which leaf pairs are allowed (na, nb), and which are pinned. Raises `InputError` if pins and bans contradict each
    other."""
    place_a, place_b = ({int(row): at for at, row in enumerate(tree.leaves)} for tree in (a, b))
    allowed: np.ndarray = np.ones((len(place_a), len(place_b)), dtype=bool)
    pinned: dict[int, int] = {}
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
            if place_a[row_a] in pinned or place_b[row_b] in pinned.values():
                raise InputError(f"the pin {i}:{j} contradicts another pin of node {i} or {j}; take one back.")
            pinned[place_a[row_a]] = place_b[row_b]
    for i, j in pinned.items():
        if not allowed[i, j]:
            pin = (int(a.id[a.leaves[i]]), int(b.id[b.leaves[j]]))
            raise InputError(f"the pin {pin[0]}:{pin[1]} contradicts another pin or ban; take one back.")
    return allowed, pinned


def _solved_by_pairs(
    a: LevelSetTree,
    b: LevelSetTree,
    config: MatchConfig,
    allowed: np.ndarray,
    pinned: dict[int, int],
) -> tuple[AssignmentProblem, Solutions, str]:
    """The problem at the noise level that explains the trees best, its solutions, and the solver that found them."""
    problems = [replace(problem, allowed=allowed, pinned=pinned) for problem in _problems(a, b, config)]
    if max(allowed.shape) > config.exact_leaves:
        return _solved_large(a, b, config, problems)
    solved = [(problem, *_solutions(problem)) for problem in problems]
    problem, solutions, solver = min(solved, key=lambda result: result[1].found[0].cost)
    return problem, with_misfits(a, b, solutions), solver


def _solved_by_map(
    a: LevelSetTree,
    b: LevelSetTree,
    config: MatchConfig,
    allowed: np.ndarray,
    pinned: dict[int, int],
) -> tuple[AssignmentProblem, Solutions, str]:
    """As `_solved_by_pairs`, if one map must fit all leaves: pairs propose matchings, the map decides."""
    problem = replace(_problems(a, b, config)[0], allowed=allowed, pinned=pinned)
    solutions = _free_by_map(a, b, config)
    if pinned or not allowed.all():
        solutions = solve_by_map(a, b, problem, np.array(solutions.found[0].partners))
    return problem, solutions, "heuristic"


@lru_cache(maxsize=32)
def _free_by_map(a: LevelSetTree, b: LevelSetTree, config: MatchConfig) -> Solutions:
    """The matchings by map of two trees without pins and bans."""
    return solve_by_map(a, b, _problems(a, b, config)[0])


def _solutions(problem: AssignmentProblem) -> tuple[Solutions, str]:
    solutions = solve_exact(problem, _MOST)
    if solutions.proven:
        return solutions, "exact"
    found = {s.partners: s.cost for s in solutions.found} | dict(solve_heuristic(problem))
    return _best_of(list(found.items())), "heuristic"


def _best_of(found: list[tuple[tuple[int, ...], float]]) -> Solutions:
    best = sorted(found, key=lambda item: (item[1], item[0]))[:_MOST]
    return Solutions(tuple(Solution(p, c) for p, c in best), proven=False)


# Every edit matches the same two trees again. Nothing cached depends on pins and bans, so a matching does not depend on
# the order of edits.
@lru_cache(maxsize=32)
def _problems(a: LevelSetTree, b: LevelSetTree, config: MatchConfig) -> tuple[AssignmentProblem, ...]:
    return tuple(assignment_problems(a, b, config))


@lru_cache(maxsize=32)
def _unconstrained(
    a: LevelSetTree, b: LevelSetTree, config: MatchConfig
) -> tuple[int, list[tuple[tuple[int, ...], float]]]:
    """The noise level that explains the trees best, and the matchings found there without pins and bans."""
    problems = _problems(a, b, config)
    at = min(range(len(problems)), key=lambda at: problems[at].cost(initial_solution(problems[at])))
    return _at_likeliest(problems, at, solve_heuristic(problems[at]))


def _solved_large(
    a: LevelSetTree, b: LevelSetTree, config: MatchConfig, problems: list[AssignmentProblem]
) -> tuple[AssignmentProblem, Solutions, str]:
    """As `_solved_by_pairs`, for trees too large for a proof: starts from the matching without pins and bans."""
    at, found = _unconstrained(a, b, config)
    if problems[at].pinned or not problems[at].allowed.all():
        at, found = _at_likeliest(problems, at, solve_from(problems[at], np.array(found[0][0])))
    return problems[at], with_misfits(a, b, _best_of(found)), "heuristic"


def _at_likeliest(
    problems: Sequence[AssignmentProblem], at: int, found: list[tuple[tuple[int, ...], float]]
) -> tuple[int, list[tuple[tuple[int, ...], float]]]:
    """The likeliest noise level for the best of `found`, and the matchings there: `found` itself if the level is `at`,
    otherwise a search that starts from that best."""
    partners = np.array(found[0][0])
    likeliest = min(range(len(problems)), key=lambda other: problems[other].cost(partners))
    return (at, found) if likeliest == at else (likeliest, solve_from(problems[likeliest], partners))


def _ids(a: LevelSetTree, b: LevelSetTree, solution: Solution) -> tuple[tuple[int, int], ...]:
    return tuple((int(a.id[a.leaves[i]]), int(b.id[b.leaves[j]])) for i, j in enumerate(solution.partners) if j >= 0)
