"""Studies: the trials that `topoviz search` wrote into a folder. The file may come from anywhere.

A finished trial has a model, named by the study and the trial's number: `study/0007`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.errors import InputError, invalid
from core.files import read_json
from topoviz.session.checks import boolean, choice, folder_name, number, whole
from topoviz.session.families import Family, weights

__all__ = [
    "BEST",
    "FILE",
    "TRIALS",
    "Study",
    "TreeError",
    "Trial",
    "is_study",
    "read_study",
    "study_stamp",
    "trial_name",
]

FILE = "study.json"
TRIALS, BEST = "trials", "best"
State = Literal["running", "complete", "pruned", "failed"]
_STATES: tuple[State, ...] = ("running", "complete", "pruned", "failed")
_BYTES = 16 * 2**20
_MOST = 5000
_ITEMS = 64
_LINE = 300
_LARGE = 1e15
_FIGURES = ("seconds", "nll", "nll_error", "critic_loss", "tree_stability")
_REMEDY = "run `topoviz search` again"


@dataclass(frozen=True)
class TreeError:
    """How a trial's tree differs from a planted one: `missed` leaves, `spurious` leaves, the `distance` between the two
    trees, and whether the `whole` tree is found."""

    missed: int | None
    spurious: int | None
    distance: float | None
    whole: bool | None


@dataclass(frozen=True)
class Trial:
    """One training of a study.

    `params` are the chosen fields of the configuration, as text. `nll` is the held-out negative log-likelihood in nats
    with its standard error, `critic_loss` is 0 where a critic cannot distinguish latents from the prior,
    `tree_stability` is the share of refits that find the least supported leaf. `model` is the name of its model,
    `error` is one line. Unknown values are None.
    """

    number: int
    state: State
    prior: str
    params: tuple[tuple[str, float | str], ...] = ()
    seed: int | None = None
    steps: int | None = None
    seconds: float | None = None
    error: str | None = None
    nll: float | None = None
    nll_error: float | None = None
    critic_loss: float | None = None
    tree_stability: float | None = None
    converged: bool | None = None
    reasons: tuple[str, ...] = ()
    leaves: int | None = None
    holes: int | None = None
    tree_error: TreeError | None = None
    families: tuple[Family, ...] = ()
    model: str | None = None


@dataclass(frozen=True)
class Study:
    """A study folder: `name` begins the names of its models, `data` names its data (`points`, `dim`), with a `planted`
    truth or not. `steps` are those of a full training, `wanted` the number of trials in all, `best` the number of the
    best trial so far. `changed` is when it was written, in seconds since the epoch. `problem` is one line where it
    cannot be read.
    """

    name: str
    folder: Path
    stamp: str
    changed: float
    data: str = ""
    points: int | None = None
    dim: int | None = None
    planted: bool = False
    steps: int | None = None
    wanted: int | None = None
    best: int | None = None
    trials: tuple[Trial, ...] = ()
    problem: str | None = None

    def trial(self, wanted: Any) -> Trial | None:
        """The trial of that number."""
        return next((trial for trial in self.trials if trial.number == wanted), None)

    def count(self, state: State) -> int:
        """The number of trials in a state."""
        return sum(trial.state == state for trial in self.trials)


def trial_name(study: str, trial: int) -> str:
    """The name of the model of a study's trial.

    >>> trial_name("rings", 7)
    'rings/0007'
    """
    return f"{study}/{trial:04d}"


def is_study(folder: Path) -> bool:
    """Whether a folder holds a study; a link to a file elsewhere does not count."""
    path = folder / FILE
    return path.is_file() and path.resolve().is_relative_to(folder.resolve())


def study_stamp(folder: Path) -> tuple[str, float]:
    """A text that changes whenever a study's file does, and the time of the last change. Raises OSError where there is
    no file."""
    status = (folder / FILE).stat()
    return f"{status.st_mtime_ns}.{status.st_size}.{status.st_ino}", status.st_mtime


def read_study(name: str, folder: Path, stamp: str, changed: float) -> Study:
    """The study in a folder; with a `problem` where `topoviz search` could not have written the file."""
    try:
        folder_name("study", name)
        if (folder / FILE).stat().st_size > _BYTES:
            raise InputError(f"`{FILE}` is larger than {_BYTES >> 20} MiB; this is no study of topoviz.")
        return Study(name, folder, stamp, changed, **_study(name, read_json(folder / FILE)))
    except InputError as error:
        return Study(name, folder, stamp, changed, problem=str(error))
    except OSError as error:
        return Study(name, folder, stamp, changed, problem=f"`{FILE}` cannot be read ({error.strerror}).")


def _study(name: str, document: Any) -> dict[str, Any]:
    """The fields of a study from its JSON. Raises `InputError` in one line."""
    if not isinstance(document, dict) or document.get("schema") != 1:
        schema = document.get("schema") if isinstance(document, dict) else None
        raise invalid("schema", "1", repr(schema), "open this study with the topoviz that wrote it")
    data = document.get("data")
    if not isinstance(data, dict):
        raise invalid("data", "an object", repr(data), _REMEDY)
    listed = document.get("trials")
    if not isinstance(listed, list) or len(listed) > _MOST:
        raise invalid("trials", f"a list of at most {_MOST}", repr(listed)[:60], _REMEDY)
    trials = tuple(_trial(name, item) for item in listed)
    if len({trial.number for trial in trials}) < len(trials):
        raise invalid("trials", "of different numbers", "one twice", _REMEDY)
    return {
        "data": _line(data.get("name")),
        "points": _optional(data, "points", _count),
        "dim": _optional(data, "dim", _count),
        "planted": bool(_optional(data, "planted", boolean)),
        "steps": _optional(document, "steps", _count),
        "wanted": _optional(document, "trials_wanted", _count),
        "best": _optional(document, "best", _count),
        "trials": trials,
    }


def _trial(study: str, item: Any) -> Trial:
    if not isinstance(item, dict):
        raise invalid("trials", "a list of objects", repr(item)[:60], _REMEDY)
    found = whole("number", item.get("number"), 0, 999_999)
    try:
        return Trial(
            number=found,
            state=choice("state", item.get("state"), _STATES),
            prior=_line(item.get("prior")),
            params=_params(item.get("params")),
            error=None if item.get("error") is None else _line(item["error"]),
            reasons=tuple(map(_line, _listed(item, "reasons"))),
            tree_error=_tree_error(item.get("tree_error")),
            families=weights(item.get("families")),
            model=None if item.get("model") is None else _model(study, found, item["model"]),
            converged=_optional(item, "converged", boolean),
            **{key: _optional(item, key, _count) for key in ("seed", "steps", "leaves", "holes")},
            **{key: _optional(item, key, _figure) for key in _FIGURES},
        )
    except InputError as error:
        raise InputError(f"trial {found}: {error}") from None


def _model(study: str, trial: int, value: Any) -> str:
    """The name of a trial's model, which must lie in the trial's own folder."""
    if value != f"{TRIALS}/{trial:04d}":
        raise invalid("model", f"'{TRIALS}/{trial:04d}'", repr(value), _REMEDY)
    return trial_name(study, trial)


def _tree_error(value: Any) -> TreeError | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise invalid("tree_error", "an object", repr(value), _REMEDY)
    return TreeError(
        _optional(value, "missed", _count),
        _optional(value, "spurious", _count),
        _optional(value, "distance", _figure),
        _optional(value, "whole", boolean),
    )


def _params(value: Any) -> tuple[tuple[str, float | str], ...]:
    if not isinstance(value, dict) or len(value) > _ITEMS:
        raise invalid("params", f"an object of at most {_ITEMS} values", repr(value), _REMEDY)
    return tuple((_line(key), _param(key, item)) for key, item in value.items())


def _param(key: str, value: Any) -> float | str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return _line(value) if isinstance(value, str) else _figure(key, value)


def _optional(document: dict[str, Any], key: str, check: Callable[[str, Any], Any]) -> Any:
    """A value that passes a check, None where it is null or missing."""
    return None if document.get(key) is None else check(key, document[key])


def _count(name: str, value: Any) -> int:
    return whole(name, value, 0, 2**53)


def _figure(name: str, value: Any) -> float:
    return number(name, value, -_LARGE, _LARGE)


def _listed(item: dict[str, Any], key: str) -> list[Any]:
    value = item.get(key)
    if value is not None and (not isinstance(value, list) or len(value) > _ITEMS):
        raise invalid(key, f"a list of at most {_ITEMS}", repr(value), _REMEDY)
    return value or []


def _line(value: Any) -> str:
    """A text from the file as one line that can be shown."""
    if not isinstance(value, str):
        return ""
    shown = "".join(sign if sign.isprintable() else " " for sign in value[: 2 * _LINE])
    return " ".join(shown.split())[:_LINE]
