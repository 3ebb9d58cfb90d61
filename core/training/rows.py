"""The rows of a data set as a flow takes them: standardized, turned to principal axes, a few at a time.

The table may be larger than memory: nothing here goes through all of it.
"""

import numpy as np
import torch
from torch import Tensor

from core.config import FlowAutoencoderConfig
from core.data.dataset import Dataset
from core.errors import invalid
from core.training.warm_start import principal_basis

__all__ = ["Rows", "check_data"]

_SURVEYED = 200_000
_SURVEYED_NUMBERS = 20_000_000
_MOST_HELD_OUT = 5000
_FEWEST = 100
# Below this share of the largest, a principal variance is rounding of float32 numbers.
_FLAT = 1e-10


class Rows:
    """Standardized rows of `points` (n, d), split into held-out rows and the `training` number of others.

    `shift` (d,), `scale` and `basis` (d+p, d+p) are measured on at most 200,000 rows drawn with `rng`.
    """

    def __init__(self, points: np.ndarray, pad: int, rng: np.random.Generator) -> None:
        n, self.dim = points.shape
        self.points = points
        surveyed = _surveyed(points, rng)
        self.shift = surveyed.mean(0)
        self.scale = float(np.sqrt(surveyed.var(0).mean()))
        self.basis = principal_basis((surveyed - self.shift) / self.scale, pad)
        self.heldout = np.sort(rng.choice(n, min(max(n // 10, 50), _MOST_HELD_OUT), replace=False))
        self.training = n - len(self.heldout)

    def __getitem__(self, rows: np.ndarray) -> Tensor:
        """Rows as the flow takes them (m, d), float32."""
        standard = (self.points[rows].astype(np.float64) - self.shift) / self.scale
        return torch.from_numpy((standard @ self.basis[: self.dim, : self.dim]).astype(np.float32))

    def training_rows(self, places: np.ndarray) -> np.ndarray:
        """The numbers of the rows that stand at `places` (m,) among those not held out."""
        return places + np.searchsorted(self.heldout - np.arange(len(self.heldout)), places, side="right")


def _surveyed(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Enough rows (m, d) float64 to measure what does not need them all."""
    n, d = points.shape
    most = min(_SURVEYED, max(_SURVEYED_NUMBERS // d, 1000))
    if n <= most:
        return points.astype(np.float64)
    return points[np.sort(rng.choice(n, most, replace=False))].astype(np.float64)


def check_data(dataset: Dataset, config: FlowAutoencoderConfig) -> None:
    """Raise `InputError` where the data cannot carry the configuration: too few dimensions or points, no density."""
    n, d = dataset.points.shape
    if "auto" not in (config.latent_dim, config.pad) and int(config.latent_dim) > d + int(config.pad):
        have = f"at most the data's {d} dimensions and {config.pad} pads"
        raise invalid("latent_dim", have, config.latent_dim, "lower it")
    fewest = max(_FEWEST, 2 * d)
    if n < fewest:
        raise invalid("dataset", f"at least {fewest} points for {d} columns", n, "give more points")
    surveyed = _surveyed(dataset.points, np.random.default_rng(0))
    surveyed -= surveyed.mean(0)
    names = dataset.columns or tuple(f"number {index + 1}" for index in range(d))
    spread = surveyed.std(0)
    for flat in np.flatnonzero(spread <= 1e-6 * spread.max()):
        raise invalid("dataset", "a density in every column", f"the constant {names[flat]}", "leave that column out")
    values, vectors = np.linalg.eigh(np.corrcoef(surveyed.T).reshape(d, d))
    if values[0] < _FLAT * values[-1]:
        involved = [names[index] for index in np.argsort(-np.abs(vectors[:, 0]))[:2]]
        got = f"columns that follow from others ({' and '.join(involved)} among them)"
        raise invalid("dataset", "a density in as many dimensions as columns", got, "leave repeated columns out")
