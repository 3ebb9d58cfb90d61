"""A graph that stands for a mixture's density beyond three dimensions: its modes, samples and straight edges.

Samples are joined to their nearest neighbors and modes to each other. An edge that dips below both its ends
gets a vertex at the dip, so no path jumps a valley. A sample with no higher neighbor is joined to the mode it
climbs to.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import KDTree

from core.errors import invalid
from core.prior.mixture import GaussianMixture
from core.tree.attributes import Cells

__all__ = ["SampleGraph", "find_modes", "sample_graph"]


@dataclass(frozen=True, eq=False)
class SampleGraph:
    """n vertices `places` (n, k) with `log_density` (n,) in nats, joined by `edges` (e, 2)."""

    places: np.ndarray
    log_density: np.ndarray
    edges: np.ndarray

    @property
    def dim(self) -> int:
        """Latent dimension k."""
        return self.places.shape[1]

    @cached_property
    def relative(self) -> np.ndarray:
        """The heights relative to the highest (nats, at most 0)."""
        return self.log_density - self.log_density.max()

    def points(self) -> np.ndarray:
        """(n, k): the vertices."""
        return self.places

    def nearest(self, z: np.ndarray) -> np.ndarray:
        """(m,): the number of the vertex nearest to each point (m, k)."""
        return np.asarray(self._search.query(np.asarray(z, dtype=np.float64))[1])

    @cached_property
    def _search(self) -> KDTree:
        return KDTree(self.places)


def sample_graph(density: object, samples: int = 4000, neighbors: int = 8, seed: int = 0) -> tuple[SampleGraph, Cells]:
    """The graph of a mixture and what each of its vertices stands for.

    Every sample and every mode is one share of the mass, and its inverse density as much volume. A mode's
    share is spread as its component is, so that the region of a mode with few samples still has a covariance.
    """
    if not isinstance(density, GaussianMixture):
        raise invalid("density", "a GaussianMixture beyond 3 dimensions", type(density).__name__, "fit one")
    modes, spread = find_modes(density)
    places = np.concatenate([modes, density.sample(samples, seed)])
    height = density.log_density(places)
    m, n = len(modes), len(places)
    near = np.asarray(KDTree(places[m:]).query(places[m:], k=neighbors + 1)[1])[:, 1:] + m
    close = np.column_stack([np.repeat(np.arange(m, n), neighbors), near.ravel()])
    close = np.unique(np.sort(close, axis=1), axis=0)
    dips_close, close = _split_at_dips(density, places, height, close, 3, n)
    between = np.column_stack(np.triu_indices(m, 1))
    dips_between, between = _split_at_dips(density, places, height, between, 31, n + len(dips_close))
    edges = np.concatenate([close, between])
    places = np.concatenate([places, dips_close, dips_between])
    height = np.concatenate([height, density.log_density(places[n:])])
    highest = height.copy()
    np.maximum.at(highest, edges.ravel(), height[edges[:, ::-1]].ravel())
    lone = m + np.flatnonzero(highest[m:] <= height[m:])
    ends = KDTree(modes).query(_ascend(density, places[lone])[0])[1]
    edges = np.concatenate([edges, np.column_stack([lone, ends])])

    share = np.where(np.arange(len(places)) < n, 1 / n, 0.0)
    within = np.zeros((len(places), density.dim, density.dim))
    within[:m] = spread
    return SampleGraph(places, height, edges), Cells(places, share, share * np.exp(-height), within)


def find_modes(density: GaussianMixture) -> tuple[np.ndarray, np.ndarray]:
    """The modes (m, k) that a mixture's component means climb to, and the covariance (m, k, k) around each.

    References: Carreira-Perpinan 2000, "Mode-finding for mixtures of Gaussian distributions".
    """
    places, spread = _ascend(density, density.means)
    order = np.argsort(-density.log_density(places), kind="stable")
    kept: list[int] = []
    for i in order.tolist():
        offset = places[kept] - places[i]
        distance = np.einsum("mi,mi->m", offset, np.linalg.solve(spread[i], offset.T).T)
        if not (distance < 1e-2).any():
            kept.append(i)
    return places[kept], spread[kept]


def _ascend(density: GaussianMixture, start: np.ndarray, steps: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """Where the fixed-point iteration takes each start, and (sum_c r_c precision_c)^-1 there."""
    precision = np.linalg.inv(density.covariances)
    pull = np.einsum("cij,cj->ci", precision, density.means)
    z = np.array(start, dtype=np.float64)
    spread = np.empty((*z.shape, density.dim))
    moving = np.arange(len(z))
    for _ in range(steps):
        logs = density.log_components(z[moving])
        weight = np.exp(logs - logs.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        inverse = np.linalg.inv(np.einsum("nc,cij->nij", weight, precision))
        target = np.einsum("nij,nj->ni", inverse, weight @ pull)
        moved = np.abs(target - z[moving]).max(axis=1) > 1e-7 * (1 + np.abs(target).max(axis=1))
        z[moving], spread[moving] = target, inverse
        moving = moving[moved]
        if not len(moving):
            break
    return z, spread


def _split_at_dips(
    density: GaussianMixture,
    places: np.ndarray,
    height: np.ndarray,
    edges: np.ndarray,
    inner: int,
    first: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The lowest of `inner` points on edges that dip below both ends, numbers from `first`; split edges."""
    if not len(edges):
        return np.empty((0, density.dim)), edges
    part = np.arange(1, inner + 1)[:, None] / (inner + 1)
    a, b = places[edges[:, 0]], places[edges[:, 1]]
    inside = a[:, None] + part * (b - a)[:, None]
    levels = density.log_density(inside.reshape(-1, density.dim)).reshape(len(edges), inner)
    lowest = levels.argmin(axis=1)
    dips = levels[np.arange(len(edges)), lowest] < height[edges].min(axis=1)
    split, added = edges[dips], first + np.arange(dips.sum())
    halves = [edges[~dips], np.column_stack([split[:, 0], added]), np.column_stack([added, split[:, 1]])]
    return inside[dips, lowest[dips]], np.concatenate(halves)
