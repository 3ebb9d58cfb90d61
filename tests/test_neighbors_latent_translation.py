"""The bridging auto-encoder carries classes over, holds on to neighborhoods, and needs classes, not pairs."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from core.baselines import Latents, Pairs, latent_translation, problem, translate
from core.baselines.latent_translation import latent_translation as bridged
from core.baselines.merits import explained_variance, label_accuracy, sliced_wasserstein
from core.errors import InputError


@pytest.fixture(autouse=True, scope="module")
def short():
    """Fewer steps than there are by default: the clouds here are simple."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latent_translation, "_STEPS", 500)
        yield


def cloud(n, seed, dim=10, clusters=6):
    """Clusters in a space, and which one each point is of."""
    means = 3 * np.random.default_rng(1).normal(size=(clusters, dim))
    rng = np.random.default_rng(seed)
    labels = rng.integers(clusters, size=n)
    return means[labels] + 0.5 * rng.normal(size=(n, dim)), labels


def seen_otherwise(z):
    """The same clusters as a second model might have them: turned, bent, in 12 dimensions."""
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(12, 10)))[0]
    return 2 * np.tanh(z / 4) @ turn.T + 1


@pytest.fixture(scope="module")
def found(short):
    (a, labels_a), (b, labels_b) = cloud(1000, 2), cloud(1000, 3)
    return bridged(Latents(a, labels=labels_a), Latents(seen_otherwise(b), labels=labels_b))


def test_classes_are_carried_over_without_a_single_pair(found):
    """Tian and Engel 2019, section 5: with a classifier on the bridge the transfer accuracy is high."""
    z, labels = cloud(400, 4)
    images = found(z)
    assert label_accuracy(images, seen_otherwise(z), labels) > 0.95
    assert explained_variance(images, seen_otherwise(z)) > 0.8


def test_what_is_carried_over_fills_the_other_space(found):
    """The sliced Wasserstein term: the carried cloud is B's, to within a part of the width of a coordinate."""
    z = cloud(400, 4)[0]
    truth = seen_otherwise(z)
    assert sliced_wasserstein(found(z), truth) < 0.3 * truth.std()


def test_points_come_back_from_the_bridge(found):
    """Tian and Engel 2019, section 3: it is an auto-encoder of both spaces."""
    assert min(found.reconstruction) > 0.9


def test_within_a_class_neighbors_stay_neighbors(found):
    """Tian and Engel 2019, figure 5: locality is preserved, so that near points of a class have near images."""
    z, labels = cloud(400, 4)
    z = z[labels == 0]
    before, after = (np.linalg.norm(x[:, None] - x, axis=2)[np.triu_indices(len(z), 1)] for x in (z, found(z)))
    assert spearmanr(before, after).statistic > 0.2


def test_a_class_that_one_side_lacks_and_points_of_no_class_are_no_hindrance(found):
    (a, labels_a), (b, labels_b) = cloud(600, 2), cloud(600, 3)
    kept = labels_b < 4
    some = np.where(np.arange(600) % 4 == 0, labels_a, -1)
    carry = bridged(Latents(a, labels=some), Latents(seen_otherwise(b[kept]), labels=labels_b[kept]))
    z, labels = cloud(400, 4)
    z, labels = z[labels < 4], labels[labels < 4]
    assert label_accuracy(carry(z), seen_otherwise(z), labels) > 0.8


def test_the_labels_of_pairs_will_do_and_their_order_is_not_looked_at(monkeypatch):
    monkeypatch.setattr(latent_translation, "_STEPS", 20)
    (a, labels), (b, _) = cloud(200, 2), cloud(200, 3)
    source, target = Latents(a), Latents(seen_otherwise(b))
    pairs = Pairs(a, seen_otherwise(a), labels)
    assert problem("latent-translation", source, target) == "needs classes of points on both sides"
    assert problem("latent-translation", source, target, Pairs(a, a)) == "needs classes of points on both sides"
    assert problem("latent-translation", source, target, pairs) is None
    assert translate("latent-translation", source, target, pairs)(a).shape == (200, 12)


def test_a_seed_decides_the_map_and_nothing_else_does(monkeypatch):
    import torch

    monkeypatch.setattr(latent_translation, "_STEPS", 20)
    z, labels = cloud(200, 2)
    sides = Latents(z, labels=labels), Latents(seen_otherwise(z), labels=labels)
    state = torch.random.get_rng_state()
    one = bridged(*sides, seed=3)(z)
    assert torch.equal(state, torch.random.get_rng_state())
    torch.manual_seed(99)
    assert np.array_equal(one, bridged(*sides, seed=3)(z))
    assert not np.array_equal(one, bridged(*sides, seed=4)(z))


@pytest.mark.parametrize(
    "call",
    [
        lambda z, labels, found: bridged(Latents(z), Latents(z)),
        lambda z, labels, found: bridged(Latents(z, labels=labels), Latents(z, labels=labels + 10)),
        lambda z, labels, found: bridged(Latents(z, labels=0 * labels - 1), Latents(z, labels=0 * labels - 1)),
        lambda z, labels, found: found(z[:, :2]),
    ],
)
def test_bad_input_is_one_line(call, found):
    with pytest.raises(InputError) as caught:
        call(*cloud(100, 2), found)
    assert "\n" not in str(caught.value)
