"""True pairs for free: two models that learned from tangles of one planted world see the same planted points."""

from typing import TYPE_CHECKING

import numpy as np

from core.baselines.types import Pairs
from core.gaussians.mixture import GaussianMixture
from core.worlds.tangled import WORLDS, World

if TYPE_CHECKING:
    from core.model.autoencoder import FlowAutoencoder

__all__ = ["planted_pairs"]

_CLOSE = 1e-3


def planted_pairs(a: "FlowAutoencoder", b: "FlowAutoencoder", n: int = 4000, seed: int = 0) -> Pairs | None:
    """At most n planted points of the modes that both worlds share, each tangled and encoded on either side with noise
    of its own; labels are the modes. None where the models are not known to come from worlds that share a mode.
    """
    world_a, world_b = _world_of(a), _world_of(b)
    if world_a is None or world_b is None:
        return None
    shared = _shared(world_a.mixture, world_b.mixture)
    if not shared.any():
        return None
    plane = world_a.mixture.sample(n, seed)
    component = world_a.mixture.log_components(plane).argmax(1)
    plane, component = plane[shared[component]], component[shared[component]]
    rng = np.random.default_rng(seed)
    latents = [_encoded(model, world, plane, rng) for model, world in ((a, world_a), (b, world_b))]
    return Pairs(latents[0], latents[1], world_a.modes[component])


def _encoded(model: "FlowAutoencoder", world: World, plane: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return model.encode(world.tangled(plane, rng))[0]


def _world_of(model: "FlowAutoencoder") -> World | None:
    """The world that a model's kept points come from: its name alone could be that of a file."""
    world, sample = WORLDS.get(model.name), model.sample
    if world is None or sample is None or sample.truth is None or sample.points.shape[1] != world.dim:
        return None
    plane = world.tangle.inverse(sample.points)[:, :2]
    return world if plane.shape == sample.truth.shape and np.allclose(plane, sample.truth, atol=_CLOSE) else None


def _shared(a: GaussianMixture, b: GaussianMixture) -> np.ndarray:
    """(c,): whether each component of `a` is one of `b`, whatever its weight."""
    means = np.all(np.isclose(a.means[:, None], b.means[None]), axis=2)
    covariances = np.all(np.isclose(a.covariances[:, None], b.covariances[None]), axis=(2, 3))
    return np.any(means & covariances, axis=1)
