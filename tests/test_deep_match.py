"""Matchings beyond three dimensions: one map has to carry every leaf."""

import numpy as np
import pytest

import core
from core.gaussians import GaussianMixture
from core.maps import fit_map
from core.match import match_trees
from core.match.by_map import proposals
from core.match.problem import MatchConfig, assignment_problems
from core.tree import level_set_tree


def world(modes: int, dim: int, seed: int) -> GaussianMixture:
    """Gaussians of different size and tilt, far enough apart to be leaves."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(modes, dim, dim)))[0]
    spread = rng.uniform(0.3, 1.2, (modes, dim)) ** 2
    weights = rng.uniform(0.7, 1.3, modes)
    covariances = axes @ (spread[:, :, None] * np.swapaxes(axes, 1, 2))
    return GaussianMixture(weights / weights.sum(), 3 * rng.normal(size=(modes, dim)), covariances)


def carried(q: GaussianMixture, seed: int) -> GaussianMixture:
    """The same world in another basis, each leaf a little off."""
    rng = np.random.default_rng(seed)
    matrix = np.linalg.qr(rng.normal(size=(q.dim, q.dim)))[0] @ np.diag(rng.uniform(0.7, 1.4, q.dim))
    image = q.transformed(matrix, rng.normal(size=q.dim))
    off = image.means + 0.1 * rng.normal(size=image.means.shape)
    return GaussianMixture(image.weights, off, image.covariances * rng.uniform(0.8, 1.25, len(off))[:, None, None])


def components(tree, q) -> dict[int, int]:
    """The component nearest to each leaf."""
    rows = tree.leaves
    near = ((tree.basin_mean[rows][:, None] - q.means) ** 2).sum(-1).argmin(1)
    return dict(zip(tree.ids(rows), near.tolist(), strict=True))


def pair(modes: int, dim: int, seed: int):
    q_a = world(modes, dim, seed)
    q_b = carried(q_a, seed + 100)
    return q_a, q_b, level_set_tree(q_a), level_set_tree(q_b)


@pytest.mark.parametrize(("dim", "seed"), [(4, 0), (5, 1), (7, 2), (9, 3), (9, 4)])
def test_a_world_in_another_basis_is_matched_leaf_for_leaf(dim, seed):
    q_a, q_b, a, b = pair(8, dim, seed)
    matching = match_trees(a, b)
    of_a, of_b = components(a, q_a), components(b, q_b)
    assert len(matching.leaf_pairs) == 8
    assert all(of_a[p.a] == of_b[p.b] for p in matching.leaf_pairs)
    assert core.assess(matching).determined


def test_the_map_that_follows_carries_means_to_means():
    q_a, q_b, a, b = pair(8, 6, 5)
    carry = fit_map(match_trees(a, b), "tree")
    assert np.abs(carry(q_a.means) - q_b.means).max() < 1.0
    back = carry.inverse()
    np.testing.assert_allclose(back(carry(q_a.means)), q_a.means, atol=1e-5)


def test_two_unrelated_worlds_are_not_determined():
    trees = [(level_set_tree(world(8, 6, seed)), level_set_tree(world(8, 6, seed + 50))) for seed in range(6)]
    verdicts = [core.assess(match_trees(*pair)) for pair in trees]
    assert not any(verdict.determined for verdict in verdicts)
    assert all(verdict.reasons for verdict in verdicts)


def test_pins_and_bans_hold():
    _, _, a, b = pair(8, 6, 7)
    free = match_trees(a, b)
    first, second = free.leaf_pairs[:2]
    pinned = match_trees(a, b, pins=[(first.a, second.b)])
    assert (first.a, second.b) in {(p.a, p.b) for p in pinned.leaf_pairs}
    banned = match_trees(a, b, bans=[(first.a, first.b)])
    assert (first.a, first.b) not in {(p.a, p.b) for p in banned.leaf_pairs}
    assert banned.cost >= free.cost


@pytest.mark.parametrize("seed", [0, 1, 4])
def test_pins_of_all_leaves_of_one_side_hold(seed):
    q_a, q_b = world(9, 8, seed), carried(world(9, 8, seed), seed + 9)
    kept = GaussianMixture(q_b.weights[:8] / q_b.weights[:8].sum(), q_b.means[:8], q_b.covariances[:8])
    a, b = level_set_tree(q_a), level_set_tree(kept)
    leaves_a, leaves_b = a.ids(a.leaves), b.ids(b.leaves)
    found = [(p.a, p.b) for p in match_trees(a, b).leaf_pairs]
    order = np.random.default_rng(seed).permutation(len(leaves_a))[: len(leaves_b)]
    for pins in (found, [(leaves_a[at], leaf) for at, leaf in zip(order, leaves_b, strict=True)]):
        assert {(p.a, p.b) for p in match_trees(a, b, pins=pins).leaf_pairs} == set(pins)


def test_an_edit_that_is_taken_back_leaves_no_trace():
    _, _, a, b = pair(8, 6, 8)
    before = match_trees(a, b)
    match_trees(a, b, pins=[(before.leaf_pairs[0].a, before.leaf_pairs[1].b)])
    after = match_trees(a, b)
    assert [(p.a, p.b) for p in after.pairs] == [(p.a, p.b) for p in before.pairs]
    assert after.cost == before.cost


def test_proposals_are_full_distinct_and_the_same_every_time():
    _, _, a, b = pair(8, 6, 9)
    (problem,) = assignment_problems(a, b, MatchConfig())
    first, second = proposals(problem, 20), proposals(problem, 20)
    assert np.array_equal(first, second)
    assert len(np.unique(first, axis=0)) == len(first) > 1
    assert all(np.array_equal(np.sort(partners), np.arange(8)) for partners in first)


def test_leaves_without_a_partner_stay_alone_in_a_larger_world():
    q_a, q_b, _, b = pair(8, 6, 10)
    some = GaussianMixture(q_a.weights[:6] / q_a.weights[:6].sum(), q_a.means[:6], q_a.covariances[:6])
    a = level_set_tree(some)
    matching = match_trees(a, b)
    of_a, of_b = components(a, some), components(b, q_b)
    assert len(matching.unmatched_b) == 2
    assert all(of_a[p.a] == of_b[p.b] for p in matching.leaf_pairs)


def test_a_leaf_that_fits_badly_is_matched_last_and_with_little_confidence():
    q_a, q_b, a, _ = pair(8, 6, 11)
    means, covariances = q_b.means.copy(), q_b.covariances.copy()
    means[3] += 2.5 * np.sqrt(np.trace(covariances[3])) / np.sqrt(6)
    covariances[3] *= 4
    b = level_set_tree(GaussianMixture(q_b.weights, means, covariances))
    matching = match_trees(a, b)
    of_a, of_b = components(a, q_a), components(b, q_b)
    confidence = {of_a[p.a]: p.confidence for p in matching.leaf_pairs}
    assert all(of_a[p.a] == of_b[p.b] for p in matching.leaf_pairs)
    assert confidence.pop(3) < 0.5 < min(confidence.values())
    assert "left over" in " ".join(core.assess(matching).reasons)


@pytest.mark.parametrize("seed", [12, 13, 14])
def test_worlds_that_each_lack_a_leaf_are_matched_by_the_rest(seed):
    q_a, q_b, _, _ = pair(8, 6, seed)
    some_a, some_b = np.arange(1, 8), np.arange(7)
    part_a, part_b = (
        GaussianMixture(q.weights[kept] / q.weights[kept].sum(), q.means[kept], q.covariances[kept])
        for q, kept in ((q_a, some_a), (q_b, some_b))
    )
    a, b = level_set_tree(part_a), level_set_tree(part_b)
    matching = match_trees(a, b)
    of_a, of_b = components(a, part_a), components(b, part_b)
    sure = {(int(some_a[of_a[p.a]]), int(some_b[of_b[p.b]])) for p in matching.leaf_pairs if p.confidence > 0.5}
    assert sure == {(i, i) for i in range(1, 7)}
