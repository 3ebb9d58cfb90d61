"""Maps from one latent space to another: immutable, composable, invertible.

Every map takes points (n, k_a) to points (n, k_b) and has a derivative. `matrix` and `offset` are its global affine
part; `family` is the name of its family.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import InputError, invalid

__all__ = ["AffineMap", "ComposedMap", "LatentMap", "read_array"]

_SINGULAR = 1e-12


class LatentMap(ABC):
    """A differentiable map z -> T(z) from R^k_a to R^k_b."""

    matrix: np.ndarray
    offset: np.ndarray
    family: str

    def __repr__(self) -> str:
        return f"<{type(self).__name__} ({self.family}) from {self.dim_in} to {self.dim_out} dimensions>"

    @property
    def dim_in(self) -> int:
        """k_a."""
        return self.matrix.shape[1]

    @property
    def dim_out(self) -> int:
        """k_b."""
        return self.matrix.shape[0]

    @abstractmethod
    def __call__(self, z: np.ndarray) -> np.ndarray:
        """T(z) of shape (n, k_b) for points (n, k_a). Raises `InputError` on another width."""

    @abstractmethod
    def jacobian(self, z: np.ndarray) -> np.ndarray:
        """dT/dz of shape (n, k_b, k_a) at points (n, k_a)."""

    @abstractmethod
    def inverse(self) -> "LatentMap":
        """The inverse map. Raises `InputError` if there is none."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The map as a JSON object; `core.maps.map_from_dict` reads it."""

    def log_abs_det(self, z: np.ndarray) -> np.ndarray:
        """log |det dT/dz| of shape (n,), in nats; between different dimensions the log product of singular values."""
        jacobian = self.jacobian(z)
        if self.dim_in == self.dim_out:
            return np.linalg.slogdet(jacobian)[1]
        return np.log(np.maximum(np.linalg.svd(jacobian, compute_uv=False), 1e-300)).sum(-1)

    def with_log_det(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """T(z) (n, k_b) and `log_abs_det` (n,) at points (n, k_a)."""
        return self(z), self.log_abs_det(z)

    def compose(self, other: "LatentMap") -> "LatentMap":
        """The map z -> self(other(z)). Raises `InputError` if the dimensions do not agree."""
        return ComposedMap(self, other)

    def __matmul__(self, other: "LatentMap") -> "LatentMap":
        return self.compose(other)

    def points(self, z: np.ndarray) -> np.ndarray:
        """`z` as float64 of shape (n, k_a). Raises `InputError` on another shape."""
        z = np.asarray(z, dtype=np.float64)
        if z.ndim != 2 or z.shape[1] != self.dim_in:
            raise invalid("z", f"of shape (n, {self.dim_in})", z.shape, "give latents of the first model")
        return z


@dataclass(frozen=True, eq=False, repr=False)
class AffineMap(LatentMap):
    """z -> matrix z + offset, with `matrix` (k_b, k_a) and `offset` (k_b,).

    >>> turn = AffineMap(np.array([[0.0, -1.0], [1.0, 0.0]]), np.array([1.0, 0.0]))
    >>> turn(np.array([[2.0, 0.0]])).tolist()
    [[1.0, 2.0]]
    >>> (turn.inverse() @ turn)(np.array([[2.0, 5.0]])).tolist()
    [[2.0, 5.0]]
    """

    matrix: np.ndarray
    offset: np.ndarray
    family: str = "affine"

    def __post_init__(self) -> None:
        matrix, offset = (np.array(x, dtype=np.float64) for x in (self.matrix, self.offset))
        if matrix.ndim != 2 or offset.shape != matrix.shape[:1]:
            raise invalid(
                "matrix, offset", "of shapes (k_b, k_a) and (k_b,)", f"{matrix.shape} and {offset.shape}", "match them"
            )
        matrix.flags.writeable = offset.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "offset", offset)

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return self.points(z) @ self.matrix.T + self.offset

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        return np.broadcast_to(self.matrix, (len(self.points(z)), *self.matrix.shape))

    def log_abs_det(self, z: np.ndarray) -> np.ndarray:
        return np.full(len(self.points(z)), super().log_abs_det(np.zeros((1, self.dim_in)))[0])

    def inverse(self) -> "AffineMap":
        """The inverse map. Raises `InputError` between different dimensions, or if the matrix is singular."""
        if self.dim_in != self.dim_out:
            raise InputError(f"a map from {self.dim_in} to {self.dim_out} dimensions has no inverse; fit the way back.")
        values = np.linalg.svd(self.matrix, compute_uv=False)
        if values[-1] <= _SINGULAR * values[0]:
            raise InputError("this map flattens a direction and has no inverse; match more nodes.")
        matrix = np.linalg.inv(self.matrix)
        return AffineMap(matrix, -matrix @ self.offset, self.family)

    def compose(self, other: LatentMap) -> LatentMap:
        if not isinstance(other, AffineMap):
            return super().compose(other)
        _must_meet(self, other)
        family = self.family if self.family == other.family else "affine"
        return AffineMap(self.matrix @ other.matrix, self.matrix @ other.offset + self.offset, family)

    def to_dict(self) -> dict[str, Any]:
        return {"family": self.family, "matrix": self.matrix.tolist(), "offset": self.offset.tolist()}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "AffineMap":
        """The map of a JSON object. Raises `InputError` if it is not a valid map."""
        return cls(read_array(document, "matrix", 2), read_array(document, "offset", 1), str(document.get("family")))


@dataclass(frozen=True, eq=False, repr=False)
class ComposedMap(LatentMap):
    """z -> outer(inner(z)), for maps whose composition has no closed form."""

    outer: LatentMap
    inner: LatentMap
    family: str = "composed"

    def __post_init__(self) -> None:
        _must_meet(self.outer, self.inner)

    @property
    def matrix(self) -> np.ndarray:  # type: ignore[override]
        """Global affine part (k_b, k_a)."""
        return self.outer.matrix @ self.inner.matrix

    @property
    def offset(self) -> np.ndarray:  # type: ignore[override]
        """Global affine part (k_b,)."""
        return self.outer.matrix @ self.inner.offset + self.outer.offset

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return self.outer(self.inner(z))

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        return self.outer.jacobian(self.inner(z)) @ self.inner.jacobian(z)

    def inverse(self) -> LatentMap:
        return self.inner.inverse() @ self.outer.inverse()

    def to_dict(self) -> dict[str, Any]:
        return {
            "family": self.family,
            "matrix": self.matrix.tolist(),
            "offset": self.offset.tolist(),
            "outer": self.outer.to_dict(),
            "inner": self.inner.to_dict(),
        }


def _must_meet(outer: LatentMap, inner: LatentMap) -> None:
    if outer.dim_in != inner.dim_out:
        raise invalid(
            "other", f"a map into {outer.dim_in} dimensions", f"one into {inner.dim_out}", "compose maps that meet"
        )


def read_array(document: Mapping[str, Any], key: str, ndim: int) -> np.ndarray:
    """The finite array of `ndim` axes under a key of a JSON object. Raises `InputError` if there is none."""
    try:
        array = np.array(document[key], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        raise invalid(f"map.{key}", "an array of numbers", "none", "write the match anew") from None
    if array.ndim != ndim or not np.isfinite(array).all():
        raise invalid(f"map.{key}", f"a finite array of {ndim} axes", f"{array.ndim}", "write the match anew")
    return array
