"""Instances with known answers that several tests share."""

import json
import shutil
from dataclasses import replace

import numpy as np

from core.data.dataset import Dataset
from core.data.readers import read_dataset
from core.errors import InputError
from core.gaussians.mixture import GaussianMixture

BLOBS = np.array([[0.0, 0.0, 0.0], [6.0, 0.0, 0.0], [0.0, 8.0, 0.0]])
SHARES = np.array([0.5, 0.3, 0.2])
SPACE = {
    "priors": ["mixture", "adversarial"],
    "latent_dim": [1, 2],
    "pad": [0, 0],
    "blocks": [2, 4],
    "width": [8, 16],
    "components": [2, 6],
    "fixed": {"batch": 64, "warm_start": "pca"},
}
"""Trainings of a search that take no time."""


def blobs(seed, n=3000, dim=3):
    """A data set of three blobs of different mass, turned at random by `seed`."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, size=n, p=SHARES)
    points = np.zeros((n, dim))
    points[:, :3] = BLOBS[labels]
    points[:, :2] += 0.7 * rng.normal(size=(n, 2))
    points[:, 2:] += 0.15 * rng.normal(size=(n, dim - 2))
    turn = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
    return Dataset("three blobs", (points @ turn).astype(np.float32), labels=labels.astype(np.int64))


CONVERGED = {
    "verdict": {
        "converged": True,
        "reasons": [],
        "latent_noise": 0.0004,
        "noise_noise": 0.001,
        "normality": 0.012,
        "overfit": 0.013,
        "tree_support": 1.0,
        "refit_leaves": [3, 3, 3, 3],
    },
    "choice": {
        "latent_dim": {
            "chosen": 2,
            "reason": "dimension 2 still gains 0.81 nats",
            "tried": [
                {"value": 1, "nll": 4.1, "error": 0.03},
                {"value": 2, "nll": 3.29, "error": 0.008},
                {"value": 3, "nll": 3.28, "error": 0.0},
            ],
        }
    },
}
UNCONVERGED = {
    "verdict": {
        "converged": False,
        "reasons": ["the latents explain 12% of a noise dimension", "a leaf is found again in 50% of refits"],
        "latent_noise": 0.12,
        "noise_noise": 0.003,
        "normality": 0.02,
        "overfit": -0.01,
        "tree_support": 0.5,
        "refit_leaves": [3, 4, 3, 3],
    }
}


def with_metrics(model, **metrics):
    """The model with other metrics: its own but for verdict and choice, and those given."""
    own = {key: value for key, value in model.metrics.items() if key not in ("verdict", "choice")}
    return replace(model, metrics=own | metrics)


def outcome(path, key=None):
    """What a reader says of a file: nothing, or its refusal."""
    try:
        read_dataset(path, key)
    except InputError as error:
        return str(error)
    return ""


def trial(number, **values):
    """A trial of a study as `topoviz search` writes it: complete, with these values in place of the usual."""
    usual = {
        "number": number,
        "state": "complete",
        "prior": "mixture",
        "params": {"latent_dim": 2, "width": 32, "learning_rate": 0.008},
        "seed": number,
        "steps": 3500,
        "attempts": 1,
        "seconds": 61.5,
        "error": None,
        "nll": 3.21,
        "nll_error": 0.02,
        "critic_loss": 0.12,
        "tree_stability": 0.9,
        "converged": True,
        "reasons": [],
        "leaves": 6,
        "holes": 0,
        "tree_error": {"missed": 0, "spurious": 0, "distance": 0.04, "whole": True},
        "families": None,
        "model": f"trials/{number:04d}",
    }
    measured = ("nll", "nll_error", "critic_loss", "tree_stability", "converged", "leaves", "holes", "tree_error")
    if values.get("state", "complete") != "complete":
        usual |= dict.fromkeys((*measured, "model"))
    return usual | values


RING = {"ring": 0.81, "blobs": 0.19}
STUDIED = (
    trial(0, critic_loss=0.4, tree_stability=0.5, converged=False, reasons=["volume changes by up to 2e-2"]),
    trial(1, prior="superposition", families=RING, critic_loss=0.1, params={"width": 64, "warm_start": "pca"}),
    trial(2, state="pruned", steps=600),
    trial(3, state="failed", error="the loss is not finite"),
    trial(4, prior="adversarial", tree_stability=None),
    trial(5, state="running", steps=200),
)


def study(*trials, **values):
    """A study.json of some trials."""
    return {
        "schema": 1,
        "data": {"name": "islands-a", "mark": "0" * 64, "points": 3000, "dim": 3, "planted": True},
        "seed": 0,
        "steps": 3500,
        "trials_wanted": len(trials),
        "scheduler": None,
        "best": next((trial["number"] for trial in trials if trial["state"] == "complete"), None),
        "trials": list(trials),
    } | values


def write_study(folder, document, models):
    """A study folder with that study.json, its trials' models copied from `models`, folders that are taken in turn."""
    for at, item in enumerate(item for item in document["trials"] if item["model"]):
        shutil.copytree(models[at % len(models)], folder / item["model"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.json").write_text(json.dumps(document))
    return folder


def many(model, count, seed):
    """Two models with `count` leaves and a twentieth fewer: a mixture in the plane, and an affine copy of it that is
    perturbed and lacks some. All but prior and sample are `model`'s."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(count)))
    # Clusters of clusters: places on a jittered lattice whose lines stand at uneven distances.
    lines = np.cumsum(rng.uniform(4.4, 7.5, (2, side)) + 5 * (rng.uniform(size=(2, side)) < 0.25), axis=1)
    places = np.stack(np.meshgrid(*lines, indexing="ij"), -1).reshape(-1, 2)[:count] + rng.normal(0, 0.35, (count, 2))
    weights = rng.dirichlet(np.full(count, 8.0))
    spreads = np.stack([np.diag(rng.uniform(0.7, 1.3, 2)) for _ in range(count)])
    kept = np.sort(rng.permutation(count)[: count - max(1, count // 20)])
    turn = np.array([[0.83, -0.42], [0.36, 0.95]])
    moved = (places[kept] + rng.normal(0, 0.15, (len(kept), 2))) @ turn.T
    share = weights[kept] * rng.uniform(0.9, 1.1, len(kept))
    pair = {
        "a": GaussianMixture(weights, places - places.mean(0), spreads),
        "b": GaussianMixture(share / share.sum(), moved - moved.mean(0), turn @ spreads[kept] @ turn.T),
    }
    return {name: _with_prior(model, prior, seed) for name, prior in pair.items()}


def _with_prior(model, prior, seed):
    latent = prior.sample(600, seed)
    kept = replace(model.sample, latent=latent, log_density=np.zeros(600), labels=None, truth=None, rows=None)
    kept = replace(kept, points=np.resize(kept.points, (len(latent), kept.points.shape[1])))
    metrics = {
        key: value for key, value in model.metrics.items() if key not in ("verdict", "choice", "points", "families")
    }
    return replace(model, prior=prior, sample=kept, metrics=metrics)


def gallery(folder, models):
    """Write models of three blobs, by name, with a made-up picture of each point: one bright row of six, that of its
    blob, on a little noise; and the blob's name as its label."""
    from core.data.sidecars import Column
    from core.model.store import save_model
    from topoviz.session.examples import write_examples
    from topoviz.session.labels import attach_labels

    rng = np.random.default_rng(0)
    for name, model in models.items():
        save_model(model, folder / name)
        blob = np.zeros(model.metrics["points"], int)
        blob[model.sample.rows] = model.sample.labels
        pictures = rng.integers(0, 60, (len(blob), 6, 6))
        pictures[np.arange(len(blob)), 2 * blob] += 180
        write_examples(folder / name, "image", pictures.astype(np.uint8))
        attach_labels(folder / name, Column("blob", [("ann", "bob", "cyd")[number] for number in blob]))
    return folder
