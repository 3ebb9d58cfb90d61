"""Beaded knots and links in R^3: tubes around closed curves, with beads of density along them.

A point is gamma(s) + u N + v B: s in [0, 1) a share of the arc length, drawn from a mixture of wrapped normals (the
beads), N and B the curve's normal and binormal, (u, v) isotropic Gaussian. The volume element is L (1 - kappa u) ds
du dv, so H = H(s) + log L + E log(1 - kappa u) + log(2 pi e sd^2), exact while the tube does not meet itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.data.dataset import Dataset, Topology
from core.gaussians.mixture import GaussianMixture
from core.worlds.ridges import ridge

__all__ = ["KNOTS", "Knot"]

_STEPS = 4000
# Gaussians of the plane per deviation of a bead: enough that what they bend away from the circle is far below the tube.
_NODES = 3
_BETWEEN_RINGS = 2.0
_MASSES = (1.3, 0.9, 1.15, 0.8, 1.05, 1.4, 0.85, 1.2, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class Knot:
    """A link of closed `curves` (each from t in [0, 2 pi) of shape (n,) to (n, 3)) in tubes of deviation `tube`, with
    `beads` modes on each, each bead's deviation `width` times the spacing of beads."""

    curves: tuple[Callable[[np.ndarray], np.ndarray], ...]
    beads: int
    tube: float
    sentence: str
    width: float = 0.21

    dim = 3

    @cached_property
    def topology(self) -> Topology:
        """Each component is a ring of beads: its superlevel set has one hole once they have joined."""
        return Topology(self.beads * len(self.curves), (1, len(self.curves)), self.sentence)

    @cached_property
    def _traced(self) -> list["_Traced"]:
        return [_trace(curve) for curve in self.curves]

    @cached_property
    def _masses(self) -> np.ndarray:
        """(components, beads): the share of each bead."""
        masses = np.resize(_MASSES, (len(self.curves), self.beads))
        return masses / masses.sum()

    @cached_property
    def plane(self) -> GaussianMixture:
        """The unknotted density in the plane: every component a circle of its own length, with its beads along it and
        the tube across, side by side. The bending of the curve, which shifts heights by hundredths of a nat, is left
        out."""
        nodes = np.arange(round(_NODES / self.width) * self.beads)
        along = self.width / self.beads / _NODES
        share = (nodes + 0.5) / len(nodes)
        angle, parts = 2 * np.pi * share, []
        for component, (center, radius) in enumerate(zip(self._centers, self._radii, strict=True)):
            out = np.stack((np.cos(angle), np.sin(angle)), axis=1)
            tangent = np.stack((-np.sin(angle), np.cos(angle)), axis=1)
            weights = self._bead_density(share, component, np.sqrt((self.width / self.beads) ** 2 - along**2))
            parts.append((center + radius * out, tangent, weights, np.full(len(nodes), 2 * np.pi * radius * along)))
        return ridge(*map(np.concatenate, zip(*parts, strict=True)), across=self.tube)

    @cached_property
    def modes(self) -> np.ndarray:
        """The bead that each of the plane's Gaussians belongs to."""
        each = len(self.plane.means) // self.topology.leaves
        return np.repeat(np.arange(self.topology.leaves), each)

    @cached_property
    def _radii(self) -> np.ndarray:
        """(components,): of the circles as long as the curves."""
        return np.array([curve.length for curve in self._traced]) / (2 * np.pi)

    @cached_property
    def _centers(self) -> np.ndarray:
        """(components, 2): of the circles side by side."""
        right = np.cumsum(2 * self._radii + _BETWEEN_RINGS) - self._radii
        return np.stack((right - right[0], np.zeros(len(right))), axis=1)

    @cached_property
    def entropy(self) -> float:
        """Differential entropy in nats, by quadrature over the curve and the tube."""
        s = (np.arange(_STEPS) + 0.5) / _STEPS
        u, weight = np.polynomial.hermite_e.hermegauss(40)
        total = np.log(2 * np.pi * np.e * self.tube**2)
        for component, curve in enumerate(self._traced):
            density = self._bead_density(s, component)
            stretch = np.log(curve.length) + _expected_log_stretch(curve, self.tube * u, weight)
            total += float(np.mean(density * (stretch - np.log(density))))
        return total

    def sample(self, name: str, n: int, seed: int) -> Dataset:
        """n points; `labels` number the nearest beads, `latent` is the place in the plane."""
        rng = np.random.default_rng([seed, 17])
        bead = rng.choice(self._masses.size, size=n, p=self._masses.ravel())
        component, slot = np.divmod(bead, self.beads)
        s = ((slot + 0.5 + self.width * rng.normal(size=n)) / self.beads) % 1.0
        across = self.tube * rng.normal(size=(n, 2))
        points = np.empty((n, 3))
        for index, curve in enumerate(self._traced):
            rows = component == index
            points[rows] = curve.place(s[rows], across[rows])
        out = np.stack((np.cos(2 * np.pi * s), np.sin(2 * np.pi * s)), axis=1)
        ring = self._centers[component] + (self._radii[component] + across[:, 0])[:, None] * out
        return Dataset(
            name=name,
            points=points.astype(np.float32),
            labels=component * self.beads + (s * self.beads).astype(np.int64) % self.beads,
            latent=ring.astype(np.float32),
            entropy=self.entropy,
            topology=self.topology,
            columns=("x", "y", "z"),
        )

    def _bead_density(self, s: np.ndarray, component: int, deviation: float | None = None) -> np.ndarray:
        """The component's share of the density of s (integrates to its mass), of beads of their own `deviation` or a
        given one."""
        sd = self.width / self.beads if deviation is None else deviation
        centers = (np.arange(self.beads) + 0.5) / self.beads
        away = (s[:, None] - centers + 0.5) % 1.0 - 0.5
        wrapped = sum(np.exp(-0.5 * ((away + turn) / sd) ** 2) for turn in (-1, 0, 1))
        return (wrapped * self._masses[component]).sum(1) / (sd * np.sqrt(2 * np.pi))


@dataclass(frozen=True, eq=False)
class _Traced:
    """A curve at equal steps of arc length: positions, normals and binormals (m, 3), curvature (m,)."""

    position: np.ndarray
    normal: np.ndarray
    binormal: np.ndarray
    curvature: np.ndarray
    length: float

    def place(self, s: np.ndarray, across: np.ndarray) -> np.ndarray:
        """Points (n, 3) at shares of the length (n,) and places across the tube (n, 2)."""
        # Between the steps, not at them: points in a stack of planes would have no density.
        steps = s * len(self.position) - 0.5
        before = np.floor(steps).astype(int)
        share = (steps - before)[:, None]

        def between(values: np.ndarray) -> np.ndarray:
            return (1 - share) * values[before % len(values)] + share * values[(before + 1) % len(values)]

        return between(self.position) + across[:, :1] * between(self.normal) + across[:, 1:] * between(self.binormal)


def _trace(curve: Callable[[np.ndarray], np.ndarray]) -> _Traced:
    fine = curve(np.linspace(0, 2 * np.pi, 40 * _STEPS + 1))
    traveled = np.concatenate(([0.0], np.linalg.norm(np.diff(fine, axis=0), axis=1).cumsum()))
    length = float(traveled[-1])
    at = (np.arange(_STEPS) + 0.5) / _STEPS * length
    position = np.stack([np.interp(at, traveled, column) for column in fine.T], axis=1)
    step = length / _STEPS
    tangent = (np.roll(position, -1, axis=0) - np.roll(position, 1, axis=0)) / (2 * step)
    bend = (np.roll(position, -1, axis=0) - 2 * position + np.roll(position, 1, axis=0)) / step**2
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    bend -= (bend * tangent).sum(1, keepdims=True) * tangent
    curvature = np.linalg.norm(bend, axis=1)
    normal = bend / curvature[:, None]
    return _Traced(position, normal, np.cross(tangent, normal), curvature, length)


def _expected_log_stretch(curve: _Traced, u: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """E log(1 - kappa u) (m,) over the tube's Gaussian, by Gauss-Hermite nodes `u` and their weights."""
    stretch = np.maximum(1 - curve.curvature[:, None] * u, 1e-3)
    return np.log(stretch) @ weight / weight.sum()


def _torus(winds: int, around: int, radius: float, tube: float) -> Callable[[np.ndarray], np.ndarray]:
    """The torus knot that winds `winds` times the long way and `around` times the short way."""

    def curve(t: np.ndarray) -> np.ndarray:
        r = radius + tube * np.cos(around * t)
        return np.stack((r * np.cos(winds * t), r * np.sin(winds * t), tube * np.sin(around * t)), axis=1)

    return curve


def _figure_eight(t: np.ndarray) -> np.ndarray:
    r = 2 + np.cos(2 * t)
    return np.stack((r * np.cos(3 * t), r * np.sin(3 * t), 1.3 * np.sin(4 * t)), axis=1)


def _ellipse(
    center: tuple[float, float, float], first: tuple[float, float, float], second: tuple[float, float, float]
) -> Callable[[np.ndarray], np.ndarray]:
    c, a, b = np.array(center), np.array(first), np.array(second)
    return lambda t: c + np.cos(t)[:, None] * a + np.sin(t)[:, None] * b


KNOTS: dict[str, Knot] = {
    "trefoil": Knot((_torus(2, 3, 2.2, 1.0),), 9, 0.11, "a trefoil knot of nine beads: one ring once it is unknotted"),
    "figure-eight": Knot((_figure_eight,), 10, 0.11, "a figure-eight knot of ten beads: one ring once it is unknotted"),
    "cinquefoil": Knot(
        (_torus(2, 5, 2.4, 1.0),), 10, 0.11, "a cinquefoil knot of ten beads: one ring once it is unknotted"
    ),
    "hopf-link": Knot(
        (_ellipse((-1, 0, 0), (2, 0, 0), (0, 2, 0)), _ellipse((1, 0, 0), (2, 0, 0), (0, 0, 2))),
        5,
        0.14,
        "two linked rings of five beads each: two rings side by side once they are unlinked",
    ),
    "borromean-rings": Knot(
        (
            _ellipse((0, 0, 0), (3, 0, 0), (0, 1.5, 0)),
            _ellipse((0, 0, 0), (0, 3, 0), (0, 0, 1.5)),
            _ellipse((0, 0, 0), (0, 0, 3), (1.5, 0, 0)),
        ),
        4,
        0.14,
        "three rings of four beads each, no two of them linked, yet inseparable in three dimensions",
    ),
}
