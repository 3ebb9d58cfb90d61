"""A progress bar for long work: on a terminal, on stderr; nothing in a pipe."""

from collections.abc import Iterable

from tqdm import tqdm

from core.train import Progress

__all__ = ["follow"]


def follow(steps: Iterable[Progress], title: str) -> Progress:
    """Show training as it goes and return its last step, which has the model."""
    last = None
    # disable=None: tqdm is silent where stderr is no terminal.
    with tqdm(total=1, desc=title, disable=None, leave=False, bar_format="{l_bar}{bar}| {postfix}") as bar:
        for last in steps:
            bar.n = last.step / last.steps if last.phase == "fit" else float(last.phase == "done")
            bar.set_postfix_str(_summary(last))
    if last is None:
        raise RuntimeError("training ended before it began")
    return last


def _summary(step: Progress) -> str:
    if step.phase == "start":
        return "finding a start"
    heldout = "" if step.heldout_nll is None else f"held-out NLL {step.heldout_nll:.3f} nats"
    left = "" if step.seconds_left is None else f", {step.seconds_left:.0f} s left"
    return heldout + left
