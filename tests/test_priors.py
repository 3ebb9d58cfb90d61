"""Laws of every prior: it integrates to one, its slope is a slope, what is exported is what was learned."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import core
from core.gaussians.mixture import GaussianMixture
from core.model.prior import PRIORS
from core.model.prior.learned import LearnedPrior
from core.model.prior.merge import description_length, pruned
from core.model.prior.skeletons import skeletons
from core.training.loop import Fit
from core.tree import tree_with_regions
from core.worlds.tangled import WORLDS


def disturbed(name: str, dim: int, by: float = 0.1) -> LearnedPrior:
    """A prior as it may be along the way, in double precision."""
    rng = np.random.default_rng(dim)
    prior = PRIORS[name].start(rng.normal(size=(600, dim)), 6, rng).double()
    generator = torch.Generator().manual_seed(dim)
    with torch.no_grad():
        for value in prior.parameters():
            value += by * torch.randn(value.shape, generator=generator, dtype=value.dtype)
    return prior


def on_grid(dim: int, low: np.ndarray, high: np.ndarray, size: int) -> tuple[np.ndarray, float]:
    """Middles of the cells of a box, and a cell's volume."""
    edges = [np.linspace(a, b, size + 1) for a, b in zip(low, high, strict=True)]
    middles = [(edge[1:] + edge[:-1]) / 2 for edge in edges]
    places = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1).reshape(-1, dim)
    return places, float(np.prod([edge[1] - edge[0] for edge in edges]))


def integral(density: GaussianMixture, size: int) -> float:
    """Of the density over the box that holds it to six deviations."""
    places, volume = on_grid(density.dim, *density.bounds(width=6.0), size)
    return volume * float(np.exp(density.log_density(places)).sum())


@pytest.mark.parametrize(("dim", "size"), [(1, 20_000), (2, 400), (3, 64)])
@pytest.mark.parametrize("name", sorted(PRIORS))
def test_density_integrates_to_one(name, dim, size):
    prior = disturbed(name, dim, by=0.03)
    parts = prior.shapes.values() if name == "superposition" and dim == 3 else [prior]
    for part in parts:
        assert integral(part.export(), size) == pytest.approx(1, abs=1e-3)
    assert prior.export().weights.sum() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("dim", [1, 2, 3, 5])
@pytest.mark.parametrize("name", sorted(PRIORS))
def test_what_is_exported_is_what_was_learned(name, dim):
    prior, z = disturbed(name, dim), np.random.default_rng(1).normal(size=(200, dim))
    learned = prior(torch.from_numpy(z)).detach().numpy()
    assert np.allclose(prior.export().log_density(z), learned, atol=1e-6)


@pytest.mark.parametrize("dim", [1, 2, 3, 5])
@pytest.mark.parametrize("name", sorted(PRIORS))
def test_score_is_the_gradient(name, dim):
    prior = disturbed(name, dim)
    z = torch.from_numpy(np.random.default_rng(2).normal(size=(50, dim))).requires_grad_()
    (slope,) = torch.autograd.grad(prior(z).sum(), z)
    assert torch.allclose(prior.score(z), slope, atol=1e-9)


@pytest.mark.parametrize("dim", [1, 2, 3, 5])
def test_skeletons_are_centered_and_of_unit_size(dim):
    found = skeletons(dim)
    assert set(found) >= {"line"}
    assert ("sphere" in found) == (dim >= 3)
    for skeleton in found.values():
        assert skeleton.shares.sum() == pytest.approx(1)
        assert np.allclose(skeleton.shares @ skeleton.places, 0)
        assert (skeleton.shares @ skeleton.places**2).mean() == pytest.approx(1)
        lengths = np.linalg.norm(skeleton.normal, axis=1)
        assert np.allclose(lengths, 1) or np.allclose(lengths, 0)


@pytest.mark.parametrize(
    ("name", "holes"), [("line", 0), ("ring", 1), ("eight", 2), ("theta", 2), ("sheet", 0), ("shell", 1)]
)
def test_families_have_their_topology(name, holes):
    prior = PRIORS["superposition"].start(np.random.default_rng(0).normal(size=(2000, 2)), 4, np.random.default_rng(0))
    tree = core.level_set_tree(prior.shapes[name].export(), simplify=0.3)
    assert tree.betti[0].tolist() == [1, holes]


def test_a_ridge_shows_nothing_of_its_places():
    prior = PRIORS["superposition"].start(np.random.default_rng(0).normal(size=(2000, 2)), 4, np.random.default_rng(0))
    ring = prior.shapes["ring"].export()
    angle = np.linspace(0, 2 * np.pi, 500)
    radius = np.linalg.norm(ring.means - ring.weights @ ring.means, axis=1).mean()
    along = ring.weights @ ring.means + radius * np.column_stack((np.cos(angle), np.sin(angle)))
    assert np.ptp(ring.log_density(along)) < 0.15


def test_pruning_finds_the_components_that_were_there():
    plane = WORLDS["islands-a"].mixture
    z = plane.sample(6000, 0)
    rng = np.random.default_rng(0)
    many = PRIORS["mixture"].start(z, 40, rng).export()
    kept = pruned(many, z, len(z))
    assert 6 <= len(kept.weights) <= 9
    assert kept.log_density(z).mean() > plane.log_density(z).mean() - 0.01


def test_pruning_leaves_what_is_called_for():
    plane = WORLDS["islands-a"].mixture
    kept = pruned(plane, plane.sample(6000, 0), 6000)
    assert len(kept.weights) == len(plane.weights)


def test_description_grows_with_parameters_and_shrinks_with_points():
    assert description_length(6, 1000) == pytest.approx(2 * description_length(3, 1000))
    assert description_length(6, 100_000) < description_length(6, 1000)


def test_pruned_module_is_the_pruned_mixture():
    z = WORLDS["islands-a"].mixture.sample(4000, 1)
    prior = PRIORS["mixture"].start(z, 24, np.random.default_rng(0))
    expected = pruned(prior.export(), torch.from_numpy(z).float().double().numpy(), len(z))
    prior.prune(torch.from_numpy(z).float(), len(z))
    places = z[:200]
    assert np.allclose(prior.export().log_density(places), expected.log_density(places), atol=1e-4)


def test_the_likelihood_does_not_move_the_generator():
    prior = PRIORS["adversarial"].start(np.random.default_rng(0).normal(size=(500, 2)), 5, np.random.default_rng(0))
    z = torch.randn(64, 2, generator=torch.Generator().manual_seed(0), requires_grad=True)
    prior(z).mean().backward()
    assert z.grad is not None
    assert all(value.grad is None for value in prior.generator.parameters())


def test_the_critic_moves_generator_and_latents_against_itself():
    prior = PRIORS["adversarial"].start(np.random.default_rng(0).normal(size=(500, 2)), 5, np.random.default_rng(0))
    z = (3 + torch.randn(512, 2, generator=torch.Generator().manual_seed(0))).requires_grad_()
    before = prior.cost(z, 500)
    before.backward()
    assert z.grad is not None
    assert all(value.grad is not None for value in prior.parameters())
    drawn = prior.drawn.clone()
    with torch.no_grad():
        for value in prior.critic.parameters():
            value -= 0.01 * value.grad
    prior.drawn.copy_(drawn - 1)
    assert prior.cost(z, 500) < before


SHORT = core.FlowAutoencoderConfig(steps=60, blocks=2, width=8, components=5, batch=128)


@pytest.mark.parametrize("name", sorted(PRIORS))
def test_same_seed_same_model_resumed_too(name):
    dataset, config = core.load_dataset("blob", n=300), replace(SHORT, prior=name)
    state = None
    for step in core.train(dataset, config, seed=3):
        if state is None and step.state is not None and step.step >= 5:
            state = step.state()
    *_, resumed = core.train(dataset, config, seed=3, state=state)
    assert state is not None
    assert np.array_equal(step.model.prior.means, resumed.model.prior.means)
    assert np.array_equal(step.model.prior.weights, resumed.model.prior.weights)


def test_however_early_training_ends_components_fade_first():
    config = replace(SHORT, components=40, steps=400)
    *_, last = core.train(core.load_dataset("blob", n=600), config)
    assert last.model.metrics["steps"] < 400, "patience should end this"
    assert (last.model.prior.weights > 1e-6).sum() < 20


def test_patience_waits_for_the_pruning():
    fit = Fit(core.load_dataset("blob", n=300), SHORT, seed=0)
    fit.net.start_prior(fit.batch(200), "mixture", 4, fit.rng)
    fit.step, fit.clock = 50, 0.65
    fit._cut_short()
    assert fit.clock == 0.65
    fit.pruned = True
    fit._cut_short()
    assert fit.clock == 1.0


def test_a_superposition_says_what_it_chose(tmp_path):
    *_, last = core.train(core.load_dataset("blob", n=300), replace(SHORT, prior="superposition"))
    assert tree_with_regions(last.model).tree.level_error is None, "tied components do not vary each on its own"
    families = last.model.metrics["families"]
    assert sum(families.values()) == pytest.approx(1)
    assert list(families.values()) == sorted(families.values(), reverse=True)
    core.save_model(last.model, tmp_path / "m")
    assert core.load_model(tmp_path / "m").metrics["families"] == families


def test_weights_of_an_untold_mixture_stay_as_they_are():
    q = GaussianMixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None])
    assert pruned(q, q.sample(100, 0), 100) is q
