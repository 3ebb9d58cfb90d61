"""The standard errors of a level-set tree's heights and masses, by the delta method.

The parameters of a maximum-likelihood mixture have the covariance I^-1 / n, with the Fisher information I = E[s s'] of
the scores s(z) = d log q(z) / d theta. The gradient of a height log q(z) is s(z), that of a basin's mass E[1] is
E[1 s]. Peaks and saddles are critical points, so their own shift is of second order; a basin's border counts as fixed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from core.errors import invalid
from core.gaussians.mixture import GaussianMixture
from core.tree.build import MergeTree
from core.tree.fields.grid import Grid, density_of
from core.tree.simplify import Outline
from core.tree.types import LevelSetTree

if TYPE_CHECKING:
    from core.tree.graph import SampleGraph

__all__ = ["Learned", "StandardErrors", "learned_mixture", "standard_errors", "with_errors"]

# Draws for the expectations, and the directions in which each component's mean and covariance may vary.
_DRAWS, _DIRECTIONS = 3000, 3
# The factor by which a flow increases the errors of its latent density. Two models of each of 20 planted cases differed
# by 1.2 times the mixture's own errors in the heights of peaks, by 0.9 in those of saddles, and by 1.05 (median) to 1.4
# (root mean square) in masses.
_FLOW = 1.2


@dataclass(frozen=True, eq=False)
class StandardErrors:
    """The covariances `level` (m, m), in nats^2, of log q at m places relative to the first, and `mass` (b, b) of the
    masses of b basins."""

    level: np.ndarray
    mass: np.ndarray

    @property
    def level_error(self) -> np.ndarray:
        """(m,): standard errors in nats; zero for the first."""
        return np.sqrt(np.diagonal(self.level))

    @property
    def mass_error(self) -> np.ndarray:
        """(b,): standard errors of shares of the probability."""
        return np.sqrt(np.diagonal(self.mass))

    def difference(self, a: int, b: int) -> float:
        """The standard error in nats of the height of place `a` above `b`, such as a persistence."""
        return float(np.sqrt(max(self.level[a, a] + self.level[b, b] - 2 * self.level[a, b], 0.0)))


def standard_errors(
    density: GaussianMixture, points: int, places: np.ndarray, inside: Callable[[np.ndarray], np.ndarray]
) -> StandardErrors:
    """The standard errors of log q at `places` (m, k) and of the masses of basins, for `points` training points.

    `inside` computes for points (n, k) in which basins they lie, (n, b) bool. The parameters are the logarithms of the
    weights, the means and the covariances, the latter two in units of each component. Beyond three dimensions they are
    restricted to the three directions in which the places lie from the component, and its volume. A standard normal
    prior on the parameters in those units, worth one observation, regularizes components with hardly any points.
    Raises `InputError` if `points` is not positive.

    >>> q = GaussianMixture(np.ones(1), np.zeros((1, 1)), np.eye(1)[None])
    >>> found = standard_errors(q, 20_000, np.array([[0.0], [2.0]]), lambda z: z > 0)
    >>> # 2 m - 2 v for an error m of the mean, of variance 1 / n, and v of the variance, of variance 2 / n.
    >>> bool(np.isclose(found.level_error[1], np.sqrt((4 * 2 + 4) / 20_000), rtol=0.05))
    True

    References: van der Vaart 1998, "Asymptotic Statistics", chapters 3 and 5; McLachlan & Peel 2000, "Finite Mixture
    Models", section 2.15, on the information of mixtures.
    """
    if points < 1:
        raise invalid("points", "a positive number", points, "give the number that the density was learned from")
    frames = _frames(density, places)
    draws, share = _draws(density)
    scores = _scores(density, draws, frames)
    scores *= np.sqrt(share)[:, None]
    information = scores.T @ scores
    information[np.diag_indices(len(information))] += 1 / points
    factor = cholesky(information, lower=True)
    heights = _scores(density, places, frames)
    masses = (inside(draws) * np.sqrt(share)[:, None]).T @ scores

    def spread(gradients: np.ndarray) -> np.ndarray:
        half = solve_triangular(factor, gradients.T, lower=True)
        return half.T @ half / points

    return StandardErrors(spread(heights - heights[0]), spread(masses))


@dataclass(frozen=True, eq=False)
class Learned:
    """A mixture, its number of training points, and the factor of its errors."""

    density: GaussianMixture
    points: int
    inflation: float


def learned_mixture(model_or_density: object, points: int | None) -> Learned | None:
    """The mixture from which a tree's errors follow; None if `points` is unknown, or if the density is not a mixture
    with free components."""
    density = density_of(model_or_density)
    tied = "families" in getattr(model_or_density, "metrics", {})
    if points is None or tied or not isinstance(density, GaussianMixture):
        return None
    return Learned(density, points, 1.0 if density is model_or_density else _FLOW)


def with_errors(
    tree: LevelSetTree, merge: MergeTree, outline: Outline, vertices: "Grid | SampleGraph", learned: Learned | None
) -> LevelSetTree:
    """The tree with `level_error` and `mass_error`, unchanged if `learned` is None.

    `merge` is the merge tree over the `vertices`, `outline` its simplification. The error of a level is that of its
    height relative to the global peak, whose own error is zero. The error of a leaf's persistence is at most the root
    of the sum of the squared errors of the leaf and its saddle, because heights relative to one peak are correlated;
    that of the highest leaf is its saddle's. `StandardErrors.difference` includes the correlation.
    """
    if learned is None:
        return tree
    vertex = np.where(outline.source < 0, merge.field.argmin(), merge.vertex[outline.source])
    places = vertices.points()[np.append(merge.vertex[0], vertex)]
    within = np.eye(len(tree), dtype=bool)
    for row in range(len(tree)):
        within[row, list(tree.path(row))] = True
    home = outline.position[merge.basin]
    found = standard_errors(learned.density, learned.points, places, lambda z: within[home[vertices.nearest(z)]])
    level, mass = learned.inflation * found.level_error[1:], learned.inflation * found.mass_error
    return replace(tree, level_error=level, mass_error=mass)


def _draws(density: GaussianMixture) -> tuple[np.ndarray, np.ndarray]:
    """Importance samples (n, k) of q, half of them spread evenly over the components, and their weights (n,)."""
    even = replace(density, weights=0.5 * density.weights + 0.5 / len(density.weights))
    draws = even.sample(_DRAWS, seed=0)
    share = np.exp(density.log_density(draws) - even.log_density(draws))
    return draws, share / share.sum()


def _whitened(density: GaussianMixture, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The responsibilities (n, c), and the points whitened by each component (n, c, k)."""
    logs = density.log_components(z)
    weight = np.exp(logs - logs.max(axis=1, keepdims=True))
    white = np.linalg.inv(np.linalg.cholesky(density.covariances))
    offset = z @ white.reshape(-1, density.dim).T - np.einsum("cij,cj->ci", white, density.means).ravel()
    return weight / weight.sum(axis=1, keepdims=True), offset.reshape(len(z), -1, density.dim)


def _frames(density: GaussianMixture, places: np.ndarray) -> np.ndarray:
    """(c, k, d): orthonormal directions for each component, the principal ones of the places that it explains."""
    if density.dim <= _DIRECTIONS:
        return np.tile(np.eye(density.dim), (len(density.weights), 1, 1))
    weight, offset = _whitened(density, places)
    along = np.swapaxes(weight[..., None] * offset, 0, 1)
    _, directions = np.linalg.eigh(np.swapaxes(along, 1, 2) @ along)
    return directions[..., : -_DIRECTIONS - 1 : -1]


def _scores(density: GaussianMixture, z: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """(n, p): derivatives of log q at points (n, k), in units in which a single component's information is I."""
    weight, offset = _whitened(density, z)
    inner = offset if frames.shape[1] == frames.shape[2] else (offset[:, :, None] @ frames)[:, :, 0]
    along = np.moveaxis(inner, 2, 0)
    parts = [np.ones(weight.shape), *along]
    for i, first in enumerate(along):
        parts.append((first**2 - 1) / np.sqrt(2))
        parts += [first * second for second in along[:i]]
    if outer := density.dim - len(along):
        parts.append(((offset**2).sum(-1) - (inner**2).sum(-1) - outer) / np.sqrt(2 * outer))
    scores = np.empty((len(z), len(parts), weight.shape[1]))
    for number, part in enumerate(parts):
        np.multiply(part, weight, out=scores[:, number])
    scores[:, 0] -= density.weights
    return scores.reshape(len(z), -1)
