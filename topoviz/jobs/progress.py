"""Long work: a progress bar on a terminal, nothing in a pipe; and a processor left for the rest."""

import os
from collections.abc import Iterable

import torch
from tqdm import tqdm

from core.model.autoencoder import FlowAutoencoder
from core.training import Progress

__all__ = ["follow", "spare_a_processor"]


def follow(steps: Iterable[Progress], title: str) -> FlowAutoencoder:
    """Show training as it goes and return the model that comes with its last step."""
    spare_a_processor()
    model = None
    # disable=None: tqdm is silent where stderr is no terminal.
    with tqdm(total=1, desc=title, disable=None, leave=False, bar_format="{l_bar}{bar}| {postfix}") as bar:
        for step in steps:
            bar.n = step.step / step.steps if step.phase == "fit" else float(step.phase == "done")
            bar.set_postfix_str(_summary(step))
            model = step.model
    if model is None:
        raise RuntimeError("training ended without a model")
    return model


def spare_a_processor() -> None:
    """Let torch use all processors but one: threads that wait for a busy one cost more than they give."""
    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))


def _summary(step: Progress) -> str:
    if step.phase == "start":
        return "finding a start"
    if step.phase == "choose":
        return "choosing the dimensions"
    heldout = "" if step.heldout_nll is None else f"held-out NLL {step.heldout_nll:.3f} nats"
    left = "" if step.seconds_left is None else f", {step.seconds_left:.0f} s left"
    return heldout + left
