"""Matchings: the exact solver is exact, constraints are obeyed, ambiguity is said."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import core
from core.errors import InputError
from core.gaussians import GaussianMixture
from core.match import METHODS, MatchConfig, match_trees
from core.match.exact import solve_exact
from core.match.heuristic import regrets, solve_heuristic
from core.match.problem import AssignmentProblem, assignment_problems
from core.tree import level_set_tree


def world(modes: int, seed: int, apart: float = 1.6) -> GaussianMixture:
    """Gaussians of different mass, size and tilt, at least `apart` from each other."""
    rng = np.random.default_rng(seed)
    means: list[np.ndarray] = []
    while len(means) < modes:
        place = rng.uniform(-5, 5, 2)
        if all(np.linalg.norm(place - other) > apart for other in means):
            means.append(place)
    axes = np.linalg.qr(rng.normal(size=(modes, 2, 2)))[0]
    covariances = axes @ (rng.uniform(0.28, 0.5, (modes, 2))[:, :, None] ** 2 * np.swapaxes(axes, 1, 2))
    weights = rng.uniform(0.5, 1.5, modes)
    return GaussianMixture(weights / weights.sum(), np.array(means), covariances)


def turned(q: GaussianMixture, seed: int) -> GaussianMixture:
    """The same world in another basis: a random affine map that keeps volume."""
    rng = np.random.default_rng(seed)
    matrix = np.linalg.qr(rng.normal(size=(2, 2)))[0] @ np.diag([1.3, 1 / 1.3])
    return q.transformed(matrix, rng.normal(size=2))


def planted_pairs(a, q_a, b, q_b):
    """Pairs of leaf ids that sit on the same component."""
    component = {int(q_b.log_components(b.mean[row][None]).argmax()): int(b.id[row]) for row in b.leaves}
    return {(int(a.id[row]), component[int(q_a.log_components(a.mean[row][None]).argmax())]) for row in a.leaves}


def injections(na, nb, used=frozenset()):
    """Every partial matching of na rows to nb columns, as tuples of columns, -1 for none."""
    if na == 0:
        yield ()
        return
    for j in (-1, *(set(range(nb)) - used)):
        for rest in injections(na - 1, nb, used | {j} - {-1}):
            yield (j, *rest)


def random_problem(seed):
    """An assignment problem with nothing tree-like about it: random costs, bans and perhaps a pin."""
    rng = np.random.default_rng(seed)
    na, nb = rng.integers(1, 6, 2)

    def between(n):
        places = 2 * rng.normal(size=(n, 2))
        contrast = rng.normal(size=n)
        return np.stack((np.linalg.norm(places[:, None] - places[None], axis=-1), contrast[:, None] - contrast))

    allowed = rng.uniform(size=(na, nb)) < rng.choice([0.6, 1.0])
    margin = float(rng.choice([0.01, 0.06, 0.3]))
    leaf_cost = rng.uniform(0, 1) + rng.uniform(size=(na, nb))
    peaks, caps = rng.uniform(0.2, 1.0, 2), rng.uniform(0.5, 2.0, 2)
    places = np.argwhere(allowed)
    pin = dict([tuple(map(int, rng.choice(places)))]) if len(places) and rng.uniform() < 0.4 else {}
    between_a, between_b = between(na), between(nb)
    return AssignmentProblem(
        leaf_cost, between_a, between_b, peaks, caps, MatchConfig(), allowed, pinned=pin, margin=margin
    )


@pytest.mark.parametrize("seed", range(40))
def test_bans_and_pins_change_nothing_about_being_exact(seed):
    problem = random_problem(seed)
    options = [p for p in injections(*problem.shape) if all(p[i] == j for i, j in problem.pinned.items())]
    costs = np.sort([problem.cost(np.array(p)) for p in options])
    costs = costs[np.isfinite(costs)]
    solutions = solve_exact(problem)
    near = min(max(2, int((costs <= costs[0] + problem.margin).sum())), 20, len(costs))
    assert solutions.proven
    np.testing.assert_allclose([s.cost for s in solutions.found][:near], costs[:near], atol=1e-12)
    assert solve_heuristic(problem)[0][1] >= costs[0] - 1e-12


@pytest.mark.parametrize("seed", range(20))
def test_a_regret_is_what_the_cheapest_change_costs(seed):
    problem = random_problem(seed)
    na, nb = problem.shape
    if problem.pinned or not problem.allowed.all():
        return
    partners = np.array(solve_exact(problem).found[0].partners)
    for i in np.flatnonzero(partners >= 0):
        costs = []
        for j in range(-1, nb):
            changed = np.where((partners == j) & (j >= 0), -1, partners)
            changed[i] = j
            costs.append(problem.cost(changed) if j != partners[i] else np.inf)
        for k in range(na):
            taken = np.where(np.arange(na) == i, -1, partners)
            traded = partners.copy()
            traded[[i, k]] = partners[[k, i]]
            taken[k] = partners[i]
            costs += [problem.cost(taken), problem.cost(traded)] if k != i else []
        assert regrets(problem, partners)[i] == pytest.approx(min(costs) - problem.cost(partners), abs=1e-9)


def test_a_search_cut_short_says_so():
    problem = assignment_problems(*(level_set_tree(world(8, seed)) for seed in (1, 2)), MatchConfig())[0]
    assert not solve_exact(problem, budget=2).proven


@pytest.mark.parametrize(("modes_a", "modes_b"), [(1, 1), (2, 3), (4, 4), (5, 3), (6, 6), (7, 6)])
def test_the_exact_solver_finds_what_trying_everything_finds(modes_a, modes_b):
    a, b = level_set_tree(world(modes_a, 1)), level_set_tree(world(modes_b, 2))
    problem = assignment_problems(a, b, MatchConfig())[1]
    na, nb = problem.shape
    costs = [problem.cost(np.array(partners)) for partners in injections(na, nb)]
    costs.sort()
    solutions = solve_exact(problem)
    assert solutions.proven
    assert solutions.found[0].cost == pytest.approx(costs[0], abs=1e-12)
    assert solutions.found[1].cost == pytest.approx(costs[1], abs=1e-12)
    near = sum(cost <= costs[0] + problem.margin for cost in costs)
    assert sum(s.cost <= costs[0] + problem.margin + 1e-12 for s in solutions.found) == min(near, 20)
    heuristic = solve_heuristic(problem)
    assert heuristic[0][1] >= costs[0] - 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_a_tree_matches_itself_at_no_cost(seed):
    tree = level_set_tree(world(6, seed))
    matching = match_trees(tree, tree)
    assert all(value == 0 for pair in matching.leaf_pairs for value in pair.terms.values())
    assert matching.solver == "exact"
    assert all(pair.a == pair.b for pair in matching.pairs)
    assert len(matching.pairs) == len(tree)


@pytest.mark.parametrize("seed", range(6))
def test_a_turned_world_is_matched_right(seed):
    q = world(7, seed)
    other = turned(q, seed + 50)
    a, b = level_set_tree(q), level_set_tree(other)
    matching = match_trees(a, b)
    assert {(p.a, p.b) for p in matching.leaf_pairs} == planted_pairs(a, q, b, other)
    assert core.assess(matching).determined, core.assess(matching).reasons


@pytest.mark.parametrize("seed", range(6))
def test_absent_leaves_are_left_out(seed):
    q = world(8, seed + 20, apart=2.0)
    kept = np.arange(8) % 4 != 1
    part = GaussianMixture(q.weights[kept] / q.weights[kept].sum(), q.means[kept], q.covariances[kept])
    part = turned(part, seed)
    a, b = level_set_tree(q), level_set_tree(part)
    matching = match_trees(a, b)
    place = {int(q.log_components(a.mean[row][None]).argmax()): int(a.id[row]) for row in a.leaves}
    assert set(matching.unmatched_a) == {place[1], place[5]}
    assert matching.unmatched_b == ()


def test_the_roots_match_and_inner_nodes_follow_their_leaves():
    q = world(7, 3)
    kept = np.arange(7) != 2
    part = turned(GaussianMixture(q.weights[kept] / q.weights[kept].sum(), q.means[kept], q.covariances[kept]), 4)
    a, b = level_set_tree(q), level_set_tree(part)
    matching = match_trees(a, b)
    image = {pair.a: pair.b for pair in matching.pairs}
    assert image[int(a.id[0])] == int(b.id[0])
    for pair in matching.pairs:
        below_a, below_b = (
            set(tree.ids(tree.leaves_below[tree.row(node)])) for tree, node in ((a, pair.a), (b, pair.b))
        )
        leaves = {p.a: p.b for p in matching.leaf_pairs}
        assert {leaves[x] for x in below_a if x in leaves} == {y for y in below_b if y in leaves.values()}


def test_unrelated_worlds_are_rarely_determined():
    trees = [(level_set_tree(world(5 + s % 3, s)), level_set_tree(world(6, s + 100))) for s in range(8)]
    assert sum(core.assess(match_trees(a, b)).determined for a, b in trees) <= 1


def test_a_symmetric_tree_is_not_determined():
    angles = np.arange(5) * 2 * np.pi / 5
    q = GaussianMixture(
        np.full(5, 0.2), 3 * np.stack((np.cos(angles), np.sin(angles)), axis=1), np.tile(0.2 * np.eye(2), (5, 1, 1))
    )
    matching = match_trees(level_set_tree(q), level_set_tree(turned(q, 1)))
    assert not core.assess(matching).determined
    assert matching.gap < matching.margin
    assert len(matching.alternatives) >= 9


def test_one_leaf_alone_is_not_determined():
    q = world(1, 0)
    matching = match_trees(level_set_tree(q), level_set_tree(q))
    assert not core.assess(matching).determined
    assert len(matching.leaf_pairs) == 1


@settings(max_examples=20, deadline=None)
@given(data=st.data(), seed=st.integers(0, 5))
def test_pins_and_bans_are_obeyed(data, seed):
    a, b = level_set_tree(world(5, seed)), level_set_tree(world(6, seed + 7))
    ids_a, ids_b = a.ids(a.leaves), b.ids(b.leaves)
    shuffled = data.draw(st.permutations(ids_b))
    count = data.draw(st.integers(0, 5))
    pins = list(zip(ids_a[:count], shuffled, strict=False))
    pairs = [(i, j) for i in ids_a for j in ids_b if (i, j) not in pins]
    bans = data.draw(st.lists(st.sampled_from(pairs), max_size=12, unique=True))
    matching = match_trees(a, b, pins, bans)
    got = {(p.a, p.b) for p in matching.pairs}
    assert set(pins) <= got
    assert not got & set(bans)
    assert {(p.a, p.b) for p in matching.pairs if p.pinned} == set(pins)
    for alternative in matching.alternatives:
        assert set(pins) <= set(alternative.pairs)
        assert not set(alternative.pairs) & set(bans)
    assert len({p.a for p in matching.pairs}) == len({p.b for p in matching.pairs}) == len(matching.pairs)


def test_an_inner_pin_keeps_leaves_below_to_leaves_below():
    a, b = level_set_tree(world(6, 3)), level_set_tree(world(6, 4))
    inner_a = next(row for row in range(1, len(a)) if a.children[row])
    inner_b = next(row for row in range(1, len(b)) if b.children[row])
    pin = (int(a.id[inner_a]), int(b.id[inner_b]))
    matching = match_trees(a, b, pins=[pin])
    below_a, below_b = set(a.ids(a.leaves_below[inner_a])), set(b.ids(b.leaves_below[inner_b]))
    assert pin in {(p.a, p.b) for p in matching.pairs}
    assert all((p.a in below_a) == (p.b in below_b) for p in matching.leaf_pairs)


def test_large_trees_say_that_the_search_was_local():
    q = world(18, 5, apart=1.2)
    a, b = level_set_tree(q), level_set_tree(turned(q, 3))
    matching = match_trees(a, b)
    assert matching.solver == "heuristic"
    assert {(p.a, p.b) for p in matching.leaf_pairs} == planted_pairs(a, q, b, turned(q, 3))


@pytest.mark.parametrize(
    ("pins", "bans", "text"),
    [
        ([(1, 999)], [], "second tree"),
        ([(1, 1), (1, 3)], [], "contradicts"),
        ([(1, 1)], [(1, 1)], "both pinned and banned"),
        ([(1, 0)], [], "second tree|leaf to"),
        ([(1,)], [], "pairs of node ids"),
    ],
)
def test_contradictions_are_one_clear_line(pins, bans, text):
    tree = level_set_tree(world(4, 1))
    with pytest.raises(InputError, match=text) as caught:
        match_trees(tree, tree, pins, bans)
    assert "\n" not in str(caught.value)


def test_an_unknown_method_is_named():
    tree = level_set_tree(world(3, 2))
    with pytest.raises(InputError, match="leaf-distances"):
        match_trees(tree, tree, config=MatchConfig(method="magic"))


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if not method.verdict])
def test_published_methods_have_the_same_signature(method):
    tree = level_set_tree(world(5, 2))
    ids = tree.ids(tree.leaves)
    config = MatchConfig(method=method)
    plain = match_trees(tree, tree, config=config)
    assert all(pair.a == pair.b for pair in plain.leaf_pairs)
    assert len(plain.leaf_pairs) == 5
    assert core.assess(plain) is None
    held = match_trees(tree, tree, [(ids[0], ids[1])], [(ids[2], ids[2])], config)
    links = {(pair.a, pair.b): pair.pinned for pair in held.leaf_pairs}
    assert links[ids[0], ids[1]]
    assert (ids[2], ids[2]) not in links
    assert len({j for _, j in links}) == len(links)


@pytest.mark.parametrize(
    ("value", "text"), [(np.nan, "finite levels, masses, means and covariances"), (0.0, "leaves span volume")]
)
def test_a_leaf_without_a_gaussian_is_named(value, text):
    tree = level_set_tree(world(4, 1))
    covariance = tree.basin_covariance.copy()
    covariance[tree.leaves[1]] = value
    with pytest.raises(InputError, match=text) as caught:
        match_trees(tree, replace(tree, basin_covariance=covariance))
    assert f"node {tree.id[tree.leaves[1]]}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_trees_of_other_dimensions_are_matched_by_what_both_have():
    q = world(5, 8)
    deep = GaussianMixture(
        q.weights,
        np.column_stack((q.means, np.zeros(5))),
        np.array([np.block([[c, np.zeros((2, 1))], [np.zeros((1, 2)), np.ones((1, 1))]]) for c in q.covariances]),
    )
    a, b = level_set_tree(q), level_set_tree(deep)
    matching = match_trees(a, b)
    assert {(p.a, p.b) for p in matching.leaf_pairs} == planted_pairs(a, q, b, deep)
    assert core.assess(matching).determined
