"""The hard suite: planted worlds of every kind, each with its known tree and entropy, to measure a recipe on.

A layout of modes is drawn, and its spreads are scaled until the weakest saddle is as deep as asked; then it is
tangled in more dimensions. A third of the cases is kept for the final figure: nothing is tuned on them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from core.data.dataset import Dataset, Topology
from core.gaussians.mixture import GaussianMixture
from core.tree import level_set_tree
from core.worlds.tangle import Tangle
from core.worlds.tangled import World

__all__ = ["CASES", "Case"]

_DEPTHS = (3.0, 1.8, 1.2, 0.8, 0.5, 0.3)
_SIZES = (16_000, 16_000, 4_000, 16_000, 100_000)
_DIMS = (3, 5, 3, 10, 3, 64)
_AMOUNTS = (0.5, 1.0, 1.5)
# Seeds under which some width of the crescents makes their weakest saddle as deep as asked.
_CRESCENTS = (48, 49, 50, 52, 55, 56, 57, 59, 60)


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


def _bent(weights: np.ndarray, axes: np.ndarray) -> tuple[np.ndarray, ...]:
    """Each mode as seven Gaussians along an arc, heaviest in its middle: weights (c,), places beside the mode's (c, 2),
    covariances (c, 2, 2) in units of the width, and the mode of each."""
    angle = np.linspace(-1.2, 1.2, 7)
    along = np.stack((np.cos(angle) - 0.75, np.sin(angle)), axis=1)
    tangent = np.stack((-np.sin(angle), np.cos(angle)), axis=1)
    shapes = 0.16 * np.eye(2) + 0.25 * tangent[:, :, None] * tangent[:, None, :]
    return (
        (weights[:, None] * np.exp(-0.5 * (angle / 0.6) ** 2)).ravel(),
        (2 * along @ axes).reshape(-1, 2),
        (np.swapaxes(axes, 1, 2)[:, None] @ shapes @ axes[:, None]).reshape(-1, 2, 2),
        np.repeat(np.arange(len(weights)), len(angle)),
    )


def _crescents(modes: int, rng: np.random.Generator) -> np.ndarray:
    """Centers at random, twice as far apart as islands."""
    return 2.0 * _islands(modes, rng)


_LAYOUTS: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "islands": _islands,
    "nested": _nested,
    "ring": _ring,
    "ringed": _ringed,
    "crescents": _crescents,
}
_FEWEST = {"islands": 3, "nested": 4, "ring": 6, "ringed": 7, "crescents": 3}


@cache
def _world(case: Case) -> World:
    rng = np.random.default_rng([case.seed, 41])
    centers = _LAYOUTS[case.kind](case.modes, rng)
    weights = rng.uniform(0.6, 1.4, case.modes)
    axes = np.linalg.qr(rng.normal(size=(case.modes, 2, 2)))[0]
    spread = rng.uniform(0.8, 1.25, (case.modes, 2, 1))
    shapes = axes @ (spread**2 * np.swapaxes(axes, 1, 2))
    away, modes = np.zeros_like(centers), np.arange(case.modes)
    if case.kind == "crescents":
        weights, away, shapes, modes = _bent(weights, axes)

    def mixture(width: float) -> GaussianMixture:
        return GaussianMixture(weights / weights.sum(), centers[modes] + width * away, width**2 * shapes)

    low, high = 0.05, 1.0
    for _ in range(24):
        width = np.sqrt(low * high)
        tree = level_set_tree(mixture(width), simplify=0.05, min_mass=0.0)
        deep = len(tree.leaves) >= case.modes and tree.persistence[tree.leaves].min() > case.weakest
        low, high = (width, high) if deep else (low, width)
    tree = level_set_tree(mixture(low))
    betti = (1, int(tree.betti[0, 1]))
    sentence = f"{case.kind} of {case.modes} modes, weakest saddle {case.weakest} nats"
    return World(
        mixture(low),
        modes,
        Topology(case.modes, betti, sentence),
        Tangle(case.dim, seed=100 + case.seed, amount=case.amount, spread=float(np.abs(centers).mean()) + 0.5),
        noise=0.6 * low,
    )


def _cases() -> tuple[Case, ...]:
    rng = np.random.default_rng(2026)
    cases = []
    for seed in (*range(48), *_CRESCENTS):
        kind = list(_LAYOUTS)[seed % 4] if seed < 48 else "crescents"
        modes = int(rng.integers(_FEWEST[kind], 15 if seed < 48 else 8))
        weakest, dim = _DEPTHS[seed // 2 % len(_DEPTHS)], _DIMS[seed // 3 % len(_DIMS)]
        amount, points = _AMOUNTS[seed // 5 % len(_AMOUNTS)], _SIZES[seed // 7 % len(_SIZES)]
        if kind == "crescents":
            weakest, dim, points = _DEPTHS[seed % 4], (3, 5)[seed // 3 % 2], 16_000
        name = f"{seed:02d}-{kind}-{modes}"
        cases.append(Case(name, kind, modes, weakest, dim, amount, points, seed, final=seed % 3 == 2))
    return tuple(cases)


CASES: tuple[Case, ...] = _cases()
