"""Can a critic tell a model's latents from samples of its prior? One measure for all priors, whatever trained them.

A small classifier D, the same for every model, learns to tell latents from samples of the prior and is then asked about
latents and samples that it has not seen. Its cross-entropy is log 2 where there is nothing to tell; by how much it is
less, log 2 - H = JS(latents || prior) at best, is a lower bound of the Jensen-Shannon divergence.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import silu, softplus

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
# Seeds of the samples that a critic is asked about are far from those that it learned from.
_APART = 1_000_003


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

    >>> from core.gaussians import GaussianMixture
    >>> q = GaussianMixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None])
    >>> critic_loss(q, q.sample(2000, 1), q.sample(400, 2)) < 0.02
    True
    """
    if len(heldout) < _FEWEST:
        raise invalid("heldout", f"at least {_FEWEST} latents", len(heldout), "hold out more points")
    rng = np.random.default_rng([seed, 5])
    trained = trained[rng.permutation(len(trained))[:_MOST_TRAINED]]
    order = rng.permutation(len(heldout))
    parts = [order[number::_FOLDS] for number in range(_FOLDS)]
    seen = [np.concatenate((trained, np.delete(heldout, part, axis=0))) for part in parts]
    critics = _trained(prior, seen, seed)
    real, drawn = [], []
    for number, part in enumerate(parts):
        fresh = prior.sample(_SAMPLES_PER_LATENT * len(part), _FOLDS * seed + number + _APART)
        with torch.no_grad():
            real.append(softplus(-critics(_tensor(heldout[part])[None], number)).numpy().ravel())
            drawn.append(softplus(critics(_tensor(fresh)[None], number)).numpy().ravel())
    latents, samples = np.concatenate(real).astype(float), np.concatenate(drawn).astype(float)
    entropy = 0.5 * (latents.mean() + samples.mean())
    error = 0.5 * np.sqrt(latents.var() / len(latents) + samples.var() / len(samples))
    return CriticLoss(float(1 - entropy / np.log(2)), float(error / np.log(2)))


class _Critics(nn.Module):
    """One network k -> 64 -> 64 -> 1 per fold, side by side, all started alike for every model."""

    def __init__(self, k: int, generator: torch.Generator) -> None:
        super().__init__()
        shapes = ((k, _WIDTH), (_WIDTH, _WIDTH), (_WIDTH, 1))
        scales = (k**-0.5, _WIDTH**-0.5, 0.1 * _WIDTH**-0.5)
        self.weights = nn.ParameterList(
            scale * torch.randn(_FOLDS, *shape, generator=generator)
            for shape, scale in zip(shapes, scales, strict=True)
        )
        self.biases = nn.ParameterList(torch.zeros(_FOLDS, 1, width) for _, width in shapes)

    def forward(self, z: Tensor, fold: int | None = None) -> Tensor:
        """Positive where `z` (folds, n, k) looks like latents, (folds, n); of one `fold` for (1, n, k)."""
        chosen = slice(None) if fold is None else slice(fold, fold + 1)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            z = torch.baddbmm(bias[chosen], z if weight is self.weights[0] else silu(z), weight[chosen])
        return z[..., 0]


def _trained(prior: Samples, latents: Sequence[np.ndarray], seed: int) -> _Critics:
    """Critics that tell each of `latents` from fresh samples of the prior at every step; their weights are averaged
    over the second half of training."""
    generator = torch.Generator().manual_seed(seed)
    critics = _Critics(latents[0].shape[1], generator)
    optimizer = torch.optim.Adam(critics.parameters(), lr=_RATE)
    pools = [_tensor(each) for each in latents]
    samples = _tensor(prior.sample(_STEPS * _FOLDS * _BATCH, seed)).reshape(_STEPS, _FOLDS, _BATCH, -1)
    total = [torch.zeros_like(value) for value in critics.parameters()]
    for step in range(_STEPS):
        real = torch.stack([pool[torch.randint(len(pool), (_BATCH,), generator=generator)] for pool in pools])
        score = critics(torch.cat((real, samples[step]), dim=1))
        loss = softplus(-score[:, :_BATCH]).mean(1).sum() + softplus(score[:, _BATCH:]).mean(1).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step >= _STEPS // 2:
            for summed, value in zip(total, critics.parameters(), strict=True):
                summed += value.detach()
    with torch.no_grad():
        for value, summed in zip(critics.parameters(), total, strict=True):
            value.copy_(summed / (_STEPS - _STEPS // 2))
    return critics


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
