"""Training: the likelihood obeys the entropy, seeds decide everything, a resumed run is an unbroken one."""

import numpy as np
import pytest
import torch

from core.config import FlowAutoencoderConfig
from core.data import Dataset
from core.errors import InputError
from core.model.checkpoint import load_checkpoint, save_checkpoint
from core.model.store import load_model, save_model
from core.training.run import train
from core.worlds import load_dataset

QUICK = FlowAutoencoderConfig(steps=60, blocks=4, width=16, components=6, batch=256)


def last(steps):
    """The last progress of a run."""
    *_, end = steps
    return end


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("islands-a", n=1500)


@pytest.fixture(scope="module")
def models(data):
    """Models without and with pads, and one whose latent space is all of the data's."""
    return [
        last(train(data, FlowAutoencoderConfig(**{**QUICK.to_json(), **change}))).model
        for change in ({}, {"pad": 2, "warm_start": "pca"}, {"latent_dim": 3}, {"latent_dim": 1})
    ]


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-4), (np.float64, 1e-9)])
def test_volume_is_kept(models, data, which, dtype, tolerance):
    model = models[which]
    on, off = data.points[:50], 4 * np.random.default_rng(0).normal(size=(50, 3))
    for points in (on, off):
        change = model.log_volume_change(points.astype(dtype))
        assert np.abs(change).max() < tolerance


@pytest.fixture(scope="module")
def continuous(data):
    """A model whose flow is a differential equation."""
    return last(
        train(data, FlowAutoencoderConfig(**{**QUICK.to_json(), "flow": "cnf", "pad": 1, "warm_start": "pca"}))
    ).model


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-3), (np.float64, 1e-6)])
def test_a_continuous_flow_keeps_volume_and_comes_back(continuous, data, dtype, tolerance):
    on, off = data.points[:50], 3 * np.random.default_rng(0).normal(size=(50, 3))
    for points in (on.astype(dtype), off.astype(dtype)):
        assert np.abs(continuous.log_volume_change(points)).max() < tolerance
        assert np.abs(continuous.decode(*continuous.encode(points)) - points).max() < tolerance


def test_training_a_continuous_flow_takes_the_steps_that_volume_asks_for(data):
    from core.model.flow import RidgeFlow, jacobians

    flow = RidgeFlow(3, blocks=4, width=32, seed=0)
    with torch.no_grad():
        flow.push.mul_(20)
    x = torch.from_numpy(data.points[:40])
    flow.tighten(x)
    assert int(flow.steps) > 1
    assert torch.linalg.slogdet(jacobians(flow, x).double())[1].abs().max() < 1e-3


def test_a_continuous_flow_comes_back_from_its_folder(continuous, data, tmp_path):
    save_model(continuous, tmp_path / "m")
    back = load_model(tmp_path / "m")
    assert np.array_equal(back.encode(data.points[:50])[0], continuous.encode(data.points[:50])[0])


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-4), (np.float64, 1e-10)])
def test_decoding_undoes_encoding(models, data, which, dtype, tolerance):
    points = data.points[:200].astype(dtype)
    latent, noise = models[which].encode(points)
    assert latent.dtype == noise.dtype == dtype
    assert np.abs(models[which].decode(latent, noise) - points).max() < tolerance


def test_latents_are_white(models):
    for model in models[:2]:
        prior = model.prior
        away = prior.means - prior.weights @ prior.means
        between = np.einsum("c,ci,cj->ij", prior.weights, away, away)
        covariance = np.einsum("c,cij->ij", prior.weights, prior.covariances) + between
        assert np.abs(covariance - np.eye(2)).max() < 1e-9
        assert np.abs(prior.weights @ prior.means).max() < 1e-9


def test_the_density_integrates_to_one():
    data = load_dataset("blob", n=1500)
    model = last(train(data, QUICK)).model
    low, high = data.points.min(0) - 1.5, data.points.max(0) + 1.5
    axes = [np.linspace(a, b, 60) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    cell = np.prod([axis[1] - axis[0] for axis in axes])
    assert np.exp(model.log_density(grid)).sum() * cell == pytest.approx(1, abs=0.02)
    z = np.stack(np.meshgrid(*[np.linspace(-8, 8, 400)] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    assert np.exp(model.latent_log_density(z)).sum() * (16 / 399) ** 2 == pytest.approx(1, abs=1e-3)


def test_the_likelihood_never_beats_the_entropy(models):
    fresh = load_dataset("islands-a", seed=9, n=20_000)
    for model in models:
        log_p = model.log_density(fresh.points)
        assert model.heldout_nll(fresh.points) > fresh.entropy - 3 * log_p.std() / np.sqrt(len(log_p))


def test_training_learns_and_says_so(data):
    steps = list(train(data, FlowAutoencoderConfig(steps=400, blocks=6, width=32, components=12)))
    fitted = [step for step in steps if step.phase == "fit"]
    assert fitted[-1].heldout_nll < fitted[0].heldout_nll - 0.3
    metrics = steps[-1].model.metrics
    assert {"nll", "entropy", "excess", "volume_defect", "seconds", "seed", "dataset"} <= set(metrics)
    assert -0.1 < metrics["excess"] < 0.6
    assert metrics["volume_defect"] < 1e-4


def test_the_seed_decides_everything(data):
    first, again, other = (last(train(data, QUICK, seed)).model for seed in (3, 3, 4))
    assert first.metrics["nll"] == again.metrics["nll"]
    assert np.array_equal(first.encode(data.points[:20])[0], again.encode(data.points[:20])[0])
    assert first.metrics["nll"] != other.metrics["nll"]


@pytest.mark.parametrize("change", [{}, {"pad": 1}])
def test_a_resumed_run_is_an_unbroken_one(data, change, tmp_path):
    config = FlowAutoencoderConfig(**{**QUICK.to_json(), "warm_start": "pca", **change})
    unbroken = last(train(data, config, seed=5)).model
    for step in train(data, config, seed=5):
        if step.phase == "fit" and step.step >= 25:
            save_checkpoint(tmp_path / "run.checkpoint", step.state(), data, config, 5)
            break
    state = load_checkpoint(tmp_path / "run.checkpoint", data, config, 5)
    resumed = last(train(data, config, seed=5, state=state)).model
    assert resumed.metrics["nll"] == unbroken.metrics["nll"]
    assert np.array_equal(resumed.prior.means, unbroken.prior.means)


def test_a_checkpoint_is_for_its_own_run_only(data, tmp_path):
    path = tmp_path / "run.checkpoint"
    *_, step = (s for s in train(data, QUICK) if s.state is not None)
    save_checkpoint(path, step.state(), data, QUICK, 0)
    with pytest.raises(InputError, match="another seed"):
        load_checkpoint(path, data, QUICK, 1)
    with pytest.raises(InputError, match="another configuration"):
        load_checkpoint(path, data, FlowAutoencoderConfig(), 0)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="damaged"):
        load_checkpoint(path, data, QUICK, 0)
    with pytest.raises(InputError, match="no checkpoint"):
        load_checkpoint(tmp_path / "none", data, QUICK, 0)


def test_a_model_comes_back_from_its_folder_as_it_went(models, data, tmp_path):
    for at, model in enumerate(models):
        save_model(model, tmp_path / str(at))
        back = load_model(tmp_path / str(at))
        assert back.config == model.config
        assert back.metrics == model.metrics
        assert np.array_equal(back.encode(data.points[:50])[0], model.encode(data.points[:50])[0])
        assert np.array_equal(back.log_density(data.points[:50]), model.log_density(data.points[:50]))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "metrics.json"])
def test_a_damaged_folder_is_one_clear_line(models, tmp_path, name):
    save_model(models[0], tmp_path / "m")
    path = tmp_path / "m" / name
    path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 2])
    with pytest.raises(InputError) as caught:
        load_model(tmp_path / "m")
    assert "\n" not in str(caught.value)


def test_a_folder_of_something_else_is_left_alone(models, tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="choose another place"):
        save_model(models[0], tmp_path / "m")
    assert (tmp_path / "m" / "thesis.txt").read_text() == "precious"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"latent_dim": 9}, "latent_dim"),
        ({"latent_dim": 0}, "latent_dim"),
        ({"latent_dim": 2.5}, "latent_dim"),
        ({"flow": "glow"}, "flow"),
        ({"steps": -1}, "steps"),
        ({"learning_rate": float("nan")}, "learning_rate"),
    ],
)
def test_a_configuration_out_of_range_is_one_clear_line(data, change, text):
    with pytest.raises(InputError, match=text):
        last(train(data, FlowAutoencoderConfig(**{**QUICK.to_json(), **change})))


def test_data_without_a_density_are_refused():
    with pytest.raises(InputError, match="constant"):
        last(train(Dataset("flat", np.ones((200, 3), np.float32)), QUICK))
    with pytest.raises(InputError, match="at least 100"):
        last(train(Dataset("few", np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)), QUICK))


@pytest.mark.slow
def test_a_start_from_geodesics_is_the_same_every_time():
    config = FlowAutoencoderConfig(pad=1, steps=10, blocks=2, width=8, components=6, batch=64)
    data = load_dataset("trefoil", n=400)
    models = [list(train(data, config, seed=3))[-1].model for _ in range(2)]
    np.testing.assert_array_equal(models[0].encode(data.points)[0], models[1].encode(data.points)[0])
