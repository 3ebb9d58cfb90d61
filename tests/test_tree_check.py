"""The data's tree beside the latent one: planted models, shipped models, and what a grid resolves."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import core
from core.errors import InputError
from core.gaussians.mixture import GaussianMixture
from core.model.autoencoder import InputField
from core.tree import tree_with_regions
from core.tree.check import check_topology, grid_resolution
from core.tree.fields import Grid
from topoviz import resource

MODELS = resource("sample_data") / "models"


def ring_and_island(beads=6):
    """Beads around an island."""
    angle = 2 * np.pi * np.arange(beads) / beads
    means = np.concatenate([2.4 * np.stack([np.cos(angle), np.sin(angle)], axis=1), np.zeros((1, 2))])
    weights = np.append(np.linspace(1, 1.6, beads), 1.3)
    variance = np.append(np.full(beads, 0.4), 0.15)
    return GaussianMixture(weights / weights.sum(), means, variance[:, None, None] * np.eye(2))


def planted(latent_of=lambda z: z, size=40):
    """A stand-in for a model: its density in space is the ring's times a normal one, bent by a shear that keeps volume.

    `latent_of` moves what the encoder says of the vertices.
    """
    prior = ring_and_island()
    axis = np.linspace(-4.5, 4.5, size)
    x, y, t = np.stack(np.meshgrid(axis, axis, axis, indexing="ij")).reshape(3, -1)
    noise = t - 0.15 * (x**2 - y)
    z = np.stack([x, y], axis=1)
    height = prior.log_density(z) - 0.5 * (noise / 0.5) ** 2
    field = InputField(
        (axis, axis, axis),
        height.reshape((size,) * 3),
        latent_of(z).reshape((size,) * 3 + (2,)),
        np.eye(3),
        np.zeros(3),
    )
    return SimpleNamespace(prior=prior, metrics={}, input_field=field, data_dim=3, latent_dim=2)


def test_a_flow_that_keeps_the_topology_agrees_leaf_by_leaf():
    model = planted()
    found = check_topology(model)
    assert found.agrees
    # Beads and island leave a hole between each two neighboring spokes, but where spokes are drowned.
    assert found.input_betti == found.latent_betti == (1, 5)
    assert (found.input_only, found.latent_only) == ((), ())
    tree = tree_with_regions(model).tree
    assert sorted(b for _, b in found.pairs) == sorted(tree.ids(tree.leaves))
    assert "agree: 7 and 7 leaves, 7 of them the same, and 5 and 5 holes" in found.sentence


def test_leaves_that_fall_together_in_the_latent_space_have_no_partner():
    # All that lies to the left is sent to the island in the middle.
    found = check_topology(planted(lambda z: np.where(z[:, :1] < -1, 0.0, z)))
    assert not found.agrees
    assert len(found.input_only) == len(found.latent_only) > 0
    assert "differ" in found.sentence


def test_a_lost_hole_is_a_difference():
    model = planted()
    lone = replace(model.prior, weights=np.append(np.zeros(6), 1.0) + 1e-9)
    found = check_topology(SimpleNamespace(**{**vars(model), "prior": lone}))
    assert not found.agrees
    assert found.input_betti != found.latent_betti


def test_holes_of_a_projection_are_not_compared():
    found = check_topology(SimpleNamespace(**{**vars(planted()), "data_dim": 8}))
    assert found.input_betti is None
    assert found.agrees
    assert "seen in 3 of 8 dimensions" in found.sentence
    assert "hole" not in found.sentence


def test_what_a_grid_resolves_is_what_a_peak_rises_between_its_vertices():
    axes = (np.arange(-8.0, 9), np.arange(-8.0, 9) * 2)
    x, y = np.meshgrid(*axes, indexing="ij")
    curvature = 0.3, 0.1
    field = -0.5 * (curvature[0] * x**2 + curvature[1] * y**2)
    # Half a step off along either axis: 0.5 * c * (step / 2)^2 of each.
    assert grid_resolution(Grid(axes, field)) == pytest.approx(0.5 * (0.3 * 0.25 + 0.1 * 1.0))


def test_a_coarser_grid_resolves_less():
    coarse, fine = (check_topology(planted(size=size)).resolution for size in (16, 24))
    assert coarse > fine > 0.1


@pytest.mark.parametrize(
    ("name", "agrees"), [("ringed", True), ("two-moons", True), ("trefoil", True), ("trefoil-flat", False)]
)
def test_shipped_models_keep_the_topology_but_for_the_torn_one(name, agrees):
    assert check_topology(core.load_model(MODELS / name)).agrees == agrees


def test_a_model_without_its_input_grid_is_refused():
    with pytest.raises(InputError, match="grid"):
        check_topology(SimpleNamespace(input_field=None))
