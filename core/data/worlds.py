"""Planted worlds: a known two-dimensional mixture times Gaussian noise, tangled by a volume-preserving map.

The tree, the modes and the entropy are those of the plane's density; the tangle and the noise hide them. H = H(q) +
(d - 2) (log(s) + log(2 pi e) / 2), since a volume-preserving map keeps entropy.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.data.dataset import Dataset, Topology
from core.data.tangle import Tangle
from core.prior.mixture import GaussianMixture

__all__ = ["WORLDS", "World"]


@dataclass(frozen=True, eq=False)
class World:
    """A planted set: the plane's `mixture`, the mode of each component, what is known of it, the noise and the
    tangle.
    """

    mixture: GaussianMixture
    modes: np.ndarray
    topology: Topology
    tangle: Tangle
    noise: float = 0.3

    @property
    def dim(self) -> int:
        """Dimension d of the data."""
        return self.tangle.dim

    @cached_property
    def entropy(self) -> float:
        """Differential entropy in nats of the data's density, by quadrature over the plane."""
        low, high = self.mixture.bounds(width=8.0)
        axes = [np.linspace(lo, hi, 500) for lo, hi in zip(low, high, strict=True)]
        z = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
        log_q = self.mixture.log_density(z)
        cell = np.prod([axis[1] - axis[0] for axis in axes])
        plane = float(-(np.exp(log_q) * log_q).sum() * cell)
        return plane + (self.dim - 2) * (np.log(self.noise) + 0.5 * np.log(2 * np.pi * np.e))

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """log p(x) (n,) in nats of the planted density at points (n, d)."""
        y = self.tangle.inverse(x)
        noise = (y[:, 2:] / self.noise) ** 2
        constant = np.log(self.noise) + 0.5 * np.log(2 * np.pi)
        return self.mixture.log_density(y[:, :2]) - 0.5 * noise.sum(1) - (self.dim - 2) * constant

    def sample(self, name: str, n: int, seed: int) -> Dataset:
        """n points with their planted coordinates and modes."""
        rng = np.random.default_rng([seed, self.tangle.seed])
        z = self.mixture.sample(n, seed=int(rng.integers(2**31)))
        x = self.tangle(np.concatenate((z, self.noise * rng.normal(size=(n, self.dim - 2))), axis=1))
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


def _gaussian(sd_long: float, sd_short: float, angle: float) -> np.ndarray:
    turn = np.deg2rad(angle)
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return axes @ np.diag([sd_long**2, sd_short**2]) @ axes.T


def _mixture(rows: list[tuple[float, float, float, float, float, float]]) -> GaussianMixture:
    """A mixture from rows (weight, x, y, long deviation, short deviation, angle in degrees)."""
    weights = np.array([row[0] for row in rows])
    return GaussianMixture(
        weights / weights.sum(),
        np.array([row[1:3] for row in rows]),
        np.array([_gaussian(*row[3:]) for row in rows]),
    )


_SHARED_ISLANDS = [
    (0.26, -2.3, -1.5, 0.62, 0.42, 30),
    (0.19, -1.5, 1.0, 0.50, 0.32, 100),
    (0.15, 2.4, 1.7, 0.44, 0.36, 0),
    (0.12, 1.2, -1.3, 0.55, 0.30, -35),
]
_ISLANDS = [*_SHARED_ISLANDS, (0.17, -0.4, 2.2, 0.46, 0.36, 20), (0.11, 2.7, -1.6, 0.36, 0.30, 70)]
_OTHER_ISLANDS = [*_SHARED_ISLANDS, (0.27, 0.4, 3.9, 0.80, 0.34, 10), (0.06, -4.6, 0.6, 0.30, 0.26, 0)]

_NESTED = [
    (0.17, -3.8, 0.9, 0.42, 0.32, 10),
    (0.11, -2.6, 1.7, 0.34, 0.30, 60),
    (0.14, -3.5, -1.4, 0.44, 0.30, -30),
    (0.09, -2.1, -1.9, 0.32, 0.30, 0),
    (0.16, 1.9, 1.6, 0.44, 0.30, 45),
    (0.12, 3.2, 0.9, 0.36, 0.30, 0),
    (0.13, 2.0, -1.5, 0.40, 0.32, 80),
    (0.08, 3.3, -1.7, 0.32, 0.30, 20),
]


def _ringed() -> list[tuple[float, float, float, float, float, float]]:
    """Eight beads on a circle of radius 3, an island in its middle."""
    masses = (1.5, 0.9, 1.2, 0.75, 1.35, 1.0, 0.8, 1.1)
    angles = np.linspace(0, 360, 8, endpoint=False)
    beads = [
        (m, 3 * np.cos(np.deg2rad(a)), 3 * np.sin(np.deg2rad(a)), 0.60, 0.28, a + 90)
        for m, a in zip(masses, angles, strict=True)
    ]
    return [*beads, (2.0, 0.1, -0.1, 0.40, 0.34, 25)]


def _moons() -> list[tuple[float, float, float, float, float, float]]:
    """Two half circles, each a chain of Gaussians whose weights have one maximum."""
    rows = []
    for share, center, start in ((0.58, (-0.9, -0.5), 0), (0.42, (0.9, 0.5), 180)):
        for angle in np.linspace(5, 175, 12):
            weight = share * np.exp(-0.5 * ((angle - 90) / 48) ** 2)
            turn = np.deg2rad(start + angle)
            rows.append(
                (weight, center[0] + 1.8 * np.cos(turn), center[1] + 1.8 * np.sin(turn), 0.30, 0.22, start + angle + 90)
            )
    return rows


def _each_its_own(rows: list) -> tuple[GaussianMixture, np.ndarray]:
    return _mixture(rows), np.arange(len(rows))


_SIX = Topology(6, (1, 0), "six islands of different mass; two pairs join before the rest")
_ISLAND_WORLD = _each_its_own(_ISLANDS)

WORLDS: dict[str, World] = {
    "islands-a": World(*_ISLAND_WORLD, _SIX, Tangle(3, seed=1)),
    "islands-b": World(*_ISLAND_WORLD, _SIX, Tangle(3, seed=2)),
    "islands-partial": World(
        *_each_its_own(_OTHER_ISLANDS),
        Topology(6, (1, 0), "six islands, the first four of them shared with islands-a, two of its own"),
        Tangle(3, seed=3),
    ),
    "islands-5d": World(*_ISLAND_WORLD, _SIX, Tangle(5, seed=4)),
    "islands-10d": World(*_ISLAND_WORLD, _SIX, Tangle(10, seed=5)),
    "nested": World(
        *_each_its_own(_NESTED),
        Topology(8, (1, 0), "eight modes in four pairs in two groups"),
        Tangle(3, seed=6),
    ),
    "ringed": World(
        *_each_its_own(_ringed()),
        Topology(9, (1, 1), "a ring of eight beads around an island"),
        Tangle(3, seed=7, amount=0.7),
    ),
    "two-moons": World(
        _mixture(_moons()),
        np.repeat([0, 1], 12),
        Topology(2, (1, 1), "two interleaved half circles, each with one mode; they meet at both ends"),
        Tangle(3, seed=8, amount=0.8),
    ),
    "blob": World(
        *_each_its_own([(1.0, 0.0, 0.0, 1.4, 0.9, 20)]),
        Topology(1, (1, 0), "one Gaussian: no structure to match"),
        Tangle(3, seed=9, amount=0.6),
    ),
}
