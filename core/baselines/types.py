"""What translators take and give: two clouds of latents, with their densities where they are known, and pairs."""

from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Protocol

import numpy as np

from core.errors import invalid
from core.maps.score import HasPrior

__all__ = ["Fit", "Latents", "Method", "Pairs", "Translator", "class_numbers"]


class Translator(Protocol):
    """A map from one latent space to another; an affine or tree-guided one is a `core.maps.LatentMap`."""

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Latents (n, k_b) of B for latents (n, k_a) of A. Raises `InputError` on another width."""
        ...


@dataclass(frozen=True, eq=False)
class Latents:
    """A latent space as a translator sees it: `points` (n, k) drawn from it, its `model` where there is one, and the
    points' classes `labels` (n,) where they are known.

    Raises `InputError` where the points are no finite table of k + 2 rows or more, or the labels not one for each.
    """

    points: np.ndarray
    model: HasPrior | None = None
    labels: np.ndarray | None = None

    def __post_init__(self) -> None:
        points = _table("points", self.points)
        if len(points) < points.shape[1] + 2:
            raise invalid("points", f"{points.shape[1] + 2} or more", len(points), "draw more latents")
        object.__setattr__(self, "points", points)
        _one_each(self.labels, len(points), "point")

    @property
    def dim(self) -> int:
        """Latent dimension k."""
        return self.points.shape[1]

    def some(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n of the points without replacement, or all of them where there are fewer, in random order."""
        return self.points[rng.permutation(len(self.points))[:n]]


@dataclass(frozen=True, eq=False)
class Pairs:
    """n latents of the same inputs in both spaces: `a` (n, k_a), `b` (n, k_b), and `labels` (n,) where there are any.

    Raises `InputError` where they are no finite tables of one length, or fewer than two.
    """

    a: np.ndarray
    b: np.ndarray
    labels: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("a", "b"):
            object.__setattr__(self, name, _table(name, getattr(self, name)))
        if len(self.a) != len(self.b):
            raise invalid("pairs", "two tables of as many rows", f"{len(self.a)} and {len(self.b)}", "pair the rows")
        if len(self.a) < 2:
            raise invalid("pairs", "2 or more", len(self.a), "give more of them")
        _one_each(self.labels, len(self.a), "pair")

    def __len__(self) -> int:
        return len(self.a)

    def at(self, rows: np.ndarray) -> "Pairs":
        """The pairs in some rows."""
        return Pairs(self.a[rows], self.b[rows], None if self.labels is None else self.labels[rows])

    def halves(self, seed: int) -> tuple["Pairs", "Pairs"]:
        """Two random halves: one to fit to, one to judge by. Raises `InputError` where a half fixes no affine map."""
        least = 2 * (self.a.shape[1] + 2)
        if len(self) < least:
            raise invalid("pairs", f"{least} or more", len(self), "give more of them")
        rows = np.random.default_rng(seed).permutation(len(self))
        return self.at(rows[: len(self) // 2]), self.at(rows[len(self) // 2 :])


Fit = Callable[[Latents, Latents, Pairs | None, int], Translator]


@dataclass(frozen=True)
class Method:
    """A way to find a translator: `home`, the "module:function" that does it, and what it needs: `pairs`, latent spaces
    of one dimension (`same_dim`), models with a density on both sides (`models`), or classes of points on both sides
    (`labels`). `few` marks those that need fewer pairs than fix an affine map, `ours` those that start from level-set
    trees; `says` is one line on what it does, `source` where it comes from."""

    home: str
    says: str
    source: str
    pairs: bool = False
    same_dim: bool = True
    models: bool = False
    ours: bool = False
    labels: bool = False
    few: bool = False

    @property
    def fit(self) -> Fit:
        """The function, loaded now."""
        return resolve_name(self.home)


def class_numbers(labels: np.ndarray, inputs: np.ndarray, classes: int | None = None) -> np.ndarray:
    """`labels` (n,) as int64. Raises `InputError` where there are no inputs, where the labels are not one for each, and
    where they are no whole numbers from 0 on, below the number of `classes` if that is known."""
    labels = np.asarray(labels)
    if not len(inputs):
        raise invalid("inputs", "one or more", 0, "give some")
    _one_each(labels, len(inputs), "input")
    known = "from 0 on" if classes is None else f"from 0 to {classes - 1}"
    if labels.dtype.kind not in "iu":
        raise invalid("labels", f"whole numbers {known}", labels.dtype, "number the classes")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or (classes is not None and high >= classes):
        raise invalid("labels", f"whole numbers {known}", f"{low} to {high}", "number them as the network does")
    return labels.astype(np.int64)


def _one_each(labels: np.ndarray | None, n: int, of: str) -> None:
    if labels is not None and np.shape(labels) != (n,):
        raise invalid("labels", f"one per {of} ({n})", f"shape {np.shape(labels)}", f"label each {of}")


def _table(name: str, array: np.ndarray) -> np.ndarray:
    array = np.asarray(array)
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "fiub":
        raise invalid(name, "a table (n, k) of numbers", f"shape {array.shape}", "give one row per point")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise invalid(name, "finite", "NaN or infinity", "drop those rows")
    return array
