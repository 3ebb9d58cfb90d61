"""Small trained models that several tests share: three planted blobs in space, seen by two quick models."""

import os

import numpy as np
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")

BLOBS = np.array([[0.0, 0.0, 0.0], [6.0, 0.0, 0.0], [0.0, 8.0, 0.0]])
SHARES = np.array([0.5, 0.3, 0.2])


def blobs(seed, n=3000, dim=3):
    """A data set of three blobs of different mass, turned at random by `seed`."""
    from core.data.dataset import Dataset

    rng = np.random.default_rng(seed)
    labels = rng.choice(3, size=n, p=SHARES)
    points = np.zeros((n, dim))
    points[:, :3] = BLOBS[labels]
    points[:, :2] += 0.7 * rng.normal(size=(n, 2))
    points[:, 2:] += 0.15 * rng.normal(size=(n, dim - 2))
    turn = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
    return Dataset("three blobs", (points @ turn).astype(np.float32), labels=labels.astype(np.int64))


@pytest.fixture(scope="session")
def trained():
    """Two models of the same blobs, turned differently; trained in seconds."""
    import torch

    from core.config import FlowAutoencoderConfig
    from core.training import train

    torch.set_num_threads(1)
    config = FlowAutoencoderConfig(steps=400, blocks=2, width=16, components=6, batch=256)
    models = {}
    for name, seed in (("three-a", 1), ("three-b", 2)):
        *_, last = train(blobs(seed), config, seed=seed)
        models[name] = last.model
    return models


@pytest.fixture(scope="session")
def models_folder(trained, tmp_path_factory):
    """A folder of the user's own models: the two trained ones and a broken one."""
    from core.store import save_model

    folder = tmp_path_factory.mktemp("models")
    for name, model in trained.items():
        save_model(model, folder / name)
    (folder / "broken").mkdir()
    (folder / "broken" / "config.json").write_text("{")
    return folder


@pytest.fixture(scope="session")
def settings(models_folder):
    """The app's settings with that folder."""
    from topoviz.settings import Settings

    return Settings(models=models_folder, open_browser=False)


@pytest.fixture(scope="session")
def library(settings):
    """A library over that folder."""
    from topoviz.library import Library

    return Library(settings)
