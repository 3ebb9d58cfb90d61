"""Published methods: each gives what its definition gives, by hand, by brute force and by the laws its paper claims."""

from itertools import combinations, permutations

import numpy as np
import ot
import pytest
from scipy.optimize import linear_sum_assignment

from core.match.methods import METHODS
from core.match.published import (
    branch_wasserstein,
    edit_distance,
    fused_gromov_wasserstein,
    gromov_wasserstein,
    path_mapping,
)
from core.match.published.branches import branch_decomposition
from core.tree.types import LevelSetTree

PUBLISHED = {name: method.find for name, method in METHODS.items() if method.find is not None}
EDITS = [
    edit_distance,
    pytest.param(lambda a, b: edit_distance(a, b, "overhang"), id="overhang"),
    branch_wasserstein,
    path_mapping,
]


def tree_of(parent, level, basin_mass=None):
    """A tree of given rows; a leaf's basin has its share of the mass, and all else of a node is left blank."""
    m, parent, level = len(parent), np.array(parent), np.array(level, dtype=float)
    blank, square = np.zeros((m, 2)), np.zeros((m, 2, 2))
    mass = np.ones(m) if basin_mass is None else np.array(basin_mass, dtype=float)
    persistence = np.where(parent < 0, 0.0, level - level[parent])
    betti = np.ones((m, 2), dtype=int)
    moments = (blank, square, betti, blank, mass, blank, square)
    return LevelSetTree(np.arange(m), parent, level, persistence, mass, mass, *moments)


def random_tree(leaves, seed):
    """A random binary tree, its highest peak at level 0."""
    rng = np.random.default_rng([leaves, seed])
    parent, level, mass = [], [], []

    def grow(n, up, base):
        row = len(parent)
        parent.append(up)
        level.append(base + rng.exponential())
        mass.append(rng.uniform(0.5, 1.5))
        if n > 1:
            left = int(rng.integers(1, n))
            grow(left, row, level[row])
            grow(n - left, row, level[row])

    if leaves == 1:
        parent, level, mass = [-1, 0], [0.0, 2.0], [1.0, 1.0]
    else:
        grow(leaves, -1, 0.0)
    return tree_of(parent, np.array(level) - max(level), mass)


def moved(tree, eps, seed):
    """The same tree with every level moved by at most `eps`."""
    rng = np.random.default_rng(seed)
    return tree_of(tree.parent, tree.level + rng.uniform(-eps, eps, len(tree)), tree.basin_mass)


def reordered(tree, seed):
    """The same tree with its rows in another order, and the new row of each old one."""
    rng = np.random.default_rng(seed)
    order, todo = [], [0]
    while todo:
        row = todo.pop(int(rng.integers(len(todo))))
        order.append(row)
        todo.extend(tree.children[row])
    place = np.argsort(order)
    parent = [-1 if tree.parent[row] < 0 else int(place[tree.parent[row]]) for row in order]
    return tree_of(parent, tree.level[order], tree.basin_mass[order]), place


def edges(tree):
    return tree.level[1:] - tree.level[tree.parent[1:]]


TWO = tree_of([-1, 0, 0], [-3, 0, -1])
LOWER = tree_of([-1, 0, 0], [-3, 0, -2])
ONE = tree_of([-1, 0], [-3, 0])


@pytest.mark.parametrize(
    ("method", "lowered", "lost"),
    [
        # The pair (-1, -3) stands at a leaf and at its saddle; that of the lone peak, (0, -3), at both its nodes.
        (edit_distance, 1 + 1, 2 / 2 + 1),
        (lambda a, b: edit_distance(a, b, "overhang"), 1 + 1, 2 + 1),
        (branch_wasserstein, 1, 2 / np.sqrt(2)),
        (path_mapping, 1, 2),
    ],
)
def test_small_trees_are_as_far_apart_as_the_definitions_say(method, lowered, lost):
    assert method(TWO, LOWER).distance == pytest.approx(lowered)
    assert method(TWO, ONE).distance == pytest.approx(lost)
    assert method(TWO, LOWER).pairs == ((0, 0), (1, 1), (2, 2))
    assert (1, 1) in method(TWO, ONE).pairs
    assert all(i != 2 for i, _ in method(TWO, ONE).pairs)


def test_branches_follow_the_elder_rule():
    tree = tree_of([-1, 0, 1, 1, 0, 4, 4], [-9, -5, -1, -2, -6, 0, -4])
    branches = branch_decomposition(tree)
    assert branches.leaf.tolist() == [5, 2, 3, 6]
    assert branches.saddle.tolist() == [0, 0, 1, 4]
    assert branches.parent.tolist() == [-1, 0, 1, 0]
    assert branches.pair.tolist() == [[0, -9], [-1, -9], [-2, -5], [-4, -6]]
    assert branches.of_row.tolist() == [1, 2, 1, 2, 3, 0, 3]


@pytest.mark.parametrize("method", PUBLISHED.values(), ids=PUBLISHED)
@pytest.mark.parametrize("seed", range(8))
def test_a_tree_is_at_no_distance_from_itself_in_any_order(method, seed):
    tree = random_tree(1 + seed, seed)
    other, place = reordered(tree, seed)
    result = method(tree, other)
    assert result.distance == pytest.approx(0, abs=1e-9)
    image = dict(result.pairs)
    assert all(image[row] == place[row] for row in tree.leaves)


@pytest.mark.parametrize("method", PUBLISHED.values(), ids=PUBLISHED)
@pytest.mark.parametrize("seed", range(10))
def test_distances_are_symmetric_and_pairs_one_to_one(method, seed):
    a, b = random_tree(2 + seed % 6, seed), random_tree(2 + seed % 5, 100 + seed)
    there, back = method(a, b), method(b, a)
    assert there.distance == pytest.approx(back.distance, abs=1e-6)
    assert there.distance > 0
    rows, columns = [i for i, _ in there.pairs], [j for _, j in there.pairs]
    assert len(set(rows)) == len(rows) == len(set(columns))
    assert rows == sorted(rows)
    assert all((i in a.leaves) == (j in b.leaves) for i, j in there.pairs) or method is edit_distance


@pytest.mark.parametrize("method", EDITS)
@pytest.mark.parametrize("seed", range(15))
def test_the_triangle_inequality_holds(method, seed):
    a, b, c = (random_tree(1 + (seed + shift) % 6, 10 * seed + shift) for shift in (0, 2, 5))
    assert method(a, c).distance <= method(a, b).distance + method(b, c).distance + 1e-9


@pytest.mark.parametrize("seed", range(10))
def test_a_small_perturbation_moves_a_tree_no_further_than_its_bound(seed):
    tree = random_tree(9, seed)
    heights = np.sort(tree.level[tree.leaves])
    eps = 0.49 * min(edges(tree).min(), np.diff(heights).min())
    other = moved(tree, eps, seed)
    n, m = len(tree.leaves), len(tree)
    assert edit_distance(tree, other).distance <= m * eps
    assert edit_distance(tree, other, "overhang").distance <= m * 2 * eps
    assert branch_wasserstein(tree, other).distance <= eps * np.sqrt(2 * n)
    assert path_mapping(tree, other).distance <= (m - 1) * 2 * eps
    for method in (edit_distance, branch_wasserstein, path_mapping):
        tiny = method(tree, moved(tree, 1e-3 * eps, seed))
        assert {(row, row) for row in tree.leaves} <= set(tiny.pairs)


def test_path_mappings_alone_do_not_depend_on_which_peak_is_the_higher():
    high_left = tree_of([-1, 0, 1, 1, 0], [-10, -2, 0, -1, -0.1])
    high_right = tree_of([-1, 0, 1, 1, 0], [-10, -2, -0.1, -1, 0])
    assert path_mapping(high_left, high_right).distance == pytest.approx(0.2)
    # The branch (-1, -2) leaves the eldest in the one tree and a younger one in the other: dropped twice.
    assert branch_wasserstein(high_left, high_right).distance == pytest.approx(1.0)
    assert path_mapping(high_left, high_right).pairs == tuple((row, row) for row in range(5))


def test_path_mappings_see_levels_by_their_differences_alone():
    a, b = random_tree(6, 1), random_tree(5, 2)
    lifted = tree_of(b.parent, b.level + 3.0)
    assert path_mapping(a, lifted).distance == pytest.approx(path_mapping(a, b).distance)


def below(tree, row):
    return {other for other in range(len(tree)) if row in tree.path(other)[1:]}


def meeting(tree, i, k):
    path = tree.path(i)
    return next(row for row in tree.path(k) if row in path)


def constrained_mappings(a, b):
    """Every mapping of rows that Zhang 1996 allows."""
    under_a, under_b = [below(a, i) for i in range(len(a))], [below(b, j) for j in range(len(b))]

    def fits(pairs):
        (i, j), rest = pairs[-1], pairs[:-1]
        if any((i in under_a[k]) != (j in under_b[t]) or (k in under_a[i]) != (t in under_b[j]) for k, t in rest):
            return False
        for trio in combinations(pairs, 3):
            for x, y, z in permutations(trio):
                if (z[0] in under_a[meeting(a, x[0], y[0])]) != (z[1] in under_b[meeting(b, x[1], y[1])]):
                    return False
        return True

    def extend(pairs, i):
        if i == len(a):
            yield pairs
            return
        yield from extend(pairs, i + 1)
        for j in range(len(b)):
            if j not in {t for _, t in pairs} and fits([*pairs, (i, j)]):
                yield from extend([*pairs, (i, j)], i + 1)

    return extend([], 0)


@pytest.mark.parametrize("cost", ["wasserstein", "overhang"])
@pytest.mark.parametrize(("sizes", "seed"), [((1, 3), 0), ((2, 3), 1), ((3, 3), 2), ((3, 3), 3), ((3, 4), 4)])
def test_edit_distances_are_the_least_over_all_constrained_mappings(cost, sizes, seed):
    a, b = (random_tree(n, seed + 10 * at) for at, n in enumerate(sizes))
    labels_a, labels_b = (
        [tuple(x.pair[x.of_row[row]]) for row in range(len(t))]
        for t, x in ((t, branch_decomposition(t)) for t in (a, b))
    )
    share = 0.5 if cost == "wasserstein" else 1.0

    def drop(pair):
        return share * (pair[0] - pair[1])

    def relabel(p, q):
        birth, death = abs(p[0] - q[0]), abs(p[1] - q[1])
        return min(max(birth, death) if cost == "wasserstein" else birth + death, drop(p) + drop(q))

    everything = sum(map(drop, labels_a)) + sum(map(drop, labels_b))
    best = min(
        everything + sum(relabel(labels_a[i], labels_b[j]) - drop(labels_a[i]) - drop(labels_b[j]) for i, j in mapping)
        for mapping in constrained_mappings(a, b)
    )
    assert edit_distance(a, b, cost).distance == pytest.approx(best)


def transport(a, b, power, norm):
    """The least sum of |p - q|^power between two multisets of persistence pairs, each free to go to the diagonal."""
    away = np.linalg.norm(a[:, None] - b[None, :], ord=norm, axis=2) ** power
    unit = 0.5 if norm == np.inf else 1 / np.sqrt(2)
    drop_a, drop_b = ((unit * (x[:, 0] - x[:, 1])) ** power for x in (a, b))
    square = np.zeros((len(a) + len(b),) * 2)
    square[: len(a), : len(b)] = away
    square[: len(a), len(b) :] = drop_a[:, None]
    square[len(a) :, : len(b)] = drop_b[None, :]
    return square[linear_sum_assignment(square)].sum()


@pytest.mark.parametrize("seed", range(10))
def test_no_tree_distance_is_less_than_that_of_the_persistence_diagrams(seed):
    a, b = random_tree(3 + seed % 5, seed), random_tree(3 + seed % 4, seed + 50)
    x, y = branch_decomposition(a), branch_decomposition(b)
    assert branch_wasserstein(a, b).distance ** 2 >= transport(x.pair, y.pair, 2, 2) - 1e-9
    nodes = transport(x.pair[x.of_row], y.pair[y.of_row], 1, np.inf)
    assert edit_distance(a, b).distance >= nodes - 1e-9


def test_branches_that_all_leave_the_eldest_are_matched_as_in_the_diagrams():
    a = tree_of([-1, 0, 0, 2, 2, 4, 4], [-9, -2, -7, -3, -5, 0, -1])
    b = tree_of([-1, 0, 0, 2, 2], [-9.5, -2.5, -4.5, 0, -1.5])
    x, y = branch_decomposition(a), branch_decomposition(b)
    assert not x.parent[1:].any()
    assert not y.parent[1:].any()
    assert branch_wasserstein(a, b).distance ** 2 == pytest.approx(transport(x.pair, y.pair, 2, 2))


@pytest.mark.parametrize("seed", range(6))
def test_the_branch_distance_is_the_least_over_all_rooted_partial_isomorphisms(seed):
    a, b = random_tree(4 + seed % 2, seed), random_tree(5, seed + 60)
    x, y = branch_decomposition(a), branch_decomposition(b)

    def gone(z, i):
        return z.persistence[i] ** 2 / 2 + sum(gone(z, c) for c in z.children[i])

    def together(i, j):
        rows, columns = x.children[i], [*y.children[j], *[-1] * len(x.children[i])]
        away = ((x.pair[i] - y.pair[j]) ** 2).sum()
        every = []
        for chosen in set(permutations(columns, len(rows))):
            cost = sum(together(s, t) if t >= 0 else gone(x, s) for s, t in zip(rows, chosen, strict=True))
            every.append(cost + sum(gone(y, t) for t in y.children[j] if t not in chosen))
        return away + min(every)

    assert branch_wasserstein(a, b).distance ** 2 == pytest.approx(together(0, 0))


def pruned(tree, kept):
    """What the leaves `kept` span, no node of one child left in it, as nested ((length, children), row), and the length
    of all edges cut."""
    lit = set().union(*(tree.path(leaf) for leaf in kept))

    def grow(row, start):
        own = [c for c in tree.children[row] if c in lit]
        if len(own) == 1:
            return grow(own[0], start)
        return tree.level[row] - start, [grow(c, tree.level[row]) for c in own]

    cut = sum(tree.level[r] - tree.level[tree.parent[r]] for r in range(1, len(tree)) if r not in lit)
    return grow(0, tree.level[0]), cut


def stretched(a, b):
    """The least cost of an isomorphism of two pruned trees, infinite where there is none."""
    if len(a[1]) != len(b[1]):
        return np.inf
    ways = [sum(stretched(s, t) for s, t in zip(a[1], order, strict=True)) for order in permutations(b[1])]
    return abs(a[0] - b[0]) + min(ways)


@pytest.mark.parametrize(
    ("sizes", "seed"), [((1, 4), 0), ((3, 4), 1), ((4, 4), 2), ((4, 4), 3), ((5, 4), 4), ((5, 5), 5)]
)
def test_path_mappings_are_the_least_over_all_prunings_and_isomorphisms(sizes, seed):
    a, b = (random_tree(n, seed + 10 * at) for at, n in enumerate(sizes))
    parts_a, parts_b = (
        [pruned(t, kept) for n in range(1, len(t.leaves) + 1) for kept in combinations(t.leaves.tolist(), n)]
        for t in (a, b)
    )
    best = min(cut_a + cut_b + stretched(x, y) for x, cut_a in parts_a for y, cut_b in parts_b)
    assert path_mapping(a, b).distance == pytest.approx(best)


def partial_matchings(na, nb, used=frozenset()):
    """Every partial matching of na rows to nb columns, as tuples of columns, -1 for none."""
    if na == 0:
        yield ()
        return
    for j in (-1, *(set(range(nb)) - used)):
        for rest in partial_matchings(na - 1, nb, used | {j} - {-1}):
            yield (j, *rest)


def fused_parts(a, b):
    """Squared differences of log-mass and height of the leaves, and the depths (at most 4 nats) at which they join."""
    mass, height = (np.subtract.outer(f(a), f(b)) for f in (lambda t: np.log(t.basin_mass[t.leaves]), heights))
    depths = [
        np.array([[0.0 if i == k else min(-t.merge_level(i, k), 4.0) for k in t.leaves] for i in t.leaves])
        for t in (a, b)
    ]
    return mass**2 + height**2, *depths


def heights(tree):
    return tree.level[tree.leaves]


@pytest.mark.parametrize("seed", range(12))
def test_the_fused_cost_is_the_least_over_all_partial_matchings_of_small_trees(seed):
    a = random_tree(3 + seed % 3, seed)
    b = moved(a, 0.3, seed) if seed % 2 else random_tree(4 + seed % 2, seed + 50)
    features, depth_a, depth_b = fused_parts(a, b)
    n = max(features.shape)
    costs = {}
    for columns in partial_matchings(*features.shape):
        columns = np.array(columns)
        i = np.flatnonzero(columns >= 0)
        j = columns[i]
        strain = ((depth_a[np.ix_(i, i)] - depth_b[np.ix_(j, j)]) ** 2).sum()
        left_out = sum(features.shape) - 2 * len(i)
        pairs = tuple(zip(a.leaves[i].tolist(), b.leaves[j].tolist(), strict=True))
        costs[pairs] = 0.5 * features[i, j].sum() / n + 0.5 * strain / n**2 + 0.2 * left_out / n / 2
    result = fused_gromov_wasserstein(a, b)
    assert result.distance == pytest.approx(min(costs.values()))
    assert costs[result.pairs] == pytest.approx(result.distance)


@pytest.mark.parametrize("seed", range(6))
def test_the_fused_cost_is_no_more_than_what_pot_finds_for_all_leaves(seed):
    a, b = random_tree(12, seed), moved(random_tree(12, seed + (seed % 2)), 0.2, seed)
    features, depth_a, depth_b = fused_parts(a, b)
    weights = np.full(12, 1 / 12)
    full = ot.gromov.fused_gromov_wasserstein2(features, depth_a, depth_b, weights, weights, alpha=0.5)
    assert fused_gromov_wasserstein(a, b).distance <= full + 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_the_fused_cost_of_a_small_perturbation_is_less_than_its_square(seed):
    tree = random_tree(15, seed)
    result = fused_gromov_wasserstein(tree, moved(tree, 0.05, seed))
    # A height moves by eps at most, a depth too, and each counts by half.
    assert result.distance <= 0.05**2


def cloud(seed, n=120):
    """Points of four blobs in space, and the blob of each, as rows 3, 5, 8 and 9 of a tree."""
    rng = np.random.default_rng(seed)
    blob = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    centers = np.array([[0, 0, 0], [6, 0, 0], [0, 9, 0], [3, 2, 7]])
    return centers[blob] + rng.normal(size=(n, 3)), np.array([3, 5, 8, 9])[blob]


def white_distances(points):
    """Distances between points after a linear map that gives them unit covariance, on average one."""
    factor = np.linalg.cholesky(np.cov(points, rowvar=False))
    white = np.linalg.solve(factor, points.T).T
    distance = np.linalg.norm(white[:, None] - white[None, :], axis=-1)
    return distance / distance.mean()


@pytest.mark.parametrize("seed", range(3))
def test_gromov_wasserstein_sees_no_affine_map(seed):
    rng = np.random.default_rng(seed)
    points, labels = cloud(seed)
    order = rng.permutation(len(points))
    other = (points @ rng.normal(size=(3, 3)) + rng.normal(size=3))[order]
    result = gromov_wasserstein(points, labels, other, labels[order] + 10)
    assert result.distance == pytest.approx(0, abs=1e-5)
    assert result.pairs == ((3, 13), (5, 15), (8, 18), (9, 19))


@pytest.mark.parametrize("seed", range(3))
def test_gromov_wasserstein_lies_between_its_second_lower_bound_and_the_product_plan(seed):
    (points, labels), (other, theirs) = cloud(seed), cloud(seed + 20)
    other = other[:, :2]
    a, b = white_distances(points), white_distances(other)
    result = gromov_wasserstein(points, labels, other, theirs)
    assert result.distance >= np.sqrt(((np.sort(a.ravel()) - np.sort(b.ravel())) ** 2).mean()) - 1e-9
    assert result.distance**2 <= (a**2).mean() + (b**2).mean() - 2 * a.mean() * b.mean()


@pytest.mark.parametrize("seed", range(3))
def test_gromov_wasserstein_pairs_leaves_by_where_most_of_their_points_go(seed):
    points, labels = cloud(seed)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(points))[: len(points) * 3 // 4]
    theirs = np.where(rng.uniform(size=len(order)) < 0.1, 5, labels[order])
    result = gromov_wasserstein(points, labels, points[order] + 0.1 * rng.normal(size=(len(order), 3)), theirs)
    assert result.pairs == ((3, 3), (5, 5), (8, 8), (9, 9))
