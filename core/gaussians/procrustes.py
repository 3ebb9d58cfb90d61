"""Procrustes analysis of Gaussians: the affine map that best maps Gaussians to Gaussians, pair by pair.

For nodes of weight w_i, means a_i, b_i and covariances A_i, B_i, the map z -> M z + o minimizes
    sum_i w_i W2^2(N(M a_i + o, M A_i M^T), N(b_i, B_i))
        = min over orthogonal R_i of sum_i w_i (|M a_i + o - b_i|^2 + |M A_i^1/2 - B_i^1/2 R_i|^2).
Given M the best R_i is the polar factor of B_i^1/2 M A_i^1/2; given R, M solves a Procrustes problem with moments S, N.
The two steps alternate, from many starts at once (Delon and Desolneux 2020, arXiv 1907.05254).
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

__all__ = [
    "NodePairs",
    "Step",
    "affine_step",
    "descend",
    "orthogonal_step",
    "similarity_step",
    "solve",
    "square_root",
    "translation_step",
]

Step = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""The matrices M (s, k_b, k_a) of a family that minimize tr(M S M^T) - 2 tr(M^T N), given N (s, k_b, k_a) and S
(k_a, k_a) or (s, k_a, k_a)."""

_FLOOR = 1e-10
_PAIRS = 3, 10
_EARLY, _LATE = 8, 100


@dataclass(frozen=True, eq=False)
class NodePairs:
    """n matched nodes: `weights` (n,) that sum to one, `means_a` (n, k_a), `covariances_a` (n, k_a, k_a), and those of
    b."""

    weights: np.ndarray
    means_a: np.ndarray
    covariances_a: np.ndarray
    means_b: np.ndarray
    covariances_b: np.ndarray

    def __len__(self) -> int:
        return len(self.weights)

    def without(self, i: int) -> "NodePairs":
        """All but the i-th pair."""
        return self.only(np.arange(len(self)) != i)

    def only(self, kept: np.ndarray) -> "NodePairs":
        """The pairs of a mask (n,), with weights that sum to one."""
        weights = self.weights[kept]
        return NodePairs(
            weights / weights.sum(),
            self.means_a[kept],
            self.covariances_a[kept],
            self.means_b[kept],
            self.covariances_b[kept],
        )

    def exchanged(self, i: int, j: int) -> "NodePairs":
        """The pairs with the partners of the i-th and the j-th exchanged."""
        order = np.arange(len(self))
        order[[i, j]] = j, i
        return replace(self, means_b=self.means_b[order], covariances_b=self.covariances_b[order])

    @cached_property
    def center_a(self) -> np.ndarray:
        """The weighted mean of the nodes' means (k_a,)."""
        return self.weights @ self.means_a

    @cached_property
    def center_b(self) -> np.ndarray:
        """The weighted mean of the nodes' means (k_b,)."""
        return self.weights @ self.means_b

    @cached_property
    def roots_a(self) -> np.ndarray:
        """(n, k_a, k_a): square roots of the covariances."""
        return square_root(self.covariances_a)

    @cached_property
    def roots_b(self) -> np.ndarray:
        """(n, k_b, k_b): square roots of the covariances."""
        return square_root(self.covariances_b)

    @cached_property
    def spread(self) -> np.ndarray:
        """S (k_a, k_a): the nodes' total second moment about the center."""
        centered = self.means_a - self.center_a
        return (self.weights * centered.T) @ centered + np.tensordot(self.weights, self.covariances_a, 1)

    @cached_property
    def between(self) -> np.ndarray:
        """(k_b, k_a): the part of N that the means contribute."""
        return (self.weights * (self.means_b - self.center_b).T) @ (self.means_a - self.center_a)

    @cached_property
    def size_b(self) -> float:
        """The second moment of B's nodes about their center, which is W2^2 at M = 0."""
        centered = self.means_b - self.center_b
        return float(self.weights @ ((centered**2).sum(1) + np.trace(self.covariances_b, axis1=1, axis2=2)))

    @cached_property
    def unspanned(self) -> np.ndarray:
        """(r, k_a, k_a): the reflections that keep A's means, orthogonal where the nodes' mean covariance is the
        identity. There are none if the means span the space."""
        root = square_root(np.tensordot(self.weights, self.covariances_a, 1))
        back = np.linalg.inv(root)
        _, values, axes = np.linalg.svd(np.sqrt(self.weights)[:, None] * (self.means_a - self.center_a) @ back)
        values = np.concatenate((values, np.zeros(len(root) - len(values)))) if len(values) < len(root) else values
        normals = axes[values < 0.05 * max(values[0], 1e-300)]
        return np.array([root @ (np.eye(len(root)) - 2 * np.outer(v, v)) @ back for v in normals])

    def moments(self, matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """N (s, k_b, k_a) under the optimal couplings for M (s, k_b, k_a), and the cost (s,) of each M."""
        rotations, overlap = _polar_and_norm(self.roots_b @ matrices[:, None] @ self.roots_a)
        within = (self.roots_b * self.weights[:, None, None]) @ rotations @ self.roots_a
        linear = (matrices * self.between).sum((1, 2)) + overlap @ self.weights
        quadratic = ((matrices @ self.spread) * matrices).sum((1, 2))
        return self.between + within.sum(1), quadratic - 2 * linear + self.size_b

    def distances(self, matrix: np.ndarray) -> np.ndarray:
        """(n,): W2^2 between each node's image under a linear map (k_b, k_a), about the centers, and its partner."""
        residual = (self.means_a - self.center_a) @ matrix.T - (self.means_b - self.center_b)
        return (residual**2).sum(1) + self.bures(matrix)

    def bures(self, matrix: np.ndarray) -> np.ndarray:
        """(n,): the squared Bures distance of the covariances under a linear map (k_b, k_a), a part of W2^2."""
        images = matrix @ self.roots_a
        overlap = _polar_and_norm(self.roots_b @ images)[1]
        return np.maximum((images**2).sum((1, 2)) + np.trace(self.covariances_b, axis1=1, axis2=2) - 2 * overlap, 0.0)

    def starts(self) -> np.ndarray:
        """(s, k_b, k_a): the linear maps that the alternation starts from."""
        of_means = self.from_means(self.between)
        if self.means_a.shape[1] != self.means_b.shape[1]:
            return of_means
        heavy = np.argsort(-self.weights, kind="stable")
        pairs = list(itertools.combinations(heavy[:6], 2))[: _PAIRS[len(self.unspanned) > 0]]
        return np.stack([*of_means, *(self._of_two(int(i), int(j)) for i, j in pairs)])

    def from_means(self, between: np.ndarray) -> np.ndarray:
        """(1 or 2, ..., k_b, k_a): the linear maps that the means' part of N (..., k_b, k_a) suggests: least squares,
        and between equal dimensions the best rotation where the nodes' mean covariances are the identity."""
        centered = self.means_a - self.center_a
        means_alone = between @ np.linalg.pinv((self.weights * centered.T) @ centered, rcond=1e-9, hermitian=True)
        if self.means_a.shape[1] != self.means_b.shape[1]:
            return means_alone[None]
        pooled_a, pooled_b = (
            square_root(np.tensordot(self.weights, c, 1)) for c in (self.covariances_a, self.covariances_b)
        )
        back_a, back_b = np.linalg.inv(pooled_a), np.linalg.inv(pooled_b)
        return np.stack([means_alone, pooled_b @ _polar(back_b @ between @ back_a) @ back_a])

    def _of_two(self, i: int, j: int) -> np.ndarray:
        """The linear map that two nodes determine: it maps the first covariance exactly and the axes of the second,
        relative to the first, in their order, with signs from the difference of the means."""
        frames, differences = [], []
        for means, covariances, roots in (
            (self.means_a, self.covariances_a, self.roots_a),
            (self.means_b, self.covariances_b, self.roots_b),
        ):
            white = np.linalg.inv(roots[i])
            axes = np.linalg.eigh(white @ covariances[j] @ white)[1]
            frames.append(axes.T @ white)
            differences.append(frames[-1] @ (means[j] - means[i]))
        signs = np.where(differences[0] * differences[1] < 0, -1.0, 1.0)
        return np.linalg.solve(frames[1], signs[:, None] * frames[0])


def _polar(matrices: np.ndarray) -> np.ndarray:
    left, _, right = np.linalg.svd(matrices, full_matrices=False)
    return left @ right


def _polar_and_norm(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The orthogonal polar factors (..., k_b, k_a) of matrices, and their nuclear norms (...,).

    For 2 x 2 there is a closed form: a matrix is the sum of a scaled rotation and a scaled reflection, and the larger
    of the two is the factor."""
    if matrices.shape[-2:] != (2, 2):
        left, values, right = np.linalg.svd(matrices, full_matrices=False)
        return left @ right, values.sum(-1)
    (p, q), (r, s) = np.moveaxis(matrices, (-2, -1), (0, 1))
    sign = np.where(p * s - q * r < 0, -1.0, 1.0)
    along, across = p + sign * s, r - sign * q
    norm = np.hypot(along, across)
    scale = np.maximum(norm, 1e-300)
    along, across = np.where(norm > 0, along / scale, 1.0), across / scale
    factors = np.stack((np.stack((along, -sign * across), axis=-1), np.stack((across, sign * along), axis=-1)), axis=-2)
    return factors, norm


def square_root(covariances: np.ndarray) -> np.ndarray:
    """The symmetric square roots of positive semi-definite matrices (..., k, k), with a floor on the eigenvalues."""
    values, axes = np.linalg.eigh(covariances)
    values = np.maximum(values, _FLOOR * np.maximum(values[..., -1:], 1e-300))
    return (axes * np.sqrt(values)[..., None, :]) @ np.swapaxes(axes, -1, -2)


def affine_step(cross: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The `Step` of all matrices."""
    return np.swapaxes(np.linalg.solve(spread, np.swapaxes(cross, 1, 2)), 1, 2)


def orthogonal_step(cross: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The `Step` of rotations and reflections."""
    return _polar(cross)


def similarity_step(cross: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The `Step` of rotations and reflections with one scale."""
    left, values, right = np.linalg.svd(cross)
    return (values.sum(1) / np.trace(spread, axis1=-2, axis2=-1))[:, None, None] * (left @ right)


def translation_step(cross: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The `Step` of the identity alone."""
    return np.broadcast_to(np.eye(spread.shape[-1]), cross.shape)


def solve(nodes: NodePairs, step: Step) -> tuple[np.ndarray, float]:
    """The matrix (k_b, k_a) of least cost in the family of `step`, and that cost as a share of `size_b`."""
    matrices = nodes.starts()
    if step is not affine_step:
        matrices = step(matrices, nodes.spread)
    for _ in range(_EARLY):
        matrices = step(nodes.moments(matrices)[0], nodes.spread)
    best = int(nodes.moments(matrices)[1].argmin())
    matrices, costs = descend(nodes, step, matrices[[best]])
    return matrices[0], float(costs[0])


def descend(nodes: NodePairs, step: Step, matrices: np.ndarray, rounds: int = _LATE) -> tuple[np.ndarray, np.ndarray]:
    """The local optima (s, k_b, k_a) that the alternation reaches from some matrices, and their costs (s,) as shares of
    `size_b`.

    The alternation converges linearly. Every second step is extrapolated, unless that increases the cost.

    References: Varadhan and Roland 2008, "Simple and globally convergent methods for accelerating the convergence of
    any EM algorithm".
    """
    previous = np.full(len(matrices), np.inf)
    for _ in range(rounds):
        cross, costs = nodes.moments(matrices)
        if (previous - costs <= 1e-15 * nodes.size_b).all():
            break
        previous = costs
        once = step(cross, nodes.spread)
        twice = step(nodes.moments(once)[0], nodes.spread)
        first, bend = once - matrices, twice - 2 * once + matrices
        stretch = _norm(first) / np.maximum(_norm(bend), 1e-300)
        stretch = np.clip(stretch, 1.0, 1e3)[:, None, None]
        far = matrices + 2 * stretch * first + stretch**2 * bend
        far = step(nodes.moments(far)[0], nodes.spread)
        pays = nodes.moments(far)[1] < nodes.moments(twice)[1]
        matrices = np.where(pays[:, None, None], far, twice)
    return matrices, np.maximum(nodes.moments(matrices)[1], 0.0) / nodes.size_b


def _norm(matrices: np.ndarray) -> np.ndarray:
    return np.sqrt((matrices**2).sum((1, 2)))
