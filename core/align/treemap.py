"""The tree-guided map: one affine piece per matched leaf, blended by leaf responsibilities.

    T(z) = sum_i r_i(z) (A_i z + c_i),   r_i = g_i / sum_j g_j,   g_i = w_i N(z; m_i, C_i),   g_0 = floor,
where piece 0 is the global affine map. Far from every leaf the floor outweighs the Gaussians and T is that map.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from core.align.maps import AffineMap, LatentMap, read_array
from core.errors import invalid

__all__ = ["InverseTreeMap", "TreeMap"]

_REACH = 4.0
_TOLERANCE = 1e-11
_STEPS = 60


@dataclass(frozen=True, eq=False)
class TreeMap(LatentMap):
    """A blend of affine pieces.

    `matrix` (k_b, k_a) and `offset` (k_b,) are the global map; `weights` (m,), `means` (m, k_a) and `covariances`
    (m, k_a, k_a) describe the leaves, `matrices` (m, k_b, k_a) and `offsets` (m, k_b) their pieces. The floor is the
    lightest leaf's density at `reach` deviations.
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

    def __call__(self, z: np.ndarray) -> np.ndarray:
        z = self.points(z)
        responsibility, _ = self._responsibilities(z, slopes=False)
        return np.einsum("in,inb->nb", responsibility, self._pieces(z))

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        z = self.points(z)
        responsibility, slopes = self._responsibilities(z)
        # grad r_i = r_i (grad log g_i - sum_j r_j grad log g_j)
        slopes = responsibility[..., None] * (slopes - np.einsum("in,ina->na", responsibility, slopes))
        linear = np.einsum("in,iba->nba", responsibility, self._all_matrices)
        return linear + np.einsum("inb,ina->nba", self._pieces(z), slopes)

    def inverse(self) -> "InverseTreeMap":
        """The map back, by Newton steps. Raises `InputError` where the global map has no inverse."""
        self.affine.inverse()
        return InverseTreeMap(self)

    def compose(self, other: LatentMap) -> LatentMap:
        """self(other(z)); again a tree-guided map where `other` is affine and invertible."""
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

    @property
    def affine(self) -> AffineMap:
        """The global affine map."""
        return AffineMap(self.matrix, self.offset)

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
        """The map of a JSON object. Raises `InputError` on shapes and values that are no map."""
        affine = AffineMap.from_dict(document)
        pieces = document.get("pieces")
        if not isinstance(pieces, Mapping):
            raise invalid("map.pieces", "a JSON object", type(pieces).__name__, "write the match anew")
        weights = read_array(pieces, "weights", 1)
        (k_b, k_a), m = affine.matrix.shape, len(weights)
        shapes = {
            "means": (m, k_a),
            "covariances": (m, k_a, k_a),
            "matrices": (m, k_b, k_a),
            "offsets": (m, k_b),
        }
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
    def _all_matrices(self) -> np.ndarray:
        """(m + 1, k_b, k_a): the global map, then the pieces."""
        return np.concatenate((self.matrix[None], self.matrices))

    @cached_property
    def _all_offsets(self) -> np.ndarray:
        return np.concatenate((self.offset[None], self.offsets))

    @cached_property
    def _precisions(self) -> np.ndarray:
        return np.linalg.inv(self.covariances)

    @cached_property
    def _log_peaks(self) -> np.ndarray:
        """(m,): log(w_i N(m_i; m_i, C_i)) up to one constant."""
        return np.log(self.weights) - 0.5 * np.linalg.slogdet(self.covariances)[1]

    def _pieces(self, z: np.ndarray) -> np.ndarray:
        """(m + 1, n, k_b): each piece at each point."""
        return z @ np.swapaxes(self._all_matrices, 1, 2) + self._all_offsets[:, None, :]

    def _responsibilities(self, z: np.ndarray, slopes: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """r (m + 1, n), and grad log g (m + 1, n, k_a) where asked for."""
        away = z[None] - self.means[:, None, :]
        pulled = away @ self._precisions
        log_g = np.empty((len(self.means) + 1, len(z)))
        log_g[0] = self._log_peaks.min() - 0.5 * self.reach**2
        log_g[1:] = self._log_peaks[:, None] - 0.5 * (pulled * away).sum(-1)
        log_g -= log_g.max(axis=0)
        responsibility = np.exp(log_g)
        responsibility /= responsibility.sum(axis=0)
        if not slopes:
            return responsibility, pulled
        return responsibility, np.concatenate((np.zeros((1, *z.shape)), -pulled))


@dataclass(frozen=True, eq=False)
class InverseTreeMap(LatentMap):
    """The inverse of a tree-guided map, found point by point with damped Newton steps.

    Where that map folds space and a point has no preimage, the point whose image comes closest is given.
    """

    forward: TreeMap
    family: str = "inverse tree"

    @cached_property
    def matrix(self) -> np.ndarray:  # type: ignore[override]
        """Global affine part (k_a, k_b)."""
        return self.forward.affine.inverse().matrix

    @cached_property
    def offset(self) -> np.ndarray:  # type: ignore[override]
        """Global affine part (k_a,)."""
        return self.forward.affine.inverse().offset

    def __call__(self, z: np.ndarray) -> np.ndarray:
        y = self.points(z)
        if not len(y):
            return y.copy()
        scale = 1.0 + np.abs(y).max(axis=1)
        starts = self._starts(y)
        best, best_error = starts[0], np.full(len(y), np.inf)
        open_ = np.arange(len(y))
        for start in starts:
            found, error = self._newton(start[open_], y[open_])
            better = error < best_error[open_]
            best[open_[better]], best_error[open_[better]] = found[better], error[better]
            open_ = np.flatnonzero(best_error > 1e-9 * scale)
            if not len(open_):
                break
        return best

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        return np.linalg.pinv(self.forward.jacobian(self(z)))

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

    def _starts(self, y: np.ndarray) -> np.ndarray:
        """(s, n, k): preimages under each piece alone, for every point the best first."""
        forward = self.forward
        back = np.linalg.pinv(forward._all_matrices)
        starts = (y[None] - forward._all_offsets[:, None, :]) @ np.swapaxes(back, 1, 2)
        errors = np.stack([((forward(start) - y) ** 2).sum(1) for start in starts])
        return np.take_along_axis(starts, np.argsort(errors, axis=0)[..., None], axis=0)

    def _newton(self, z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Levenberg-Marquardt on |T(z) - y|^2, every point with its own damping: points (n, k) and distances (n,)."""
        z, damping = z.copy(), np.full(len(z), 1e-6)
        away = self.forward(z) - y
        error = np.linalg.norm(away, axis=1)
        goal = _TOLERANCE * (1.0 + np.abs(y).max(axis=1))
        eye = np.eye(z.shape[1])
        for _ in range(_STEPS):
            at = np.flatnonzero((error > goal) & (damping < 1e9))
            if not len(at):
                break
            slope = self.forward.jacobian(z[at])
            turned = np.swapaxes(slope, 1, 2)
            normal = turned @ slope
            size = np.trace(normal, axis1=1, axis2=2)[:, None, None] / len(eye)
            step = np.linalg.solve(
                normal + (damping[at, None, None] * size + 1e-300) * eye, turned @ away[at][..., None]
            )[..., 0]
            there = z[at] - step
            new = self.forward(there) - y[at]
            new_error = np.linalg.norm(new, axis=1)
            good = new_error < error[at]
            kept = at[good]
            z[kept], away[kept], error[kept] = there[good], new[good], new_error[good]
            damping[at] = np.where(good, np.maximum(damping[at] * 0.1, 1e-12), damping[at] * 8)
        return z, error
