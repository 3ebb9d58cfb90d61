"""Events as a browser sends them: JSON objects, every value of which is checked."""

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

from core.errors import invalid
from topoviz.session.checks import boolean, choice, model_name, node_id, text
from topoviz.session.composition import Composition
from topoviz.session.events import KINDS, ChooseModels, Event, reduce
from topoviz.session.log import session_and_log
from topoviz.session.state import MAX_NAME, SIDES, Session, links

__all__ = ["parse_event"]


def parse_event(document: Any) -> Event:
    """The event in a JSON object from the browser. Raises `InputError` on anything that is not an event."""
    if not isinstance(document, dict):
        raise invalid("event", "a JSON object", type(document).__name__, "reload the page")
    kind = _KINDS.get(document["type"]) if isinstance(document.get("type"), str) else None
    if kind is None:
        raise invalid("event", "of a known type", repr(document.get("type")), f"use one of {', '.join(_KINDS)}")
    given = {key: value for key, value in document.items() if key != "type"}
    wanted = [field.name for field in fields(kind) if field.default is MISSING]
    if set(given) != set(wanted):
        raise invalid("event", f"of the keys {wanted}", sorted(map(str, given)), "reload the page")
    event = kind(**{key: _CHECKS[key](kind, value) for key, value in given.items()})
    reduce(Session(), event)
    return event


def _kind_name(kind: type[Event]) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in kind.__name__).lstrip("-")


def _end(kind: type[Event], value: Any) -> int | str:
    return model_name("model", value) if kind is ChooseModels else node_id("node", value)


_KINDS = {_kind_name(kind): kind for kind in KINDS}
# `Session` checks the rest itself.
_CHECKS: dict[str, Callable[[type[Event], Any], Any]] = {
    "a": _end,
    "b": _end,
    "side": lambda _, value: choice("side", value, SIDES),
    "node": lambda _, value: node_id("node", value),
    "text": lambda _, value: text("name", value, MAX_NAME),
    "complete": lambda _, value: boolean("complete", value),
    "pairs": lambda _, value: links("pairs", value),
    "bans": lambda _, value: links("bans", value),
    "session": lambda _, value: session_and_log(value)[0],
    "figure": lambda _, value: Composition.from_json(value),
} | dict.fromkeys(("level", "simplify", "method", "family", "morph", "alternative"), lambda _, value: value)
