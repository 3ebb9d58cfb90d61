"""Fused densities: a model with itself is itself, and no mode of either is lost."""

from types import SimpleNamespace

import numpy as np
import pytest

import core
from core.baselines.fusion import fuse
from core.errors import InputError
from core.gaussians import GaussianMixture
from core.maps import AffineMap, fit_map
from core.match import match_trees
from core.tree import level_set_tree, node_of, tree_with_regions
from topoviz import resource

MAP = AffineMap(np.array([[0.8, -0.9], [0.7, 0.5]]), np.array([3.0, -1.0]))
MEANS = np.array([[0, 0], [7, 0], [1, 6], [-6, -3], [9, 8], [-5, 7]], dtype=float)


def world(kept):
    """Some of six Gaussians of different masses and shapes."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(6, 2, 2)))[0]
    covariances = axes @ (rng.uniform(0.4, 1.1, (6, 2))[:, :, None] ** 2 * np.swapaxes(axes, 1, 2))
    weights = np.array([0.27, 0.22, 0.17, 0.13, 0.11, 0.10])[kept]
    return GaussianMixture(weights / weights.sum(), MEANS[kept], covariances[kept])


def model(prior):
    return SimpleNamespace(prior=prior)


@pytest.fixture(scope="module")
def partial():
    """Two partial worlds, the second in another basis, and how their trees match."""
    a, b = world([0, 1, 2, 3, 4]), world([0, 1, 2, 3, 5]).transformed(MAP.matrix, MAP.offset)
    return a, b, match_trees(level_set_tree(a), level_set_tree(b))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_a_density_fused_with_itself_is_itself(share):
    q = world(range(6))
    tree = level_set_tree(q)
    matching = match_trees(tree, tree)
    fused = fuse(matching, AffineMap(np.eye(2), np.zeros(2)), model(q), model(q), share)
    z = q.sample(500, seed=1)
    assert fused.prior.log_density(z) == pytest.approx(q.log_density(z), abs=1e-6)
    assert len(fused.prior.weights) == 6


def test_a_shipped_model_fused_with_itself_is_itself():
    """A learned mixture has more components than modes: they are coupled one to one."""
    learned = core.load_model(resource("sample_data") / "models" / "islands-a")
    tree = level_set_tree(learned)
    matching = match_trees(tree, tree)
    fused = fuse(matching, AffineMap(np.eye(2), np.zeros(2)), learned, learned)
    z = learned.prior.sample(500, seed=1)
    assert fused.prior.log_density(z) == pytest.approx(learned.prior.log_density(z), abs=1e-5)


def test_a_density_fused_with_itself_in_another_basis_is_itself_there():
    q = world(range(6))
    moved = q.transformed(MAP.matrix, MAP.offset)
    matching = match_trees(level_set_tree(q), level_set_tree(moved))
    fused = fuse(matching, MAP, model(q), model(moved))
    z = moved.sample(500, seed=1)
    assert fused.prior.log_density(z) == pytest.approx(moved.log_density(z), abs=1e-6)
    assert fused.mass("both") == pytest.approx(1)


def test_partial_worlds_fused_have_the_modes_of_both(partial):
    a, b, matching = partial
    fused = fuse(matching, fit_map(matching, "affine"), model(a), model(b))
    assert len(fused.tree.leaves) == 6
    sets = tree_with_regions(fused.prior)
    modes = node_of(sets, MAP(MEANS))
    assert set(modes) == set(sets.tree.leaves)
    assert sorted(fused.origin) == ["a", "b", *["both"] * 4]


def test_masses_are_pooled(partial):
    a, b, matching = partial
    fused = fuse(matching, MAP, model(a), model(b), share=0.25)
    assert fused.prior.weights.sum() == pytest.approx(1)
    assert fused.mass("a") == pytest.approx(0.25 * a.weights[4])
    assert fused.mass("b") == pytest.approx(0.75 * b.weights[4])
    assert fused.mass("both") == pytest.approx(0.25 * a.weights[:4].sum() + 0.75 * b.weights[:4].sum())


def test_means_lie_between(partial):
    """Where the map is off by a shift, the fused means are off by A's share of it, and the covariances as they were."""
    q = world(range(6))
    tree = level_set_tree(q)
    shift = np.array([0.4, -0.2])
    fused = fuse(match_trees(tree, tree), AffineMap(np.eye(2), shift), model(q), model(q), share=0.25)
    order = np.argsort(-fused.prior.weights)
    assert fused.prior.means[order] == pytest.approx(q.means + 0.25 * shift)
    assert fused.prior.covariances[order] == pytest.approx(q.covariances, abs=1e-7)


def test_the_ends_are_the_models_where_all_is_matched():
    q, moved = world(range(6)), world(range(6)).transformed(MAP.matrix, MAP.offset)
    wider = GaussianMixture(q.weights, q.means, 1.2 * q.covariances)
    matching = match_trees(level_set_tree(wider), level_set_tree(moved))
    z = moved.sample(300, seed=1)
    there = wider.transformed(MAP.matrix, MAP.offset)
    for share, truth in ((0.0, moved), (1.0, there)):
        fused = fuse(matching, MAP, model(wider), model(moved), share)
        assert fused.prior.log_density(z) == pytest.approx(truth.log_density(z), abs=1e-6)


def test_where_nothing_is_matched_the_two_stand_side_by_side(partial):
    a, b, matching = partial
    none = match_trees(
        matching.tree_a, matching.tree_b, bans=[(i, j) for i in matching.tree_a.id for j in matching.tree_b.id]
    )
    fused = fuse(none, MAP, model(a), model(b))
    z = b.sample(200, seed=1)
    there = a.transformed(MAP.matrix, MAP.offset)
    both = np.logaddexp(there.log_density(z), b.log_density(z)) + np.log(0.5)
    assert fused.prior.log_density(z) == pytest.approx(both, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a, b, matching: fuse(matching, MAP, a, b, share=1.5), "share"),
        (lambda a, b, matching: fuse(matching, AffineMap(np.ones((3, 2)), np.zeros(3)), a, b), "one latent dimension"),
    ],
)
def test_bad_input_is_one_line(partial, call, words):
    a, b, matching = partial
    with pytest.raises(InputError) as caught:
        call(model(a), model(b), matching)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
