"""A wrong pair is named and does no harm; the map knows how sure it is; faults are said in one line."""

from dataclasses import replace

import numpy as np
import pytest
from test_align import matched, planted, world

from core.errors import InputError
from core.gaussians import GaussianMixture
from core.maps import (
    disagreeing_pairs,
    families_available,
    fit_map,
    map_uncertainty,
    round_trip,
)


def jittered(q, jitter, seed):
    """A mixture whose means and covariances are off by about so many deviations."""
    rng = np.random.default_rng(seed)
    n, k = q.means.shape
    roots = np.linalg.cholesky(q.covariances)
    means = q.means + jitter * np.einsum("nij,nj->ni", roots, rng.normal(size=(n, k)))
    roots = roots @ (np.eye(k) + jitter * rng.normal(size=(n, k, k)))
    return GaussianMixture(q.weights, means, roots @ np.swapaxes(roots, 1, 2))


def ids(matching, *rows):
    """The pairs in some places."""
    return tuple((matching.pairs[i].a, matching.pairs[i].b) for i in rows)


def case(seed, nodes=None, dim=None, jitter=0.08):
    """Leaves matched right under a random affine map, with the map."""
    nodes, dim = nodes or 5 + seed % 5, dim or 2 + seed % 2
    q = world(nodes + 1, dim, seed)
    matrix, offset = planted("affine", dim, seed + 1)
    whole = matched(q, jittered(q.transformed(matrix, offset), jitter, seed))
    return replace(whole, pairs=whole.pairs[:-1]), q, matrix, offset


def exchanged(matching, i, j):
    """The matching with two partners exchanged."""
    pairs = list(matching.pairs)
    pairs[i], pairs[j] = replace(pairs[i], b=pairs[j].b), replace(pairs[j], b=pairs[i].b)
    return replace(matching, pairs=tuple(pairs))


def misled(matching, i):
    """The matching with the i-th node matched to the leaf of B that is left over."""
    taken = {pair.b for pair in matching.pairs}
    tree = matching.tree_b
    spare = next(node for node in tree.ids(tree.leaves) if node not in taken)
    pairs = list(matching.pairs)
    pairs[i] = replace(pairs[i], b=spare)
    return replace(matching, pairs=tuple(pairs))


TRIALS = range(40)


def test_a_clean_matching_is_left_alone():
    named = [disagreeing_pairs(case(seed, jitter=0.1 + 0.2 * (seed % 2))[0]) for seed in TRIALS]
    assert sum(map(bool, named)) <= 2


def test_one_wrong_pair_is_named():
    right = 0
    for seed in TRIALS:
        matching = misled(case(seed)[0], seed % 5)
        right += disagreeing_pairs(matching) == ids(matching, seed % 5)
    assert right >= 38


def test_two_exchanged_partners_are_named():
    right = 0
    for seed in TRIALS:
        i = seed % 4
        matching = exchanged(case(seed)[0], i, i + 1)
        right += disagreeing_pairs(matching) == ids(matching, i, i + 1)
    assert right >= 38


@pytest.mark.parametrize("spoil", [lambda m: misled(m, 1), lambda m: exchanged(m, 0, 2)], ids=["wrong", "exchanged"])
@pytest.mark.parametrize("family", ["affine", "tree"])
def test_a_wrong_pair_does_not_spoil_the_map(spoil, family):
    errors = []
    for seed in range(10):
        matching, q, matrix, offset = case(seed, nodes=7)
        z = q.sample(300, seed=1)
        truth = z @ matrix.T + offset
        missed = fit_map(spoil(matching), family)(z) - truth
        errors.append((missed**2).sum() / ((truth - truth.mean(0)) ** 2).sum())
    assert np.median(errors) < 0.01


def test_a_pinned_pair_is_named_but_kept():
    matching = misled(case(3, nodes=6)[0], 2)
    pinned = list(matching.pairs)
    pinned[2] = replace(pinned[2], pinned=True)
    matching = replace(matching, pairs=tuple(pinned))
    assert disagreeing_pairs(matching) == ids(matching, 2)
    without = replace(matching, pairs=tuple(pair for pair in pinned if not pair.pinned))
    assert np.abs(fit_map(matching).matrix - fit_map(without).matrix).max() > 0.01


def test_few_pairs_are_not_judged():
    matching = case(1, nodes=3)[0]
    assert disagreeing_pairs(misled(matching, 0)) == ()
    with pytest.raises(InputError, match="`family` must be one of"):
        disagreeing_pairs(matching, "projective")


@pytest.mark.parametrize("family", ["orthogonal", "affine", "tree"])
def test_two_deviations_cover_nineteen_points_of_twenty(family):
    covered = []
    for seed in range(12):
        q = world(8, 2, seed)
        matrix, offset = planted(family, 2, seed + 1)
        matching = matched(q, jittered(q.transformed(matrix, offset), 0.2, seed))
        z = q.sample(200, seed=1)
        error = np.linalg.norm(fit_map(matching, family)(z) - z @ matrix.T - offset, axis=1)
        covered.append((error <= 2 * map_uncertainty(matching, family)(z)).mean())
    assert 0.88 < np.mean(covered) < 0.995


def test_uncertainty_grows_away_from_the_nodes_and_with_their_scatter():
    q = world(8, 2, 4)
    matrix, offset = planted("affine", 2, 5)
    near, far = q.means[:1], q.means[:1] + 50
    calm, rough = (
        map_uncertainty(matched(q, jittered(q.transformed(matrix, offset), jitter, 0))) for jitter in (0.02, 0.2)
    )
    assert calm(far)[0] > 3 * calm(near)[0]
    assert rough(near)[0] > 3 * calm(near)[0]
    exact = map_uncertainty(matched(q, q.transformed(matrix, offset)))
    assert exact(near)[0] < 1e-6


def test_the_jackknife_is_that_of_maps_fitted_anew():
    matching = case(2, nodes=6)[0]
    found = map_uncertainty(matching)
    for i in range(6):
        rest = replace(matching, pairs=tuple(pair for at, pair in enumerate(matching.pairs) if at != i))
        np.testing.assert_allclose(found.matrices[i], fit_map(rest).matrix, atol=1e-3)


def test_three_nodes_say_nothing_of_their_scatter():
    with pytest.raises(InputError, match="takes 4 matched nodes to tell, there are 3"):
        map_uncertainty(case(1, nodes=3)[0])


def test_a_round_trip_leads_back_where_the_maps_agree():
    q = world(6, 2, 3)
    matrix, offset = planted("affine", 2, 4)
    other = q.transformed(matrix, offset)
    z = q.sample(200, seed=1)
    for family in ("affine", "tree"):
        there, back = fit_map(matched(q, other), family), fit_map(matched(other, q), family)
        assert round_trip(there, back, z) < 1e-6
    away = np.array([3.0, 0.0])
    shifted = replace(back, offset=back.offset + away, offsets=back.offsets + away)
    expected = np.sqrt(away @ np.linalg.solve(np.cov(z.T, ddof=0), away))
    assert round_trip(there, shifted, z) == pytest.approx(expected, rel=1e-6)
    with pytest.raises(InputError, match="span 2 dimensions"):
        round_trip(there, back, np.ones((5, 2)))


@pytest.mark.parametrize("covariance", [np.full((2, 2), np.nan), np.diag([1.0, 0.0]), np.zeros((2, 2))])
@pytest.mark.parametrize("side", ["first", "second"])
def test_a_node_without_a_covariance_is_named(covariance, side):
    matching = case(2, nodes=5, dim=2)[0]
    name = {"first": "tree_a", "second": "tree_b"}[side]
    tree = getattr(matching, name)
    pair = matching.pairs[2]
    node = pair.a if side == "first" else pair.b
    covariances = tree.basin_covariance.copy()
    covariances[tree.row(node)] = covariance
    matching = replace(matching, **{name: replace(tree, basin_covariance=covariances)})
    with pytest.raises(InputError, match=f"node {node} of the {side} tree") as caught:
        fit_map(matching)
    assert set(families_available(matching).values()) == {str(caught.value)}


def test_different_dimensions_say_how_many_nodes_an_affine_map_takes():
    matching = matched(world(6, 3, 1), world(6, 2, 2))
    with pytest.raises(InputError, match="take affine, from 4 matched nodes on"):
        fit_map(matching, "similarity")


def test_no_pairs_disagree_where_there_are_none():
    assert disagreeing_pairs(replace(case(2)[0], pairs=())) == ()
