"""Relative representations and their inverse do what their papers say."""

import numpy as np
import pytest

from core.baselines import Latents, Pairs, translate
from core.baselines.merits import explained_variance
from core.baselines.relative import (
    Anchors,
    choose_anchors,
    relative,
    relative_like,
    relative_representation,
    transfer_labels,
)
from core.errors import InputError


def cloud(n, seed, dim=10, clusters=6):
    """Clusters, and which one each point is of."""
    means = 3 * np.random.default_rng(1).normal(size=(clusters, dim))
    rng = np.random.default_rng(seed)
    labels = rng.integers(clusters, size=n)
    return means[labels] + 0.5 * rng.normal(size=(n, dim)), labels


def isometry(dim=10):
    return np.linalg.qr(np.random.default_rng(5).normal(size=(dim, dim)))[0]


def moved(z):
    return 7.3 * z @ isometry(z.shape[1]).T - 2.0


@pytest.mark.parametrize("anchors", [10, 50, 300])
@pytest.mark.parametrize("choice", ["farthest", "random"])
def test_no_isometry_and_no_scale_changes_a_relative_representation(anchors, choice):
    """Moschella et al. 2023, section 3: cosines are invariant to angle-preserving maps, here shifts included."""
    z, _ = cloud(600, 2)
    chosen = choose_anchors(Pairs(z, moved(z)), anchors, choice)
    fresh, _ = cloud(200, 3)
    assert len(chosen) == anchors
    assert np.abs(chosen.relative_a(fresh) - chosen.relative_b(moved(fresh))).max() < 1e-12


def test_a_relative_representation_is_a_table_of_cosines():
    z, _ = cloud(50, 2)
    cosines = relative_representation(z, z[:7], np.zeros(10))
    by_hand = z[3] @ z[5] / np.linalg.norm(z[3]) / np.linalg.norm(z[5])
    assert cosines[3, 5] == pytest.approx(by_hand)
    assert np.diag(cosines[:7]) == pytest.approx(1)


@pytest.mark.parametrize("anchors", [50, 300])
def test_the_inverse_brings_back_the_direction_of_every_point(anchors):
    """Maiorca et al. 2024: the relative projection that keeps angles is inverted by the pseudo-inverse of the anchors,
    up to the lengths, which are lost."""
    z, _ = cloud(600, 2)
    pairs, (fresh, _) = Pairs(z, moved(z)), cloud(200, 3)
    images = relative(Latents(z), Latents(moved(z)), pairs, anchors=anchors)(fresh) - pairs.b.mean(0)
    truth = moved(fresh) - pairs.b.mean(0)
    cosines = (images * truth).sum(1) / np.linalg.norm(images, axis=1) / np.linalg.norm(truth, axis=1)
    assert cosines == pytest.approx(1)
    assert np.ptp(np.linalg.norm(images, axis=1)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("anchors", [50, 300])
def test_with_lengths_kept_the_map_is_that_of_the_isometry(anchors):
    z, _ = cloud(600, 2)
    carry = relative_like(Latents(z), Latents(moved(z)), Pairs(z, moved(z)), anchors=anchors)
    fresh, _ = cloud(200, 3)
    assert carry(fresh) == pytest.approx(moved(fresh))


def test_ten_pairs_are_enough_to_speak_of_labels():
    """Ten anchors in ten dimensions leave a direction open, and yet name the clusters."""
    z, labels = cloud(400, 2)
    few, _ = cloud(10, 4)
    pairs = Pairs(few, moved(few))
    chosen = choose_anchors(pairs, 10)
    fresh, truth = cloud(200, 3)
    assert (transfer_labels(chosen, fresh, moved(z), labels) == truth).mean() > 0.95
    assert (transfer_labels(chosen, fresh, moved(z), labels, neighbors=5) == truth).mean() > 0.95
    carried = translate("relative-like", Latents(z), Latents(moved(z)), pairs)(fresh)
    assert explained_variance(carried, moved(fresh)) > 0.8


def test_one_projection_leads_to_spaces_of_another_width():
    z, _ = cloud(600, 2)
    wide = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 10)))[0]
    carry = translate("relative-like", Latents(z), Latents(z @ wide.T), Pairs(z, z @ wide.T))
    assert carry(z) == pytest.approx(z @ wide.T)


def test_farthest_anchors_are_spread_wider_than_random_ones():
    z, _ = cloud(600, 2, dim=3)
    pairs = Pairs(z, z)
    spread = {}
    for choice in ("farthest", "random"):
        directions = choose_anchors(pairs, 12, choice).relative_a(z)
        spread[choice] = directions.max(1).min()
    assert spread["farthest"] > spread["random"]


def test_a_seed_decides_the_anchors():
    z, _ = cloud(100, 2)
    for choice in ("farthest", "random"):
        one, two, other = (choose_anchors(Pairs(z, z), 20, choice, seed).a for seed in (1, 1, 2))
        assert np.array_equal(one, two)
        assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    "make",
    [
        lambda z: choose_anchors(Pairs(z, z), 1),
        lambda z: choose_anchors(Pairs(z, z), 2.5),
        lambda z: choose_anchors(Pairs(z, z), 10, "nearest"),
        lambda z: relative(Latents(z), Latents(z), Pairs(0 * z, z)),
        lambda z: relative(Latents(z), Latents(z), Pairs(z, z))(z[:, :2]),
        lambda z: transfer_labels(choose_anchors(Pairs(z, z)), z, z, np.zeros(3)),
        lambda z: transfer_labels(choose_anchors(Pairs(z, z)), z, z, np.zeros(len(z)), 0),
        lambda z: Anchors(z, z, z[0], z[0]).relative_a(z[:, :1]),
    ],
)
def test_bad_input_is_one_line(make):
    with pytest.raises(InputError) as caught:
        make(cloud(40, 0)[0])
    assert "\n" not in str(caught.value)
