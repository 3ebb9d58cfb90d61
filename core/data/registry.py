"""The built-in sets by name, and one call that loads a name or a file."""

import difflib
from dataclasses import dataclass
from pathlib import Path

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

    Files end in .npy, .npz, .csv, .parquet or .safetensors; of a file, `n` takes the first rows. Raises `InputError`
    for a name that is none and for a file that cannot be taken.

    >>> load_dataset("trefoil", n=100).points.shape
    (100, 3)
    """
    if n is not None and (isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= _MOST_POINTS):
        raise invalid("n", f"a whole number from 1 to {_MOST_POINTS:,}", n, "choose another number of points")
    path = Path(name_or_path)
    if path.suffix.lower() in SUFFIXES or path.exists():
        return read_dataset(path).head(n)
    return _planted(str(name_or_path)).sample(str(name_or_path), n or DEFAULT_POINTS, seed)


def _planted(name: str) -> World | Knot:
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    close = difflib.get_close_matches(name, _BUILT_IN, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "see `topoviz datasets`."
    raise InputError(f"there is no built-in set and no file called {name!r}; {hint}")
