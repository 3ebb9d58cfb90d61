"""One latent density out of two: what is matched is averaged, what only one model knows is kept.

A's components are carried into B's space. Within a pair of matched leaves the components of either side are coupled by
optimal transport and each coupled pair is replaced by the point at the share of the way between the two Gaussians
(a barycenter of mixtures); the leaf's mass is the mean of the two. All other components stay, with their model's share.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.baselines.gaussian import monge_map
from core.baselines.transport import exact_coupling, squared_distances
from core.errors import invalid
from core.gaussians.mixture import GaussianMixture
from core.gaussians.procrustes import square_root
from core.maps.affine import LatentMap
from core.maps.score import HasPrior
from core.match import Matching
from core.tree import LevelSetTree, level_set_tree

__all__ = ["Fusion", "fuse"]

_COUPLED = 1e-9


@dataclass(frozen=True, eq=False)
class Fusion:
    """A latent density in B's space, `prior`, and for each of its components (c,) whether it comes of 'both' models or
    of 'a' or 'b' alone, `origin`."""

    prior: GaussianMixture
    origin: np.ndarray

    @cached_property
    def tree(self) -> LevelSetTree:
        """The level-set tree of the fused density."""
        return level_set_tree(self.prior)

    def mass(self, origin: str) -> float:
        """The probability of the components of an origin: 'both', 'a' or 'b'."""
        return float(self.prior.weights[self.origin == origin].sum())


def fuse(matching: Matching, carry: LatentMap, a: HasPrior, b: HasPrior, share: float = 0.5) -> Fusion:
    """The fusion of two models' latent densities along the matched leaves of their trees, in B's space.

    `carry` is a map from A's latents to B's, such as `fit_map` gives; where it bends, a Gaussian is carried by its
    derivative at the mean. `share` is how much A counts, from 0 to 1. A model fused with itself is itself, and every
    mode that only one of them has is there still. Raises `InputError` for a share out of bounds, and where trees, map
    and densities are not of one dimension.

    References: Delon and Desolneux 2020, "A Wasserstein-type distance in the space of Gaussian mixture models", arXiv
    1907.05254, section 4 (the barycenter).

    >>> from types import SimpleNamespace
    >>> from core.maps import AffineMap
    >>> from core.match import match_trees
    >>> q = GaussianMixture(np.array([0.6, 0.4]), np.array([[0.0, 0.0], [6.0, 1.0]]), np.stack([np.eye(2)] * 2))
    >>> model, tree = SimpleNamespace(prior=q), level_set_tree(q)
    >>> fused = fuse(match_trees(tree, tree), AffineMap(np.eye(2), np.zeros(2)), model, model)
    >>> np.allclose(fused.prior.means, q.means), fused.mass("both")
    (True, 1.0)
    """
    _check(matching, carry, a.prior, b.prior, share)
    carried = _carried(a.prior, carry)
    leaf_a, leaf_b = _leaves(matching.tree_a, a.prior), _leaves(matching.tree_b, b.prior)
    parts: list[tuple[GaussianMixture, str]] = []
    left_a, left_b = np.ones(len(leaf_a), dtype=bool), np.ones(len(leaf_b), dtype=bool)
    for pair in matching.leaf_pairs:
        in_a, in_b = leaf_a == pair.a, leaf_b == pair.b
        if in_a.any() and in_b.any():
            parts.append((_between(_only(carried, in_a), _only(b.prior, in_b), share), "both"))
            left_a, left_b = left_a & ~in_a, left_b & ~in_b
    for mixture, left, weight, origin in ((carried, left_a, share, "a"), (b.prior, left_b, 1 - share, "b")):
        if left.any() and weight > 0:
            rest = _only(mixture, left)
            parts.append((GaussianMixture(weight * rest.weights, rest.means, rest.covariances), origin))
    origin = np.repeat([name for _, name in parts], [len(mixture.weights) for mixture, _ in parts])
    weights = np.concatenate([mixture.weights for mixture, _ in parts])
    prior = GaussianMixture(
        weights / weights.sum(),
        np.concatenate([mixture.means for mixture, _ in parts]),
        np.concatenate([mixture.covariances for mixture, _ in parts]),
    )
    return Fusion(prior, origin)


def _check(matching: Matching, carry: LatentMap, a: GaussianMixture, b: GaussianMixture, share: float) -> None:
    if not 0 <= share <= 1:
        raise invalid("share", "from 0 to 1", share, "say how much the first model counts")
    dims = (matching.tree_a.dim, matching.tree_b.dim, carry.dim_in, carry.dim_out, a.dim, b.dim)
    if len(set(dims)) > 1:
        raise invalid("matching, carry, a, b", "of one latent dimension", dims, "fuse models of one dimension")


def _carried(mixture: GaussianMixture, carry: LatentMap) -> GaussianMixture:
    slopes = carry.jacobian(mixture.means)
    covariances = slopes @ mixture.covariances @ np.swapaxes(slopes, 1, 2)
    return GaussianMixture(mixture.weights, carry(mixture.means), covariances)


def _leaves(tree: LevelSetTree, mixture: GaussianMixture) -> np.ndarray:
    """(c,): the id of the leaf whose basin, taken for a Gaussian, most likely holds the mean of each component."""
    rows = tree.leaves
    basins = GaussianMixture(tree.basin_mass[rows], tree.basin_mean[rows], tree.basin_covariance[rows])
    return tree.id[rows][basins.log_components(mixture.means).argmax(1)]


def _only(mixture: GaussianMixture, kept: np.ndarray) -> GaussianMixture:
    """Some of the components, with the weights that they have."""
    return GaussianMixture(mixture.weights[kept], mixture.means[kept], mixture.covariances[kept])


def _between(a: GaussianMixture, b: GaussianMixture, share: float) -> GaussianMixture:
    """The barycenter of two parts of mixtures, of the mean of their masses."""
    mass = share * a.weights.sum() + (1 - share) * b.weights.sum()
    costs = squared_distances(a.means, b.means) + _bures(a.covariances, b.covariances)
    coupling = exact_coupling(costs, a.weights / a.weights.sum(), b.weights / b.weights.sum())
    rows, columns = np.nonzero(coupling > _COUPLED)
    weights = coupling[rows, columns]
    pairs = [_gaussian_between(a, int(i), b, int(j), share) for i, j in zip(rows, columns, strict=True)]
    means, covariances = (np.stack(part) for part in zip(*pairs, strict=True))
    return GaussianMixture(mass * weights / weights.sum(), means, covariances)


def _gaussian_between(
    a: GaussianMixture, i: int, b: GaussianMixture, j: int, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance at the share of the way from B's component to A's that transport takes."""
    way = monge_map(b.means[j], b.covariances[j], a.means[i], a.covariances[i]).matrix
    step = (1 - share) * np.eye(b.dim) + share * way
    return share * a.means[i] + (1 - share) * b.means[j], step @ b.covariances[j] @ step.T


def _bures(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, m): the squared Bures distances of covariances (n, k, k) and (m, k, k)."""
    roots = square_root(a)[:, None]
    overlap = np.linalg.eigvalsh(roots @ b[None] @ roots)
    trace_a, trace_b = (np.trace(part, axis1=1, axis2=2) for part in (a, b))
    return np.maximum(trace_a[:, None] + trace_b - 2 * np.sqrt(np.maximum(overlap, 0)).sum(-1), 0)
