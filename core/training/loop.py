"""One training run: descent on the negative log-likelihood, as a generator of progress.

The loss is -log q(z) - log N(n; 0, diag s^2) over points with fresh pads at every step. Weights are averaged along the
way; the average that did best on held-out points is what comes out.
"""

import copy
import time
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.config import FlowAutoencoderConfig
from core.data.dataset import Dataset
from core.errors import InputError
from core.model.autoencoder import FlowAutoencoder
from core.model.flow import FLOWS
from core.model.likelihood import LOG_2PI, Likelihood
from core.model.prior import PRIORS
from core.training.finish import finished, measured
from core.training.optimizer import Muon
from core.training.progress import Progress
from core.training.rows import Rows
from core.training.warm_start import geodesic_targets
from core.tree.regime import Regime, regime_of

__all__ = ["Fit"]

_GEODESIC_POINTS = 3000
_GEODESIC_STEPS = 1500
_GEODESIC_NOISE = 0.03
_REPORTS = 50
_TIGHTEN_EVERY = 200
_SAMPLE = 3000
_JUDGED = 15_000
_SEEDING_POINTS = 8000
# Shares of training: up to the first, level sets are made even; from the second on, the likelihood is alone.
_EVEN, _FREE = 0.4, 0.6
_PATIENCE = 0.06
# Beyond so many latent dimensions points are few for the space, and a flow has so many parameters a number at most.
_PARAMETERS = 0.3
# Flows of further starts are drawn with seeds so far apart.
_APART = 1_000_003


class Fit:
    """One training run: the data as they enter the flow, the modules, the clock. `start` draws another flow."""

    def __init__(
        self,
        dataset: Dataset,
        config: FlowAutoencoderConfig,
        seed: int,
        state: Mapping[str, np.ndarray] | None = None,
        began: float | None = None,
        start: int = 0,
    ) -> None:
        self.began = self.fit_began = time.monotonic() if began is None else began
        self.latent_dim, self.pad = int(config.latent_dim), int(config.pad)
        self.frozen_prior = regime_of(self.latent_dim) is Regime.SAMPLED and PRIORS[config.prior].shortest
        config = _within_means(config, len(dataset), dataset.dim + self.pad) if self.frozen_prior else config
        self.dataset, self.config, self.seed = dataset, config, seed
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.start = start if state is None else _start_of(state)
        # What another start changes: the flow, and beyond three dimensions the mixture, which is found at the start.
        again = [self.start] if self.frozen_prior and self.start else []
        self.rng = np.random.default_rng([seed, 1, *again])
        self.rows = Rows(dataset.points, self.pad, self.rng)
        self.generator = torch.Generator().manual_seed(seed)
        self.test = self._padded(self.rows[self.rows.heldout])
        total = dataset.dim + self.pad
        flow = FLOWS[config.flow](total, config.blocks, config.width, seed + _APART * self.start)
        self.net = Likelihood(flow, self.latent_dim, total - self.latent_dim).to(self.device)
        self.offset = self.scale_entropy()
        self.average = self.net
        self.best: dict[str, Tensor] = {}
        self.best_nll, self.smoothed = np.inf, np.nan
        self.step, self.gained, self.clock, self.pace, self.pruned = 0, 0, 0.0, 1.0, False
        self.restored = state

    def scale_entropy(self) -> float:
        """What the likelihood in standard units lacks of the data's own: log scale^d, and the pads' entropy."""
        pad_entropy = self.pad * (0.5 * (1 + LOG_2PI) + np.log(self.config.pad_scale))
        return float(self.dataset.dim * np.log(self.rows.scale) - pad_entropy)

    def _padded(self, x: Tensor) -> Tensor:
        if self.pad:
            pads = torch.randn(len(x), self.pad, generator=self.generator) * self.config.pad_scale
            x = torch.cat((x, pads), dim=1)
        return x.to(self.device)

    def batch(self, size: int) -> Tensor:
        """Training points at random with fresh pads."""
        places = torch.randint(self.rows.training, (size,), generator=self.generator).numpy()
        return self._padded(self.rows[self.rows.training_rows(places)])

    def _some(self, size: int) -> Tensor:
        """Training points to begin the prior with: at random, or where points are few each of them once."""
        if not self.frozen_prior:
            return self.batch(size)
        places = self.rng.permutation(self.rows.training)[:size]
        return self._padded(self.rows[self.rows.training_rows(np.sort(places))])

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
            latent = self.net.flow(self.test[:1000])[:, : self.latent_dim].cpu().numpy()
        left = None
        if phase != "start" and step:
            left = (time.monotonic() - self.fit_began) / step * (1 - self.clock) * self.config.steps / self.pace
        state = self.state if phase == "fit" else None
        return Progress(phase, step, self.config.steps, loss, heldout, seconds, left, latent, model, state)

    def run(self, phase: str) -> Generator[Progress, None, None]:
        """All of the training, reported as `phase`."""
        if self.restored is None and self.config.resolved_start == "geodesic":
            yield from self.regress_on_geodesics()
        yield from self.maximize_likelihood(phase)

    def heldout_log_likelihood(self) -> np.ndarray:
        """(n,) in nats in the data's own units, the pads' share taken off."""
        with torch.no_grad():
            joint = self.net(self.test).cpu().double().numpy()
            pads = self.test[:, self.dataset.dim :].cpu().double().numpy() / self.config.pad_scale
        own = -0.5 * (pads**2).sum(1) - self.pad * (np.log(self.config.pad_scale) + 0.5 * LOG_2PI)
        return joint - own - self.dataset.dim * np.log(self.rows.scale)

    def regress_on_geodesics(self) -> Generator[Progress, None, None]:
        """Lead the latents to an Isomap embedding, and the rest to small isotropic noise."""
        x = self.rows[self.rows.training_rows(np.arange(min(_GEODESIC_POINTS, self.rows.training)))]
        target = torch.from_numpy(geodesic_targets(x.numpy(), self.latent_dim)).float().to(self.device)
        optimizers = self._optimizers(self.net.flow)
        for step in range(_GEODESIC_STEPS):
            self._set_rate(optimizers, step, step / _GEODESIC_STEPS)
            rows = torch.randint(len(x), (512,), generator=self.generator)
            y = self.net.flow(self._padded(x[rows]))
            latent, noise = y[:, : self.latent_dim], y[:, self.latent_dim :]
            loss = (latent - target[rows]).square().mean() + _GEODESIC_NOISE * noise.square().mean()
            _stepped(loss, optimizers)
            if step % (_GEODESIC_STEPS // 10) == 0:
                yield self.progress("start", step, None)

    def maximize_likelihood(self, phase: str) -> Generator[Progress, None, None]:
        """Descent with a warm-up and a cosine, an average of the weights, the best average on held-out points kept.

        First towards even level sets, then less and less so, then by the likelihood alone. With a frozen prior, which
        is found at the start, the flow alone moves. What no longer gains anything on held-out points is cut short:
        over-fitting comes early where points are few.
        """
        config, net = self.config, self.net
        seeding = self._some(min(_SEEDING_POINTS, self.rows.training))
        prior = net.start_prior(seeding, config.prior, config.components, self.rng, self.frozen_prior)
        if self.frozen_prior:
            # The mixture begins where it belongs; descent would fit it to its few points.
            prior.requires_grad_(False)
        self.optimizers = self._optimizers(net)
        self.average = copy.deepcopy(net)
        self.best = copy.deepcopy(net.state_dict())
        if self.frozen_prior:
            with torch.no_grad():
                self.best_nll = float(-net(self.test).mean())
        if self.restored is not None:
            self._take_up(self.restored)
        every = max(config.steps // _REPORTS, 1)
        self.fit_began = time.monotonic()
        deadline = self.began + 60 * (config.minutes or np.inf)
        while self.clock < 1 - 1e-9:
            spent = max(self.clock, (time.monotonic() - self.fit_began) / (deadline - self.fit_began))
            if spent >= 1:
                break
            if self.step % _TIGHTEN_EVERY == 0:
                net.flow.tighten(self.test[:64])
            if spent >= _FREE and not self.pruned and not self.frozen_prior:
                self._prune()
            self._set_rate(self.optimizers, self.step, spent)
            loss = self._descend(spent)
            self.step, self.clock = self.step + 1, self.clock + self.pace / config.steps
            self.smoothed = loss if np.isnan(self.smoothed) else 0.98 * self.smoothed + 0.02 * loss
            if self.step % every == 0:
                with torch.no_grad():
                    heldout = float(-self.average(self.test).mean())
                if heldout < self.best_nll:
                    self.best_nll, self.best, self.gained = heldout, copy.deepcopy(self.average.state_dict()), self.step
                self._cut_short()
                yield self.progress(phase, self.step, heldout + self.offset, self.smoothed + self.offset)
        net.load_state_dict(self.best)

    def _prune(self) -> None:
        """Remove from the prior what the points do not support, in the average that did best so far: a later one may
        be over-fitted. The average and the best begin anew."""
        self.net.load_state_dict(self.best)
        self.net.prune(self.batch(min(_SEEDING_POINTS, self.rows.training)), self.rows.training)
        self.average.load_state_dict(self.net.state_dict())
        self.best_nll, self.gained, self.pruned = np.inf, self.step, True

    def _cut_short(self) -> None:
        """Go on to the next part of training where this one has not gained for a while; what is left shrinks alike."""
        assert self.net.prior is not None
        patient = (self.step - self.gained) * self.pace <= _PATIENCE * self.config.steps
        if patient or (self.clock >= _EVEN and not self.pruned and not self.frozen_prior) or not self.net.prior.stops:
            return
        if self.clock < _EVEN and not self.frozen_prior:
            self.clock, self.pace = _EVEN, _EVEN * self.config.steps / self.step
        else:
            self.clock = 1.0
        self.gained = self.step

    def _optimizers(self, module: nn.Module) -> list[torch.optim.Optimizer]:
        """Muon for the flow's square weights, Adam for all others of `module`; the flow at the pace that the prior
        asks for."""
        prior, matrices = self.net.prior, self.net.flow.matrices
        pace, groups = (1.0, []) if prior is None else (prior.flow_pace, prior.groups())
        elsewhere = {id(value) for value in (*matrices, *(prior.parameters() if prior else ()))}
        rest = [value for value in module.parameters() if id(value) not in elsewhere]
        rate = self.config.learning_rate
        adam = torch.optim.Adam([{"params": rest, "pace": pace}, *groups], lr=rate, betas=(0.9, 0.99))
        return [adam, Muon([{"params": matrices, "pace": pace}], rate)] if matrices else [adam]

    def _set_rate(self, optimizers: list[torch.optim.Optimizer], step: int, spent: float) -> None:
        """A warm-up of a hundred steps, a cosine over all."""
        rate = self.config.learning_rate * min(1.0, (step + 1) / 100) * _cosine(spent)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group.get("pace", 1.0)

    def _descend(self, spent: float) -> float:
        """One step of gradient descent, and of the average; returns the batch's NLL."""
        evenness = self.config.evenness * float(np.interp(spent, (_EVEN, _FREE), (1, 0)))
        images, energy = self.net.flow.transported(self.batch(min(self.config.batch, self.rows.training)))
        nll = -self.net.of_images(images).mean()
        loss = nll + self.config.transport * energy.mean() if self.config.transport else nll
        loss = loss + self.net.cost(images, self.rows.training)
        if evenness:
            loss = loss + evenness * self.net.unevenness(images)
        if not torch.isfinite(loss):
            rate = self.config.learning_rate
            raise InputError(f"training diverged at step {self.step}; lower `learning_rate` (now {rate}).")
        _stepped(loss, self.optimizers)
        decay = min(0.995, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.net.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)
            for kept, value in zip(self.average.buffers(), self.net.buffers(), strict=True):
                kept.copy_(value)
        return nll.item()

    def state(self) -> dict[str, np.ndarray]:
        """All that training needs to go on from here, as arrays by name."""
        arrays = {
            "step": np.array([self.step, self.gained, self.start, self.pruned]),
            "numbers": np.array([self.best_nll, self.smoothed, self.clock, self.pace]),
        }
        arrays["generator"] = self.generator.get_state().numpy()
        for name, values in (
            ("net", self.net.state_dict()),
            ("average", self.average.state_dict()),
            ("best", self.best),
        ):
            arrays |= {f"{name}.{key}": value.cpu().numpy().copy() for key, value in values.items()}
        for number, optimizer in enumerate(self.optimizers):
            for at, moments in optimizer.state_dict()["state"].items():
                arrays |= {f"descent.{number}.{at}.{key}": value.cpu().numpy().copy() for key, value in moments.items()}
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
            for number, optimizer in enumerate(self.optimizers):
                moments: dict[int, dict[str, Tensor]] = {}
                for key, value in part(f"descent.{number}").items():
                    at, name = key.split(".", 1)
                    moments.setdefault(int(at), {})[name] = value
                groups = optimizer.state_dict()["param_groups"]
                optimizer.load_state_dict({"state": moments, "param_groups": groups})
            self.generator.set_state(torch.from_numpy(np.array(state["generator"])))
            self.step, self.gained, self.start, self.pruned = map(int, state["step"])
            self.best_nll, self.smoothed, self.clock, self.pace = map(float, state["numbers"])
        except (KeyError, ValueError, RuntimeError, IndexError) as error:
            text = " ".join(str(error).split())[:100]
            raise InputError(f"the checkpoint is that of another run ({text}); start without it.") from None

    def model(self) -> FlowAutoencoder:
        """The trained model, with what is measured of it."""
        rows = self.rows
        model = finished(self.net.cpu(), self.config, rows.shift, rows.scale, rows.basis)
        places = self.rng.choice(rows.training, min(_JUDGED, rows.training), replace=False)
        trained = rows.training_rows(np.sort(places))
        shown = np.sort(np.concatenate((rows.heldout, trained))[:_SAMPLE])
        metrics: dict[str, Any] = {"seed": self.seed, "start": self.start, "steps": self.step}
        if families := self.net.prior and self.net.prior.families():
            metrics["families"] = families
        model = measured(model, self.dataset, rows.heldout, trained, shown, metrics)
        model.metrics["seconds"] = round(time.monotonic() - self.began, 2)
        return model


def _within_means(config: FlowAutoencoderConfig, points: int, dim: int) -> FlowAutoencoderConfig:
    """The configuration with a flow no larger than the numbers in the data can fill, and nothing asked of the level
    sets: the mixture begins where it belongs."""
    blocks, width = config.blocks, config.width
    while blocks * width * (dim + width) > _PARAMETERS * points * dim and (blocks > 2 or width > 8):
        blocks, width = (
            (blocks, width // 2) if width > max(2 * blocks, 8) else (max(blocks // 2, 2), max(width // 2, 8))
        )
    return replace(config, blocks=blocks, width=width, evenness=0.0)


def _start_of(state: Mapping[str, np.ndarray]) -> int:
    """The start that a state belongs to, 0 where it does not say."""
    numbers = np.ravel(state.get("step", ()))
    return int(numbers[2]) if len(numbers) == 4 else 0


def _stepped(loss: Tensor, optimizers: list[torch.optim.Optimizer]) -> None:
    """One clipped step down the gradient of `loss`."""
    for optimizer in optimizers:
        optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_([p for o in optimizers for group in o.param_groups for p in group["params"]], 5.0)
    for optimizer in optimizers:
        optimizer.step()


def _cosine(spent: float) -> float:
    """1 at the start, 0 where all is spent."""
    return float(0.5 * (1 + np.cos(np.pi * spent)))
