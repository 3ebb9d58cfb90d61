"""Skeletons of different topology: places along a line, a ring, a figure-eight ... from which a family of densities is
made, a Gaussian at every place.

Gaussians reach 0.7 of the way to the next place along the skeleton: then nothing is seen of their number (the density
along it varies by less than 1e-3). Every skeleton has mean 0 and, over its own axes, mean variance 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

__all__ = ["SKELETONS", "Skeleton", "skeletons"]

_REACH = 0.7


@dataclass(frozen=True, eq=False)
class Skeleton:
    """`places` (m, j) with `shares` (m,) that sum to one, the unit `normal` (m, j) of the skeleton there (zero where it
    fills its j dimensions), and the deviation `reach` (m,) of its Gaussians along it."""

    places: np.ndarray
    shares: np.ndarray
    normal: np.ndarray
    reach: np.ndarray

    @property
    def dim(self) -> int:
        """The dimension j that the skeleton needs."""
        return self.places.shape[1]

    @property
    def filled(self) -> int:
        """The number of dimensions in which the skeleton itself extends."""
        return self.dim - int(self.normal.any())


def _skeleton(places: np.ndarray, normal: np.ndarray, spacing: np.ndarray | float) -> Skeleton:
    spacing = np.broadcast_to(spacing, len(places)).astype(float)
    shares = spacing ** (places.shape[1] - int(normal.any()))
    shares = shares / shares.sum()
    places = places - shares @ places
    scale = 1 / np.sqrt((shares @ places**2).mean())
    return Skeleton(scale * places, shares, normal, _REACH * scale * spacing)


def _solid(places: np.ndarray) -> Skeleton:
    """A skeleton that fills its space with places a step of 1 apart."""
    return _skeleton(places, np.zeros_like(places), 1.0)


def _curve(*pieces: tuple[Callable[[np.ndarray], np.ndarray], int]) -> Skeleton:
    """Curves (each from [0, 1] to the plane) with so many places at equal steps of arc length on each."""
    places, normals, steps = [], [], []
    for curve, count in pieces:
        fine = curve(np.linspace(0, 1, 4001))
        traveled = np.append(0, np.linalg.norm(np.diff(fine, axis=0), axis=1).cumsum())
        step = traveled[-1] / count

        def at(length: np.ndarray, traveled: np.ndarray = traveled, fine: np.ndarray = fine) -> np.ndarray:
            return np.column_stack([np.interp(length, traveled, column) for column in fine.T])

        middle = (np.arange(count) + 0.5) * step
        tangent = at(middle + step / 4) - at(middle - step / 4)
        turned = np.column_stack((-tangent[:, 1], tangent[:, 0]))
        places.append(at(middle))
        normals.append(turned / np.linalg.norm(turned, axis=1, keepdims=True))
        steps.append(np.full(count, step))
    return _skeleton(np.concatenate(places), np.concatenate(normals), np.concatenate(steps))


def _circle(t: np.ndarray) -> np.ndarray:
    return np.column_stack((np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)))


def _lemniscate(t: np.ndarray) -> np.ndarray:
    sine, cosine = np.sin(2 * np.pi * t), np.cos(2 * np.pi * t)
    return 2 * np.column_stack((cosine, sine * cosine)) / (1 + sine**2)[:, None]


def _chord(t: np.ndarray) -> np.ndarray:
    return np.column_stack((2 * t - 1, np.zeros(len(t))))


def _square() -> np.ndarray:
    side = np.arange(7.0)
    return np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)


def _annulus() -> np.ndarray:
    return np.concatenate([r * _circle(np.arange(count) / count) for r, count in ((2.0, 13), (3.0, 19), (4.0, 25))])


def _sphere() -> Skeleton:
    """Places on a spiral from pole to pole."""
    count = 128
    height = 1 - (2 * np.arange(count) + 1) / count
    turn, radius = np.pi * (1 + np.sqrt(5)) * np.arange(count), np.sqrt(1 - height**2)
    places = np.column_stack((radius * np.cos(turn), radius * np.sin(turn), height))
    return _skeleton(places, places, np.sqrt(4 * np.pi / count))


SKELETONS: dict[str, Callable[[], Skeleton]] = {
    "line": lambda: _solid(np.arange(12.0)[:, None]),
    "ring": lambda: _curve((_circle, 28)),
    "eight": lambda: _curve((_lemniscate, 44)),
    "theta": lambda: _curve((_circle, 28), (_chord, 9)),
    "sheet": lambda: _solid(_square()),
    "shell": lambda: _solid(_annulus()),
    "sphere": _sphere,
}
"""The families by name: a segment, a circle, a lemniscate, a circle with a chord, a square, an annulus, a sphere."""


@cache
def skeletons(dim: int) -> dict[str, Skeleton]:
    """Those that latents of dimension `dim` have room for."""
    made = {name: make() for name, make in SKELETONS.items()}
    return {name: skeleton for name, skeleton in made.items() if skeleton.dim <= dim}
