"""Sessions as the query of an address (the part after '?'), written and read."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode

from core.errors import invalid
from topoviz.session.checks import choice, digits
from topoviz.session.state import MAX_LINKS, MAX_TEXT, NODE_FIELDS, SIDES, Links, Name, Nodes, Selection, Session, known

__all__ = ["from_query", "to_query"]


def to_query(session: Session) -> str:
    """The query of the address that opens this session; default values are left out."""
    usual = Session()
    items = [("a", session.model_a), ("b", session.model_b)] if session.model_a or session.model_b else []
    for key in ("pins", "bans"):
        if links := getattr(session, key):
            items.append((key, ".".join(f"{a}-{b}" for a, b in links)))
    for key in NODE_FIELDS:
        if nodes := getattr(session, key):
            items.append((_short(key), ".".join(map(str, nodes))))
    for key, names in (("na", session.names_a), ("nb", session.names_b)):
        items += [(key, f"{node}{':' if name.confirmed else '~'}{name.text}") for node, name in names]
    for key in (*_QUERY_NUMBERS, "method", "family"):
        value = getattr(session, key)
        if value != getattr(usual, key):
            items.append((key, repr(value) if key in _QUERY_NUMBERS else value))
    if not session.complete:
        items.append(("complete", "0"))
    if session.selection is not None:
        items.append(("select", f"{session.selection.side}{session.selection.node}"))
    return urlencode(items)


def from_query(query: str) -> Session:
    """The session that an address opens.

    Raises `InputError` on a query that `to_query` could not have written.
    """
    if len(query) > MAX_TEXT:
        raise invalid("address", f"at most {MAX_TEXT} characters", len(query), "save the session to a file")
    try:
        found = parse_qs(query.lstrip("?"), keep_blank_values=True, max_num_fields=2 * MAX_LINKS + 20)
    except ValueError as error:
        raise invalid("address", "a link to a session", error, "follow a link that the app made") from None
    known("address", found, _QUERY_KEYS)
    values: dict[str, Any] = {}
    for key, given in found.items():
        if key in ("na", "nb"):
            values[f"names_{key[1]}"] = tuple(_name_from_query(item) for item in given)
        elif len(given) > 1:
            raise invalid(key, "given once", f"{len(given)} times", "follow a link that the app made")
        else:
            field, read = _QUERY_READERS[key]
            values[field] = read(key, given[0])
    return Session(**values)


def _decimal(name: str, value: str) -> float:
    try:
        return float(value[:40])
    except ValueError:
        raise invalid(name, "a number", repr(value), "give one") from None


def _flag(name: str, value: str) -> bool:
    return choice(name, value, ("0", "1")) == "1"


def _word(_: str, value: str) -> str:
    return value


def _pairs(name: str, value: str) -> Links:
    pairs = [item.partition("-") for item in value.split(".")]
    return tuple((digits(name, a), digits(name, b)) for a, _, b in pairs)


def _nodes(name: str, value: str) -> Nodes:
    return tuple(digits(name, node) for node in value.split("."))


def _short(key: str) -> str:
    """The key of a field in an address, such as `hidden-a`."""
    return key.replace("_", "-")


def _selection_from_query(name: str, value: str) -> Selection:
    return Selection(choice(name, value[:1], SIDES), digits(name, value[1:]))


def _name_from_query(item: str) -> tuple[int, Name]:
    match = re.fullmatch(r"(\d{1,9})([:~])(.*)", item, re.ASCII)
    if not match:
        raise invalid("name", "a node id and its name", repr(item), "follow a link that the app made")
    return int(match[1]), Name(match[3], match[2] == ":")


_QUERY_NUMBERS = ("level", "simplify", "morph", "alternative")
_QUERY_READERS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "a": ("model_a", _word),
    "b": ("model_b", _word),
    "pins": ("pins", _pairs),
    "bans": ("bans", _pairs),
    "level": ("level", _decimal),
    "simplify": ("simplify", _decimal),
    "morph": ("morph", _decimal),
    "alternative": ("alternative", digits),
    "method": ("method", _word),
    "family": ("family", _word),
    "complete": ("complete", _flag),
    "select": ("selection", _selection_from_query),
} | {_short(key): (key, _nodes) for key in NODE_FIELDS}
_QUERY_KEYS = (*_QUERY_READERS, "na", "nb")
