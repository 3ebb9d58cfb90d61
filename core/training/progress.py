"""Where a training stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from core.model.autoencoder import FlowAutoencoder

__all__ = ["Progress"]


@dataclass(frozen=True, eq=False)
class Progress:
    """Where training stands: `phase` 'choose', 'start', 'fit' or 'done', `step` of `steps`, negative log-likelihoods
    in nats per point (None before there is one), seconds since the start and to the end, a few held-out latents
    (<= 1000, k) to look at. `state` gives all that training needs to go on from here (arrays by name), `model` comes
    with the last one.
    """

    phase: str
    step: int
    steps: int
    train_nll: float | None
    heldout_nll: float | None
    seconds: float
    seconds_left: float | None
    latent: np.ndarray | None = None
    model: FlowAutoencoder | None = None
    state: Callable[[], dict[str, np.ndarray]] | None = None
