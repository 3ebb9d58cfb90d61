"""Latent translation: one small variational auto-encoder for both latent spaces, and a bridge between where they meet.

The encoder and the decoder are told by a one-hot label D which space a point is of. A point of A is translated by
encoding it as A's and decoding it as B's. What makes the two agree on the bridge z', beside the reconstruction:
    loss = reconstruction + beta KL(q(z'|z, D) || N(0, I)) + omega SW2^2(z'_A, z'_B) + gamma cross-entropy(class|z'),
a sliced Wasserstein distance between the clouds, and one linear classifier for the classes of both.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot, relu, softplus

from core.baselines.types import Latents, Pairs
from core.errors import InputError, invalid

__all__ = ["Bridge", "BridgedMap", "latent_translation"]

_WIDTH, _LAYERS = 128, 3
# Room enough for a linear classifier.
_LENGTH = 8
_STEPS, _BATCH, _RATE = 1500, 128, 1e-3
_PROJECTIONS = 64
_KL, _SLICED, _CLASSES = 0.01, 1.0, 0.3
_A, _B = 0, 1


class _Side(nn.Module):
    """Perceptron whose outputs are mixed with a linear image of its input by gates that it computes too."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        widths = [width_in + 2, *[_WIDTH] * _LAYERS]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        self.change = nn.Linear(_WIDTH, width_out)
        self.gate = nn.Linear(_WIDTH, width_out)
        self.straight = nn.Linear(width_in + 2, width_out)

    def forward(self, z: Tensor, domain: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs (n, width_out), and the hidden values (n, _WIDTH) that they come from."""
        z = x = torch.cat((z, one_hot(domain, 2).to(z)), dim=1)
        for layer in self.hidden:
            x = relu(layer(x))
        share = torch.sigmoid(self.gate(x))
        return (1 - share) * self.straight(z) + share * self.change(x), x


class Bridge(nn.Module):
    """The auto-encoder of both spaces, their points padded with zeros to one `width`, with a bridge of `length`
    dimensions and a linear classifier of `classes` on it. `domain` (n,) is 0 for points of A and 1 for those of B."""

    def __init__(self, width: int, length: int, classes: int) -> None:
        super().__init__()
        self.encoder, self.decoder = _Side(width, length), _Side(length, width)
        self.spread = nn.Linear(_WIDTH, length)
        self.classifier = nn.Linear(length, classes)

    def encode(self, z: Tensor, domain: Tensor) -> tuple[Tensor, Tensor]:
        """Means and deviations (n, length) on the bridge for points (n, width)."""
        mean, hidden = self.encoder(z, domain)
        return mean, softplus(self.spread(hidden) - 2) + 1e-4

    def decode(self, bridged: Tensor, domain: Tensor) -> Tensor:
        """Points (n, width) of their spaces for places (n, length) on the bridge."""
        return self.decoder(bridged, domain)[0]


@dataclass(frozen=True, eq=False)
class _Frame:
    """Where the points of a space lie, and how wide: the network sees them standardized, (n, width) in float32."""

    center: np.ndarray
    deviation: np.ndarray
    width: int

    @classmethod
    def of(cls, points: np.ndarray, width: int) -> "_Frame":
        deviation = points.std(0)
        return cls(points.mean(0), np.where(deviation > 0, deviation, 1.0), width)

    def seen(self, points: np.ndarray) -> Tensor:
        table = np.zeros((len(points), self.width), dtype=np.float32)
        table[:, : len(self.center)] = (points - self.center) / self.deviation
        return torch.from_numpy(table)

    def unseen(self, table: Tensor) -> np.ndarray:
        return table.numpy()[:, : len(self.center)].astype(np.float64) * self.deviation + self.center


@dataclass(frozen=True, eq=False)
class BridgedMap:
    """z -> the mean of the bridge for a point of A, decoded as one of B. `reconstruction` says what the bridge keeps:
    the shares of either cloud's variance that survive the way to the bridge and back."""

    bridge: Bridge
    frames: tuple[_Frame, _Frame]
    reconstruction: tuple[float, float]

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Images (n, k_b) of points (n, k_a). Raises `InputError` on another width."""
        return self._decoded(self.bridged(z, _A), _B)

    def bridged(self, z: np.ndarray, domain: int) -> np.ndarray:
        """Places (n, m) on the bridge of points of a space (0: A's, 1: B's). Raises `InputError` on another width."""
        z, frame = np.asarray(z, dtype=np.float64), self.frames[domain]
        if z.ndim != 2 or z.shape[1] != len(frame.center):
            raise invalid("z", f"of shape (n, {len(frame.center)})", z.shape, "give latents of that model")
        with torch.no_grad():
            return self.bridge.encode(frame.seen(z), torch.full((len(z),), domain))[0].numpy()

    def _decoded(self, bridged: np.ndarray, domain: int) -> np.ndarray:
        with torch.no_grad():
            table = self.bridge.decode(torch.from_numpy(bridged), torch.full((len(bridged),), domain))
            return self.frames[domain].unseen(table)


def latent_translation(source: Latents, target: Latents, pairs: Pairs | None = None, seed: int = 0) -> BridgedMap:
    """The bridging auto-encoder of two clouds, of which some or all points have classes; no two points are paired.

    Classes come from the clouds' `labels` where both have them, else from the labels of the pairs, whose pairing is not
    looked at; a class of -1 is none. The classifier sees a class only where both sides have points of it. Smaller than
    the paper's network, whose spaces have a hundred dimensions. Raises `InputError` where no class is on both sides.

    References: Tian and Engel 2019, "Latent translation: crossing modalities by bridging generative models", arXiv
    1902.08261.
    """
    labeled, classes = _labeled(source, target, pairs)
    width = max(source.dim, target.dim)
    frames = _Frame.of(source.points, width), _Frame.of(target.points, width)
    # The layers draw their first weights from torch's one generator.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        bridge = Bridge(width, max(width, _LENGTH), classes)
    clouds = [frame.seen(latents.points) for frame, latents in zip(frames, (source, target), strict=True)]
    known = [
        (frame.seen(points), torch.from_numpy(numbers))
        for frame, (points, numbers) in zip(frames, labeled, strict=True)
    ]
    _train(bridge, clouds, known, torch.Generator().manual_seed(seed))
    bridge.eval().requires_grad_(False)
    kept = [1 - _lost(bridge, cloud, domain) for domain, cloud in enumerate(clouds)]
    return BridgedMap(bridge, frames, (kept[_A], kept[_B]))


def _labeled(source: Latents, target: Latents, pairs: Pairs | None) -> tuple[list[tuple[np.ndarray, np.ndarray]], int]:
    """The points of either side whose class is on both, with the number of their class, and how many classes there are.

    Raises `InputError` where there is none."""
    if source.labels is not None and target.labels is not None:
        sides = [(latents.points, np.asarray(latents.labels)) for latents in (source, target)]
    elif pairs is not None and pairs.labels is not None:
        sides = [(points, np.asarray(pairs.labels)) for points in (pairs.a, pairs.b)]
    else:
        raise InputError("latent translation needs classes of points on both sides; give `labels` with the latents.")
    shared = np.intersect1d(sides[0][1], sides[1][1])
    shared = shared[shared != -1] if shared.dtype.kind in "iuf" else shared
    if not len(shared):
        raise invalid("labels", "of a class that both sides have", "none in common", "name the classes alike")
    inside = [(points, labels, np.isin(labels, shared)) for points, labels in sides]
    return [(points[kept], np.searchsorted(shared, labels[kept])) for points, labels, kept in inside], len(shared)


def _train(
    bridge: Bridge, clouds: list[Tensor], known: list[tuple[Tensor, Tensor]], generator: torch.Generator
) -> None:
    """Steps of Adam on batches of both clouds and of the points of known class, the rate going down to zero."""
    optimizer = torch.optim.Adam(bridge.parameters(), lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
    domain = torch.tensor([_A, _B]).repeat_interleave(_BATCH)
    for _ in range(_STEPS):
        z = torch.cat([cloud[_rows(cloud, generator)] for cloud in clouds])
        rows = [_rows(points, generator) for points, _ in known]
        seen = torch.cat([points[at] for (points, _), at in zip(known, rows, strict=True)])
        classes = torch.cat([numbers[at] for (_, numbers), at in zip(known, rows, strict=True)])
        mean, deviation = bridge.encode(torch.cat((z, seen)), domain.repeat(2))
        logits = bridge.classifier(mean[len(z) :])
        mean, deviation = mean[: len(z)], deviation[: len(z)]
        drawn = mean + deviation * torch.randn(mean.shape, generator=generator)
        divergence = 0.5 * (mean**2 + deviation**2 - 1) - deviation.log()
        loss = ((bridge.decode(drawn, domain) - z) ** 2).mean() + _KL * divergence.mean()
        loss = loss + _SLICED * _sliced(drawn[:_BATCH], drawn[_BATCH:], generator)
        loss = loss + _CLASSES * cross_entropy(logits, classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def _rows(points: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randint(len(points), (_BATCH,), generator=generator)


def _sliced(a: Tensor, b: Tensor, generator: torch.Generator) -> Tensor:
    """The mean squared Wasserstein-2 distance of two clouds (n, k) over random directions."""
    directions = torch.randn(a.shape[1], _PROJECTIONS, generator=generator)
    directions = directions / directions.norm(dim=0)
    return ((a @ directions).sort(dim=0).values - (b @ directions).sort(dim=0).values).square().mean()


def _lost(bridge: Bridge, cloud: Tensor, domain: int) -> float:
    """The share of a cloud's variance that is lost on its way to the bridge and back."""
    domains = torch.full((len(cloud),), domain)
    with torch.no_grad():
        back = bridge.decode(bridge.encode(cloud, domains)[0], domains)
    return float((back - cloud).square().sum() / (cloud - cloud.mean(0)).square().sum())
