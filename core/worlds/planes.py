"""Planted planes of islands: mixtures of a few Gaussians, each a mode or a part of one."""

import numpy as np

from core.gaussians.mixture import GaussianMixture

__all__ = ["Plane", "blob", "five_islands", "gaussian", "islands", "moons", "nested", "other_islands", "ringed"]

Plane = tuple[GaussianMixture, np.ndarray]
"""A mixture in the plane, and the mode (c,) of each of its Gaussians."""
_Row = tuple[float, float, float, float, float, float]

_SHARED_ISLANDS: list[_Row] = [
    (0.26, -2.3, -1.5, 0.62, 0.42, 30),
    (0.19, -1.5, 1.0, 0.50, 0.32, 100),
    (0.15, 2.4, 1.7, 0.44, 0.36, 0),
    (0.12, 1.2, -1.3, 0.55, 0.30, -35),
]
_FIFTH: _Row = (0.17, -0.4, 2.2, 0.46, 0.36, 20)


def islands() -> Plane:
    """Six islands."""
    return _each_its_own([*_SHARED_ISLANDS, _FIFTH, (0.11, 2.7, -1.6, 0.36, 0.30, 70)])


def five_islands() -> Plane:
    """The first five of the islands."""
    return _each_its_own([*_SHARED_ISLANDS, _FIFTH])


def other_islands() -> Plane:
    """The first four of the islands, and two more."""
    return _each_its_own([*_SHARED_ISLANDS, (0.27, 0.4, 3.9, 0.80, 0.34, 10), (0.06, -4.6, 0.6, 0.30, 0.26, 0)])


def nested() -> Plane:
    """Four pairs in two groups."""
    return _each_its_own(
        [
            (0.17, -3.8, 0.9, 0.42, 0.32, 10),
            (0.11, -2.6, 1.7, 0.34, 0.30, 60),
            (0.14, -3.5, -1.4, 0.44, 0.30, -30),
            (0.09, -2.1, -1.9, 0.32, 0.30, 0),
            (0.16, 1.9, 1.6, 0.44, 0.30, 45),
            (0.12, 3.2, 0.9, 0.36, 0.30, 0),
            (0.13, 2.0, -1.5, 0.40, 0.32, 80),
            (0.08, 3.3, -1.7, 0.32, 0.30, 20),
        ]
    )


def ringed() -> Plane:
    """Eight beads on a circle of radius 3, an island in its middle."""
    masses = (1.5, 0.9, 1.2, 0.75, 1.35, 1.0, 0.8, 1.1)
    angles = np.linspace(0, 360, 8, endpoint=False)
    beads = [
        (m, 3 * np.cos(np.deg2rad(a)), 3 * np.sin(np.deg2rad(a)), 0.60, 0.28, a + 90)
        for m, a in zip(masses, angles, strict=True)
    ]
    return _each_its_own([*beads, (2.0, 0.1, -0.1, 0.40, 0.34, 25)])


def moons() -> Plane:
    """Two half circles, each a chain of Gaussians whose weights have one maximum."""
    rows = []
    for share, center, start in ((0.58, (-0.9, -0.5), 0), (0.42, (0.9, 0.5), 180)):
        for angle in np.linspace(5, 175, 12):
            weight = share * np.exp(-0.5 * ((angle - 90) / 48) ** 2)
            turn = np.deg2rad(start + angle)
            rows.append(
                (weight, center[0] + 1.8 * np.cos(turn), center[1] + 1.8 * np.sin(turn), 0.30, 0.22, start + angle + 90)
            )
    return _mixture(rows), np.repeat([0, 1], 12)


def blob() -> Plane:
    """One Gaussian."""
    return _each_its_own([(1.0, 0.0, 0.0, 1.4, 0.9, 20)])


def gaussian(sd_long: float, sd_short: float, angle: float) -> np.ndarray:
    """The covariance (2, 2) of two deviations, the first along the `angle` in degrees."""
    turn = np.deg2rad(angle)
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return axes @ np.diag([sd_long**2, sd_short**2]) @ axes.T


def _mixture(rows: list[_Row]) -> GaussianMixture:
    """A mixture from rows (weight, x, y, long deviation, short deviation, angle in degrees)."""
    weights = np.array([row[0] for row in rows])
    return GaussianMixture(
        weights / weights.sum(),
        np.array([row[1:3] for row in rows]),
        np.array([gaussian(*row[3:]) for row in rows]),
    )


def _each_its_own(rows: list[_Row]) -> Plane:
    return _mixture(rows), np.arange(len(rows))
