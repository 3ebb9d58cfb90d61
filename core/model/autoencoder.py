"""The flow auto-encoder: pad, rotate, flow, split into latent and noise.

(x, e) -> (z, n) keeps volume exactly: whatever a scaling does to z is undone in the noise n, whose scale is free. So
log p(x, e) = log q(z) + log N(n; 0, s^2 I), with no determinant. The free choices are fixed by convention: Cov(z) = I
(the latents are whitened), and the noise is isotropic; its scale s then carries the volume.
"""

import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.config import FlowAutoencoderConfig
from core.errors import invalid
from core.gaussians.mixture import GaussianMixture
from core.model.flow import jacobians

__all__ = ["FlowAutoencoder", "InputField", "ModelSample"]

_CHUNK = 16384


@dataclass(frozen=True, eq=False)
class ModelSample:
    """A few encoded points kept with a model: `points` (m, d), `latent` (m, k), `log_density` (m,) in nats, and where
    the data had them `labels` (m,) and planted coordinates `truth` (m, j). `rows` (m,) int64 are their rows in the data
    set that was trained on, None in models that do not say."""

    points: np.ndarray
    latent: np.ndarray
    log_density: np.ndarray
    labels: np.ndarray | None = None
    truth: np.ndarray | None = None
    rows: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class InputField:
    """The data's log-density on a 3-D grid: `axes` of g coordinates each, `log_density` (g, g, g) in nats, and the
    `latent` (g, g, g, k) of each vertex, which tells its node. `frame` (d, 3) and `center` (d,) place the grid in the
    data space: vertex = center + frame @ (a0, a1, a2); the identity and zero for three-dimensional data."""

    axes: tuple[np.ndarray, np.ndarray, np.ndarray]
    log_density: np.ndarray
    latent: np.ndarray
    frame: np.ndarray
    center: np.ndarray


@dataclass(frozen=True, eq=False)
class FlowAutoencoder:
    """A trained model. Arrays in and out are numpy; float64 in gives float64 out, all else float32.

    `shift` (d,) and `scale` standardize the data, `basis` (d+p, d+p) is the first rotation, `flow` the
    volume-preserving module, `latent_head` (k, k), `latent_shift` (k,) and `noise_head`
    (m, m) with m = d+p-k the last linear step. `prior` is the closed-form latent density, `noise_scale` the deviation s
    of each noise dimension. `metrics` are JSON values (nll, volume_defect, ...).
    """

    config: FlowAutoencoderConfig
    shift: np.ndarray
    scale: float
    basis: np.ndarray
    flow: nn.Module
    latent_head: np.ndarray
    latent_shift: np.ndarray
    noise_head: np.ndarray
    prior: GaussianMixture
    noise_scale: float
    sample: ModelSample | None = None
    input_field: InputField | None = None
    metrics: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        pads = f" + {self.pad} pads" if self.pad else ""
        kind = f"{self.config.flow} flow, {self.config.prior} prior"
        return f"<FlowAutoencoder of {self.name or 'unnamed data'}: {self.data_dim}{pads} -> {self.latent_dim}, {kind}>"

    @property
    def name(self) -> str:
        """The name of the data set it was trained on."""
        return str(self.metrics.get("dataset", ""))

    @property
    def data_dim(self) -> int:
        """Dimension d of the data."""
        return len(self.shift)

    @property
    def latent_dim(self) -> int:
        """Dimension k of the latent space."""
        return int(self.config.latent_dim)

    @property
    def pad(self) -> int:
        """Number p of Gaussian dimensions added to the data."""
        return int(self.config.pad)

    def encode(self, x: np.ndarray, seed: int | None = 0) -> tuple[np.ndarray, np.ndarray]:
        """Latent (n, k) and noise (n, d+p-k) of points (n, d); pads are drawn with `seed`, or zero where it is None.

        Raises `InputError` where `x` is not finite or not of the model's width.
        """
        x = self._checked(x, "x", self.data_dim)
        return self._encode(np.concatenate((x, self._pads(len(x), seed, x.dtype)), axis=1))

    def trajectory(self, x: np.ndarray, seed: int | None = 0) -> np.ndarray:
        """The way (s, n, d+p) of points (n, d) through the flow: standardized and turned by `basis` at the start, what
        the last linear step makes latents and noise of at the end. The first k coordinates are those of the latents.

        Pads are drawn as in `encode`. Raises `InputError` where `x` is not finite or not of the model's width.
        """
        x = self._checked(x, "x", self.data_dim)
        full = np.concatenate((x - self.shift, self._pads(len(x), seed, x.dtype)), axis=1) / self.scale
        start = (full @ self.basis).astype(x.dtype)
        with torch.no_grad():
            return self._flow(torch.from_numpy(start).dtype).trajectory(torch.from_numpy(start)).numpy()

    def decode(self, latent: np.ndarray, noise: np.ndarray | None = None, seed: int | None = None) -> np.ndarray:
        """Points (n, d) of latents (n, k), with the given `noise` (n, d+p-k), noise drawn with `seed`, or its mean.

        decode(*encode(x)) is x. Raises `InputError` on arrays of another width.
        """
        latent = self._checked(latent, "latent", self.latent_dim)
        width = self.data_dim + self.pad - self.latent_dim
        if noise is not None:
            noise = self._checked(noise, "noise", width).astype(latent.dtype)
            if len(noise) != len(latent):
                raise invalid("noise", f"as long as latent ({len(latent)})", len(noise), "give one row per latent")
        elif seed is not None:
            noise = np.random.default_rng(seed).normal(scale=self.noise_scale, size=(len(latent), width))
        else:
            noise = np.zeros((len(latent), width))
        return self._decode(latent, noise.astype(latent.dtype))[:, : self.data_dim]

    def log_density(self, x: np.ndarray, pads: int = 4) -> np.ndarray:
        """log p(x) (n,) in nats at points (n, d); with pads an importance-weighted mean over `pads` draws of them."""
        x = self._checked(x, "x", self.data_dim)
        if not self.pad:
            return self._log_joint(*self._encode(x))
        draws = []
        for seed in range(pads):
            e = self._pads(len(x), seed, x.dtype)
            draws.append(self._log_joint(*self._encode(np.concatenate((x, e), axis=1))) - self._log_pad(e))
        return np.logaddexp.reduce(draws, axis=0) - np.log(pads)

    def latent_log_density(self, z: np.ndarray) -> np.ndarray:
        """log q(z) (n,) in nats at latents (n, k)."""
        return self.prior.log_density(self._checked(z, "z", self.latent_dim))

    def heldout_nll(self, x: np.ndarray, seed: int = 0) -> float:
        """Mean negative log-likelihood in nats per point of `x` (n, d), pads' own entropy taken off.

        It is at least the data's entropy, up to the error of sampling: -E log p(x, e) - H(e) >= H(x).
        """
        x = self._checked(x, "x", self.data_dim)
        e = self._pads(len(x), seed, x.dtype)
        joint = self._log_joint(*self._encode(np.concatenate((x, e), axis=1)))
        return float(-np.mean(joint - (self._log_pad(e) if self.pad else 0.0)))

    def log_volume_change(self, x: np.ndarray, seed: int = 0) -> np.ndarray:
        """log |det d(z, n)/d(x, e)| (n,) at points (n, d): zero but for integration error and rounded weights.

        The map is the one that points of x's precision go through, steps of integration included; its derivative is
        taken in double precision, where rounding of the determinant itself does not drown what is measured.
        """
        x = self._checked(x, "x", self.data_dim)
        full = torch.from_numpy(np.concatenate((x, self._pads(len(x), seed, x.dtype)), axis=1))
        flow = self._double if x.dtype == np.float64 else self._widened
        return np.linalg.slogdet(jacobians(lambda part: self._through(flow, part), full.double()).numpy())[1]

    def _checked(self, array: np.ndarray, name: str, width: int) -> np.ndarray:
        array = np.asarray(array)
        if array.ndim != 2 or array.shape[1] != width:
            raise invalid(name, f"of shape (n, {width})", f"shape {array.shape}", f"give {width} columns")
        array = array if array.dtype == np.float64 else array.astype(np.float32)
        if not np.isfinite(array).all():
            raise invalid(name, "finite", "NaN or infinity", "drop those rows")
        return array

    def _pads(self, n: int, seed: int | None, dtype: Any) -> np.ndarray:
        if seed is None:
            return np.zeros((n, self.pad), dtype)
        e = np.random.default_rng(seed).normal(scale=self._pad_deviation, size=(n, self.pad))
        return e.astype(dtype)

    @property
    def _pad_deviation(self) -> float:
        """The pads' deviation in data units."""
        return self.config.pad_scale * self.scale

    def _log_pad(self, e: np.ndarray) -> np.ndarray:
        return _log_normal(e, self._pad_deviation)

    def _log_joint(self, latent: np.ndarray, noise: np.ndarray) -> np.ndarray:
        return self.prior.log_density(latent) + _log_normal(noise, self.noise_scale)

    @cached_property
    def _double(self) -> nn.Module:
        """The flow in double precision, integrated to match."""
        flow = copy.deepcopy(self._widened)
        flow.refine()  # type: ignore[operator]
        return flow

    @cached_property
    def _widened(self) -> nn.Module:
        """The flow of single precision, computed in double."""
        return copy.deepcopy(self.flow).double()

    def _flow(self, dtype: torch.dtype) -> Any:
        return self._double if dtype == torch.float64 else self.flow

    def _forward(self, full: Tensor) -> Tensor:
        """(z, n) side by side (n, d+p) for (x, e) side by side."""
        return self._through(self._flow(full.dtype), full)

    def _through(self, flow: nn.Module, full: Tensor) -> Tensor:
        """`_forward` with a `flow` of the same precision."""
        dtype, k = full.dtype, self.latent_dim
        shift = torch.from_numpy(np.concatenate((self.shift, np.zeros(self.pad)))).to(dtype)
        y = flow((full - shift) / self.scale @ torch.from_numpy(self.basis).to(dtype))
        z = y[:, :k] @ torch.from_numpy(self.latent_head.T).to(dtype) + torch.from_numpy(self.latent_shift).to(dtype)
        n = y[:, k:] @ torch.from_numpy(self.noise_head.T).to(dtype)
        return torch.cat((z, n), dim=1)

    def _encode(self, full: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.no_grad():
            parts = [self._forward(torch.from_numpy(part)).numpy() for part in _chunks(full)]
        out = np.concatenate(parts)
        return out[:, : self.latent_dim], out[:, self.latent_dim :]

    def _decode(self, latent: np.ndarray, noise: np.ndarray) -> np.ndarray:
        y = np.concatenate(
            (
                (latent - self.latent_shift) @ np.linalg.inv(self.latent_head).T,
                noise @ np.linalg.inv(self.noise_head).T,
            ),
            axis=1,
        ).astype(latent.dtype)
        flow = self._flow(torch.from_numpy(y).dtype)
        with torch.no_grad():
            out = np.concatenate([flow.inverse(torch.from_numpy(part)).numpy() for part in _chunks(y)])
        full = out @ self.basis.T.astype(out.dtype) * self.scale
        return (full + np.concatenate((self.shift, np.zeros(self.pad)))).astype(latent.dtype)


def _chunks(array: np.ndarray) -> list[np.ndarray]:
    return [array[i : i + _CHUNK] for i in range(0, max(len(array), 1), _CHUNK)]


def _log_normal(e: np.ndarray, deviation: float) -> np.ndarray:
    """log N(e; 0, deviation^2 I) (n,) for rows of `e`."""
    return -0.5 * (e.astype(np.float64) ** 2).sum(1) / deviation**2 - e.shape[1] * (
        np.log(deviation) + 0.5 * np.log(2 * np.pi)
    )
