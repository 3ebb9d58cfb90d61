"""What a search chooses from: families by name, settings by range, and what stays fixed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from core.config import FlowAutoencoderConfig, choices
from core.data.dataset import Dataset
from core.errors import invalid

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

__all__ = ["Space"]

_MOST_LATENT = 4
# Settings whose ratios matter, not their differences, and those that go in steps.
_LOGARITHMIC = ("components", "learning_rate", "evenness")
_STEPS = {"blocks": 2, "width": 8}


@dataclass(frozen=True)
class Space:
    """The families and the (least, most) of each setting that trials are drawn from; `fixed` holds for all of them.

    Settings are keys of `FlowAutoencoderConfig`. Raises `InputError` on a family, a setting or a range that is none.

    >>> Space(priors=("mixture",), blocks=(2, 4)).config({"prior": "mixture", "blocks": 4}, steps=50).blocks
    4
    """

    priors: tuple[str, ...] = choices("prior")
    flows: tuple[str, ...] = ("coupling",)
    latent_dim: tuple[int, int] = (1, 3)
    pad: tuple[int, int] = (0, 3)
    blocks: tuple[int, int] = (6, 20)
    width: tuple[int, int] = (16, 64)
    components: tuple[int, int] = (10, 80)
    learning_rate: tuple[float, float] = (2e-3, 2e-2)
    evenness: tuple[float, float] = (0.01, 0.2)
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, known in (("priors", choices("prior")), ("flows", choices("flow"))):
            given = getattr(self, name)
            if not given or not set(given) <= set(known) or len(set(given)) < len(given):
                raise invalid(name, f"some of {', '.join(known)}", ", ".join(map(str, given)), "choose among these")
        for name in self._ranges():
            ends = getattr(self, name)
            if len(ends) != 2 or not all(isinstance(end, int | float) for end in ends) or ends[0] > ends[1]:
                raise invalid(name, "a least and a most", list(ends), "write for instance [1, 3]")
            for end in ends:
                FlowAutoencoderConfig.from_json({name: end})
            if name in _LOGARITHMIC and not ends[0] > 0:
                raise invalid(name, "above 0, for its ratios matter", list(ends), "raise the least")
        for name in self.fixed:
            if name in ("prior", "flow", "steps", *self._ranges()):
                raise invalid("fixed", "of settings that are not searched", repr(name), "give it a range of its own")
        FlowAutoencoderConfig.from_json(dict(self.fixed))

    @classmethod
    def of(cls, dataset: Dataset, document: Mapping[str, Any] | None = None) -> "Space":
        """The space for a data set: at most four latent dimensions, and no more than the data have; what a JSON
        `document` says of it counts more. Raises `InputError` on an unknown key."""
        document = {} if document is None else document
        if not isinstance(document, Mapping):
            raise invalid("space", "a JSON object", type(document).__name__, 'write {"latent_dim": [1, 3]}')
        known = [each.name for each in fields(cls)]
        for key, value in document.items():
            if key not in known:
                raise invalid("space", "of known keys", repr(key), f"use some of {', '.join(known)}")
            if not isinstance(value, Mapping if key == "fixed" else list | tuple):
                raise invalid(key, "an object" if key == "fixed" else "a list", repr(value), "see the search's help")
        parts: dict[str, Any] = {"latent_dim": (1, min(_MOST_LATENT, dataset.dim))}
        parts |= {key: dict(value) if key == "fixed" else tuple(value) for key, value in document.items()}
        space = cls(**parts)
        if space.latent_dim[1] > dataset.dim + space.pad[0]:
            most = f"at most the data's {dataset.dim} dimensions and {space.pad[0]} pads"
            raise invalid("latent_dim", most, list(space.latent_dim), "lower it")
        return space

    def to_json(self) -> dict[str, Any]:
        """A JSON object with one key per field."""
        return {key: dict(value) if key == "fixed" else list(value) for key, value in asdict(self).items()}

    def config(self, params: Mapping[str, Any], steps: int) -> FlowAutoencoderConfig:
        """The configuration of a trial that chose `params`. Raises `InputError` where they are no such settings."""
        return FlowAutoencoderConfig.from_json({**self.fixed, **params, "steps": steps})

    def start(self, number: int) -> dict[str, Any]:
        """What the trials begin with: the defaults with each prior in turn, as far as they lie in the space; later
        trials are free, and get nothing."""
        if number >= len(self.priors):
            return {}
        default = FlowAutoencoderConfig()
        params: dict[str, Any] = {"prior": self.priors[number], "flow": self.flows[0]}
        for name in self._ranges():
            low, high = getattr(self, name)
            value, step = getattr(default, name), _STEPS.get(name)
            if low <= value <= high and (step is None or (value - low) % step == 0):
                params[name] = value
        return params

    def suggest(self, trial: "BaseTrial") -> dict[str, Any]:
        """The parameters that an Optuna trial chooses, by key of `FlowAutoencoderConfig`."""
        params: dict[str, Any] = {
            "prior": trial.suggest_categorical("prior", self.priors),
            "flow": trial.suggest_categorical("flow", self.flows),
        }
        for name in self._ranges():
            low, high = getattr(self, name)
            if isinstance(getattr(FlowAutoencoderConfig, name), float):
                params[name] = trial.suggest_float(name, low, high, log=name in _LOGARITHMIC)
            else:
                # Optuna wants the range to end on a step.
                step = _STEPS.get(name, 1)
                high = low + (high - low) // step * step
                params[name] = trial.suggest_int(name, low, high, step=step, log=name in _LOGARITHMIC)
        return params

    @classmethod
    def _ranges(cls) -> tuple[str, ...]:
        return tuple(each.name for each in fields(cls) if each.name not in ("priors", "flows", "fixed"))
