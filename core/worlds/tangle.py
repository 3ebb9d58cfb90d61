"""Random volume-preserving maps of R^d that tangle a planted world: rotations, shears and swirls.

Each step has |det J| = 1 and an exact inverse, so a tangled set has the entropy of the set it came from:
  shear   x_i += a sin(w x_j + c), i != j: unit triangular;
  swirl   the plane (x_i, x_j) turned by an angle that depends on its radius only: a rotation on every circle.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["Tangle"]


@dataclass(frozen=True, eq=False)
class Tangle:
    """A composition of `rounds` rotations, shears and swirls of R^dim, drawn with `seed`, as strong as `amount`.

    `amount` 0 is a rotation; 1 bends a set of unit spread about as far as it is wide. `spread` is the set's own size.

    >>> tangle = Tangle(dim=3, seed=0)
    >>> x = np.ones((1, 3))
    >>> bool(np.allclose(tangle.inverse(tangle(x)), x))
    True
    """

    dim: int
    seed: int
    amount: float = 1.0
    rounds: int = 3
    spread: float = 2.0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Images (n, d) of points (n, d)."""
        y = np.asarray(x, dtype=np.float64)
        for rotation, shears, swirl in self._steps():
            y = y @ rotation
            for shear in shears:
                y = _sheared(y, *shear, sign=1)
            y = _swirled(y, *swirl, sign=1)
        return y

    def inverse(self, y: np.ndarray) -> np.ndarray:
        """The points (n, d) whose images are `y` (n, d)."""
        x = np.asarray(y, dtype=np.float64)
        for rotation, shears, swirl in reversed(self._steps()):
            x = _swirled(x, *swirl, sign=-1)
            for shear in reversed(shears):
                x = _sheared(x, *shear, sign=-1)
            x = x @ rotation.T
        return x

    def _steps(self) -> list[tuple[np.ndarray, list[tuple], tuple]]:
        rng = np.random.default_rng([self.seed, self.dim])
        steps = []
        for _ in range(self.rounds):
            rotation = np.linalg.qr(rng.normal(size=(self.dim, self.dim)))[0]
            shears = []
            for moved in rng.permutation(self.dim)[: max(2, self.dim // 2)]:
                by = int(rng.choice([j for j in range(self.dim) if j != moved]))
                size = 0.35 * self.amount * self.spread * rng.uniform(0.5, 1.0)
                shears.append((int(moved), by, size, 2.2 / self.spread, rng.uniform(0, 2 * np.pi)))
            i, j = rng.choice(self.dim, size=2, replace=False)
            swirl = (int(i), int(j), self.amount * rng.uniform(0.4, 0.9) * rng.choice([-1, 1]), self.spread)
            steps.append((rotation, shears, swirl))
        return steps


def _sheared(
    x: np.ndarray, moved: int, by: int, size: float, frequency: float, phase: float, *, sign: int
) -> np.ndarray:
    y = x.copy()
    y[:, moved] += sign * size * np.sin(frequency * x[:, by] + phase)
    return y


def _swirled(x: np.ndarray, i: int, j: int, angle: float, radius: float, *, sign: int) -> np.ndarray:
    y = x.copy()
    turn = sign * angle * np.exp(-0.5 * (x[:, i] ** 2 + x[:, j] ** 2) / radius**2)
    cos, sin = np.cos(turn), np.sin(turn)
    y[:, i] = cos * x[:, i] - sin * x[:, j]
    y[:, j] = sin * x[:, i] + cos * x[:, j]
    return y
