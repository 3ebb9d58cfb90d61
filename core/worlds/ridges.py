"""Ridges in the plane: mixtures of narrow Gaussians along a skeleton, and the planted planes made of them.

Nodes at equal steps of one deviation along the tangent sum to a ridge whose ripple is 2 exp(-2 pi^2) of its height:
none that could be measured. Where strands cross or meet, weights are sought that keep the height as it is asked for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.gaussians.mixture import GaussianMixture
from core.worlds.planes import Plane, gaussian

__all__ = [
    "crescent_ring", "eight", "eight_lobes", "island_in_ring", "line", "ridge", "ring", "sheet", "theta",
]  # fmt: skip

_ACROSS = 0.25
_RADIUS = 2.6
_ROUNDS = 300


@dataclass(frozen=True, eq=False)
class _Strand:
    """A curve at equal steps of its length: nodes (c, 2), their unit tangents (c, 2), the share (c,) of the length that
    lies before each, and the step between two."""

    places: np.ndarray
    tangents: np.ndarray
    share: np.ndarray
    step: float


def ridge(
    places: np.ndarray, tangents: np.ndarray, weights: np.ndarray, along: float | np.ndarray, across: float
) -> GaussianMixture:
    """The mixture of Gaussians at `places` (c, 2), of deviation `along` their unit `tangents` (c, 2) and `across`."""
    outer = tangents[:, :, None] * tangents[:, None, :]
    longer = np.broadcast_to(along, len(places))[:, None, None] ** 2 - across**2
    return GaussianMixture(weights / weights.sum(), places, across**2 * np.eye(2) + longer * outer)


def ring() -> Plane:
    """A circle, uniform along it."""
    return _one_mode(_of_height([_circle()], [0.0]))


def line() -> Plane:
    """A segment, uniform along it; the ends fade as a normal distribution function does."""
    strand = _segment((-3.5, 0.0), (3.5, 0.0))
    return _one_mode(ridge(strand.places, strand.tangents, np.ones(len(strand.places)), strand.step, _ACROSS))


def eight() -> Plane:
    """A figure-eight, uniform along it but for 0.03 nats where it crosses itself."""
    return _one_mode(_of_height([_lemniscate()], [0.0]))


def theta() -> Plane:
    """A circle with a chord through its middle, uniform along both but for 0.07 nats where they meet."""
    # The chord ends short of the circle's middle line, and so the two meet at a nearly even height.
    reach = _RADIUS - 1.2 * _ACROSS
    return _one_mode(_of_height([_circle(), _segment((0.0, -reach), (0.0, reach))], [0.0, 0.0]))


def sheet() -> Plane:
    """A filled square, uniform inside; the sides fade as a normal distribution function does."""
    step = 0.4
    at = step * (np.arange(12) - 5.5)
    places = np.stack(np.meshgrid(at, at, indexing="ij"), axis=-1).reshape(-1, 2)
    weights, shapes = np.full(len(places), 1 / len(places)), np.tile(step**2 * np.eye(2), (len(places), 1, 1))
    return _one_mode(GaussianMixture(weights, places, shapes))


def crescent_ring() -> Plane:
    """A circle whose density falls smoothly by 0.8 nats from one maximum to the minimum opposite."""
    circle = _circle()
    return _one_mode(_of_height([circle], [_fall(circle, 0.8)]))


def eight_lobes() -> Plane:
    """A figure-eight with a mode at the tip of each lobe, one 0.2 nats lower; they join where it crosses itself, 1.2
    nats under the higher."""
    strand = _lemniscate()
    second = strand.share > 0.5
    rise = 0.5 * (1 - np.cos(4 * np.pi * strand.share))
    mixture = _of_height([strand], [np.where(second, 1.0, 1.2) * rise])
    return mixture, second.astype(int)


def island_in_ring() -> Plane:
    """A circle with one maximum, and one minimum 0.8 nats below, around an island; they join far below both."""
    circle = _circle()
    around = _of_height([circle], [_fall(circle, 0.8)])
    island = gaussian(0.42, 0.34, 30)
    mixture = GaussianMixture(
        np.append(0.87 * around.weights, 0.13),
        np.concatenate((around.means, [[0.1, -0.15]])),
        np.concatenate((around.covariances, island[None])),
    )
    return mixture, np.append(np.zeros(len(around.weights), dtype=int), 1)


def _one_mode(mixture: GaussianMixture) -> Plane:
    return mixture, np.zeros(len(mixture.weights), dtype=int)


def _fall(strand: _Strand, nats: float) -> np.ndarray:
    """Heights (c,) of one maximum and one minimum, at a quarter and at three quarters of a closed strand."""
    return 0.5 * nats * np.sin(2 * np.pi * strand.share)


def _circle() -> _Strand:
    """A circle around the origin, from its rightmost point on."""
    return _strand(lambda t: _RADIUS * np.stack((np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)), axis=1))


def _segment(start: tuple[float, float], end: tuple[float, float]) -> _Strand:
    first, last = np.array(start), np.array(end)
    return _strand(lambda t: first + t[:, None] * (last - first))


def _lemniscate() -> _Strand:
    """Gerono's figure-eight: it crosses itself at right angles in the origin, at the ends and half way."""

    def curve(t: np.ndarray) -> np.ndarray:
        sine = np.sin(2 * np.pi * t)
        return 3.2 * np.stack((sine, sine * np.cos(2 * np.pi * t)), axis=1)

    return _strand(curve)


def _strand(curve: Callable[[np.ndarray], np.ndarray]) -> _Strand:
    """The curve from t in [0, 1] of shape (n,) to places (n, 2), at equal steps close to the deviation across."""
    fine = curve(np.linspace(0, 1, 20_001))
    traveled = np.concatenate(([0.0], np.linalg.norm(np.diff(fine, axis=0), axis=1).cumsum()))
    count = round(traveled[-1] / _ACROSS)
    step, share = traveled[-1] / count, (np.arange(count) + 0.5) / count

    def place(at: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(at, traveled, column) for column in fine.T], axis=1)

    middle = share * traveled[-1]
    ahead = place(middle + 0.02 * step) - place(middle - 0.02 * step)
    return _Strand(place(middle), ahead / np.linalg.norm(ahead, axis=1, keepdims=True), share, step)


def _of_height(strands: Sequence[_Strand], heights: Sequence[np.ndarray | float]) -> GaussianMixture:
    """The mixture along the strands whose log-density at the nodes is, up to a constant, their `heights` in nats.

    Weights by the multiplicative steps of Richardson 1972 and Lucy 1974, which stay positive.
    """
    places, tangents = (np.concatenate([getattr(s, part) for s in strands]) for part in ("places", "tangents"))
    along = np.concatenate([np.full(len(s.places), s.step) for s in strands])
    target = np.exp(np.concatenate([np.broadcast_to(h, len(s.places)) for s, h in zip(strands, heights, strict=True)]))
    even = ridge(places, tangents, np.ones(len(places)), along, _ACROSS)
    kernel = np.exp(even.log_components(places)) * len(places)
    weights = target / kernel.sum(axis=1)
    for _ in range(_ROUNDS):
        weights *= kernel.T @ (target / (kernel @ weights)) / kernel.sum(axis=0)
    return ridge(places, tangents, weights, along, _ACROSS)
