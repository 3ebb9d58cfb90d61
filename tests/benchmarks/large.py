"""Pairs of models with as many leaves and points as asked, made without training: mixtures of Gaussians of their own.

    python tests/benchmarks/large.py FOLDER --leaves 200 [--points 16000]

writes FOLDER/planted-200-a and -b (and the like). B is A under an affine map, each leaf moved, stretched and reweighted
a little, one in ten of either side's leaves absent on the other. The flow is that of a shipped model.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

import core
from core.gaussians.mixture import GaussianMixture
from core.model.autoencoder import FlowAutoencoder, ModelSample
from core.tree.fields.preview import input_field
from topoviz import resource

__all__ = ["mixtures", "write_pair"]

_ABSENT = 0.1
_NOISE = 0.06
# Of more points these are repeated.
_MOST = 50_000


def mixtures(leaves: int, seed: int = 0) -> tuple[GaussianMixture, GaussianMixture, np.ndarray, np.ndarray]:
    """Two planted densities of `leaves` modes each in the plane, and which modes (numbers) each of them has."""
    shown, leaves = leaves, round(leaves / (1 - _ABSENT))
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(1.15 * leaves)))
    places = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    means = places[rng.permutation(len(places))[:leaves]] + rng.uniform(-0.17, 0.17, (leaves, 2))
    means = (means - means.mean(0)) / means.std(0)
    unit = 3.46 / side
    axes = np.linalg.qr(rng.normal(size=(leaves, 2, 2)))[0]
    spread = unit * rng.uniform(0.13, 0.24, (leaves, 2))
    weights = rng.uniform(0.5, 1.5, leaves)
    away = leaves - shown
    shuffled = rng.permutation(leaves)
    kept_a, kept_b = (np.setdiff1d(np.arange(leaves), gone) for gone in (shuffled[:away], shuffled[away : 2 * away]))
    moved = means + _NOISE * unit * rng.normal(size=means.shape)
    stretched = spread * np.exp(_NOISE * rng.normal(size=spread.shape))
    reweighted = weights * np.exp(_NOISE * rng.normal(size=leaves))
    a = _mixture(weights, means, axes, spread, kept_a)
    b = _mixture(reweighted, moved, axes, stretched, kept_b)
    turn = np.linalg.qr(rng.normal(size=(2, 2)))[0] @ np.diag([1.2, 1 / 1.2])
    return a, b.transformed(turn, rng.normal(size=2)), kept_a, kept_b


def _mixture(
    weights: np.ndarray, means: np.ndarray, axes: np.ndarray, spread: np.ndarray, kept: np.ndarray
) -> GaussianMixture:
    covariances = axes @ (spread[:, :, None] ** 2 * np.swapaxes(axes, 1, 2))
    return GaussianMixture(weights[kept] / weights[kept].sum(), means[kept], covariances[kept])


def write_pair(folder: Path, leaves: int, points: int = 16_000, seed: int = 0) -> tuple[str, str]:
    """Write the two models where they are not there yet, and return their names."""
    names = tuple(f"planted-{leaves}-{side}" + (f"-{points}" if points != 16_000 else "") for side in "ab")
    shipped = core.load_model(resource("sample_data") / "models" / "islands-a")
    for name, density in zip(names, mixtures(leaves, seed)[:2], strict=True):
        if not (folder / name).exists():
            folder.mkdir(parents=True, exist_ok=True)
            core.save_model(_model(shipped, density, points), folder / name)
    return names[0], names[1]


def _model(shipped: FlowAutoencoder, density: GaussianMixture, points: int) -> FlowAutoencoder:
    """The shipped model with another latent density, its sample drawn anew."""
    model = replace(shipped, prior=density, sample=None, input_field=None)
    latent = density.sample(min(points, _MOST), seed=1).astype(np.float32)
    places = np.resize(model.decode(latent, seed=1), (points, model.data_dim))
    latent = np.resize(latent, (points, 2))
    sample = ModelSample(places, latent, density.log_density(latent).astype(np.float32))
    model = replace(model, sample=sample, metrics={**shipped.metrics, "dataset": "planted", "points": points})
    return replace(model, input_field=input_field(model))


def main() -> None:
    """Write the pair that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--leaves", type=int, default=200)
    parser.add_argument("--points", type=int, default=16_000)
    arguments = parser.parse_args()
    print(*write_pair(arguments.folder, arguments.leaves, arguments.points))


if __name__ == "__main__":
    main()
