"""Maximum likelihood for the flow auto-encoder, as a generator of progress: no printing, no files, no screen.

The loss is -log q(z) - log N(n; 0, diag s^2) over points with fresh pads at every step. Weights are averaged along the
way; the average that did best on held-out points is what comes out.
"""

import copy
import time
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from core.config import FlowAutoencoderConfig
from core.data.dataset import Dataset
from core.errors import InputError, invalid
from core.flow import CouplingFlow
from core.levelset.preview import input_field
from core.model import FlowAutoencoder, ModelSample
from core.prior.mixture import GaussianMixture
from core.warmstart import geodesic_targets, principal_basis

__all__ = ["Progress", "train"]

_LOG_2PI = float(np.log(2 * np.pi))
_GEODESIC_POINTS = 3000
_GEODESIC_STEPS = 1500
_REPORTS = 50
_SAMPLE = 3000


@dataclass(frozen=True, eq=False)
class Progress:
    """Where training stands: `phase` 'start', 'fit' or 'done', `step` of `steps`, negative log-likelihoods in nats per
    point (None before there is one), seconds since the start and to the end, a few held-out latents (<= 1000, k) to
    look at. `model` comes with the last one."""

    phase: str
    step: int
    steps: int
    train_nll: float | None
    heldout_nll: float | None
    seconds: float
    seconds_left: float | None
    latent: np.ndarray | None = None
    model: FlowAutoencoder | None = None


def train(
    dataset: Dataset, config: FlowAutoencoderConfig | None = None, seed: int = 0
) -> Generator[Progress, None, FlowAutoencoder]:
    """Train a flow auto-encoder on a data set: yields `Progress`, the last with the model, and returns the model.

    The same data, configuration and seed give the same model on the same machine. Raises `InputError` where the data
    cannot carry the configuration.

    >>> from core.data import load_dataset
    >>> config = FlowAutoencoderConfig(steps=5, blocks=2, components=4)
    >>> *_, last = train(load_dataset("blob", n=500), config)
    >>> last.model.encode(load_dataset("blob", n=10).points)[0].shape
    (10, 2)
    """
    config = config or FlowAutoencoderConfig()
    _check(dataset, config)
    fit = _Fit(dataset, config, seed)
    if config.resolved_start == "geodesic":
        yield from fit.regress_on_geodesics()
    yield from fit.maximise_likelihood()
    model = fit.model()
    yield fit.progress("done", config.steps, model.metrics["nll"], model=model)
    return model


def _check(dataset: Dataset, config: FlowAutoencoderConfig) -> None:
    n, d = dataset.points.shape
    if config.latent_dim > d + config.pad:
        raise invalid(
            "latent_dim", f"at most the data's {d} dimensions and {config.pad} pads", config.latent_dim, "lower it"
        )
    if n < 100:
        raise invalid("dataset", "at least 100 points", n, "give more points")
    if not float(dataset.points.std()) > 0:
        raise InputError("`dataset` has only one distinct point; there is no density to learn.")


class _MixtureModule(nn.Module):
    """Gaussians with precision factors P (lower triangular, positive diagonal): log N = log|P| - |P^T (z - m)|^2 / 2."""

    def __init__(self, z: np.ndarray, components: int, rng: np.random.Generator) -> None:
        super().__init__()
        k = z.shape[1]
        spread = np.sqrt(np.maximum(np.diagonal(np.atleast_2d(np.cov(z.T))), 1e-6))
        width = spread * components ** (-1 / k)
        self.logits = nn.Parameter(torch.zeros(components))
        self.means = nn.Parameter(torch.from_numpy(_spread_out(z, components, rng)).float())
        self.log_diagonal = nn.Parameter(torch.from_numpy(-np.log(width)).float().repeat(components, 1))
        self.lower = nn.Parameter(torch.zeros(components, k, k))

    def factors(self) -> Tensor:
        """The precision factors P (c, k, k)."""
        return torch.tril(self.lower, -1) + torch.diag_embed(self.log_diagonal.exp())

    def forward(self, z: Tensor) -> Tensor:
        """log q(z) (n,) for latents (n, k)."""
        factors = self.factors()
        whitened = torch.einsum("nk,ckj->ncj", z, factors) - torch.einsum("ck,ckj->cj", self.means, factors)
        constant = self.logits.log_softmax(0) + self.log_diagonal.sum(1) - 0.5 * z.shape[1] * _LOG_2PI
        return torch.logsumexp(constant - 0.5 * whitened.square().sum(-1), dim=1)

    def export(self) -> GaussianMixture:
        """The same density in numpy."""
        inverse = np.linalg.inv(self.factors().detach().double().numpy())
        return GaussianMixture(
            weights=self.logits.detach().double().softmax(0).numpy(),
            means=self.means.detach().double().numpy(),
            covariances=np.swapaxes(inverse, 1, 2) @ inverse,
        )


def _spread_out(z: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of the points `z`, each drawn far from those before it (the seeding of k-means++)."""
    z = z[rng.permutation(len(z))[:4000]]
    chosen = [int(rng.integers(len(z)))]
    nearest = ((z - z[chosen[0]]) ** 2).sum(1)
    while len(chosen) < count:
        total = nearest.sum()
        pick = int(rng.choice(len(z), p=nearest / total)) if total > 0 else int(rng.integers(len(z)))
        chosen.append(pick)
        nearest = np.minimum(nearest, ((z - z[pick]) ** 2).sum(1))
    return z[chosen]


class _Likelihood(nn.Module):
    """What is trained: the flow, the noise deviations and the mixture."""

    def __init__(self, flow: CouplingFlow, latent_dim: int, noise_dim: int) -> None:
        super().__init__()
        self.flow = flow
        self.latent_dim = latent_dim
        self.log_noise = nn.Parameter(torch.full((noise_dim,), -2.0))
        self.mixture: _MixtureModule | None = None

    def start_mixture(self, x: Tensor, components: int, rng: np.random.Generator) -> None:
        """Begin the mixture and the noise deviations at what the flow makes of `x` (n, d+p) now."""
        with torch.no_grad():
            y = self.flow(x)
            if len(self.log_noise):
                self.log_noise.copy_(y[:, self.latent_dim :].std(0).clamp_min(0.02).log().clamp_max(-0.5))
        self.mixture = _MixtureModule(y[:, : self.latent_dim].double().numpy(), components, rng)

    def forward(self, x: Tensor) -> Tensor:
        """log p (n,) of standardised, rotated points with pads (n, d+p)."""
        assert self.mixture is not None
        y = self.flow(x)
        n = y[:, self.latent_dim :] * (-self.log_noise).exp()
        return (
            self.mixture(y[:, : self.latent_dim])
            - 0.5 * n.square().sum(1)
            - self.log_noise.sum()
            - 0.5 * n.shape[1] * _LOG_2PI
        )


class _Fit:
    """One training run: the data as it enters the flow, the modules, the clock."""

    def __init__(self, dataset: Dataset, config: FlowAutoencoderConfig, seed: int) -> None:
        self.began = time.monotonic()
        self.dataset, self.config, self.seed = dataset, config, seed
        self.rng = np.random.default_rng([seed, 1])
        points = dataset.points.astype(np.float64)
        self.shift = points.mean(0)
        self.scale = float(np.sqrt(points.var(0).mean()))
        standard = (points - self.shift) / self.scale
        self.basis = principal_basis(standard, config.pad)
        d = dataset.dim
        rotated = torch.from_numpy((standard @ self.basis[:d, :d]).astype(np.float32))
        order = self.rng.permutation(len(rotated))
        held = min(max(len(order) // 10, 50), 5000)
        self.heldout, self.training = order[:held], order[held:]
        self.generator = torch.Generator().manual_seed(seed)
        self.test = self._padded(rotated[self.heldout])
        self.points = rotated[self.training]
        total = d + config.pad
        flow = CouplingFlow(total, config.blocks, config.width, seed)
        self.net = _Likelihood(flow, config.latent_dim, total - config.latent_dim)
        self.offset = self.scale_entropy()

    def scale_entropy(self) -> float:
        """What the likelihood in standard units lacks of the data's own: log scale^d, and the pads' entropy."""
        pad_entropy = self.config.pad * (0.5 * (1 + _LOG_2PI) + np.log(self.config.pad_scale))
        return float(self.dataset.dim * np.log(self.scale) - pad_entropy)

    def _padded(self, x: Tensor) -> Tensor:
        if not self.config.pad:
            return x
        pads = torch.randn(len(x), self.config.pad, generator=self.generator) * self.config.pad_scale
        return torch.cat((x, pads), dim=1)

    def batch(self) -> Tensor:
        """A batch of training points with fresh pads."""
        size = min(self.config.batch, len(self.points))
        return self._padded(self.points[torch.randint(len(self.points), (size,), generator=self.generator)])

    def progress(
        self, phase: str, step: int, heldout: float | None, loss: float | None = None,
        model: FlowAutoencoder | None = None,
    ) -> Progress:
        """The state of this run as a `Progress`."""
        seconds = time.monotonic() - self.began
        with torch.no_grad():
            latent = self.net.flow(self.test[:1000])[:, : self.config.latent_dim].numpy()
        left = seconds / step * (self.config.steps - step) if phase == "fit" and step else None
        return Progress(phase, step, self.config.steps, loss, heldout, seconds, left, latent, model)

    def regress_on_geodesics(self) -> Generator[Progress, None, None]:
        """Lead the latents to an Isomap embedding, and the rest to small isotropic noise."""
        x = self.points[:_GEODESIC_POINTS]
        target = torch.from_numpy(geodesic_targets(x.numpy(), self.config.latent_dim)).float()
        optimizer = torch.optim.Adam(self.net.flow.parameters(), lr=self.config.learning_rate)
        for step in range(_GEODESIC_STEPS):
            rows = torch.randint(len(x), (512,), generator=self.generator)
            y = self.net.flow(self._padded(x[rows]))
            latent, noise = y[:, : self.config.latent_dim], y[:, self.config.latent_dim :]
            loss = (latent - target[rows]).square().mean() + 0.1 * noise.square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % (_GEODESIC_STEPS // 10) == 0:
                yield self.progress("start", step, None)

    def maximise_likelihood(self) -> Generator[Progress, None, None]:
        """Adam with a warm-up and a cosine, an average of the weights, the best average on held-out points kept."""
        config, net = self.config, self.net
        net.start_mixture(self._padded(self.points[:8000]), config.components, self.rng)
        optimizer = torch.optim.Adam(net.parameters(), lr=config.learning_rate, betas=(0.9, 0.99))
        average = copy.deepcopy(net)
        best, best_state = np.inf, copy.deepcopy(net.state_dict())
        every = max(config.steps // _REPORTS, 1)
        deadline = self.began + 60 * config.minutes if config.minutes else np.inf
        began, smoothed = time.monotonic(), None
        for step in range(config.steps):
            spent = max(step / config.steps, (time.monotonic() - began) / (deadline - began))
            if spent >= 1:
                break
            rate = min(1.0, (step + 1) / 100) * 0.5 * (1 + np.cos(np.pi * spent))
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * rate
            loss = -net(self.batch()).mean()
            if not torch.isfinite(loss):
                raise InputError(
                    f"training diverged at step {step}; lower `learning_rate` (now {config.learning_rate})."
                )
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            _average(average, net, decay=min(0.995, (step + 1) / (step + 10)))
            smoothed = loss.item() if smoothed is None else 0.98 * smoothed + 0.02 * loss.item()
            if (step + 1) % every == 0 or step + 1 == config.steps:
                with torch.no_grad():
                    heldout = float(-average(self.test).mean())
                if heldout < best:
                    best, best_state = heldout, copy.deepcopy(average.state_dict())
                yield self.progress("fit", step + 1, heldout + self.offset, smoothed + self.offset)
        net.load_state_dict(best_state)

    def model(self) -> FlowAutoencoder:
        """The trained model in the convention of `core.model`: whitened latents, volume kept by the noise."""
        mixture = self.net.mixture
        assert mixture is not None
        prior, k = mixture.export(), self.config.latent_dim
        mean = prior.weights @ prior.means
        centered = prior.means - mean
        covariance = np.einsum("c,cij->ij", prior.weights, prior.covariances) + centered.T @ (
            prior.weights[:, None] * centered
        )
        log_noise = self.net.log_noise.detach().double().numpy()
        log_scale = (self.dataset.dim + self.config.pad) * np.log(self.scale)
        values, vectors = np.linalg.eigh(covariance)
        head = vectors @ np.diag(values**-0.5) @ vectors.T
        if len(log_noise):
            log_unit = (log_scale + 0.5 * np.log(values).sum() + log_noise.sum()) / len(log_noise)
        else:
            head = head * np.exp((log_scale + 0.5 * np.log(values).sum()) / k)
            log_unit = 0.0
        model = FlowAutoencoder(
            config=self.config, shift=self.shift, scale=self.scale, basis=self.basis,
            flow=self.net.flow.eval().requires_grad_(False),
            latent_head=head, latent_shift=-head @ mean,
            noise_head=np.diag(np.exp(log_unit - log_noise)), noise_scale=float(np.exp(log_unit)),
            prior=prior.transformed(head, -head @ mean),
        )
        return self._measured(model)

    def _measured(self, model: FlowAutoencoder) -> FlowAutoencoder:
        """The model with its sample, its preview of the input density and its metrics."""
        held = self.dataset.points[self.heldout]
        shown = np.sort(np.concatenate((self.heldout, self.training))[:_SAMPLE])
        points = self.dataset.points[shown]
        sample = ModelSample(
            points=points,
            latent=model.encode(points)[0],
            log_density=model.log_density(points).astype(np.float32),
            labels=None if self.dataset.labels is None else self.dataset.labels[shown],
            truth=None if self.dataset.latent is None else self.dataset.latent[shown],
        )
        low, high = points.min(0), points.max(0)
        off = np.random.default_rng(self.seed).uniform(low, high, size=(200, model.data_dim)).astype(np.float32)
        defect = max(np.abs(model.log_volume_change(part)).max() for part in (held[:200], off))
        nll = model.heldout_nll(held)
        entropy = self.dataset.entropy
        metrics = {
            "dataset": self.dataset.name,
            "points": len(self.dataset),
            "nll": nll,
            "nll_error": float(np.std(model.log_density(held)) / np.sqrt(len(held))),
            "entropy": entropy,
            "excess": None if entropy is None else nll - entropy,
            "volume_defect": float(defect),
            "noise_scale": model.noise_scale,
            "seed": self.seed,
            "seconds": round(time.monotonic() - self.began, 2),
        }
        object.__setattr__(model, "metrics", metrics)
        object.__setattr__(model, "sample", sample)
        object.__setattr__(model, "input_field", input_field(model))
        return model


def _average(average: nn.Module, net: nn.Module, decay: float) -> None:
    with torch.no_grad():
        ours, theirs = list(average.parameters()), list(net.parameters())
        torch._foreach_lerp_(ours, theirs, 1 - decay)
