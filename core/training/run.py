"""Training from data to model, as a generator of progress: no printing, no files, no screen."""

import time
from collections.abc import Generator, Mapping

import numpy as np

from core.config import FlowAutoencoderConfig
from core.data.dataset import Dataset
from core.model.autoencoder import FlowAutoencoder
from core.training.dimensions import chosen
from core.training.loop import Fit
from core.training.progress import Progress
from core.training.rows import check_data

__all__ = ["Progress", "train"]

_STARTS = 3


def train(
    dataset: Dataset,
    config: FlowAutoencoderConfig | None = None,
    seed: int = 0,
    state: Mapping[str, np.ndarray] | None = None,
) -> Generator[Progress, None, FlowAutoencoder]:
    """Train a flow auto-encoder on a data set: yields `Progress`, the last with the model, and returns the model.

    Where a flow that had pads for room tears neighbors apart all the same, another is tried from the beginning, twice
    at most: one flow in six opens a ring that others close. Beyond three dimensions so is a mixture in which refits do
    not find the leaves again, and the best supported is kept.

    The same data, configuration and seed give the same model on the same machine, whether in one go or resumed from
    the `state` of an earlier `Progress`. Raises `InputError` where the data cannot carry the configuration, and where
    `state` is that of another run.

    >>> from core.worlds import load_dataset
    >>> config = FlowAutoencoderConfig(steps=5, blocks=2, components=4)
    >>> *_, last = train(load_dataset("blob", n=500), config)
    >>> last.model.encode(load_dataset("blob", n=10).points)[0].shape
    (10, 2)
    """
    config = config or FlowAutoencoderConfig()
    check_data(dataset, config)
    began = time.monotonic()

    def trial(short: FlowAutoencoderConfig) -> Generator[Progress, None, np.ndarray]:
        fit = Fit(dataset, short, seed)
        yield from fit.run("choose")
        return fit.heldout_log_likelihood()

    config, choice = yield from chosen(config, dataset.dim, trial)
    fit = Fit(dataset, config, seed, state, began)
    yield from fit.run("fit")
    model = fit.model()
    while model.metrics["verdict"]["torn_pairs"] and _worth_another_start(fit):
        fit = Fit(dataset, config, seed, began=began, start=fit.start + 1)
        yield from fit.run("fit")
        model = fit.model()
    while fit.frozen_prior and not model.metrics["verdict"]["converged"] and _in_time(fit):
        fit = Fit(dataset, config, seed, began=began, start=fit.start + 1)
        yield from fit.run("fit")
        model = max(model, fit.model(), key=_support)
    if choice:
        model.metrics["choice"] = choice
    yield fit.progress("done", config.steps, model.metrics["nll"], model=model)
    return model


def _worth_another_start(fit: Fit) -> bool:
    """Whether a start of its own may mend what this one tore: pads gave it room, and there is time for it."""
    return fit.config.resolved_start == "geodesic" and _in_time(fit)


def _in_time(fit: Fit) -> bool:
    seconds = time.monotonic() - fit.began
    return fit.start + 1 < _STARTS and (fit.config.minutes is None or 2 * seconds < 60 * fit.config.minutes)


def _support(model: FlowAutoencoder) -> tuple[bool, float, float]:
    verdict = model.metrics["verdict"]
    return verdict["converged"], verdict["tree_support"], -model.metrics["nll"]
