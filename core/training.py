"""Maximum likelihood for the flow auto-encoder, as a generator of progress: no printing, no files, no screen.

The loss is -log q(z) - log N(n; 0, diag s^2) over points with fresh pads at every step. Weights are averaged along the
way; the average that did best on held-out points is what comes out.
"""

import copy
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from core.config import FlowAutoencoderConfig
from core.data.dataset import Dataset
from core.errors import InputError, invalid
from core.finish import finished, measured
from core.flow import FLOWS
from core.likelihood import LOG_2PI, Likelihood
from core.model import FlowAutoencoder
from core.warmstart import geodesic_targets, principal_basis

__all__ = ["Progress", "train"]

_GEODESIC_POINTS = 3000
_GEODESIC_STEPS = 1500
_REPORTS = 50
_TIGHTEN_EVERY = 200
_SAMPLE = 3000


@dataclass(frozen=True, eq=False)
class Progress:
    """Where training stands: `phase` 'start', 'fit' or 'done', `step` of `steps`, negative log-likelihoods in nats per
    point (None before there is one), seconds since the start and to the end, a few held-out latents (<= 1000, k) to
    look at. `state` gives all that training needs to go on from here (arrays by name), `model` comes with the last one.
    """

    phase: str
    step: int
    steps: int
    train_nll: float | None
    heldout_nll: float | None
    seconds: float
    seconds_left: float | None
    latent: np.ndarray | None = None
    model: FlowAutoencoder | None = None
    state: Callable[[], dict[str, np.ndarray]] | None = None


def train(
    dataset: Dataset,
    config: FlowAutoencoderConfig | None = None,
    seed: int = 0,
    state: Mapping[str, np.ndarray] | None = None,
) -> Generator[Progress, None, FlowAutoencoder]:
    """Train a flow auto-encoder on a data set: yields `Progress`, the last with the model, and returns the model.

    The same data, configuration and seed give the same model on the same machine, whether in one go or resumed from
    the `state` of an earlier `Progress`. Raises `InputError` where the data cannot carry the configuration, and where
    `state` is that of another run.

    >>> from core.data import load_dataset
    >>> config = FlowAutoencoderConfig(steps=5, blocks=2, components=4)
    >>> *_, last = train(load_dataset("blob", n=500), config)
    >>> last.model.encode(load_dataset("blob", n=10).points)[0].shape
    (10, 2)
    """
    config = config or FlowAutoencoderConfig()
    _check(dataset, config)
    fit = _Fit(dataset, config, seed, state)
    if state is None and config.resolved_start == "geodesic":
        yield from fit.regress_on_geodesics()
    yield from fit.maximize_likelihood()
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


class _Fit:
    """One training run: the data as it enters the flow, the modules, the clock."""

    def __init__(
        self, dataset: Dataset, config: FlowAutoencoderConfig, seed: int, state: Mapping[str, np.ndarray] | None
    ) -> None:
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
        flow = FLOWS[config.flow](total, config.blocks, config.width, seed)
        self.net = Likelihood(flow, config.latent_dim, total - config.latent_dim)
        self.offset = self.scale_entropy()
        self.average = self.net
        self.best: dict[str, Tensor] = {}
        self.best_nll, self.smoothed, self.step = np.inf, np.nan, 0
        self.restored = state

    def scale_entropy(self) -> float:
        """What the likelihood in standard units lacks of the data's own: log scale^d, and the pads' entropy."""
        pad_entropy = self.config.pad * (0.5 * (1 + LOG_2PI) + np.log(self.config.pad_scale))
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
        self,
        phase: str,
        step: int,
        heldout: float | None,
        loss: float | None = None,
        model: FlowAutoencoder | None = None,
    ) -> Progress:
        """The state of this run as a `Progress`."""
        seconds = time.monotonic() - self.began
        with torch.no_grad():
            latent = self.net.flow(self.test[:1000])[:, : self.config.latent_dim].numpy()
        left = seconds / step * (self.config.steps - step) if phase == "fit" and step else None
        state = self.state if phase == "fit" else None
        return Progress(phase, step, self.config.steps, loss, heldout, seconds, left, latent, model, state)

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

    def maximize_likelihood(self) -> Generator[Progress, None, None]:
        """Adam with a warm-up and a cosine, an average of the weights, the best average on held-out points kept."""
        config, net = self.config, self.net
        net.start_mixture(self._padded(self.points[:8000]), config.components, self.rng)
        self.optimizer = torch.optim.Adam(net.parameters(), lr=config.learning_rate, betas=(0.9, 0.99))
        self.average = copy.deepcopy(net)
        self.best = copy.deepcopy(net.state_dict())
        if self.restored is not None:
            self._take_up(self.restored)
        every = max(config.steps // _REPORTS, 1)
        began, deadline = time.monotonic(), self.began + 60 * (config.minutes or np.inf)
        while self.step < config.steps:
            spent = max(self.step / config.steps, (time.monotonic() - began) / (deadline - began))
            if spent >= 1:
                break
            if self.step % _TIGHTEN_EVERY == 0:
                self.net.flow.tighten(self.test[:64])
            rate = min(1.0, (self.step + 1) / 100) * 0.5 * (1 + np.cos(np.pi * spent))
            for group in self.optimizer.param_groups:
                group["lr"] = config.learning_rate * rate
            loss = self._descend()
            self.step += 1
            self.smoothed = loss if np.isnan(self.smoothed) else 0.98 * self.smoothed + 0.02 * loss
            if self.step % every == 0 or self.step == config.steps:
                with torch.no_grad():
                    heldout = float(-self.average(self.test).mean())
                if heldout < self.best_nll:
                    self.best_nll, self.best = heldout, copy.deepcopy(self.average.state_dict())
                yield self.progress("fit", self.step, heldout + self.offset, self.smoothed + self.offset)
        net.load_state_dict(self.best)

    def _descend(self) -> float:
        """One step of gradient descent, and of the average; returns the batch's loss."""
        loss = -self.net(self.batch()).mean()
        if not torch.isfinite(loss):
            rate = self.config.learning_rate
            raise InputError(f"training diverged at step {self.step}; lower `learning_rate` (now {rate}).")
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()
        decay = min(0.995, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.net.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)
            for kept, value in zip(self.average.buffers(), self.net.buffers(), strict=True):
                kept.copy_(value)
        return loss.item()

    def state(self) -> dict[str, np.ndarray]:
        """All that training needs to go on from here, as arrays by name."""
        arrays = {"step": np.array([self.step]), "numbers": np.array([self.best_nll, self.smoothed])}
        arrays["generator"] = self.generator.get_state().numpy()
        for name, values in (
            ("net", self.net.state_dict()),
            ("average", self.average.state_dict()),
            ("best", self.best),
        ):
            arrays |= {f"{name}.{key}": value.numpy().copy() for key, value in values.items()}
        for at, moments in self.optimizer.state_dict()["state"].items():
            arrays |= {f"adam.{at}.{key}": value.numpy().copy() for key, value in moments.items()}
        return arrays

    def _take_up(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from the `state` of an earlier run. Raises `InputError` where it is that of another."""

        def part(name: str) -> dict[str, Tensor]:
            start = f"{name}."
            return {k[len(start) :]: torch.from_numpy(np.array(v)) for k, v in state.items() if k.startswith(start)}

        try:
            self.net.load_state_dict(part("net"))
            self.average.load_state_dict(part("average"))
            self.best = part("best")
            moments: dict[int, dict[str, Tensor]] = {}
            for key, value in part("adam").items():
                at, name = key.split(".", 1)
                moments.setdefault(int(at), {})[name] = value
            groups = self.optimizer.state_dict()["param_groups"]
            self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
            self.generator.set_state(torch.from_numpy(np.array(state["generator"])))
            self.step = int(state["step"][0])
            self.best_nll, self.smoothed = map(float, state["numbers"])
        except (KeyError, ValueError, RuntimeError, IndexError) as error:
            text = " ".join(str(error).split())[:100]
            raise InputError(f"the checkpoint is that of another run ({text}); start without it.") from None

    def model(self) -> FlowAutoencoder:
        """The trained model, with what is measured of it."""
        model = finished(self.net, self.config, self.shift, self.scale, self.basis)
        shown = np.sort(np.concatenate((self.heldout, self.training))[:_SAMPLE])
        metrics = {"seed": self.seed, "seconds": round(time.monotonic() - self.began, 2)}
        return measured(model, self.dataset, self.heldout, shown, metrics)
