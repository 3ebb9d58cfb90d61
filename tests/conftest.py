"""Small trained models that several tests share: three planted blobs in space, seen by two quick models."""

import os

# A worker of a parallel run has one core; numpy and torch read this when they are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest

from zoo import STUDIED, blobs, study, write_study

# The same examples everywhere, and no verdict on how fast a busy machine is.
hypothesis.settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("steady")


@pytest.fixture(scope="session")
def trained():
    """Two models of the same blobs, turned differently; trained in seconds."""
    import torch

    from core.config import FlowAutoencoderConfig
    from core.training.run import train

    torch.set_num_threads(1)
    config = FlowAutoencoderConfig(steps=400, blocks=2, width=16, components=6, batch=256)
    models = {}
    for name, seed in (("three-a", 1), ("three-b", 2)):
        *_, last = train(blobs(seed), config, seed=seed)
        models[name] = last.model
    return models


@pytest.fixture(scope="session")
def models_folder(trained, tmp_path_factory):
    """A folder of the user's own models: the two trained ones, a broken one, and a study of shipped ones."""
    from core.model.store import save_model
    from topoviz import resource

    folder = tmp_path_factory.mktemp("models")
    for name, model in trained.items():
        save_model(model, folder / name)
    (folder / "broken").mkdir()
    (folder / "broken" / "config.json").write_text("{")
    shipped = [resource("sample_data") / "models" / name for name in ("islands-a", "ringed", "two-moons")]
    write_study(folder / "search", study(*STUDIED, best=1, trials_wanted=8), shipped)
    return folder


@pytest.fixture(scope="session")
def settings(models_folder):
    """The app's settings with that folder."""
    from topoviz.session.settings import Settings

    return Settings(models=models_folder, open_browser=False)


@pytest.fixture(scope="session")
def library(settings):
    """A library over that folder."""
    from topoviz.session.library import Library

    return Library(settings)
