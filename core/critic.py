"""Can a critic tell a model's latents from samples of its prior? One measure for all priors, whatever trained them.

A small classifier D, the same for every model, learns to tell latents from samples of the prior and is then asked about
latents and samples that it has not seen. Its cross-entropy is log 2 where there is nothing to tell; by how much it is
less, log 2 - H = JS(latents || prior) at best, is a lower bound of the Jensen-Shannon divergence.
"""

from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from core.errors import invalid

__all__ = ["CriticLoss", "Samples", "critic_loss"]

_FOLDS = 3
_WIDTH = 64
_STEPS = 300
_BATCH = 256
_RATE = 3e-3
_MOST_TRAINED = 20_000
# Samples of the prior are free: many of them leave the held-out latents as the only noise.
_SAMPLES_PER_LATENT = 8
_FEWEST = 8


class Samples(Protocol):
    """A density that can be drawn from: (n, k) for n and a seed."""

    def sample(self, n: int, seed: int) -> np.ndarray: ...


class CriticLoss(float):
    """From 0 (no critic can tell) to 1 (it always tells), with its standard `error` over held-out latents and `raw`,
    the same before what falls below 0 by chance is cut off."""

    error: float
    raw: float

    def __new__(cls, raw: float, error: float) -> "CriticLoss":
        loss = super().__new__(cls, max(raw, 0.0))
        loss.raw, loss.error = raw, error
        return loss


def critic_loss(prior: Samples, trained: np.ndarray, heldout: np.ndarray, seed: int = 0) -> CriticLoss:
    """1 - H / log 2 of a critic between a model's latents and samples of its `prior`, 0 at least.

    For whitened latents (n, k) of points `trained` on and `heldout` ones (m, k). The held-out ones are parted in three:
    a critic for each part learns from all others and the trained ones, and is asked about that part and fresh samples.
    Raises `InputError` on fewer than eight held-out latents.

    References
    ----------
    Goodfellow et al. (2014), Generative adversarial networks, arXiv:1406.2661; Lopez-Paz and Oquab (2017), Revisiting
    classifier two-sample tests, arXiv:1610.06545.

    >>> from core.prior import GaussianMixture
    >>> q = GaussianMixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None])
    >>> critic_loss(q, q.sample(2000, 1), q.sample(400, 2)) < 0.02
    True
    """
    if len(heldout) < _FEWEST:
        raise invalid("heldout", f"at least {_FEWEST} latents", len(heldout), "hold out more points")
    rng = np.random.default_rng([seed, 5])
    trained = trained[rng.permutation(len(trained))[:_MOST_TRAINED]]
    parts = np.array_split(rng.permutation(len(heldout)), _FOLDS)
    entropies, of_samples = [], []
    for number, part in enumerate(parts):
        others = heldout[np.setdiff1d(np.arange(len(heldout)), part)]
        key = 10 * seed + number
        critic = _trained(prior, np.concatenate((trained, others)).astype(np.float32), key)
        fresh = prior.sample(_SAMPLES_PER_LATENT * len(part), 2 * key + 1)
        with torch.no_grad():
            entropies.append(softplus(-critic(_tensor(heldout[part]))).numpy())
            of_samples.append(softplus(critic(_tensor(fresh))).numpy())
    latents, samples = np.concatenate(entropies).astype(float), np.concatenate(of_samples).astype(float)
    entropy = 0.5 * (latents.mean() + samples.mean())
    error = 0.5 * np.sqrt(latents.var() / len(latents) + samples.var() / len(samples))
    return CriticLoss(float(1 - entropy / np.log(2)), float(error / np.log(2)))


def _trained(prior: Samples, latents: np.ndarray, seed: int) -> nn.Module:
    """A critic, positive on `latents` and negative on fresh samples of the prior at every step; its weights averaged
    over the second half of training."""
    generator = torch.Generator().manual_seed(seed)
    critic = _network(latents.shape[1], generator)
    average = torch.optim.swa_utils.AveragedModel(critic)
    optimizer = torch.optim.Adam(critic.parameters(), lr=_RATE)
    pool, samples = _tensor(latents), _tensor(prior.sample(_STEPS * _BATCH, 2 * seed))
    for step in range(_STEPS):
        real = pool[torch.randint(len(pool), (_BATCH,), generator=generator)]
        drawn = samples[step * _BATCH : (step + 1) * _BATCH]
        loss = softplus(-critic(real)).mean() + softplus(critic(drawn)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step >= _STEPS // 2:
            average.update_parameters(critic)
    return average.module.eval()


def _network(k: int, generator: torch.Generator) -> nn.Module:
    """k -> 64 -> 64 -> 1, started alike for every model."""
    network = nn.Sequential(nn.Linear(k, _WIDTH), nn.SiLU(), nn.Linear(_WIDTH, _WIDTH), nn.SiLU(), nn.Linear(_WIDTH, 1))
    with torch.no_grad():
        for layer in network:
            if isinstance(layer, nn.Linear):
                layer.weight.normal_(0, layer.in_features**-0.5, generator=generator)
                layer.bias.zero_()
        network[-1].weight.mul_(0.1)
    return network


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
