"""The hard suite: planted worlds of every kind, each with its known tree and entropy, to measure a recipe on.

A layout of modes is drawn, and its spreads are scaled until the weakest saddle is as deep as asked; then it is
tangled in more dimensions. A third of the cases is kept for the final figure: nothing is tuned on them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from core.data.dataset import Dataset, Topology
from core.data.tangle import Tangle
from core.data.worlds import World
from core.prior.mixture import GaussianMixture
from core.tree import level_set_tree

__all__ = ["CASES", "Case"]

_DEPTHS = (3.0, 1.8, 1.2, 0.8, 0.5, 0.3)
_SIZES = (16_000, 16_000, 4_000, 16_000, 100_000)
_DIMS = (3, 5, 3, 10, 3, 64)
_AMOUNTS = (0.5, 1.0, 1.5)


@dataclass(frozen=True)
class Case:
    """One case: a kind of layout with `modes` modes whose weakest saddle lies `weakest` nats down, tangled by
    `amount` in `dim` dimensions, `points` of it. `final` cases are for the final figure only."""

    name: str
    kind: str
    modes: int
    weakest: float
    dim: int
    amount: float
    points: int
    seed: int
    final: bool

    @property
    def world(self) -> World:
        """The planted world."""
        return _world(self)

    def dataset(self, seed: int = 0) -> Dataset:
        """Points of the case."""
        return self.world.sample(self.name, self.points, seed)


def _islands(modes: int, rng: np.random.Generator) -> np.ndarray:
    """Centers at random, no two closer than a step."""
    centers: list[np.ndarray] = []
    while len(centers) < modes:
        place = rng.uniform(-1, 1, 2) * 1.1 * np.sqrt(modes)
        if all(np.linalg.norm(place - other) > 1.25 for other in centers):
            centers.append(place)
    return np.array(centers)


def _nested(modes: int, rng: np.random.Generator) -> np.ndarray:
    """Pairs of neighbors in groups that lie apart."""
    groups = 4.0 * _islands((modes + 1) // 2, rng)
    beside = rng.normal(size=groups.shape)
    beside *= rng.uniform(0.9, 1.3, (len(groups), 1)) / np.linalg.norm(beside, axis=1, keepdims=True)
    return np.stack((groups + beside, groups - beside), axis=1).reshape(-1, 2)[:modes]


def _ring(modes: int, rng: np.random.Generator) -> np.ndarray:
    """Beads around a circle."""
    angle = 2 * np.pi * (np.arange(modes) + rng.uniform(-0.08, 0.08, modes)) / modes
    return modes / 5 * np.stack((np.cos(angle), np.sin(angle)), axis=1)


def _ringed(modes: int, rng: np.random.Generator) -> np.ndarray:
    """Beads around a circle, one island in its middle."""
    return np.concatenate((1.25 * _ring(modes - 1, rng), rng.normal(scale=0.1, size=(1, 2))))


_LAYOUTS: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "islands": _islands,
    "nested": _nested,
    "ring": _ring,
    "ringed": _ringed,
}
_FEWEST = {"islands": 3, "nested": 4, "ring": 6, "ringed": 7}


@cache
def _world(case: Case) -> World:
    rng = np.random.default_rng([case.seed, 41])
    centers = _LAYOUTS[case.kind](case.modes, rng)
    weights = rng.uniform(0.6, 1.4, case.modes)
    axes = np.linalg.qr(rng.normal(size=(case.modes, 2, 2)))[0]
    spread = rng.uniform(0.8, 1.25, (case.modes, 2, 1))
    shapes = axes @ (spread**2 * np.swapaxes(axes, 1, 2))

    def mixture(width: float) -> GaussianMixture:
        return GaussianMixture(weights / weights.sum(), centers, width**2 * shapes)

    low, high = 0.05, 1.0
    for _ in range(24):
        width = np.sqrt(low * high)
        tree = level_set_tree(mixture(width), simplify=1e-3, min_mass=0.0)
        deep = len(tree.leaves) >= case.modes and tree.persistence[tree.leaves].min() > case.weakest
        low, high = (width, high) if deep else (low, width)
    tree = level_set_tree(mixture(low))
    betti = (1, int(tree.betti[0, 1]))
    sentence = f"{case.kind} of {case.modes} modes, weakest saddle {case.weakest} nats"
    return World(
        mixture(low),
        np.arange(case.modes),
        Topology(case.modes, betti, sentence),
        Tangle(case.dim, seed=100 + case.seed, amount=case.amount, spread=float(np.abs(centers).mean()) + 0.5),
        noise=0.6 * low,
    )


def _cases() -> tuple[Case, ...]:
    rng = np.random.default_rng(2026)
    cases = []
    for seed in range(48):
        kind = list(_LAYOUTS)[seed % len(_LAYOUTS)]
        modes = int(rng.integers(_FEWEST[kind], 15))
        weakest, dim = _DEPTHS[seed // 2 % len(_DEPTHS)], _DIMS[seed // 3 % len(_DIMS)]
        amount, points = _AMOUNTS[seed // 5 % len(_AMOUNTS)], _SIZES[seed // 7 % len(_SIZES)]
        name = f"{seed:02d}-{kind}-{modes}"
        cases.append(Case(name, kind, modes, weakest, dim, amount, points, seed, final=seed % 3 == 2))
    return tuple(cases)


CASES: tuple[Case, ...] = _cases()
