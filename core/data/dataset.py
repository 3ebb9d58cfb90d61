"""A data set: points with what is known of them, from the names of its columns to the entropy of its density."""

from dataclasses import dataclass, replace

import numpy as np

from core.data.spool import finite_rows
from core.errors import invalid

__all__ = ["Dataset", "Topology"]


@dataclass(frozen=True)
class Topology:
    """What is known of the level sets of a planted density.

    `leaves` counts its modes, `betti` is (components, holes) of the latent superlevel set in which every mode has
    joined, `sentence` says the same to a person.
    """

    leaves: int
    betti: tuple[int, int]
    sentence: str


@dataclass(frozen=True, eq=False)
class Dataset:
    """Points (n, d) float32 with what is known of them; those of a large file are a read-only `np.memmap`.

    `labels` (n,) int64 number the planted mode of each point (-1: of none). `latent` (n, k) float32 holds the planted
    coordinates before the tangle, `entropy` the differential entropy of the density in nats. `notes` says in
    sentences what a reader dropped or changed. `rows` (n,) int64 are the points' rows among the `file_rows` of the file
    that they came from, None where they are all of them. Raises `InputError` on points that no model could take.
    """

    name: str
    points: np.ndarray
    labels: np.ndarray | None = None
    latent: np.ndarray | None = None
    entropy: float | None = None
    topology: Topology | None = None
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    rows: np.ndarray | None = None
    file_rows: int | None = None

    def __post_init__(self) -> None:
        if self.points.ndim != 2:
            raise invalid("points", "a table (n, d)", f"shape {self.points.shape}", "give one row per point")
        if bad := len(self) - int(np.count_nonzero(finite_rows(self.points))):
            raise invalid("points", "finite", f"{bad} rows with NaN or infinity", "drop those rows")
        for name in ("labels", "latent"):
            value = getattr(self, name)
            if value is not None and len(value) != len(self.points):
                raise invalid(name, f"as long as points ({len(self.points)})", len(value), "give one per point")

    @property
    def dim(self) -> int:
        """Number of columns d."""
        return self.points.shape[1]

    def __len__(self) -> int:
        return len(self.points)

    def head(self, n: int | None) -> "Dataset":
        """The first `n` points (all of them for None)."""
        if n is None or n >= len(self):
            return self
        rest = {key: value[:n] for key in ("labels", "latent") if (value := getattr(self, key)) is not None}
        rows = np.arange(n) if self.rows is None else self.rows[:n]
        return replace(self, points=self.points[:n], rows=rows, file_rows=self.file_rows or len(self), **rest)
