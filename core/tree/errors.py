"""Standard errors of a level-set tree, by the delta method: what n points leave open of a mixture's heights and masses.

The maximum-likelihood mixture has parameters of covariance I^-1 / n, with the Fisher information I = E[s s'] of the
scores s(z) = d log q(z) / d theta. A height log q(z) moves with s(z), a basin's mass E[1] with E[1 s]. Peaks and
saddles are critical points, so that their own shift is of second order, and a basin's border is taken as fixed.
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

__all__ = ["Learned", "StandardErrors", "standard_errors", "what_was_learned", "with_errors"]

# Draws for the expectations, and the directions in which each component's mean and covariance may vary.
_DRAWS, _DIRECTIONS = 3000, 3
# What a flow adds to the errors of its latent density: two models each of 20 planted cases differed in the
# heights of peaks by 1.2 times a lone mixture's errors, of saddles by 0.9 and in masses by 1.05 (median) to 1.4 (root
# mean square) times.
_FLOW = 1.2


@dataclass(frozen=True, eq=False)
class StandardErrors:
    """Covariances of what is read off a density: `level` (m, m) in nats^2 of log q at m places, relative to that at the
    first, and `mass` (b, b) of the masses of b basins."""

    level: np.ndarray
    mass: np.ndarray

    @property
    def level_error(self) -> np.ndarray:
        """(m,) in nats; zero for the first."""
        return np.sqrt(np.diagonal(self.level))

    @property
    def mass_error(self) -> np.ndarray:
        """(b,): of shares of the probability."""
        return np.sqrt(np.diagonal(self.mass))

    def difference(self, a: int, b: int) -> float:
        """The error in nats of the height of place `a` above `b`, such as a persistence."""
        return float(np.sqrt(max(self.level[a, a] + self.level[b, b] - 2 * self.level[a, b], 0.0)))


def standard_errors(
    density: GaussianMixture, points: int, places: np.ndarray, inside: Callable[[np.ndarray], np.ndarray]
) -> StandardErrors:
    """How well `points` points determine log q at `places` (m, k), and the masses of basins.

    `inside` says of any points (n, k) in which basins they lie, (n, b) bool. Parameters are the logarithms of the
    weights, the means and the covariances, the latter two in units of each component; beyond three dimensions they vary
    along the three directions in which the places lie from it, and its volume. A component that hardly any points
    belong to is held by a standard normal prior of its parameters in those units, one observation's worth.
    Raises `InputError` where `points` is not positive.

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
    """A mixture, the number of points that it was learned from, and what its errors are to be multiplied by."""

    density: GaussianMixture
    points: int
    inflation: float


def what_was_learned(model_or_density: object, points: int | None) -> Learned | None:
    """What a tree's errors follow from; None where `points` is not known, or the density is no mixture of components
    that vary each on its own."""
    density = density_of(model_or_density)
    tied = "families" in getattr(model_or_density, "metrics", {})
    if points is None or tied or not isinstance(density, GaussianMixture):
        return None
    return Learned(density, points, 1.0 if density is model_or_density else _FLOW)


def with_errors(
    tree: LevelSetTree, merge: MergeTree, outline: Outline, vertices: "Grid | SampleGraph", learned: Learned | None
) -> LevelSetTree:
    """The tree with `level_error` and `mass_error`, or as it is where it is not known how it was learned.

    `merge` is the merge tree over the `vertices`, `outline` what the tree keeps of it. The error of a level is that of
    its height relative to the global peak's, whose own is zero. That of a leaf's persistence is at most the root of
    the sum of its and its saddle's squares, since heights relative to one peak err together; that of the highest leaf
    is its saddle's own. `StandardErrors.difference` takes account of how they go together.
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
    """Points (n, k), half of them alike many from each component, and shares (n,) that make means over them q's."""
    even = replace(density, weights=0.5 * density.weights + 0.5 / len(density.weights))
    draws = even.sample(_DRAWS, seed=0)
    share = np.exp(density.log_density(draws) - even.log_density(draws))
    return draws, share / share.sum()


def _whitened(density: GaussianMixture, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Responsibilities (n, c), and where points lie from each component in its units, (n, c, k)."""
    logs = density.log_components(z)
    weight = np.exp(logs - logs.max(axis=1, keepdims=True))
    white = np.linalg.inv(np.linalg.cholesky(density.covariances))
    offset = z @ white.reshape(-1, density.dim).T - np.einsum("cij,cj->ci", white, density.means).ravel()
    return weight / weight.sum(axis=1, keepdims=True), offset.reshape(len(z), -1, density.dim)


def _frames(density: GaussianMixture, places: np.ndarray) -> np.ndarray:
    """(c, k, d): orthonormal directions for each component, first those in which the places that it explains lie."""
    if density.dim <= _DIRECTIONS:
        return np.tile(np.eye(density.dim), (len(density.weights), 1, 1))
    weight, offset = _whitened(density, places)
    along = np.swapaxes(weight[..., None] * offset, 0, 1)
    _, directions = np.linalg.eigh(np.swapaxes(along, 1, 2) @ along)
    return directions[..., : -_DIRECTIONS - 1 : -1]


def _scores(density: GaussianMixture, z: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """(n, p): derivatives of log q at points (n, k), in units in which the information of a lone component is I."""
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
