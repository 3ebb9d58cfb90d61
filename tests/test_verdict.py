"""The verdict: independence is measured, refits find leaves again, and a model that did not converge says why."""

import numpy as np
import pytest

from core.config import FlowAutoencoderConfig
from core.data import Dataset
from core.errors import InputError
from core.model.store import load_model
from core.training.convergence import torn_pairs
from core.training.dimensions import chosen
from core.training.independence import dependence, explained, normality_gap
from core.training.optimizer import Muon
from core.training.rows import Rows
from core.training.run import train
from core.worlds import load_dataset


def normal(n: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, *shape))


def test_independent_coordinates_explain_nothing():
    assert dependence(normal(4000, 2), normal(4000, 3, seed=1)) == pytest.approx((0, 0), abs=0.005)


@pytest.mark.parametrize("bent", [lambda z: np.sin(2 * z), lambda z: z**2, lambda z: 0.4 * z])
def test_a_shift_with_the_latents_is_seen(bent):
    latent, noise = normal(4000, 2), normal(4000, 3, seed=1)
    noise[:, 1] += bent(latent[:, 0])
    assert dependence(latent, noise)[0] > 0.1


def test_a_width_that_goes_with_the_latents_is_seen():
    latent, noise = normal(4000, 2), normal(4000, 3, seed=1)
    noise[:, 2] *= np.exp(0.5 * latent[:, 1])
    assert dependence(latent, noise)[0] > 0.05


def test_noise_that_follows_other_noise_is_seen():
    noise = normal(4000, 4, seed=1)
    noise[:, 0] = noise[:, 0] + np.abs(noise[:, 3])
    by_latent, among = dependence(normal(4000, 2), noise)
    assert among > 0.1 > by_latent


def test_what_follows_is_wholly_explained():
    by = normal(3000, 1)
    assert explained(by, np.concatenate((by, np.cos(by)), axis=1)) == pytest.approx([1, 1], abs=0.01)


def test_normal_noise_is_near_normal_and_uniform_noise_is_not():
    assert normality_gap(normal(5000, 3)) < 0.025
    uniform = np.random.default_rng(0).uniform(-1, 1, (5000, 1))
    assert normality_gap(np.concatenate((normal(5000, 2), uniform), axis=1)) > 0.05


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 5, 9), (1, 9, 5)])
def test_a_step_of_the_optimizer_turns_every_direction_alike(shape):
    import torch

    generator = torch.Generator().manual_seed(0)
    matrices = torch.nn.Parameter(torch.zeros(shape))
    matrices.grad = torch.randn(shape, generator=generator) @ torch.diag(torch.logspace(0, -1, shape[-1]))
    Muon([matrices], lr=1.0).step()
    values = torch.linalg.svdvals(matrices.detach())
    assert float(values.max() / values.min()) < 2.2
    assert float((matrices.detach() * matrices.grad).sum()) < 0


def test_rows_are_standard_and_no_row_is_on_both_sides():
    points = load_dataset("islands-5d", n=1200).points
    rows = Rows(points, 1, np.random.default_rng(0))
    trained = rows.training_rows(np.arange(rows.training))
    assert sorted([*trained, *rows.heldout]) == list(range(1200))
    turned = rows[np.arange(1200)].numpy()
    assert np.abs(turned.mean(0)).max() < 1e-5
    covariance = np.cov(turned.T)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-5


def test_a_model_that_learned_for_a_moment_says_that_it_did_not_converge():
    data = load_dataset("islands-a", n=4000)
    *_, last = train(data, FlowAutoencoderConfig(steps=15, blocks=2, width=8, components=4))
    verdict = last.model.metrics["verdict"]
    assert not verdict["converged"]
    assert verdict["reasons"]


def test_a_mixture_too_small_for_its_modes_is_found_out():
    data = load_dataset("islands-a", n=4000)
    config = FlowAutoencoderConfig(steps=500, blocks=8, width=16, components=3)
    *_, last = train(data, config)
    assert any("leaves" in reason for reason in last.model.metrics["verdict"]["reasons"])


def test_a_single_gaussian_converges_with_one_leaf():
    *_, last = train(load_dataset("blob", n=3000), FlowAutoencoderConfig(steps=400, blocks=6, width=16, components=6))
    verdict = last.model.metrics["verdict"]
    assert verdict["converged"], verdict["reasons"]
    assert verdict["tree_support"] == 1.0


def test_a_knot_without_room_is_torn_and_one_with_room_is_not():
    from topoviz import resource

    points = load_dataset("trefoil").points
    flat, padded = (load_model(resource("sample_data") / "models" / name) for name in ("trefoil-flat", "trefoil"))
    assert torn_pairs(padded, points) == 0
    assert torn_pairs(flat, points) > 5
    assert any("tears" in reason for reason in flat.metrics["verdict"]["reasons"])


def results(levels: dict[int, float], tried: list):
    """A trial that gives each value the held-out log-likelihood in `levels`, and notes what was tried."""

    def trial(config: FlowAutoencoderConfig):
        value = config.latent_dim if tried and tried[0] == "k" else config.pad
        tried.append(value)
        return levels[value] + 0.01 * normal(2000)
        yield

    return trial


def finish(generator):
    """What a generator returns."""
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return end.value


def test_the_smallest_dimension_that_does_as_well_as_the_best_is_chosen():
    tried: list = ["k"]
    levels = {1: -4.0, 2: -3.0, 3: -2.995, 4: -2.999, 5: -3.0}
    config, how = finish(chosen(FlowAutoencoderConfig(latent_dim="auto"), 8, results(levels, tried)))
    assert config.latent_dim == 2
    assert tried[1:] == [1, 2, 3, 4], "it goes on for two more and no further"
    assert "1.0" in how["latent_dim"]["reason"]
    assert [row["value"] for row in how["latent_dim"]["tried"]] == [1, 2, 3, 4]


def test_pads_are_added_only_where_they_gain():
    for levels, expected in (({0: -1.3, 1: -1.2, 2: -1.0, 3: -1.0}, 2), ({0: -1.0, 1: -1.005, 2: -1.01}, 0)):
        config, how = finish(chosen(FlowAutoencoderConfig(pad="auto"), 3, results(levels, [])))
        assert config.pad == expected
        assert ("tears" in how["pad"]["reason"]) == (expected > 0)


def test_auto_trains_and_says_what_it_chose():
    data = load_dataset("blob", n=800)
    config = FlowAutoencoderConfig(latent_dim="auto", steps=40, blocks=2, width=8, components=4)
    *_, last = train(data, config)
    choice = last.model.metrics["choice"]["latent_dim"]
    assert last.model.latent_dim == choice["chosen"] == last.model.config.latent_dim
    assert choice["reason"]


@pytest.mark.parametrize(
    ("points", "text"),
    [
        (np.concatenate((normal(300, 2), np.ones((300, 1))), axis=1), "constant number 3"),
        (np.repeat(normal(300, 2), 2, axis=1), "follow from others"),
        (normal(110, 70), "at least 140 points for 70 columns"),
    ],
)
def test_data_that_have_no_density_to_learn_are_refused(points, text):
    with pytest.raises(InputError, match=text):
        next(train(Dataset("bad", points.astype(np.float32))))
