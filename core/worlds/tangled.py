"""Planted worlds: a known two-dimensional mixture times noise, tangled by a volume-preserving map.

The tree, the modes and the entropy are those of the plane's density; the tangle and the noise hide them. H = H(q) +
(d - 2) h for noise of entropy h in every dimension, since a volume-preserving map keeps entropy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.data.dataset import Dataset, Topology
from core.gaussians.mixture import GaussianMixture
from core.worlds import planes, ridges
from core.worlds.tangle import Tangle

__all__ = ["WORLDS", "World"]

# Of the quadrature, in the narrowest Gaussian's deviation: its error is far below rounding of the points.
_STEPS = 4


@dataclass(frozen=True)
class _Noise:
    """Noise of mean zero and deviation one: how to draw it, its log-density and its entropy in nats."""

    draw: Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
    log_density: Callable[[np.ndarray], np.ndarray]
    entropy: float


_ROOT_3, _ROOT_2 = np.sqrt(3.0), np.sqrt(2.0)
_NOISE = {
    "gaussian": _Noise(
        lambda rng, shape: rng.normal(size=shape),
        lambda e: -0.5 * e**2 - 0.5 * np.log(2 * np.pi),
        0.5 * np.log(2 * np.pi * np.e),
    ),
    "uniform": _Noise(
        lambda rng, shape: rng.uniform(-_ROOT_3, _ROOT_3, size=shape),
        # Points in single precision may come out of the tangle a little beyond the edge.
        lambda e: np.where(np.abs(e) <= _ROOT_3 + 1e-4, -np.log(2 * _ROOT_3), -np.inf),
        np.log(2 * _ROOT_3),
    ),
    "laplace": _Noise(
        lambda rng, shape: rng.laplace(scale=1 / _ROOT_2, size=shape),
        lambda e: -_ROOT_2 * np.abs(e) - np.log(_ROOT_2),
        1 + np.log(_ROOT_2),
    ),
}


@dataclass(frozen=True, eq=False)
class World:
    """A planted set: the plane's `mixture`, the mode of each component, what is known of it, the tangle, and the noise:
    its deviation and whether it is 'gaussian', 'uniform' or 'laplace'.
    """

    mixture: GaussianMixture
    modes: np.ndarray
    topology: Topology
    tangle: Tangle
    noise: float = 0.3
    noise_kind: str = "gaussian"

    @property
    def dim(self) -> int:
        """Dimension d of the data."""
        return self.tangle.dim

    @cached_property
    def entropy(self) -> float:
        """Differential entropy in nats of the data's density, by quadrature over the plane."""
        low, high = self.mixture.bounds(width=8.0)
        step = np.sqrt(np.linalg.eigvalsh(self.mixture.covariances).min()) / _STEPS
        axes = [np.linspace(lo, hi, int((hi - lo) / step) + 2) for lo, hi in zip(low, high, strict=True)]
        z = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
        log_q = self.mixture.log_density(z)
        cell = np.prod([axis[1] - axis[0] for axis in axes])
        plane = float(-(np.exp(log_q) * log_q).sum() * cell)
        return plane + (self.dim - 2) * (np.log(self.noise) + _NOISE[self.noise_kind].entropy)

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """log p(x) (n,) in nats of the planted density at points (n, d)."""
        y = self.tangle.inverse(x)
        noise = _NOISE[self.noise_kind].log_density(y[:, 2:] / self.noise) - np.log(self.noise)
        return self.mixture.log_density(y[:, :2]) + noise.sum(1)

    def tangled(self, z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Points (n, d) of places (n, 2) in the plane, with noise of their own."""
        noise = self.noise * _NOISE[self.noise_kind].draw(rng, (len(z), self.dim - 2))
        return self.tangle(np.concatenate((z, noise), axis=1))

    def sample(self, name: str, n: int, seed: int) -> Dataset:
        """n points with their planted coordinates and modes."""
        rng = np.random.default_rng([seed, self.tangle.seed])
        z = self.mixture.sample(n, seed=int(rng.integers(2**31)))
        x = self.tangled(z, rng)
        labels = self.modes[self.mixture.log_components(z).argmax(1)]
        return Dataset(
            name=name,
            points=x.astype(np.float32),
            labels=labels.astype(np.int64),
            latent=z.astype(np.float32),
            entropy=self.entropy,
            topology=self.topology,
            columns=tuple(f"x{i}" for i in range(self.dim)),
        )


_SIX = Topology(6, (1, 0), "six islands of different mass; two pairs join before the rest")
_ISLANDS, _FEWER = planes.islands(), planes.five_islands()

WORLDS: dict[str, World] = {
    "islands-a": World(*_ISLANDS, _SIX, Tangle(3, seed=1)),
    "islands-b": World(*_ISLANDS, _SIX, Tangle(3, seed=2)),
    "islands-partial": World(
        *planes.other_islands(),
        Topology(6, (1, 0), "six islands, the first four of them shared with islands-a, two of its own"),
        Tangle(3, seed=3),
    ),
    "islands-5d": World(*_ISLANDS, _SIX, Tangle(5, seed=4)),
    "islands-10d": World(*_ISLANDS, _SIX, Tangle(10, seed=5)),
    "islands-uniform": World(
        *_FEWER,
        Topology(5, (1, 0), "five islands; the noise in the third dimension is uniform, not Gaussian"),
        Tangle(3, seed=10),
        noise_kind="uniform",
    ),
    "islands-laplace": World(
        *_FEWER,
        Topology(5, (1, 0), "five islands; the noise in the third dimension is Laplace's, not Gaussian"),
        Tangle(3, seed=11),
        noise_kind="laplace",
    ),
    "nested": World(
        *planes.nested(), Topology(8, (1, 0), "eight modes in four pairs in two groups"), Tangle(3, seed=6)
    ),
    "ringed": World(
        *planes.ringed(),
        Topology(9, (1, 1), "a ring of eight beads around an island"),
        Tangle(3, seed=7, amount=0.7),
    ),
    "two-moons": World(
        *planes.moons(),
        Topology(2, (1, 1), "two interleaved half circles, each with one mode; they meet at both ends"),
        Tangle(3, seed=8, amount=0.8),
    ),
    "blob": World(
        *planes.blob(),
        Topology(1, (1, 0), "one Gaussian: no structure to match"),
        Tangle(3, seed=9, amount=0.6),
    ),
    "crescent-ring": World(
        *ridges.crescent_ring(),
        Topology(1, (1, 1), "a ring with one mode; its density falls by 0.8 nats to the far side"),
        Tangle(3, seed=12, amount=0.8),
    ),
    "eight-lobes": World(
        *ridges.eight_lobes(),
        Topology(2, (1, 2), "a figure-eight with a mode at the tip of each lobe; they join where it crosses itself"),
        Tangle(3, seed=13, amount=0.8),
    ),
    "island-in-ring": World(
        *ridges.island_in_ring(),
        Topology(2, (1, 1), "a smooth ring with one mode around an island"),
        Tangle(3, seed=14, amount=0.8),
    ),
    "ring": World(
        *ridges.ring(),
        Topology(1, (1, 1), "a uniform ring: modes along it are the fit's, not the data's"),
        Tangle(3, seed=15, amount=0.8),
    ),
    "line": World(
        *ridges.line(),
        Topology(1, (1, 0), "a uniform segment: modes along it are the fit's, not the data's"),
        Tangle(3, seed=16, amount=0.8),
    ),
    "eight": World(
        *ridges.eight(),
        Topology(1, (1, 2), "a uniform figure-eight that crosses itself: modes along it are the fit's"),
        Tangle(3, seed=17, amount=0.8),
    ),
    "theta": World(
        *ridges.theta(),
        Topology(1, (1, 2), "a uniform ring with a chord: modes along them are the fit's"),
        Tangle(3, seed=18, amount=0.8),
    ),
    "sheet": World(
        *ridges.sheet(),
        Topology(1, (1, 0), "a filled square, uniform inside: modes in it are the fit's"),
        Tangle(3, seed=19, amount=0.8),
    ),
}
