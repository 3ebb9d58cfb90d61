"""The tree-guided map: one affine piece per matched leaf, blended by a flow from the global map to the pieces.

    T(z) = M phi(z, 1) + o,   d phi/dt = v(phi, t),   v = sum_i r_i v_i,   r_i = g_i / sum_j g_j.
Piece i is M G_i(z) + o with an affine G_i; v_i is the velocity of z -> (1 - t) z + t G_i(z), g_i the leaf's Gaussian
pushed forward along it, and g_0 = floor, v_0 = 0. A flow cannot fold, so T is a bijection with the orientation of M.
Where leaf i has all responsibility T is piece i; far from every leaf it is M z + o. Without the floor T would push one
mixture of the leaves' Gaussians forward to the other exactly (polyaffine maps: Arsigny et al. 2009, doi
10.1007/s10851-008-0135-9; averaged velocities: Lipman et al. 2023, arXiv 2210.02747).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from core.errors import invalid
from core.gaussians.procrustes import NodePairs
from core.maps.affine import AffineMap, LatentMap, read_array

__all__ = ["InverseTreeMap", "TreeMap", "tree_map"]

_REACH = 4.0
_TOLERANCE = 1e-11
_NEWTON = 12
# The steps of the flow for each deviation that a leaf moves and each e-fold that it stretches, and their bounds.
_PACE, _FEWEST, _MOST = 3, 4, 12


@dataclass(frozen=True, eq=False, repr=False)
class TreeMap(LatentMap):
    """A blend of affine pieces that folds nowhere.

    `matrix` (k, k) and `offset` (k,) are the global map; `weights` (m,), `means` (m, k) and `covariances` (m, k, k)
    describe the leaves, `matrices` (m, k, k) and `offsets` (m, k) their pieces. The floor is the lightest leaf's
    density at `reach` deviations. Raises `InputError` if the global map has no inverse, or if the straight path from it
    to a piece passes a singular map.
    """

    matrix: np.ndarray
    offset: np.ndarray
    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    matrices: np.ndarray
    offsets: np.ndarray
    reach: float = _REACH
    family: str = "tree"

    def __post_init__(self) -> None:
        values = np.linalg.eigvals(self._growth + np.eye(self.dim_in))
        if ((np.abs(values.imag) < 1e-9 * np.abs(values)) & (values.real <= 1e-9)).any():
            raise invalid("matrices", "of pieces that turn as the global map does", "others", "fit the map anew")

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return self.affine(self._flow(self.points(z))[0])

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        z = self.points(z)
        return self.matrix @ self._flow(z, slopes=True)[1]

    def with_log_det(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        moved, slopes = self._flow(self.points(z), slopes=True)
        return self.affine(moved), np.linalg.slogdet(self.matrix @ slopes)[1]

    def inverse(self) -> "InverseTreeMap":
        """The inverse map, which integrates the flow backwards."""
        return InverseTreeMap(self)

    def compose(self, other: LatentMap) -> LatentMap:
        """The map self(other(z)); it is a tree-guided map if `other` is affine and invertible."""
        if not isinstance(other, AffineMap) or other.dim_in != other.dim_out or other.dim_out != self.dim_in:
            return super().compose(other)
        back = other.inverse()
        whole = self.affine @ other
        return replace(
            self,
            matrix=whole.matrix,
            offset=whole.offset,
            means=back(self.means),
            covariances=back.matrix @ self.covariances @ back.matrix.T,
            matrices=self.matrices @ other.matrix,
            offsets=self.offsets + self.matrices @ other.offset,
        )

    @cached_property
    def affine(self) -> AffineMap:
        """The global affine map."""
        return AffineMap(self.matrix, self.offset)

    def responsibilities(self, z: np.ndarray) -> np.ndarray:
        """(m, n): the responsibility r_i of every leaf at points (n, k), at the start of the flow; the floor has the
        rest."""
        return self._responsibilities(self.points(z).T)

    def to_dict(self) -> dict[str, Any]:
        arrays = ("matrix", "offset", "weights", "means", "covariances", "matrices", "offsets")
        return {
            "family": self.family,
            "matrix": self.matrix.tolist(),
            "offset": self.offset.tolist(),
            "reach": self.reach,
            "pieces": {name: getattr(self, name).tolist() for name in arrays[2:]},
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "TreeMap":
        """The map of a JSON object. Raises `InputError` if it is not a valid map."""
        affine = AffineMap.from_dict(document)
        pieces = document.get("pieces")
        if not isinstance(pieces, Mapping):
            raise invalid("map.pieces", "a JSON object", type(pieces).__name__, "write the match anew")
        weights = read_array(pieces, "weights", 1)
        m, k = len(weights), affine.dim_in
        if affine.dim_out != k:
            raise invalid("map.matrix", f"of shape {(k, k)}", affine.matrix.shape, "write the match anew")
        shapes = {"means": (m, k), "covariances": (m, k, k), "matrices": (m, k, k), "offsets": (m, k)}
        arrays = {name: read_array(pieces, name, len(shape)) for name, shape in shapes.items()}
        for name, shape in shapes.items():
            if arrays[name].shape != shape:
                raise invalid(f"map.pieces.{name}", f"of shape {shape}", arrays[name].shape, "write the match anew")
        if m == 0 or (weights <= 0).any() or (np.linalg.eigvalsh(arrays["covariances"]) <= 0).any():
            raise invalid("map.pieces", "of positive weights and covariances", "others", "write the match anew")
        reach = float(read_array(document, "reach", 0))
        return cls(
            affine.matrix,
            affine.offset,
            weights,
            arrays["means"],
            arrays["covariances"],
            arrays["matrices"],
            arrays["offsets"],
            reach,
        )

    @cached_property
    def _growth(self) -> np.ndarray:
        """(m, k, k): the matrix of each G_i minus the identity."""
        return self.affine.inverse().matrix @ self.matrices - np.eye(self.dim_in)

    @cached_property
    def _travel(self) -> np.ndarray:
        """(m, k): the displacement of each leaf's mean under G_i."""
        ends = np.einsum("iba,ia->ib", self.matrices, self.means) + self.offsets
        return self.affine.inverse()(ends) - self.means

    @cached_property
    def _whitening(self) -> np.ndarray:
        """(m, k, k): the inverse Cholesky factor of each covariance."""
        return np.linalg.inv(np.linalg.cholesky(self.covariances))

    @cached_property
    def _log_peaks(self) -> np.ndarray:
        """(m,): log(w_i N(m_i; m_i, C_i)) up to one constant."""
        return np.log(self.weights) - 0.5 * np.linalg.slogdet(self.covariances)[1]

    @cached_property
    def _steps(self) -> int:
        """The number of steps of the flow."""
        grown = np.eye(self.dim_in) + self._growth
        narrow = np.minimum(1.0, np.linalg.svd(grown, compute_uv=False)[:, -1])
        moved = np.linalg.norm(self._whitening @ self._travel[..., None], axis=(1, 2)) / narrow
        stretched = np.abs(np.log(np.abs(np.linalg.eigvals(grown)))).max(axis=1)
        return int(np.clip(np.ceil(_PACE * max(moved.max(), stretched.max())), _FEWEST, _MOST))

    def _flow(self, z: np.ndarray, slopes: bool = False, back: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """phi(z, 1) (n, k) and, with `slopes`, its derivative (n, k, k); `back` integrates from the end to the
        start."""
        from core.maps import compiled

        steps = self._steps
        times = np.linspace(0.0, 1.0, 2 * steps + 1)
        stages = [self._pieces(time) for time in (times[::-1] if back else times)]
        white, means, rates, shifts, peaks = map(np.ascontiguousarray, map(np.stack, zip(*stages, strict=True)))
        step = (-1.0 if back else 1.0) / steps
        z = np.ascontiguousarray(z, dtype=float)
        return compiled.flow(z, white, means, rates, shifts, peaks, self._floor, step, slopes)

    def _pieces(self, time: float) -> tuple[np.ndarray, ...]:
        """The leaves at a time of the flow: the inverse roots of their covariances (m, k, k), their means (m, k), the
        rates (m, k, k) and shifts (m, k) of their affine velocities, and the logarithms of their peaks (m,)."""
        grown = np.eye(self.dim_in) + time * self._growth
        shrink = np.linalg.inv(grown)
        rates, means = self._growth @ shrink, self.means + time * self._travel
        shifts = self._travel - (rates @ means[..., None])[..., 0]
        return self._whitening @ shrink, means, rates, shifts, self._log_peaks - np.linalg.slogdet(grown)[1]

    @cached_property
    def _floor(self) -> float:
        """The logarithm of g_0."""
        return float(self._log_peaks.min() - 0.5 * self.reach**2)

    def _responsibilities(self, z: np.ndarray) -> np.ndarray:
        """r (m, n) at points (k, n)."""
        m, k = self.means.shape
        white = self._whitening
        away = (white.reshape(-1, k) @ z).reshape(m, k, -1) - white @ self.means[..., None]
        log_g = self._log_peaks[:, None] - 0.5 * (away**2).sum(axis=1)
        peak = np.maximum(log_g.max(axis=0), self._floor)
        share = np.exp(log_g - peak)
        share /= share.sum(axis=0) + np.exp(self._floor - peak)
        return share


def tree_map(affine: AffineMap, nodes: NodePairs) -> TreeMap:
    """The tree-guided map with one affine piece per node, which maps mean to mean and covariance to covariance with the
    rotation nearest to that of the global map."""
    back_a, back_b = np.linalg.inv(nodes.roots_a), np.linalg.inv(nodes.roots_b)
    left, _, right = np.linalg.svd(back_b @ affine.matrix @ nodes.roots_a)
    matrices = nodes.roots_b @ left @ right @ back_a
    offsets = nodes.means_b - np.einsum("iba,ia->ib", matrices, nodes.means_a)
    return TreeMap(affine.matrix, affine.offset, nodes.weights, nodes.means_a, nodes.covariances_a, matrices, offsets)


@dataclass(frozen=True, eq=False, repr=False)
class InverseTreeMap(LatentMap):
    """The inverse of a tree-guided map: its flow backwards, then Newton steps to remove the integration error."""

    forward: TreeMap
    family: str = "inverse tree"

    @cached_property
    def matrix(self) -> np.ndarray:  # type: ignore[override]
        """Global affine part (k, k)."""
        return self.forward.affine.inverse().matrix

    @cached_property
    def offset(self) -> np.ndarray:  # type: ignore[override]
        """Global affine part (k,)."""
        return self.forward.affine.inverse().offset

    def __call__(self, z: np.ndarray) -> np.ndarray:
        y = self.points(z)
        forward = self.forward
        goal = forward.affine.inverse()(y)
        found = forward._flow(goal, back=True)[0]
        left = np.full(len(y), np.inf)
        at = np.arange(len(y))
        for _ in range(_NEWTON):
            reached, slope = forward._flow(found[at], slopes=True)
            missed = reached - goal[at]
            error = np.abs(missed).max(axis=1, initial=0.0)
            nearer = (error > _TOLERANCE * (1.0 + np.abs(goal[at]).max(axis=1, initial=0.0))) & (error < left[at])
            left[at] = error
            at = at[nearer]
            if not len(at):
                break
            found[at] -= np.linalg.solve(slope[nearer], missed[nearer, :, None])[..., 0]
        return found

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        return np.linalg.inv(self.forward.jacobian(self(z)))

    def log_abs_det(self, z: np.ndarray) -> np.ndarray:
        return -self.forward.log_abs_det(self(z))

    def inverse(self) -> TreeMap:
        return self.forward

    def to_dict(self) -> dict[str, Any]:
        return {
            "family": self.family,
            "matrix": self.matrix.tolist(),
            "offset": self.offset.tolist(),
            "forward": self.forward.to_dict(),
        }
