"""A model's training in words, from its metrics: whether it converged, why not, and which sizes it chose.

The metrics may come from an older version: what is missing is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Choice", "Trial", "Verdict", "choices", "doubt", "verdict"]

# Integers in JSON have no bounds.
_BEYOND = 1e300
_SIZES = {"latent_dim": "latent dimensions", "pad": "pads"}
# Measures of the noise: as a sentence where the model converged, and as a plain figure.
_NOISE = (
    (
        "latent_noise",
        "Noise is independent of the latents ({:.1%} explained)",
        "The latents explain {:.1%} of a noise dimension",
    ),
    (
        "noise_noise",
        "Noise dimensions are independent of each other ({:.1%} explained)",
        "Noise dimensions explain {:.1%} of another",
    ),
    ("normality", "Noise is normal to within {:.2f}", "Noise is {:.2f} from normal"),
)


@dataclass(frozen=True)
class Verdict:
    """Whether a model converged, None where an earlier version trained it, and the `reasons` why it did not.

    `checks` are sentences on the figures behind the verdict, `fit` on likelihood and time.
    """

    converged: bool | None
    reasons: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    fit: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The verdict with its reasons in one line, for a terminal or a tooltip."""
        if self.converged is None:
            return "no verdict: trained by an earlier version."
        word, sentences = ("converged", self.checks) if self.converged else ("did not converge", self.reasons)
        return _joined(word, sentences)


@dataclass(frozen=True)
class Trial:
    """One value that was tried: its held-out negative log-likelihood in nats, and the standard error of its difference
    from the best."""

    value: int
    nll: float
    error: float


@dataclass(frozen=True)
class Choice:
    """How 'auto' chose a size: `what` it counts, the value `chosen`, the `reason`, and all values `tried`."""

    what: str
    chosen: int
    reason: str
    tried: tuple[Trial, ...]

    @property
    def line(self) -> str:
        """The choice in one line."""
        return f"{self.what}: {self.chosen} chosen; {_lowered(self.reason)}."


def verdict(metrics: Mapping[str, Any]) -> Verdict:
    """The verdict in a model's metrics.

    >>> verdict({"verdict": {"converged": False, "reasons": ["volume changes by up to 2e-2"]}}).line
    'did not converge: volume changes by up to 2e-2.'
    """
    found = metrics.get("verdict")
    if not isinstance(found, dict) or not isinstance(found.get("converged"), bool):
        found = {}
    converged = found.get("converged")
    reasons = () if converged else tuple(map(_sentence, _listed(found.get("reasons"))))
    fit = tuple(filter(None, (_likelihood(metrics), _effort(metrics))))
    return Verdict(converged, reasons, _checks(found, metrics), fit)


def choices(metrics: Mapping[str, Any]) -> tuple[Choice, ...]:
    """The choices in a model's metrics; none where the user gave the sizes."""
    found = metrics.get("choice")
    return () if not isinstance(found, dict) else tuple(filter(None, (_choice(found.get(key), key) for key in _SIZES)))


def doubt(name: str, metrics: Mapping[str, Any]) -> str | None:
    """A sentence where the model called `name` did not converge."""
    found = verdict(metrics)
    return _joined(f"Model {name} did not converge", found.reasons) if found.converged is False else None


def _checks(found: Mapping[str, Any], metrics: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence on each figure; it states that a check is met only where the model converged."""
    fine = found.get("converged") is True
    noise = (
        (fulfilled if fine else plain).format(value)
        for key, fulfilled, plain in _NOISE
        if (value := _number(found.get(key))) is not None
    )
    return (*noise, *filter(None, (_volume(metrics), _overfit(found), _support(found))))


def _volume(metrics: Mapping[str, Any]) -> str | None:
    defect = _number(metrics.get("volume_defect"))
    return None if defect is None else f"Volume is kept to {defect:.0e}".replace("e-0", "e-")


def _overfit(found: Mapping[str, Any]) -> str | None:
    nats = _number(found.get("overfit"))
    if nats is None:
        return None
    if round(nats, 2) <= 0:
        return "Held-out points do as well as trained ones"
    return f"Held-out points do {nats:.2f} nats worse than trained ones"


def _support(found: Mapping[str, Any]) -> str | None:
    share, refits = _number(found.get("tree_support")), len(_listed(found.get("refit_leaves")))
    if share is None:
        return None
    which = "Every leaf" if share >= 1 else "The least supported leaf"
    return f"{which} was found again in {f'{share * refits:.0f} of {refits}' if refits else f'{share:.0%} of'} refits"


def _likelihood(metrics: Mapping[str, Any]) -> str | None:
    nll, entropy = _number(metrics.get("nll")), _number(metrics.get("entropy"))
    if nll is None:
        return None
    return f"Held-out NLL {nll:.2f} nats" + ("" if entropy is None else f", the data's entropy {entropy:.2f}")


def _effort(metrics: Mapping[str, Any]) -> str | None:
    steps, seconds = _number(metrics.get("steps")), _number(metrics.get("seconds"))
    parts = ([] if steps is None else [f"{steps:,.0f} steps"]) + ([] if seconds is None else [f"{seconds:,.0f} s"])
    return "Trained for " + " in ".join(parts) if parts else None


def _choice(found: Any, key: str) -> Choice | None:
    if not isinstance(found, dict) or (chosen := _number(found.get("chosen"))) is None:
        return None
    tried = tuple(filter(None, map(_trial, _listed(found.get("tried")))))
    return Choice(_SIZES[key], int(chosen), _sentence(found.get("reason", "")), tried)


def _trial(found: Any) -> Trial | None:
    if not isinstance(found, dict):
        return None
    value, nll = _number(found.get("value")), _number(found.get("nll"))
    return None if value is None or nll is None else Trial(int(value), nll, _number(found.get("error")) or 0.0)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _BEYOND:
        return None
    return float(value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _joined(word: str, sentences: tuple[str, ...]) -> str:
    return ": ".join(filter(None, (word, "; ".join(map(_lowered, sentences))))) + "."


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _sentence(value: Any) -> str:
    """One line with a capital first letter and no full stop."""
    text = " ".join(str(value).split()).removesuffix(".")
    return text[:1].upper() + text[1:]
