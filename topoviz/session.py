"""The one state of the app: which two models, what a person linked, banned and named, and how it is looked
at.

Frozen, small, without arrays; JSON and addresses both ways. Everything shown is computed from it and the
models.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal
from urllib.parse import parse_qs, urlencode

from core.errors import InputError, invalid
from topoviz.checks import boolean, choice, model_name, node_id, number, text, whole

__all__ = ["EDIT_FIELDS", "FAMILIES", "Name", "Selection", "Session", "Side"]

Side = Literal["a", "b"]
Links = tuple[tuple[int, int], ...]

FAMILIES = ("auto", "translation", "similarity", "orthogonal", "affine", "tree")
EDIT_FIELDS = (
    "model_a", "model_b", "pins", "bans", "names_a", "names_b",
    "simplify", "method", "family", "complete", "alternative",
)  # fmt: skip
VERSION = 1
MAX_LINKS = 1000
MAX_NAME = 80
MAX_TEXT = 1_000_000
_METHOD = re.compile(r"[a-z][a-z0-9-]{0,39}")
# One step each: from a document of version v to one of v + 1.
_MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


@dataclass(frozen=True)
class Name:
    """What a person calls a node; a name that was only carried over from elsewhere is not `confirmed`."""

    text: str
    confirmed: bool = True


@dataclass(frozen=True)
class Selection:
    """The node in hand: its tree and its id."""

    side: Side
    node: int


@dataclass(frozen=True)
class Session:
    """One comparison of two models.

    `pins` and `bans` are sorted pairs (id in A, id in B); no node is pinned twice, no pair both pinned and
    banned. `names_a` and `names_b` are sorted pairs (id, Name). `level` is the height of the cut as a
    fraction of the trees' height (0 the floor, 1 the peak), `simplify` the least persistence kept, in nats.
    `complete` matches the nodes that are not pinned. `morph` from 0 (A as it is) to 1 (A carried into B).
    `alternative` counts the explanations, 0 the best. Raises `InputError` on values out of range.
    """

    version: int = VERSION
    model_a: str = ""
    model_b: str = ""
    pins: Links = ()
    bans: Links = ()
    names_a: tuple[tuple[int, Name], ...] = ()
    names_b: tuple[tuple[int, Name], ...] = ()
    level: float = 0.7
    simplify: float = 0.1
    method: str = "leaf-distances"
    family: str = "tree"
    complete: bool = True
    morph: float = 1.0
    selection: Selection | None = None
    alternative: int = 0

    def __post_init__(self) -> None:
        whole("version", self.version, VERSION, VERSION)
        for side in ("model_a", "model_b"):
            if getattr(self, side) != "":
                model_name(side, getattr(self, side))
        object.__setattr__(self, "pins", _links("pins", self.pins))
        object.__setattr__(self, "bans", _links("bans", self.bans))
        for ends in zip(*self.pins, strict=True):
            if len(set(ends)) < len(ends):
                raise invalid("pins", "one-to-one", list(self.pins), "pin a node once")
        if both := set(self.pins) & set(self.bans):
            raise invalid("pins", "apart from bans", sorted(both), "drop these pairs from one of the two")
        for key in ("names_a", "names_b"):
            object.__setattr__(self, key, _checked_names(key, getattr(self, key)))
        number("level", self.level, 0, 1)
        number("simplify", self.simplify, 0, 100)
        number("morph", self.morph, 0, 1)
        boolean("complete", self.complete)
        whole("alternative", self.alternative, 0, 999)
        choice("family", self.family, FAMILIES)
        if not isinstance(self.method, str) or not _METHOD.fullmatch(self.method):
            raise invalid("method", "a method's name", repr(self.method), "use one that the app lists")
        if self.selection is not None:
            choice("side", self.selection.side, ("a", "b"))
            node_id("node", self.selection.node)

    def model(self, side: Side) -> str:
        """The name of the model on one side."""
        return self.model_a if side == "a" else self.model_b

    def names(self, side: Side) -> dict[int, Name]:
        """The names given to the nodes of one side."""
        return dict(self.names_a if side == "a" else self.names_b)

    def with_name(self, side: Side, node: int, name: Name | None) -> "Session":
        """The session with a node named, or its name taken away."""
        names = {**self.names(side), node: name}
        kept = tuple((node, name) for node, name in names.items() if name is not None)
        return replace(self, names_a=kept) if side == "a" else replace(self, names_b=kept)

    def to_json(self) -> dict[str, Any]:
        """A JSON object with one key per field."""
        document = {field.name: getattr(self, field.name) for field in fields(self)}
        document["pins"] = [list(pair) for pair in self.pins]
        document["bans"] = [list(pair) for pair in self.bans]
        for key in ("names_a", "names_b"):
            document[key] = {
                str(node): {"text": name.text, "confirmed": name.confirmed} for node, name in document[key]
            }
        if self.selection is not None:
            document["selection"] = {"side": self.selection.side, "node": self.selection.node}
        return document

    @classmethod
    def from_json(cls, document: str | dict[str, Any]) -> "Session":
        """The session in a JSON object or its text; older versions are migrated.

        Raises `InputError` on all else.
        """
        if isinstance(document, str):
            document = _parsed(document)
        if not isinstance(document, dict):
            raise invalid("session", "a JSON object", type(document).__name__, "choose a file that the app saved")
        document = _migrated(document)
        _known("session", document, tuple(field.name for field in fields(cls)))
        values = dict(document)
        for key in ("names_a", "names_b"):
            if key in values:
                values[key] = _names_from_json(key, values[key])
        if values.get("selection") is not None:
            values["selection"] = _selection_from_json(values["selection"])
        return cls(**values)

    def to_query(self) -> str:
        """The part of an address after '?' that leads here; what has its usual value is left out."""
        usual = Session()
        items = [("a", self.model_a), ("b", self.model_b)] if self.model_a or self.model_b else []
        for key in ("pins", "bans"):
            if links := getattr(self, key):
                items.append((key, ".".join(f"{a}-{b}" for a, b in links)))
        for key, names in (("na", self.names_a), ("nb", self.names_b)):
            items += [(key, f"{node}{':' if name.confirmed else '~'}{name.text}") for node, name in names]
        for key in (*_QUERY_NUMBERS, "method", "family"):
            value = getattr(self, key)
            if value != getattr(usual, key):
                items.append((key, repr(value) if key in _QUERY_NUMBERS else value))
        if not self.complete:
            items.append(("complete", "0"))
        if self.selection is not None:
            items.append(("select", f"{self.selection.side}{self.selection.node}"))
        return urlencode(items)

    @classmethod
    def from_query(cls, query: str) -> "Session":
        """The session that an address leads to.

        Raises `InputError` on what `to_query` could not have written.
        """
        if len(query) > MAX_TEXT:
            raise invalid("address", f"at most {MAX_TEXT} characters", len(query), "save the session to a file")
        try:
            found = parse_qs(query.lstrip("?"), keep_blank_values=True, max_num_fields=2 * MAX_LINKS + 20)
        except ValueError as error:
            raise invalid("address", "a link to a session", error, "follow a link that the app made") from None
        _known("address", found, _QUERY_KEYS)
        values: dict[str, Any] = {}
        for key, given in found.items():
            if key in ("na", "nb"):
                values[f"names_{key[1]}"] = tuple(_name_from_query(item) for item in given)
            elif len(given) > 1:
                raise invalid(key, "given once", f"{len(given)} times", "follow a link that the app made")
            else:
                field, read = _QUERY_READERS[key]
                values[field] = read(key, given[0])
        return cls(**values)


def _parsed(document: str) -> Any:
    if len(document) > MAX_TEXT:
        raise invalid("session", f"at most {MAX_TEXT} characters", len(document), "choose a file that the app saved")
    try:
        return json.loads(document)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"the session is not JSON ({error}); choose a file that the app saved.") from None


def _migrated(document: dict[str, Any]) -> dict[str, Any]:
    version = whole("version", document.get("version", VERSION), 0, 1_000_000)
    if version > VERSION:
        raise invalid("version", f"at most {VERSION}", version, "open this session with a newer topoviz")
    while version < VERSION:
        if version not in _MIGRATIONS:
            raise invalid("version", f"from 1 to {VERSION}", version, "choose a saved session")
        document = _MIGRATIONS[version](document)
        version += 1
    return {**document, "version": VERSION}


def _known(name: str, document: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in document:
        if key not in known:
            raise invalid(name, "of known keys", repr(key), f"use some of {', '.join(known)}")


def _links(name: str, value: Any) -> Links:
    if not isinstance(value, list | tuple) or len(value) > MAX_LINKS:
        raise invalid(name, f"a list of at most {MAX_LINKS} pairs", repr(value), "give pairs [a, b]")
    for pair in value:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise invalid(name, "a list of pairs", repr(pair), "give pairs [a, b] of node ids")
    return tuple(sorted({(node_id(name, a), node_id(name, b)) for a, b in value}))


def _checked_names(key: str, names: tuple[tuple[int, Name], ...]) -> tuple[tuple[int, Name], ...]:
    if len(names) > MAX_LINKS:
        raise invalid(key, f"at most {MAX_LINKS} names", len(names), "name fewer nodes")
    for node, name in names:
        node_id(key, node)
        boolean(key, name.confirmed)
        if not text(key, name.text, MAX_NAME).strip():
            raise invalid(key, "names that are not empty", repr(name.text), "leave the node out")
    return tuple(sorted(dict(names).items()))


def _names_from_json(key: str, value: Any) -> tuple[tuple[int, Name], ...]:
    if not isinstance(value, dict):
        raise invalid(key, "an object of names by node id", repr(value), 'write {"3": {"text": "left"}}')
    names = []
    for node, name in value.items():
        if not isinstance(name, dict):
            raise invalid(key, "an object of names by node id", repr(name), 'write {"3": {"text": "left"}}')
        _known(key, name, ("text", "confirmed"))
        names.append((_integer(key, node), Name(name.get("text", ""), name.get("confirmed", True))))
    return tuple(names)


def _selection_from_json(value: Any) -> Selection:
    if not isinstance(value, dict):
        raise invalid("selection", "an object", repr(value), 'write {"side": "a", "node": 3}')
    _known("selection", value, ("side", "node"))
    return Selection(value.get("side", ""), value.get("node", -1))


def _integer(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise invalid(name, "a whole number", repr(value), "give one")
    return int(value)


def _decimal(name: str, value: str) -> float:
    try:
        return float(value[:40])
    except ValueError:
        raise invalid(name, "a number", repr(value), "give one") from None


def _flag(name: str, value: str) -> bool:
    return choice(name, value, ("0", "1")) == "1"


def _word(_: str, value: str) -> str:
    return value


def _links_from_query(name: str, value: str) -> Links:
    pairs = [item.partition("-") for item in value.split(".")]
    return tuple((_integer(name, a), _integer(name, b)) for a, _, b in pairs)


def _selection_from_query(name: str, value: str) -> Selection:
    return Selection(choice(name, value[:1], ("a", "b")), _integer(name, value[1:]))  # pyright: ignore[reportArgumentType]


def _name_from_query(item: str) -> tuple[int, Name]:
    match = re.fullmatch(r"(\d{1,9})([:~])(.*)", item, re.ASCII)
    if not match:
        raise invalid("name", "a node id and its name", repr(item), "follow a link that the app made")
    return int(match[1]), Name(match[3], match[2] == ":")


_QUERY_NUMBERS = ("level", "simplify", "morph", "alternative")
_QUERY_READERS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "a": ("model_a", _word),
    "b": ("model_b", _word),
    "pins": ("pins", _links_from_query),
    "bans": ("bans", _links_from_query),
    "level": ("level", _decimal),
    "simplify": ("simplify", _decimal),
    "morph": ("morph", _decimal),
    "alternative": ("alternative", _integer),
    "method": ("method", _word),
    "family": ("family", _word),
    "complete": ("complete", _flag),
    "select": ("selection", _selection_from_query),
}
_QUERY_KEYS = (*_QUERY_READERS, "na", "nb")
