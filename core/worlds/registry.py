"""The built-in sets by name, and one call that loads a name or a file."""

import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from pathlib import Path

import numpy as np

from core.data.bounds import most_of
from core.data.dataset import Dataset, Topology
from core.data.formats import SUFFIXES
from core.data.readers import read_dataset
from core.errors import InputError, invalid
from core.gaussians.mixture import GaussianMixture
from core.worlds.knots import KNOTS, Knot
from core.worlds.tangled import WORLDS, World

__all__ = ["DEFAULT_POINTS", "DatasetInfo", "Planted", "dataset_info", "dataset_names", "load_dataset", "planted"]

DEFAULT_POINTS = 16_000
_MOST_POINTS = 20_000_000
_BUILT_IN: dict[str, World | Knot] = {**KNOTS, **WORLDS}


@dataclass(frozen=True)
class DatasetInfo:
    """A built-in set: its `name`, dimension `dim`, `topology`, and differential `entropy` in nats."""

    name: str
    dim: int
    topology: Topology
    entropy: float


@dataclass(frozen=True, eq=False)
class Planted:
    """What was planted: the density of the `plane` and the mode (c,) of each of its Gaussians, which the labels of
    points number too, the `topology`, and the differential `entropy` in nats of data of dimension `dim`.

    `sample(n, seed)` draws a data set whose `latent` lies in the plane. `log_density` gives log p (n,) in nats at
    points (n, d); it is None for knots, whose entropy alone is known.
    """

    name: str
    dim: int
    plane: GaussianMixture
    modes: np.ndarray
    topology: Topology
    entropy: float
    sample: Callable[[int, int], Dataset]
    log_density: Callable[[np.ndarray], np.ndarray] | None = None


def dataset_names() -> tuple[str, ...]:
    """Names of the built-in sets."""
    return tuple(_BUILT_IN)


def dataset_info(name: str) -> DatasetInfo:
    """What is known of a built-in set. Raises `InputError` for a name that is none."""
    planted = _planted(name)
    return DatasetInfo(name, planted.dim, planted.topology, planted.entropy)


def planted(name: str) -> Planted | None:
    """What was planted in the built-in set or case of the hard suite of that name; None for any other name."""
    source = _BUILT_IN.get(name) or _case(name)
    if source is None:
        return None
    world = isinstance(source, World)
    return Planted(
        name,
        source.dim,
        source.mixture if world else source.plane,
        source.modes,
        source.topology,
        source.entropy,
        partial(source.sample, name),
        source.log_density if world else None,
    )


def load_dataset(name_or_path: str | Path, seed: int = 0, n: int | None = None, key: str | None = None) -> Dataset:
    """A built-in set of `n` points (default 16,000) drawn with `seed`, or the points in a file.

    Files end in one of `core.data.formats.SUFFIXES`; a folder of .safetensors shards and their index are taken too. Of
    a file, `n` takes the first rows, and `key` chooses among several tables (see
    `core.data.readers.read_dataset`). A built-in name means the set, whatever lies in the
    folder. Raises `InputError` for a name that is none, for a file that cannot be taken and for `seed` or `n` that is
    no such number.

    >>> load_dataset("trefoil", n=100).points.shape
    (100, 3)
    """
    if not isinstance(name_or_path, str | Path):
        raise invalid("name_or_path", "a name or a path", name_or_path, "see `topoviz datasets`")
    name = str(name_or_path)
    in_file = name not in _BUILT_IN and (Path(name).suffix.lower() in SUFFIXES or os.path.exists(name))
    most = most_of(Path(name)).rows if in_file else _MOST_POINTS
    if n is not None and not (_is_whole(n) and 1 <= n <= most):
        raise invalid("n", f"a whole number from 1 to {most:,}", n, "choose another number of points")
    if not (_is_whole(seed) and seed >= 0):
        raise invalid("seed", "a whole number from 0", seed, "choose another seed")
    if in_file:
        return read_dataset(name, key).head(n)
    if key is not None:
        raise invalid("key", "left out for a built-in set", key, "name a file")
    return _planted(name).sample(name, int(n or DEFAULT_POINTS), int(seed))


def _is_whole(number: object) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool)


def _case(name: str) -> World | None:
    # On first use: the suite reads trees, and a list of names should not wait for what trees need.
    from core.worlds.suite import CASES

    return next((case.world for case in CASES if case.name == name), None)


def _planted(name: str) -> World | Knot:
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    close = difflib.get_close_matches(name, _BUILT_IN, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "see `topoviz datasets`."
    raise InputError(f"there is no built-in set and no file called {_shortened(name)!r}; {hint}")


def _shortened(name: str) -> str:
    return name if len(name) <= 80 else name[:77] + "..."
