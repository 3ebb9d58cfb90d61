"""Where a training run stopped, in a safetensors file: written whole or not at all, taken up by the same run only."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from core.config import FlowAutoencoderConfig
from core.data.dataset import Dataset
from core.errors import InputError
from core.files import atomic_file

__all__ = ["load_checkpoint", "save_checkpoint"]


def save_checkpoint(
    path: Path | str, state: Mapping[str, np.ndarray], dataset: Dataset, config: FlowAutoencoderConfig, seed: int
) -> None:
    """Write the `state` of a run of `core.train` with the mark of its data, configuration and seed."""
    with atomic_file(path) as temporary:
        save_file(dict(state), temporary, metadata={"run": _mark(dataset, config, seed)})


def load_checkpoint(
    path: Path | str, dataset: Dataset, config: FlowAutoencoderConfig, seed: int
) -> dict[str, np.ndarray]:
    """The state in a checkpoint. Raises `InputError` where it is damaged, or that of another run."""
    path = Path(path)
    try:
        with safe_open(path, framework="numpy") as stored:
            mark = (stored.metadata() or {}).get("run")
            state = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118
    except OSError as error:
        raise InputError(
            f"there is no checkpoint `{path.name}` ({error.strerror or error}); leave out --resume."
        ) from None
    except (SafetensorError, ValueError) as error:
        text = " ".join(str(error).split())[:100]
        raise InputError(f"the checkpoint `{path.name}` is damaged ({text}); leave out --resume.") from None
    if mark != _mark(dataset, config, seed):
        raise InputError(
            f"the checkpoint `{path.name}` is of other data, another configuration or another seed; leave out --resume."
        )
    return state


def _mark(dataset: Dataset, config: FlowAutoencoderConfig, seed: int) -> str:
    points = hashlib.sha256(np.ascontiguousarray(dataset.points).reshape(-1).data).hexdigest()
    return json.dumps({"points": points, "config": config.to_json(), "seed": seed}, sort_keys=True)
