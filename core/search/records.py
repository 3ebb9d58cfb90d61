"""What is known of a search: its data and settings, and each trial with its measures. JSON both ways, schema 1."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import numpy as np

from core.data.dataset import Dataset
from core.errors import InputError, invalid

__all__ = ["CRITERIA", "SCHEMA", "DataMark", "Measures", "State", "Study", "Trial"]

SCHEMA = 1
State = Literal["running", "complete", "pruned", "failed"]
_STATES = ("running", "complete", "pruned", "failed")
CRITERIA = ("likelihood", "critic")
"""What the best trial is best in: the held-out likelihood, or in that no critic tells its latents from its prior's."""


@dataclass(frozen=True)
class DataMark:
    """Which points a study is of: `name`, `mark` (SHA-256 of the points), how many `points` in how many dimensions
    `dim`, and whether they are `planted`."""

    name: str
    mark: str
    points: int
    dim: int
    planted: bool

    @classmethod
    def of(cls, dataset: Dataset) -> "DataMark":
        """That of a data set."""
        mark = hashlib.sha256(np.ascontiguousarray(dataset.points).reshape(-1).data).hexdigest()
        return cls(dataset.name, mark, len(dataset), dataset.dim, dataset.topology is not None)


@dataclass(frozen=True)
class Measures:
    """What is measured of a trained model.

    `nll` on held-out points with its standard error `nll_error`, nats in the data's own units. `critic_loss` from 0 (no
    critic tells the latents from the prior) to 1. `tree_stability` is the share of refits that find the least supported
    leaf, `converged` and `reasons` the verdict, `leaves` and `holes` the tree's, `tree_error` its distance from the
    planted one (None for other data), `families` the weights of a superposition (None for other priors).
    """

    nll: float
    nll_error: float
    critic_loss: float
    tree_stability: float
    converged: bool
    reasons: tuple[str, ...]
    leaves: int
    holes: int
    tree_error: Mapping[str, Any] | None = None
    families: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Trial:
    """One trial: the `params` it chose, its `state`, the `steps` done, and how far it came.

    `rungs` are (step, held-out negative log-likelihood in nats) where it was weighed, `attempts` is 1 and one more for
    each worker that was lost under it, `seconds` are those of training, `error` says in one line why it failed. The
    `measures` come with a complete one, whose `model` is a folder relative to the study's.
    """

    number: int
    params: Mapping[str, Any]
    seed: int
    state: State = "running"
    steps: int = 0
    rungs: tuple[tuple[int, float], ...] = ()
    attempts: int = 1
    seconds: float = 0.0
    error: str | None = None
    measures: Measures | None = None
    model: str | None = None

    @property
    def nll(self) -> float | None:
        """The newest held-out negative log-likelihood in nats: of the model, or where it was weighed last."""
        if self.measures is not None:
            return self.measures.nll
        return self.rungs[-1][1] if self.rungs else None

    def to_json(self) -> dict[str, Any]:
        """A flat JSON object; what is not known is null."""
        measures: dict[str, Any] = dict.fromkeys(each.name for each in fields(Measures))
        measures["reasons"] = []
        if self.measures is not None:
            measures = asdict(self.measures) | {"reasons": list(self.measures.reasons)}
        return {
            "number": self.number,
            "state": self.state,
            "prior": self.params["prior"],
            "params": dict(self.params),
            "seed": self.seed,
            "steps": self.steps,
            "attempts": self.attempts,
            "seconds": round(self.seconds, 2),
            "error": self.error,
            "rungs": [list(rung) for rung in self.rungs],
            **measures,
            "nll": self.nll,
            "model": self.model,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Trial":
        """The trial of a JSON object; KeyError, TypeError or ValueError where it is none."""
        state = document["state"]
        if state not in _STATES:
            raise ValueError(f"state {state!r}")
        known: dict[str, Any] = {each.name: document[each.name] for each in fields(Measures)}
        known["reasons"] = tuple(known["reasons"])
        measures = None
        if state == "complete":
            measures = Measures(**known)
            if not math.isfinite(measures.nll):
                raise ValueError("nll")
        return cls(
            number=int(document["number"]),
            params=dict(document["params"]),
            seed=int(document["seed"]),
            state=state,
            steps=int(document["steps"]),
            rungs=tuple((int(step), float(nll)) for step, nll in document["rungs"]),
            attempts=int(document["attempts"]),
            seconds=float(document["seconds"]),
            error=document["error"],
            measures=measures,
            model=document["model"],
        )


@dataclass(frozen=True)
class Study:
    """A search as a whole: its `data`, what it was asked (`seed`, `steps` of a full training, `trials_wanted`, the
    `space` as JSON, the `criterion` of the best), the address of its `scheduler` if any, and its `trials` by number."""

    data: DataMark
    seed: int
    steps: int
    trials_wanted: int
    space: Mapping[str, Any]
    criterion: str = "likelihood"
    scheduler: str | None = None
    trials: tuple[Trial, ...] = ()

    def __post_init__(self) -> None:
        for name, low, high in (("trials", 1, 100_000), ("steps", 1, 1_000_000), ("seed", 0, 2**31 - 1)):
            value = self.trials_wanted if name == "trials" else getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise invalid(name, f"a whole number from {low} to {high}", value, "choose another")
        if self.criterion not in CRITERIA:
            raise invalid("criterion", " or ".join(CRITERIA), repr(self.criterion), "choose one of these")

    @property
    def best(self) -> Trial | None:
        """The complete trial that the criterion puts first; of two that a critic cannot tell, the likelier one."""
        complete = [(trial.measures, trial) for trial in self.trials if trial.measures is not None]
        if self.criterion == "critic":
            return min(complete, key=lambda one: (one[0].critic_loss, one[0].nll), default=(None, None))[1]
        return min(complete, key=lambda one: one[0].nll, default=(None, None))[1]

    def count(self, state: State) -> int:
        """How many trials are in a state."""
        return sum(trial.state == state for trial in self.trials)

    def updated(self, trial: Trial) -> "Study":
        """The study with a trial in the place of the one of its number, or behind all others."""
        trials = list(self.trials)
        trials[trial.number : trial.number + 1] = [trial]
        return replace(self, trials=tuple(trials))

    def to_json(self) -> dict[str, Any]:
        """The JSON document of `study.json`."""
        return {
            "schema": SCHEMA,
            "data": asdict(self.data),
            "seed": self.seed,
            "steps": self.steps,
            "trials_wanted": self.trials_wanted,
            "space": dict(self.space),
            "criterion": self.criterion,
            "scheduler": self.scheduler,
            "best": None if self.best is None else self.best.number,
            "trials": [trial.to_json() for trial in self.trials],
        }

    @classmethod
    def from_json(cls, document: Any) -> "Study":
        """The study of a JSON document. Raises `InputError` where it is none."""
        if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
            got = repr(document.get("schema")) if isinstance(document, Mapping) else type(document).__name__
            raise invalid("study.schema", f"{SCHEMA}", got, "choose a folder that `topoviz search` wrote")
        try:
            study = cls(
                data=DataMark(**{each.name: document["data"][each.name] for each in fields(DataMark)}),
                seed=document["seed"],
                steps=document["steps"],
                trials_wanted=document["trials_wanted"],
                space=dict(document["space"]),
                criterion=document["criterion"],
                scheduler=document["scheduler"],
                trials=tuple(Trial.from_json(trial) for trial in document["trials"]),
            )
            if [trial.number for trial in study.trials] != list(range(len(study.trials))):
                raise ValueError("its trials are not numbered from 0")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = " ".join(str(error).split())[:80]
            raise InputError(f"the study's JSON is damaged ({what}); begin another in a new folder.") from None
        return study
