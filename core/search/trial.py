"""One rung of one trial, wherever it runs: train up to the rung and give back where it stands, or the whole model.

Arrays, numbers and text go in and come out, so that any worker can go on where another stopped.
"""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load, save

from core.config import FlowAutoencoderConfig
from core.data.dataset import Dataset
from core.errors import InputError
from core.model.autoencoder import FlowAutoencoder
from core.model.store import load_model, save_model
from core.search.critic import critic_loss
from core.search.records import Measures
from core.training import train
from core.training.rows import Rows
from core.tree import tree_with_regions

__all__ = ["Outcome", "Rung", "measures", "run_rung"]

_MOST_ENCODED = 20_000


@dataclass(frozen=True)
class Rung:
    """What a worker is asked: train trial `number` with a configuration (JSON) and `seed` until step `until`, from the
    `state` it had before, or to the end where `last` is true."""

    number: int
    config: Mapping[str, Any]
    seed: int
    until: int
    last: bool
    state: bytes | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a rung after `seconds`: at `step` the held-out `nll` and the `state` to go on from; of a finished
    training the model's `files` by name and its `measures`; or the `error` in one line."""

    number: int
    step: int = 0
    seconds: float = 0.0
    nll: float | None = None
    state: bytes | None = None
    files: Mapping[str, bytes] | None = None
    measures: Measures | None = None
    error: str | None = None


def run_rung(rung: Rung, dataset: Dataset) -> Outcome:
    """Train as asked, with one thread: results do not depend on how many trials run beside each other.

    What a configuration is to blame for (a training that diverges, memory that runs out) is an `Outcome` with an
    `error`, not an exception.
    """
    torch.set_num_threads(1)
    began = time.monotonic()
    try:
        outcome = _trained(rung, dataset)
    except MemoryError as error:
        outcome = Outcome(rung.number, error=_line("memory ran out", error))
    except InputError as error:
        outcome = Outcome(rung.number, error=_line("", error))
    except (ArithmeticError, RuntimeError, ValueError) as error:
        what = "memory ran out" if _is_shortage(error) else type(error).__name__
        outcome = Outcome(rung.number, error=_line(what, error))
    return replace(outcome, seconds=time.monotonic() - began)


def _trained(rung: Rung, dataset: Dataset) -> Outcome:
    """What comes of the rung, but for the time that it took."""
    config = FlowAutoencoderConfig.from_json(dict(rung.config))
    state = None if rung.state is None else load(rung.state)
    step, model = 0, None
    training = train(dataset, config, rung.seed, state)
    for progress in training:
        model = progress.model
        if progress.phase != "fit" or progress.heldout_nll is None or progress.state is None:
            continue
        step = progress.step
        if not np.isfinite(progress.heldout_nll):
            raise InputError(f"the held-out likelihood is not finite at step {step}; lower `learning_rate`.")
        if not rung.last and step >= rung.until:
            training.close()
            return Outcome(rung.number, step, nll=progress.heldout_nll, state=save(progress.state()))
    if model is None:
        raise RuntimeError("training ended without a model")
    return Outcome(rung.number, step, files=_files(model), measures=measures(model, dataset, rung.seed))


def measures(model: FlowAutoencoder, dataset: Dataset, seed: int) -> Measures:
    """What a search reports of a model that was trained on a data set with `seed`. Raises `InputError` where a figure
    is not finite."""
    # The rows that training held out, drawn as it draws them.
    rows = Rows(dataset.points, model.pad, np.random.default_rng([seed, 1]))
    spread = np.linspace(0, rows.training - 1, min(rows.training, _MOST_ENCODED)).astype(int)
    latents = [model.encode(dataset.points[part])[0] for part in (rows.training_rows(spread), rows.heldout)]
    tree = tree_with_regions(model).tree
    verdict, families = model.metrics["verdict"], model.metrics.get("families")
    found = Measures(
        nll=float(model.metrics["nll"]),
        nll_error=float(model.metrics["nll_error"]),
        critic_loss=float(critic_loss(model.prior, *latents, seed=seed)),
        tree_stability=float(verdict["tree_support"]),
        converged=bool(verdict["converged"]),
        reasons=tuple(verdict["reasons"]),
        leaves=len(tree.leaves),
        holes=int(tree.betti[:, 1].max()),
        tree_error=_tree_error(model),
        families=None if families is None else {str(name): float(weight) for name, weight in families.items()},
    )
    for name in ("nll", "nll_error", "critic_loss", "tree_stability"):
        if not np.isfinite(getattr(found, name)):
            raise InputError(f"the model's {name} is not finite; lower `learning_rate`.")
    return found


def _tree_error(model: FlowAutoencoder) -> dict[str, Any] | None:
    """How far the tree is from the one planted in the data; None for data that are not built in."""
    from core.worlds.truth import tree_error

    error = tree_error(model)
    if error is None:
        return None
    return {
        "missed": int(error.missed),
        "spurious": int(error.spurious),
        "distance": float(error.distance),
        "whole": bool(error.whole),
    }


def _files(model: FlowAutoencoder) -> dict[str, bytes]:
    """A model folder as bytes by file name. Raises `InputError` where it could not be read again."""
    with tempfile.TemporaryDirectory(prefix="topoviz-") as name:
        folder = Path(name) / "model"
        with np.errstate(over="ignore"):
            save_model(model, folder)
        load_model(folder)
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _is_shortage(error: Exception) -> bool:
    """Whether an error of torch's is its allocator's."""
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)


def _line(what: str, error: BaseException) -> str:
    text = " ".join(str(error).split())[:160]
    return ": ".join(part for part in (what, text) if part)
