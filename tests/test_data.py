"""Planted sets: the tangle keeps volume, the entropy is the density's, seeds decide everything."""

import numpy as np
import pytest

from core.data import dataset_info, dataset_names, load_dataset
from core.data.knots import KNOTS
from core.data.tangle import Tangle
from core.data.worlds import WORLDS
from core.errors import InputError
from core.tree import level_set_tree


@pytest.mark.parametrize("dim", [3, 5, 10])
@pytest.mark.parametrize("amount", [0.5, 1.5])
def test_tangles_keep_volume_and_invert(dim, amount):
    tangle = Tangle(dim, seed=dim, amount=amount)
    x = np.random.default_rng(0).normal(size=(20, dim)) * 2
    assert np.allclose(tangle.inverse(tangle(x)), x, atol=1e-10)
    step = 1e-6
    for row in x:
        moved = np.concatenate((row + step * np.eye(dim), row - step * np.eye(dim)))
        images = tangle(moved)
        jacobian = (images[:dim] - images[dim:]) / (2 * step)
        assert abs(np.linalg.slogdet(jacobian)[1]) < 1e-6


@pytest.mark.parametrize("name", WORLDS)
def test_the_entropy_of_a_world_is_the_mean_of_minus_its_log_density(name):
    world = WORLDS[name]
    minus = -world.log_density(world.sample(name, 20_000, seed=3).points.astype(np.float64))
    assert abs(minus.mean() - world.entropy) < 4 * minus.std() / np.sqrt(len(minus))


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_has_the_tree_it_says_with_saddles_deep_enough(name):
    world = WORLDS[name]
    tree = level_set_tree(world.mixture)
    assert len(tree.leaves) == world.topology.leaves
    assert tree.persistence[tree.leaves].min() > 0.8
    assert tree.betti[0].tolist() == list(world.topology.betti)


@pytest.mark.parametrize("name", KNOTS)
def test_the_entropy_of_a_knot_is_that_of_its_points(name):
    from scipy.spatial import cKDTree
    from scipy.special import digamma

    points = load_dataset(name, n=50_000).points.astype(np.float64)
    radius = cKDTree(points).query(points, k=5)[0][:, -1]
    estimate = digamma(len(points)) - digamma(4) + np.log(4 * np.pi / 3) + 3 * np.log(radius).mean()
    # The nearest-neighbor estimate is about 0.03 nats low on tubes this thin, straight ones too.
    assert abs(dataset_info(name).entropy - 0.03 - estimate) < 0.02


@pytest.mark.parametrize("name", dataset_names())
def test_points_are_the_seed_s(name):
    first, again, other = (load_dataset(name, seed=seed, n=200) for seed in (1, 1, 2))
    assert np.array_equal(first.points, again.points)
    assert not np.array_equal(first.points, other.points)
    assert first.points.dtype == np.float32
    assert len(np.unique(first.labels)) <= first.topology.leaves


def test_a_close_name_is_suggested():
    with pytest.raises(InputError, match="trefoil"):
        load_dataset("trefol")


def test_islands_a_and_b_share_their_world_and_not_their_tangle():
    a, b = load_dataset("islands-a", n=50), load_dataset("islands-b", n=50)
    assert dataset_info("islands-a").entropy == dataset_info("islands-b").entropy
    assert not np.allclose(a.points, b.points)
