"""What nodes mean: nearest examples are a node's own, labels travel over a match, branches tell what parts them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.gaussians.mixture import GaussianMixture
from core.maps import AffineMap
from core.match import match_trees
from core.meaning import leaves_of, map_labels, members, nearest_examples, score_labels, separation
from core.tree import tree_with_regions

MEANS = np.array([[0.0, 0.0], [7.0, 0.0], [2.0, 8.0]])
DENSITY = GaussianMixture(np.array([0.45, 0.3, 0.25]), MEANS, np.stack([np.diag([1.0, 0.5])] * 3))
SETS = tree_with_regions(DENSITY)


def planted(n=900, seed=0):
    """Latents (n, 2) of the three blobs, and the blob of each."""
    rng = np.random.default_rng(seed)
    blob = rng.choice(3, n, p=DENSITY.weights)
    return MEANS[blob] + rng.normal(size=(n, 2)) * np.sqrt([1.0, 0.5]), blob


def blob_of(row):
    return int(np.argmin(((SETS.tree.peak[row] - MEANS) ** 2).sum(1)))


def identity():
    return AffineMap(np.eye(2), np.zeros(2))


@given(seed=st.integers(0, 30), count=st.integers(1, 30))
def test_the_nearest_examples_of_a_leaf_are_its_own_and_each_once(seed, count):
    latents, blob = planted(300, seed)
    for row in SETS.tree.leaves:
        found = nearest_examples(SETS, SETS.tree, SETS.tree.id[row], latents, count)
        assert len(found) == len(set(found.tolist())) == min(count, (leaves_of(SETS, SETS.tree, latents) == row).sum())
        assert (blob[found] == blob_of(row)).all()


def test_the_nearest_examples_lie_nearer_to_the_peak_than_most_members():
    latents, _ = planted()
    tree = SETS.tree
    row = tree.leaves[0]
    held = members(tree, leaves_of(SETS, tree, latents), row)
    precision = np.linalg.inv(tree.covariance[row])

    def away(places):
        gone = latents[places] - tree.peak[row]
        return np.einsum("ni,ij,nj->n", gone, precision, gone)

    found = nearest_examples(SETS, tree, tree.id[row], latents)
    assert away(found).max() < np.median(away(held))


def test_of_points_that_repeat_each_is_shown_once():
    latents, _ = planted(60)
    found = nearest_examples(SETS, SETS.tree, SETS.tree.id[SETS.tree.leaves[0]], np.repeat(latents, 5, axis=0), 6)
    assert len({tuple(point) for point in np.repeat(latents, 5, axis=0)[found]}) == 6


def test_an_inner_node_shows_every_branch_in_proportion():
    latents, blob = planted()
    found = nearest_examples(SETS, SETS.tree, SETS.tree.id[0], latents, 12)
    shares = np.bincount(blob[found], minlength=3) / 12
    np.testing.assert_allclose(shares, np.bincount(blob) / len(blob), atol=1 / 12)


def test_a_leaf_without_points_shows_none():
    latents, blob = planted()
    row = SETS.tree.leaves[0]
    assert not len(nearest_examples(SETS, SETS.tree, SETS.tree.id[row], latents[blob != blob_of(row)]))
    with pytest.raises(InputError, match="node"):
        nearest_examples(SETS, SETS.tree, 999, latents)


def test_labels_carried_between_identical_models_are_right():
    (latents_a, labels_a), (latents_b, labels_b) = planted(seed=1), planted(seed=2)
    matching = match_trees(SETS.tree, SETS.tree)
    mapped = map_labels(matching, identity(), SETS, SETS, latents_a, labels_a, latents_b)
    score = score_labels(mapped, labels_b)
    assert score.accuracy == 1.0
    assert score.rows == 900
    assert (score.by_class == 1).all()
    assert score.counts.sum() == 900
    assert 0.3 < score.chance < 0.4
    assert mapped.agreement == 1.0
    assert (mapped.confidence > 0.9).mean() > 0.99


def test_without_a_map_the_nodes_speak_alone():
    (latents_a, labels_a), (latents_b, labels_b) = planted(seed=1), planted(seed=2)
    matching = match_trees(SETS.tree, SETS.tree)
    mapped = map_labels(matching, None, SETS, SETS, latents_a, labels_a, latents_b)
    assert (mapped.by_map == -1).all()
    assert not mapped.agree.any()
    assert np.isnan(mapped.agreement)
    assert score_labels(mapped, labels_b).accuracy == 1.0


def test_nothing_is_said_in_a_leaf_without_a_partner():
    (latents_a, labels_a), (latents_b, labels_b) = planted(seed=1), planted(seed=2)
    lone = GaussianMixture(np.array([0.6, 0.4]), MEANS[:2], DENSITY.covariances[:2])
    part = tree_with_regions(lone)
    matching = match_trees(part.tree, SETS.tree)
    there = labels_a < 2
    mapped = map_labels(matching, identity(), part, SETS, latents_a[there], labels_a[there], latents_b)
    assert set(mapped.label[labels_b == 2].tolist()) == {-1}
    assert (mapped.confidence[labels_b == 2] == 0).all()
    assert score_labels(mapped, labels_b).accuracy == 1.0
    assert mapped.labeled == (labels_b < 2).sum()


def test_unknown_labels_have_no_vote():
    latents, labels = planted()
    matching = match_trees(SETS.tree, SETS.tree)
    none = map_labels(matching, identity(), SETS, SETS, latents, np.full(len(labels), -1), latents)
    assert not none.labeled
    assert score_labels(none, labels) is None
    few = np.where(np.arange(len(labels)) % 5 == 0, labels, -1)
    mapped = map_labels(matching, identity(), SETS, SETS, latents, few, latents)
    assert score_labels(mapped, labels).accuracy == 1.0


def test_labels_must_fit_their_rows():
    latents, labels = planted()
    matching = match_trees(SETS.tree, SETS.tree)
    for bad in (labels[:-1], labels + 0.5):
        with pytest.raises(InputError, match="labels_a"):
            map_labels(matching, identity(), SETS, SETS, latents, bad, latents)
    with pytest.raises(InputError, match="latents"):
        map_labels(matching, identity(), SETS, SETS, latents[:, :1], labels, latents)


def test_a_separation_finds_the_planted_axis_and_feature():
    rng = np.random.default_rng(3)
    turn = np.array([np.cos(0.6), np.sin(0.6)])
    covariance = np.outer(turn, turn) * 0.2 + np.outer([-turn[1], turn[0]], [-turn[1], turn[0]]) * 1.5
    means = np.stack((-2 * turn, 2 * turn))
    density = GaussianMixture(np.array([0.55, 0.45]), means, np.stack([covariance] * 2))
    sets = tree_with_regions(density)
    side = rng.integers(0, 2, 2000)
    latents = means[side] + rng.multivariate_normal([0, 0], covariance, 2000)
    points = rng.normal(size=(2000, 6))
    points[:, 4] += 3 * side
    found = separation(sets, sets.tree, sets.tree.id[0], points, latents)
    assert abs(found.axis @ turn) > 0.99
    assert np.linalg.norm(found.axis) == pytest.approx(1)
    assert found.d_prime == pytest.approx(4 / np.sqrt(0.2), rel=0.1)
    assert found.auc > 0.999
    assert found.order[0] == 4
    assert abs(found.difference[4]) == pytest.approx(3, rel=0.1)
    assert sum(found.counts) == 2000
    # The axis points to the second branch, and the feature grows that way or falls as the planted one does.
    upward = means[1] @ found.axis > means[0] @ found.axis
    assert (found.difference[4] > 0) == upward


def test_a_leaf_separates_nothing():
    latents, _ = planted()
    with pytest.raises(InputError, match="node"):
        separation(SETS, SETS.tree, SETS.tree.id[SETS.tree.leaves[0]], latents, latents)
    with pytest.raises(InputError, match="fewer than two"):
        separation(SETS, SETS.tree, SETS.tree.id[0], latents[:1], latents[:1])


def test_leaves_are_found_from_the_tree_alone_where_the_level_sets_are_others():
    latents, blob = planted()
    tree = SETS.simplified(0.5).tree
    other = tree_with_regions(GaussianMixture(np.ones(1), MEANS[:1], DENSITY.covariances[:1]))
    owners = leaves_of(other, tree, latents)
    assert np.mean([blob_of(row) for row in owners] == blob) > 0.99
