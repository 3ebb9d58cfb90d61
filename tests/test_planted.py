"""How far a tree is from the planted one: nothing for the truth itself, and every error counted."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import KDTree

from core.gaussians.mixture import GaussianMixture
from core.tree import level_set_tree
from core.worlds import dataset_info, dataset_names, planted
from core.worlds.knots import KNOTS
from core.worlds.suite import CASES
from core.worlds.tangled import WORLDS
from core.worlds.truth import diagram_distance, tree_error


@dataclass(frozen=True)
class Exact:
    """A model that undoes the tangle of a world, with whatever prior."""

    name: str
    prior: GaussianMixture
    metrics: dict = field(default_factory=dict)

    def encode(self, x):
        world = WORLDS.get(self.name) or next(case.world for case in CASES if case.name == self.name)
        y = world.tangle.inverse(x)
        return y[:, :2], y[:, 2:]


@dataclass(frozen=True)
class Unknotted:
    """A model that lays every point of a knot on its circle."""

    name: str
    prior: GaussianMixture

    def encode(self, x):
        knot = KNOTS[self.name]
        curve = np.concatenate([traced.position for traced in knot._traced])
        component, step = np.divmod(KDTree(curve).query(x)[1], len(knot._traced[0].position))
        turn = 2 * np.pi * step / len(knot._traced[0].position)
        out = np.stack((np.cos(turn), np.sin(turn)), axis=1)
        return knot._centers[component] + knot._radii[component, None] * out, None


def without(plane, gone):
    """The mixture without some of its Gaussians."""
    kept = np.setdiff1d(np.arange(len(plane.weights)), gone)
    return GaussianMixture(plane.weights[kept] / plane.weights[kept].sum(), plane.means[kept], plane.covariances[kept])


def with_bump(plane, place, weight=0.03):
    """The mixture with another narrow Gaussian."""
    return GaussianMixture(
        np.append((1 - weight) * plane.weights, weight),
        np.concatenate((plane.means, [place])),
        np.concatenate((plane.covariances, 0.04 * np.eye(2)[None])),
    )


@pytest.mark.parametrize("name", [*WORLDS, *(case.name for case in CASES[::8])])
def test_the_truth_is_whole_and_at_no_distance(name):
    error = tree_error(Exact(name, planted(name).plane))
    assert (error.missed, error.spurious, error.distance) == (0, 0, 0.0)
    assert error.whole
    assert error.holes


@pytest.mark.parametrize("name", dataset_names())
def test_all_holes_of_a_built_in_set_last(name):
    known = planted(name)
    holes = level_set_tree(known.plane).holes
    lasting = holes.top - np.maximum(holes.bottom, -4.0) >= 0.5
    assert lasting.sum() == known.topology.betti[1]


def test_a_dent_in_the_tails_is_no_hole_and_a_hole_in_a_blob_is_one():
    def rings(depth):
        """A wide Gaussian with a ring of beads, which close around a place of a lower density."""
        angle = np.arange(8) * np.pi / 4
        beads = np.stack((np.cos(angle), np.sin(angle)), axis=1) * 1.5 + [0.0, depth]
        weights = np.append(np.full(8, np.exp(-(depth**2) / 8) / 8), 1.0)
        shapes = np.concatenate((0.25 * np.tile(np.eye(2), (8, 1, 1)), 4.0 * np.eye(2)[None]))
        return GaussianMixture(weights / weights.sum(), np.concatenate((beads, [[0.0, 0.0]])), shapes)

    assert not tree_error(Exact("blob", rings(0.0))).holes
    assert tree_error(Exact("blob", rings(6.5))).holes


@pytest.mark.parametrize("name", KNOTS)
def test_an_unknotted_knot_is_whole(name):
    error = tree_error(Unknotted(name, planted(name).plane))
    assert (error.missed, error.spurious, error.distance) == (0, 0, 0.0)
    assert error.whole


def test_a_map_that_keeps_volume_changes_nothing():
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]]) @ np.diag([1.5, 1 / 1.5])
    plain, shift = Exact("nested", planted("nested").plane), np.array([3.0, -2.0])

    class Moved(Exact):
        def encode(self, x):
            return plain.encode(x)[0] @ turn.T + shift, None

    error = tree_error(Moved("nested", plain.prior.transformed(turn, shift)))
    assert error.whole
    assert error.distance < 0.02


@pytest.mark.parametrize("mode", range(6))
def test_a_mode_that_is_gone_is_missed(mode):
    plane = planted("islands-a").plane
    error = tree_error(Exact("islands-a", without(plane, [mode])))
    assert (error.missed, error.spurious, error.whole) == (1, 0, False)
    assert error.distance > 0.3


def test_a_mode_that_is_added_is_spurious():
    plane = planted("islands-a").plane
    for place in ([6.0, 6.0], [-5.0, 3.0]):
        error = tree_error(Exact("islands-a", with_bump(plane, place)))
        assert (error.missed, error.spurious, error.whole) == (0, 1, False)
        assert error.distance > 0.3


def test_a_mode_that_is_split_has_one_leaf_of_its_own_and_one_that_is_spurious():
    plane = planted("blob").plane
    halves = np.array([[-2.0, 0.0], [2.0, 0.0]])
    error = tree_error(Exact("blob", GaussianMixture(np.array([0.6, 0.4]), halves, np.stack([np.eye(2)] * 2))))
    assert (error.missed, error.spurious, error.whole) == (0, 1, False)
    assert tree_error(Exact("blob", plane)).whole


@pytest.mark.parametrize(("swap", "whole"), [((1, 4), True), ((3, 5), True), ((0, 1), False), ((4, 0), False)])
def test_modes_that_changed_places_join_in_the_wrong_order_unless_they_are_sisters(swap, whole):
    plane = planted("islands-a").plane
    order = np.arange(6)
    order[list(swap)] = swap[::-1]

    class Swapped(Exact):
        def encode(self, x):
            z = super().encode(x)[0]
            return z + (plane.means[order] - plane.means)[plane.log_components(z).argmax(1)], None

    error = tree_error(Swapped("islands-a", replace(plane, means=plane.means[order])))
    assert (error.missed, error.spurious, error.holes) == (0, 0, True)
    assert error.whole == whole


def test_a_ring_that_is_cut_has_no_hole():
    plane = planted("ringed").plane
    kept = without(plane, [8])
    assert not tree_error(Exact("ringed", without(kept, [2]))).whole
    moons = planted("two-moons")
    apart = np.where(moons.modes[:, None] == 0, [-4.0, 0.0], [4.0, 0.0])

    class Parted(Exact):
        def encode(self, x):
            z = super().encode(x)[0]
            return z + apart[moons.plane.log_components(z).argmax(1)], None

    error = tree_error(Parted("two-moons", replace(moons.plane, means=moons.plane.means + apart)))
    assert (error.missed, error.spurious, error.holes, error.whole) == (0, 0, False, False)


def test_points_of_another_mode_do_not_make_a_leaf_its_own():
    plane = planted("islands-a").plane

    class Shuffled(Exact):
        def encode(self, x):
            z = super().encode(x)[0]
            return np.repeat(plane.means[:1], len(z), axis=0), None

    error = tree_error(Shuffled("islands-a", plane))
    assert (error.missed, error.spurious, error.whole) == (5, 5, False)


def test_where_nothing_was_planted_there_is_no_error():
    plane = planted("blob").plane
    assert tree_error(Exact("my own table", plane)) is None
    assert tree_error(Exact("blob", plane, {"entropy": None})) is None
    assert tree_error(Exact("blob", plane, {"entropy": 7.0})) is None
    assert tree_error(Exact("blob", plane, {"entropy": dataset_info("blob").entropy})).whole
    assert planted("my own table") is None


@pytest.mark.parametrize("name", [*dataset_names(), CASES[0].name])
def test_what_was_planted_fits_the_points(name):
    known = planted(name)
    data = known.sample(500, 3)
    assert data.name == name
    assert data.points.shape == (500, known.dim)
    assert data.latent.shape == (500, known.plane.dim)
    assert set(data.labels) <= set(known.modes) == set(range(known.topology.leaves))
    # Most points of a mode lie nearest to its own Gaussians.
    nearest = known.modes[known.plane.log_components(data.latent).argmax(1)]
    assert (nearest == data.labels).mean() > 0.97


PLANES = [WORLDS[name].mixture for name in ("islands-a", "nested", "two-moons", "blob")]
TREES = [level_set_tree(plane) for plane in PLANES]


@given(*[st.sampled_from(range(len(TREES)))] * 3)
def test_the_distance_of_diagrams_is_a_metric(i, j, k):
    a, b, c = TREES[i], TREES[j], TREES[k]
    assert diagram_distance(a, a) == 0.0
    assert diagram_distance(a, b) == pytest.approx(diagram_distance(b, a))
    assert diagram_distance(a, c) <= diagram_distance(a, b) + diagram_distance(b, c) + 1e-9


def test_a_ring_that_became_a_disc_is_as_far_as_half_its_hole_lasts():
    known = planted("crescent-ring")
    error = tree_error(Exact("crescent-ring", WORLDS["blob"].mixture))
    assert (error.missed, error.spurious, error.holes, error.whole) == (0, 0, False, False)
    assert level_set_tree(known.plane).holes.top[0] == pytest.approx(-0.8, abs=0.01)
    assert error.distance == pytest.approx((4.0 - 0.8) / 2, abs=0.01)


def test_the_distance_to_a_single_peak_is_half_of_all_that_stands_out():
    tree = level_set_tree(WORLDS["islands-a"].mixture)
    low = np.sort(tree.persistence[tree.leaves])[:-1]
    assert diagram_distance(tree, TREES[3], deepest=-100.0) == pytest.approx(low.sum() / 2)
    assert diagram_distance(tree, TREES[3]) < low.sum() / 2


def circle(n=1500):
    turn = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return 2.6 * np.stack((np.cos(turn), np.sin(turn)), axis=1), turn


def test_uniform_ridges_have_no_ripple():
    places, _ = circle()
    assert np.ptp(WORLDS["ring"].mixture.log_density(places)) < 1e-3
    along = np.stack((np.linspace(-2.5, 2.5, 1500), np.zeros(1500)), axis=1)
    assert np.ptp(WORLDS["line"].mixture.log_density(along)) < 1e-3
    inside = np.random.default_rng(0).uniform(-0.9, 0.9, size=(2000, 2))
    assert np.ptp(WORLDS["sheet"].mixture.log_density(inside)) < 1e-3


def test_the_ring_falls_smoothly_from_one_maximum_to_one_minimum():
    places, turn = circle()
    height = WORLDS["crescent-ring"].mixture.log_density(places)
    assert np.ptp(height - 0.4 * np.sin(turn)) < 3e-3
    tree = level_set_tree(WORLDS["crescent-ring"].mixture)
    assert tree.holes.top[0] == pytest.approx(-0.8, abs=0.01)


@pytest.mark.parametrize("name", ["eight", "theta"])
def test_strands_are_even_where_they_meet(name):
    tree = level_set_tree(WORLDS[name].mixture, simplify=0.0, min_mass=0.0)
    assert np.sort(tree.persistence[tree.leaves])[-2] < 0.08
    assert tree.holes.top[:2].min() > -0.1


def test_the_lobes_join_where_the_eight_crosses_itself():
    tree = level_set_tree(WORLDS["eight-lobes"].mixture)
    assert tree.level[0] == pytest.approx(-1.2, abs=0.02)
    assert np.sort(tree.level[tree.leaves]) == pytest.approx([-0.2, 0.0], abs=0.01)
    assert np.abs(tree.peak[tree.leaves]) == pytest.approx(np.array([[3.2, 0.0]] * 2), abs=0.15)
    assert WORLDS["eight-lobes"].mixture.log_density(np.zeros((1, 2))) == pytest.approx(
        WORLDS["eight-lobes"].mixture.log_density(tree.peak[tree.leaves]).max() - 1.2, abs=0.03
    )


@pytest.mark.parametrize("kind", ["gaussian", "uniform", "laplace"])
def test_noise_of_every_kind_has_the_deviation_and_the_density_that_it_says(kind):
    world = replace(WORLDS["blob"], noise_kind=kind)
    y = world.tangle.inverse(world.tangled(np.zeros((100_000, 2)), np.random.default_rng(4)))
    noise = np.sort(y[:, 2])
    assert noise.std() == pytest.approx(world.noise, rel=0.02)
    at = np.linspace(-2.0, 2.0, 20_001)
    places = np.stack((0 * at, 0 * at, at), axis=1)
    density = np.exp(world.log_density(world.tangle(places)) - world.mixture.log_density(np.zeros((1, 2))))
    cumulative = np.cumsum(density) * (at[1] - at[0])
    assert cumulative[-1] == pytest.approx(1.0, abs=1e-3)
    drawn = np.searchsorted(noise, at) / len(noise)
    assert np.abs(drawn - cumulative).max() < 2.0 / np.sqrt(len(noise))
    entropy = -np.sum(density * np.log(np.maximum(density, 1e-300))) * (at[1] - at[0])
    plain = replace(WORLDS["blob"], noise_kind="gaussian")
    expected = np.log(world.noise) + 0.5 * np.log(2 * np.pi * np.e)
    assert world.entropy - plain.entropy == pytest.approx(entropy - expected, abs=2e-3)
