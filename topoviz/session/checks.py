"""Checks of single values from outside: a file, an address, a browser. Each returns the value that it accepts."""

import math
import re
from collections.abc import Collection
from typing import Any, TypeVar

from core.errors import invalid

__all__ = [
    "boolean", "choice", "digits", "folder_name", "is_folder_name", "model_name", "node_id", "number", "text", "whole",
]  # fmt: skip

Word = TypeVar("Word", bound=str)

MAX_NODE = 1_000_000
_FOLDER_NAME = re.compile(r"[\w][\w .+()=,@-]{0,99}")
_TRIAL_NAME = re.compile(rf"{_FOLDER_NAME.pattern}/[0-9]{{4,6}}")


def whole(name: str, value: Any, low: int, high: int) -> int:
    """`value` as an int from `low` to `high`. Raises `InputError` on anything else, booleans too."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(name, "a whole number", repr(value), "give one")
    if not low <= value <= high:
        raise invalid(name, f"from {low} to {high}", value, "choose a value in that range")
    return value


def number(name: str, value: Any, low: float, high: float) -> float:
    """`value` as a finite float from `low` to `high`. Raises `InputError` on anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid(name, "a finite number", repr(value), "give one")
    # An int may be too large to be a float at all.
    if isinstance(value, float) and not math.isfinite(value):
        raise invalid(name, "a finite number", repr(value), "give one")
    if not low <= value <= high:
        raise invalid(name, f"from {low:g} to {high:g}", value, "choose a value in that range")
    return float(value)


def boolean(name: str, value: Any) -> bool:
    """`value` if it is true or false. Raises `InputError` on anything else."""
    if not isinstance(value, bool):
        raise invalid(name, "true or false", repr(value), "give one of these")
    return value


def text(name: str, value: Any, longest: int) -> str:
    """`value` as a line of at most `longest` printable characters. Raises `InputError` on anything else."""
    if not isinstance(value, str) or not value.isprintable():
        raise invalid(name, "a line of text", repr(value), "use printable characters")
    if len(value) > longest:
        raise invalid(name, f"at most {longest} characters", f"{len(value)}", "shorten it")
    return value


def choice(name: str, value: Any, choices: Collection[Word]) -> Word:
    """`value` if it is one of `choices`. Raises `InputError` on anything else."""
    for word in choices:
        if word == value:
            return word
    raise invalid(name, "one of " + ", ".join(choices), repr(value), "choose one of these")


def node_id(name: str, value: Any) -> int:
    """`value` as the id of a tree's node. Raises `InputError` on anything else."""
    return whole(name, value, 0, MAX_NODE)


def folder_name(name: str, value: Any) -> str:
    """`value` as the name of a model folder, never a path. Raises `InputError` on anything else."""
    if not is_folder_name(value):
        raise invalid(name, "a model's name", repr(value), "use letters, digits, blanks and hyphens")
    return value


def is_folder_name(value: Any) -> bool:
    """Whether `folder_name` accepts a value."""
    return isinstance(value, str) and _FOLDER_NAME.fullmatch(value) is not None


def model_name(name: str, value: Any) -> str:
    """`value` as the name of a model: that of its folder, or a study's name and a trial's number as in `study/0007`.
    Raises `InputError` on anything else."""
    if not is_folder_name(value) and not (isinstance(value, str) and _TRIAL_NAME.fullmatch(value)):
        raise invalid(name, "a model's name", repr(value), "use the name of a listed model")
    return value


def digits(name: str, value: str) -> int:
    """The whole number in a text of at most nine digits. Raises `InputError` on anything else."""
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise invalid(name, "a whole number", repr(value), "give one")
    return int(value)
