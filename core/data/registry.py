"""The built-in sets by name, and one call that loads a name or a file."""

import difflib
import os
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path

from core.data.bounds import most_of
from core.data.dataset import Dataset, Topology
from core.data.knots import KNOTS, Knot
from core.data.readers import SUFFIXES, read_dataset
from core.data.worlds import WORLDS, World
from core.errors import InputError, invalid

__all__ = ["DEFAULT_POINTS", "DatasetInfo", "dataset_info", "dataset_names", "load_dataset"]

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


def dataset_names() -> tuple[str, ...]:
    """Names of the built-in sets."""
    return tuple(_BUILT_IN)


def dataset_info(name: str) -> DatasetInfo:
    """What is known of a built-in set. Raises `InputError` for a name that is none."""
    planted = _planted(name)
    return DatasetInfo(name, planted.dim, planted.topology, planted.entropy)


def load_dataset(name_or_path: str | Path, seed: int = 0, n: int | None = None) -> Dataset:
    """A built-in set of `n` points (default 16,000) drawn with `seed`, or the points in a file.

    Files end in .npy, .npz, .csv, .parquet or .safetensors; of a file, `n` takes the first rows. A built-in name means
    the set, whatever lies in the folder. Raises `InputError` for a name that is none, for a file that cannot be taken
    and for `seed` or `n` that is no such number.

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
        return read_dataset(name).head(n)
    return _planted(name).sample(name, int(n or DEFAULT_POINTS), int(seed))


def _is_whole(number: object) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool)


def _planted(name: str) -> World | Knot:
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    close = difflib.get_close_matches(name, _BUILT_IN, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "see `topoviz datasets`."
    raise InputError(f"there is no built-in set and no file called {_shortened(name)!r}; {hint}")


def _shortened(name: str) -> str:
    return name if len(name) <= 80 else name[:77] + "..."
