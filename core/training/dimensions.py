"""'auto': how many latent dimensions and pads, by short trainings compared on the same held-out points.

More latent dimensions than the data have structure for gain nothing, since what is left over is normal anyway; too few
cost likelihood at once. A flow that has to tear its data for want of room costs likelihood too, and pads give it back.
Both are read off the same curve: the smallest value that does as well as the best, within what the points can tell.
"""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.config import FlowAutoencoderConfig

if TYPE_CHECKING:
    from core.training.progress import Progress

__all__ = ["Trial", "chosen"]

_LATENT_DIMS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16)
_PADS = (0, 1, 2, 3)
_SHORT = 600
_LEAST_GAIN = 0.02
_GIVE_UP = 2

Trial = Callable[[FlowAutoencoderConfig], Generator["Progress", None, np.ndarray]]


@dataclass(frozen=True, eq=False)
class _Tried:
    value: int
    log_likelihood: np.ndarray


def chosen(
    config: FlowAutoencoderConfig, dim: int, trial: Trial
) -> Generator["Progress", None, tuple[FlowAutoencoderConfig, dict[str, Any]]]:
    """The configuration with numbers for 'auto', and how each was found: `chosen`, `reason`, and what was `tried` with
    its held-out `nll` in nats and the standard `error` of its difference to the best.

    `trial` trains shortly on data of `dim` columns and returns the held-out points' log-likelihoods, pads' own share
    taken off. Pads are chosen first, for two latent dimensions where those are open too.
    """
    how: dict[str, Any] = {}
    if config.pad == "auto":
        known = 2 if config.latent_dim == "auto" else int(config.latent_dim)
        short = replace(config, latent_dim=min(known, dim), minutes=None)
        tried = yield from _curve(_PADS, lambda pad: replace(short, pad=pad), trial)
        pad, how["pad"] = _elbow(tried)
        how["pad"]["reason"] = _why_pads(how["pad"]["tried"], pad)
        config = replace(config, pad=pad)
    if config.latent_dim == "auto":
        short = replace(config, steps=min(config.steps, _SHORT), minutes=None)
        values = [k for k in _LATENT_DIMS if k <= dim]
        tried = yield from _curve(values, lambda k: replace(short, latent_dim=k), trial)
        latent_dim, how["latent_dim"] = _elbow(tried)
        how["latent_dim"]["reason"] = _why_dimensions(how["latent_dim"]["tried"], latent_dim)
        config = replace(config, latent_dim=latent_dim)
    return config, how


def _curve(
    values: Iterable[int], configured: Callable[[int], FlowAutoencoderConfig], trial: Trial
) -> Generator["Progress", None, list[_Tried]]:
    """A trial of each value in turn, until two in a row do no better than the best."""
    tried: list[_Tried] = []
    for value in values:
        tried.append(_Tried(value, (yield from trial(configured(value)))))
        best = max(range(len(tried)), key=lambda at: tried[at].log_likelihood.mean())
        reached = next(at for at, one in enumerate(tried) if _as_good(one, tried[best]))
        if len(tried) - 1 - reached >= _GIVE_UP:
            break
    return tried


def _as_good(one: _Tried, best: _Tried) -> bool:
    """Whether one does as well as the best, up to two standard errors of their paired difference and 0.02 nats."""
    lost = best.log_likelihood - one.log_likelihood
    return bool(lost.mean() <= _LEAST_GAIN + 2 * lost.std() / np.sqrt(len(lost)))


def _elbow(tried: list[_Tried]) -> tuple[int, dict[str, Any]]:
    best = max(tried, key=lambda one: one.log_likelihood.mean())
    value = next(one.value for one in tried if _as_good(one, best))
    rows = [
        {
            "value": one.value,
            "nll": float(-one.log_likelihood.mean()),
            "error": float((one.log_likelihood - best.log_likelihood).std() / np.sqrt(len(best.log_likelihood))),
        }
        for one in tried
    ]
    return value, {"chosen": value, "tried": rows}


def _gain(rows: list[dict[str, Any]], value: int) -> float:
    """Nats that the chosen value gains over the one before it."""
    at = next(index for index, row in enumerate(rows) if row["value"] == value)
    return rows[at - 1]["nll"] - rows[at]["nll"]


def _why_pads(rows: list[dict[str, Any]], pad: int) -> str:
    if pad == 0:
        return "pads give the held-out points nothing: the data lie in their own space without tearing"
    gain = rows[0]["nll"] - next(row["nll"] for row in rows if row["value"] == pad)
    return f"with {pad} pads held-out points gain {gain:.2f} nats: without room the flow tears the data"


def _why_dimensions(rows: list[dict[str, Any]], latent_dim: int) -> str:
    if latent_dim == rows[0]["value"]:
        return "a second latent dimension gains the held-out points nothing"
    gain = _gain(rows, latent_dim)
    if latent_dim == rows[-1]["value"]:
        return f"the last dimension still gains {gain:.2f} nats: there may be more than can be tried"
    return f"dimension {latent_dim} still gains {gain:.2f} nats on held-out points, those after it nothing"
