"""Betti numbers of the nodes' regions."""

import numpy as np
import pytest

from core.levelset import Grid
from core.prior.mixture import GaussianMixture
from core.tree import level_set_tree, level_sets


def beaded_ring(dim, beads=6, radius=4.0, deviation=1.1):
    """Equal round bumps on a circle of the first two axes, the first a little heavier."""
    angle = 2 * np.pi * np.arange(beads) / beads
    means = np.zeros((beads, dim))
    means[:, :2] = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    weights = np.full(beads, 1.0) + 0.3 * (np.arange(beads) == 0)
    covariance = deviation**2 * np.eye(dim)
    return GaussianMixture(weights / weights.sum(), means, np.stack([covariance] * beads))


@pytest.mark.parametrize("dim", [2, 3])
def test_a_beaded_ring_has_one_hole_and_its_beads_none(dim):
    tree = level_set_tree(beaded_ring(dim))
    assert len(tree.leaves) == 6
    assert tree.betti[0].tolist() == [1, 1]
    assert (tree.betti[tree.leaves] == [1, 0]).all()


def test_a_smooth_ring_is_one_leaf_with_a_hole():
    axis = np.linspace(-3, 3, 101)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    tree = level_sets(Grid((axis, axis), -8 * (np.hypot(x, y) - 2) ** 2 + 0.01 * x)).tree
    assert tree.id.tolist() == [0, 1]
    assert tree.betti.tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize(("shape", "tunnels_"), [("ball", 0), ("shell", 0), ("torus", 1)])
def test_solids_have_their_tunnels(shape, tunnels_):
    axis = np.linspace(-3, 3, 41)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    distance = {
        "ball": np.sqrt(x**2 + y**2 + z**2),
        "shell": np.sqrt(x**2 + y**2 + z**2) - 2,
        "torus": np.hypot(np.hypot(x, y) - 1.8, z),
    }[shape]
    tree = level_sets(Grid((axis,) * 3, -8 * distance**2 + 0.01 * x)).tree
    assert tree.betti[-1].tolist() == [1, tunnels_]


def test_three_far_bumps_close_no_hole_that_holds_probability():
    means = np.array([[0.0, 0.0], [10.0, 0.0], [5.0, 9.0]])
    density = GaussianMixture(np.array([0.4, 0.35, 0.25]), means, np.stack([np.eye(2)] * 3))
    assert level_set_tree(density).betti[0].tolist() == [1, 0]
    assert level_set_tree(density, min_mass=0.0).betti[0].tolist() == [1, 1]
