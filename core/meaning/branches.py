"""The difference between an inner node's two branches: a direction of the latent space, and columns of the data.

The direction is Fisher's linear discriminant (1936): w = S^(-1) (m_1 - m_0) with S the mean of the two covariances. It
maximizes the distance of the means in units of the standard deviation within the branches.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import InputError, invalid
from core.tree.owners import leaves_of, members, row_of
from core.tree.types import LevelSetTree

__all__ = ["Separation", "separation"]

_FEWEST = 2
_RIDGE = 1e-6


@dataclass(frozen=True, eq=False)
class Separation:
    """The two largest branches of the inner node `node`, and how they differ.

    `branches` are their ids; `sides` (n,) int8 is each point's branch (0 or 1), -1 for none. `axis` (k,) is a unit
    vector of the latent space that points from the first to the second. Along it `d_prime` is the distance of the two
    means in standard deviations, and `auc` the share of pairs, one point of each side, that lie in that order.
    `difference` (d,) is the difference of the two means of each data column in units of the standard deviation within
    the sides (0 for a constant column); `order` (d,) sorts the columns by its size, the largest first.
    """

    node: int
    branches: tuple[int, int]
    sides: np.ndarray
    axis: np.ndarray
    d_prime: float
    auc: float
    difference: np.ndarray
    order: np.ndarray

    @property
    def counts(self) -> tuple[int, int]:
        """The number of points on each side."""
        return int((self.sides == 0).sum()), int((self.sides == 1).sum())


def separation(
    model: Any,
    tree: LevelSetTree,
    node: int,
    points: np.ndarray,
    latents: np.ndarray,
    owners: np.ndarray | None = None,
) -> Separation:
    """The separation of the branches of an inner node, from data points (n, d) and their latents (n, k).

    If there are more than two branches, the two with the most members are compared. `model` is as in
    `core.meaning.leaves_of`, whose result may be given as `owners` (n,). Raises `InputError` for a leaf, for arrays of
    different lengths, and if a branch contains fewer than two of the points.

    References: R. A. Fisher, The use of multiple measurements in taxonomic problems (1936).
    """
    row = row_of(tree, node)
    points, latents = np.asarray(points, dtype=np.float64), np.asarray(latents, dtype=np.float64)
    if len(points) != len(latents):
        raise invalid("points", f"as long as latents ({len(latents)})", len(points), "give both of the same rows")
    if len(tree.children[row]) < 2:
        raise invalid("node", "an inner node with two branches", f"{node}, which has none", "choose a saddle")
    owners = leaves_of(model, tree, latents) if owners is None else owners
    held = {child: members(tree, owners, child) for child in tree.children[row]}
    first, second = sorted(sorted(held, key=lambda child: (-len(held[child]), child))[:2])
    if min(len(held[first]), len(held[second])) < _FEWEST:
        raise InputError("a branch holds fewer than two of the sample's points; there is nothing to compare.")
    sides = np.full(len(latents), -1, dtype=np.int8)
    sides[held[first]], sides[held[second]] = 0, 1
    axis = _fisher(latents[sides == 0], latents[sides == 1])
    along = latents @ axis
    difference = _standardized(points[sides == 0], points[sides == 1])
    return Separation(
        node=int(tree.id[row]),
        branches=(int(tree.id[first]), int(tree.id[second])),
        sides=sides,
        axis=axis,
        d_prime=float(_standardized(along[sides == 0, None], along[sides == 1, None])[0]),
        auc=_auc(along[sides == 0], along[sides == 1]),
        difference=difference,
        order=np.argsort(-np.abs(difference), kind="stable"),
    )


def _fisher(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Fisher's direction (k,) from points (n, k) to points (m, k), a unit vector."""
    within = (np.cov(first.T).reshape(first.shape[1], -1) + np.cov(second.T).reshape(first.shape[1], -1)) / 2
    within += _RIDGE * max(np.trace(within) / len(within), 1e-12) * np.eye(len(within))
    direction = np.linalg.solve(within, second.mean(0) - first.mean(0))
    length = np.linalg.norm(direction)
    return direction / length if length else np.eye(len(within))[0]


def _standardized(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(d,): the second mean minus the first, in units of the standard deviation within both; 0 for a constant
    column."""
    within = np.sqrt((first.var(axis=0, ddof=1) + second.var(axis=0, ddof=1)) / 2)
    apart = second.mean(axis=0) - first.mean(axis=0)
    flat = within <= 1e-12 * np.maximum(np.abs(apart), 1e-12)
    return np.where(flat, 0.0, apart / np.where(flat, 1.0, within))


def _auc(first: np.ndarray, second: np.ndarray) -> float:
    """The share of pairs in which the second's number is greater; ties count half."""
    below, up_to = (np.searchsorted(np.sort(first), second, side) for side in ("left", "right"))
    return float((below + up_to).mean() / (2 * len(first)))
