"""Planted sets: the tangle keeps volume, the entropy is the density's, seeds decide everything."""

import numpy as np
import pytest

from core.errors import InputError
from core.tree import level_set_tree
from core.worlds import dataset_info, dataset_names, load_dataset
from core.worlds.knots import KNOTS
from core.worlds.tangle import Tangle
from core.worlds.tangled import WORLDS


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


@pytest.mark.parametrize("name", WORLDS)
def test_labels_of_a_world_are_the_modes_uphill(name):
    world = WORLDS[name]
    data = load_dataset(name, n=300)
    z = data.latent.astype(np.float64)
    for _ in range(400):
        # Mean shift climbs: every step is the mixture's own fixed-point iteration, by responsibilities.
        terms = world.mixture.log_components(z)
        share = np.exp(terms - terms.max(1, keepdims=True))
        precision = np.linalg.inv(world.mixture.covariances)
        pull = np.einsum("nc,cij,cj->ni", share, precision, world.mixture.means)
        z = np.linalg.solve(np.einsum("nc,cij->nij", share, precision), pull[..., None])[..., 0]
    reached = world.modes[world.mixture.log_components(z).argmax(1)]
    assert (reached == data.labels).mean() > 0.97


@pytest.mark.parametrize("name", KNOTS)
def test_labels_of_a_knot_are_the_nearest_beads_in_the_order_of_the_ring(name):
    knot, data = KNOTS[name], load_dataset(name, n=3000)
    component = data.labels // knot.beads
    center = np.array([knot.plane.means[knot.modes // knot.beads == at].mean(0) for at in range(len(knot.curves))])
    away = data.latent - center[component]
    turn = np.arctan2(away[:, 1], away[:, 0]) / (2 * np.pi) % 1.0 * knot.beads
    away = np.abs(turn - (data.labels % knot.beads + 0.5))
    assert np.minimum(away, knot.beads - away).max() < 0.5 + 1e-4


@pytest.mark.parametrize("name", KNOTS)
def test_the_plane_of_a_knot_has_its_rings_and_its_heights(name):
    knot = KNOTS[name]
    tree = level_set_tree(knot.plane)
    assert len(tree.leaves) == knot.topology.leaves
    assert tree.persistence[tree.leaves].min() > 0.8
    assert tree.betti[0].tolist() == list(knot.topology.betti)
    # A bead's peak over the dip to the next: from a mixture of wrapped normals, the tube's own height taken off.
    place, dip = (knot._bead_density(np.array([at / knot.beads]), 0) for at in (0.5, 1.0))
    along = knot._radii[0] * np.exp(2j * np.pi * np.array([0.5, 1.0]) / knot.beads)
    height = knot.plane.log_density(np.stack((along.real, along.imag), axis=1))
    assert height[0] - height[1] == pytest.approx(float(np.log(place / dip)[0]), abs=0.02)


@pytest.mark.parametrize("name", KNOTS)
def test_points_of_a_knot_have_the_plane_s_density(name):
    knot, data = KNOTS[name], load_dataset(name, n=20_000)
    of_points, drawn = (knot.plane.log_density(z) for z in (data.latent, knot.plane.sample(20_000, seed=5)))
    error = np.hypot(of_points.std(), drawn.std()) / np.sqrt(20_000)
    assert abs(of_points.mean() - drawn.mean()) < 4 * error


@pytest.mark.parametrize("name", KNOTS)
def test_the_tube_of_a_knot_stays_clear_of_itself(name):
    knot = KNOTS[name]
    points = np.concatenate([curve.position[::8] for curve in knot._traced])
    component = np.repeat(np.arange(len(knot._traced)), len(points) // len(knot._traced))
    share = np.concatenate([np.arange(0, 1, 8 / len(curve.position)) for curve in knot._traced])
    radius = min(1 / curve.curvature.max() for curve in knot._traced)
    assert radius > 5 * knot.tube
    along = np.abs(share[:, None] - share)
    along = np.minimum(along, 1 - along) * max(curve.length for curve in knot._traced)
    other = (component[:, None] != component) | (along > np.pi * radius)
    assert np.linalg.norm(points[:, None] - points, axis=-1)[other].min() > 8 * knot.tube


def test_points_of_a_knot_fill_its_tube():
    curve = KNOTS["trefoil"]._traced[0]
    s = (1000.5 + np.linspace(0, 1, 11)) / len(curve.position)
    step = np.diff(curve.place(s, np.zeros((11, 2))), axis=0)
    assert np.allclose(np.linalg.norm(step, axis=1), curve.length / len(curve.position) / 10, rtol=1e-3)


def test_a_close_name_is_suggested():
    with pytest.raises(InputError, match="trefoil"):
        load_dataset("trefol")


@pytest.mark.parametrize("name", ["x" * 5000, "a\nb", "a\0b", "", None, 3])
def test_what_is_no_name_gets_one_short_line(name):
    with pytest.raises(InputError) as caught:
        load_dataset(name)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"seed": 0.5}, {"seed": "x"}, {"seed": None}, {"n": 0}, {"n": True}])
def test_seeds_and_numbers_of_points_are_whole(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        load_dataset("blob", **wrong)
    assert len(load_dataset("blob", seed=np.int64(3), n=np.int64(40))) == 40


def test_a_folder_does_not_hide_the_set_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blob").mkdir()
    assert load_dataset("blob", n=40).topology is not None


def test_islands_a_and_b_share_their_world_and_not_their_tangle():
    a, b = load_dataset("islands-a", n=50), load_dataset("islands-b", n=50)
    assert dataset_info("islands-a").entropy == dataset_info("islands-b").entropy
    assert not np.allclose(a.points, b.points)
