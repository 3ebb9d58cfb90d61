"""A graph that represents a mixture's density beyond three dimensions: its modes, the saddles between them, samples.

Every sample has an edge to its highest near neighbor without a valley between, or else to the mode to which it ascends;
every saddle has edges to the two modes to which its sides ascend. So two modes are joined at the height of the highest
path over saddles. The search for saddles starts where neighboring samples ascend to different modes, and at the lowest
points of segments between modes. These points are in the graph too, so it is always connected.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import KDTree

from core.errors import invalid
from core.gaussians.mixture import GaussianMixture
from core.tree.attributes import Cells
from core.tree.critical import ascend, find_modes, find_saddles, least_dips, ridge_extremes

__all__ = ["SampleGraph", "sample_graph"]

# The number of starts for a saddle per two basins of samples, and the number of segments per mode.
_CROSSINGS, _PROMISING = 3, 4


@dataclass(frozen=True, eq=False)
class SampleGraph:
    """n vertices `places` (n, k) with `log_density` (n,) in nats, and `edges` (e, 2)."""

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
    """The graph of a mixture and the cells of its vertices.

    Every sample and every mode has an equal share of the mass, and a volume in proportion to its inverse density. A
    mode's cell has the covariance of its component, so the region of a mode with few samples still has a covariance.
    """
    if not isinstance(density, GaussianMixture):
        raise invalid("density", "a GaussianMixture beyond 3 dimensions", type(density).__name__, "fit one")
    points = density.sample(samples, seed)
    close = _neighbors(points, neighbors)
    higher = _climb(density, points, close)
    lone = np.flatnonzero(higher < 0)
    peaked, dipped = ridge_extremes(density)
    modes, spread, top = find_modes(density, np.concatenate([points[lone], density.means, peaked]))
    m = len(modes)
    n = m + samples
    higher = np.where(higher < 0, higher, higher + m)
    higher[lone] = top[: len(lone)]
    climbing = np.column_stack([np.arange(m, n), higher])

    pairs = np.column_stack(np.triu_indices(m, 1))
    dips, low = _lowest_between(density, modes, pairs)
    height = density.log_density(np.concatenate([modes, points]))
    across = _crossings(height[m:], _ends(higher, m)[m:], close)
    start = [dipped, dips[least_dips(pairs, low, _PROMISING)], points[across].mean(axis=1)]
    saddles, joined = _joining(density, modes, np.concatenate(start))
    at_saddle, at_dip = n + np.arange(len(saddles)), n + len(saddles) + np.arange(len(dips))
    edges = [climbing, *(np.column_stack([ends, at_saddle]) for ends in joined.T)]
    edges += [np.column_stack([ends, at_dip]) for ends in pairs.T]
    places = np.concatenate([modes, points, saddles, dips])
    height = np.concatenate([height, density.log_density(saddles), low])

    share = np.where(np.arange(len(places)) < n, 1 / n, 0.0)
    within = np.zeros((len(places), density.dim, density.dim))
    within[:m] = spread
    return SampleGraph(places, height, np.concatenate(edges)), Cells(places, share, share * np.exp(-height), within)


def _neighbors(points: np.ndarray, count: int) -> np.ndarray:
    """(e, 2): each point with its nearest neighbors, every pair once."""
    near = np.asarray(KDTree(points).query(points, k=count + 1)[1])[:, 1:]
    pairs = np.column_stack([np.repeat(np.arange(len(points)), count), near.ravel()])
    return np.unique(np.sort(pairs, axis=1), axis=0)


def _climb(density: GaussianMixture, places: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(n,): the highest neighbor above each vertex without a valley between, -1 if there is none."""
    height, part = density.log_density(places), np.array([0.25, 0.5, 0.75])[:, None]
    a, b = places[edges[:, :1]], places[edges[:, 1:]]
    inner = density.log_density((a + part * (b - a)).reshape(-1, density.dim)).reshape(len(edges), 3)
    edges = edges[inner.min(axis=1) >= height[edges].min(axis=1)]
    up = np.take_along_axis(edges, np.argsort(height[edges], axis=1), axis=1)
    up = up[np.argsort(height[up[:, 1]], kind="stable")]
    higher = np.full(len(places), -1)
    higher[up[:, 0]] = up[:, 1]
    return higher


def _ends(higher: np.ndarray, modes: int) -> np.ndarray:
    """(m + n,): the mode to which each vertex ascends, for `modes` modes and then the vertices that point `higher`."""
    pointer = np.append(np.arange(modes), higher)
    while not np.array_equal(further := pointer[pointer], pointer):
        pointer = further
    return pointer


def _lowest_between(density: GaussianMixture, modes: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lowest point (e, k) of each pair's segment, and its height (e,), among 31 points and then 31 around it."""
    a, away = modes[pairs[:, 0]], modes[pairs[:, 1]] - modes[pairs[:, 0]]
    best, width = np.full(len(pairs), 0.5), 0.5
    low = np.empty(len(pairs))
    for _ in range(2):
        part = np.clip(best[:, None] + width * np.linspace(-1, 1, 31), 0, 1)
        heights = density.log_density((a[:, None] + part[..., None] * away[:, None]).reshape(-1, density.dim))
        heights = heights.reshape(part.shape)
        row, lowest = np.arange(len(pairs)), heights.argmin(axis=1)
        best, low, width = part[row, lowest], heights[row, lowest], width / 15
    return a + best[:, None] * away, low


def _crossings(height: np.ndarray, home: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The highest edges (e, 2) between each two basins, given each vertex's mode."""
    edges = edges[home[edges[:, 0]] != home[edges[:, 1]]]
    pair = np.sort(home[edges], axis=1)
    key = pair[:, 0] * (home.max() + 1) + pair[:, 1]
    order = np.lexsort((-height[edges].min(axis=1), key))
    first = np.flatnonzero(np.diff(key[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    return edges[order[rank < _CROSSINGS]]


def _joining(density: GaussianMixture, modes: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The saddles (s, k) to which the starts lead, and the two modes (s, 2) that each joins."""
    saddles, sides = find_saddles(density, start)
    ends = ascend(density, sides.reshape(-1, density.dim))[0]
    joined = np.asarray(KDTree(modes).query(ends)[1]).reshape(-1, 2)
    distinct = joined[:, 0] != joined[:, 1]
    return saddles[distinct], joined[distinct]
