"""Configurations: frozen, checked when made, JSON both ways, unknown keys refused."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from core.errors import InputError, invalid
from core.model.prior import PRIORS

__all__ = ["FlowAutoencoderConfig", "choices"]

_CHOICES = {
    "flow": ("coupling", "cnf"),
    "prior": tuple(PRIORS),
    "warm_start": ("auto", "pca", "geodesic"),
}
_RANGES = {
    "latent_dim": (1, 16),
    "pad": (0, 16),
    "blocks": (1, 64),
    "width": (4, 1024),
    "components": (1, 512),
    "steps": (1, 1_000_000),
    "batch": (16, 65536),
    "learning_rate": (1e-6, 1.0),
    "pad_scale": (1e-3, 10.0),
    "evenness": (0.0, 10.0),
    "transport": (0.0, 100.0),
    "minutes": (0.01, 10_000),
}
_OPEN = ("latent_dim", "pad")


def choices(name: str) -> tuple[str, ...]:
    """The words that a field of the configuration takes. Raises KeyError on a field that takes others.

    >>> choices("flow")
    ('coupling', 'cnf')
    """
    return _CHOICES[name]


@dataclass(frozen=True)
class FlowAutoencoderConfig:
    """How a flow auto-encoder is built and trained.

    `latent_dim` is k, `pad` the number p of Gaussian dimensions added to the data, of deviation `pad_scale` in units of
    the data's own; 'auto' leaves either to the held-out likelihood of short trainings. `flow` and `prior` name the
    families. `warm_start` says where training begins: 'pca' with the principal axes as latent dimensions, 'geodesic'
    with a regression of the latents on an Isomap embedding, 'auto' with the latter where pads make room to unknot.
    `blocks` additive couplings with networks of `width` units make the flow.

    The `prior` is one of `core.model.prior.PRIORS`, which say what each is; it has at most `components` components.

    `steps` of `batch` points at a peak `learning_rate`; `minutes` bounds the time. `evenness` is the weight, during the
    first half of training, of round level sets that lie close: of all encodings with one likelihood, the one that
    another network's encoding of the same world would have too. `transport` weighs the energy of the points' way
    through the flow against the likelihood. Raises `InputError` on a value out of its range.

    >>> FlowAutoencoderConfig(pad=2).resolved_start
    'geodesic'
    """

    latent_dim: int | Literal["auto"] = 2
    pad: int | Literal["auto"] = 0
    flow: str = "coupling"
    prior: str = "mixture"
    warm_start: str = "auto"
    blocks: int = 12
    width: int = 32
    components: int = 40
    steps: int = 3500
    batch: int = 1024
    learning_rate: float = 8e-3
    pad_scale: float = 0.15
    evenness: float = 0.05
    transport: float = 0.0
    minutes: float | None = None

    def __post_init__(self) -> None:
        for name, words in _CHOICES.items():
            if getattr(self, name) not in words:
                raise invalid(name, " or ".join(map(repr, words)), repr(getattr(self, name)), "choose one of these")
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if (name == "minutes" and value is None) or (name in _OPEN and value == "auto"):
                continue
            whole = isinstance(getattr(type(self), name), int)
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
                wanted = ("a whole number" if whole else "a number") + (" or 'auto'" if name in _OPEN else "")
                raise invalid(name, wanted, repr(value), "give one")
            if not low <= value <= high:
                raise invalid(name, f"from {low} to {high}", value, "choose a value in that range")

    @property
    def resolved_start(self) -> str:
        """The warm start that 'auto' stands for here."""
        if self.warm_start != "auto":
            return self.warm_start
        return "geodesic" if self.pad else "pca"

    def to_json(self) -> dict[str, Any]:
        """A JSON object with one key per field."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: str | dict[str, Any]) -> "FlowAutoencoderConfig":
        """The configuration in a JSON object or its text. Raises `InputError` on anything else."""
        if isinstance(document, str):
            try:
                document = json.loads(document)
            except json.JSONDecodeError as error:
                raise InputError(f"the configuration is not JSON ({error}); correct it or leave it out.") from None
        if not isinstance(document, dict):
            raise invalid("config", "a JSON object", type(document).__name__, 'write {"latent_dim": 2}')
        known = {field.name for field in fields(cls)}
        for key in document:
            if key not in known:
                raise invalid("config", "of known keys", repr(key), f"use some of {', '.join(sorted(known))}")
        return cls(**document)
