"""The one state of the app: the two models, the user's links, bans and names, and the view.

It is frozen and small, has no arrays, and goes to JSON and back. All that is shown is computed from it and the models.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from core.errors import InputError, invalid
from topoviz.session.checks import boolean, choice, digits, model_name, node_id, number, text, whole
from topoviz.session.composition import Composition
from topoviz.vocabulary import families

__all__ = [
    "EDIT_FIELDS",
    "NODE_FIELDS",
    "SIDES",
    "Links",
    "Name",
    "Nodes",
    "Selection",
    "Session",
    "Side",
    "known",
    "links",
    "parsed",
]

Side = Literal["a", "b"]
SIDES: tuple[Side, Side] = ("a", "b")
Links = tuple[tuple[int, int], ...]
Nodes = tuple[int, ...]

EDIT_FIELDS = (
    "model_a", "model_b", "pins", "bans", "names_a", "names_b",
    "merged_a", "merged_b", "split_a", "split_b", "hidden_a", "hidden_b", "simplify", "method", "family", "complete",
)  # fmt: skip
VERSION = 1
NODE_FIELDS = ("merged_a", "merged_b", "split_a", "split_b", "hidden_a", "hidden_b")
MAX_LINKS = 1000
MAX_NAME = 80
MAX_TEXT = 1_000_000
_METHOD = re.compile(r"[a-z][a-z0-9-]{0,39}")
# By version v: a function from a document of version v to one of v + 1.
_MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


@dataclass(frozen=True)
class Name:
    """The name of a node; one that was mapped from the other side or another session is not `confirmed`."""

    text: str
    confirmed: bool = True


@dataclass(frozen=True)
class Selection:
    """The selected node: its tree and its id."""

    side: Side
    node: int


@dataclass(frozen=True)
class Session:
    """One comparison of two models.

    `pins` and `bans` are sorted pairs (id in A, id in B); no node is pinned twice, no pair is both pinned and banned.
    `names_a` and `names_b` are sorted pairs (id, Name). The edits of each tree are sorted ids of nodes: `merged`
    saddles become leaves, `split` leaves stay however low their persistence, `hidden` nodes are left out with all
    above them. `level` is the height of the cut as a fraction of the trees' height (0 the floor, 1 the peak),
    `simplify` the least persistence kept, in nats. `complete` matches the nodes that are not pinned. `morph` runs from
    0 (A as it is) to 1 (A mapped into B). `alternative` numbers the explanations, 0 the best. `figure` is the composed
    figure, None where there is none yet. Raises `InputError` on values out of range.
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
    merged_a: Nodes = ()
    merged_b: Nodes = ()
    split_a: Nodes = ()
    split_b: Nodes = ()
    hidden_a: Nodes = ()
    hidden_b: Nodes = ()
    figure: Composition | None = None

    def __post_init__(self) -> None:
        whole("version", self.version, VERSION, VERSION)
        for side in ("model_a", "model_b"):
            if getattr(self, side) != "":
                model_name(side, getattr(self, side))
        object.__setattr__(self, "pins", links("pins", self.pins))
        object.__setattr__(self, "bans", links("bans", self.bans))
        for ends in zip(*self.pins, strict=True):
            if len(set(ends)) < len(ends):
                raise invalid("pins", "one-to-one", list(self.pins), "pin a node once")
        if both := set(self.pins) & set(self.bans):
            raise invalid("pins", "apart from bans", sorted(both), "drop these pairs from one of the two")
        for key in ("names_a", "names_b"):
            object.__setattr__(self, key, _checked_names(key, getattr(self, key)))
        for key in NODE_FIELDS:
            object.__setattr__(self, key, _nodes(key, getattr(self, key)))
        number("level", self.level, 0, 1)
        number("simplify", self.simplify, 0, 100)
        number("morph", self.morph, 0, 1)
        boolean("complete", self.complete)
        whole("alternative", self.alternative, 0, 999)
        choice("family", self.family, families())
        if not isinstance(self.method, str) or not _METHOD.fullmatch(self.method):
            raise invalid("method", "a method's name", repr(self.method), "use one that the app lists")
        if self.selection is not None:
            choice("side", self.selection.side, SIDES)
            node_id("node", self.selection.node)

    def model(self, side: Side) -> str:
        """The name of the model on one side."""
        return self.model_a if side == "a" else self.model_b

    def names(self, side: Side) -> dict[int, Name]:
        """The names given to the nodes of one side."""
        return dict(self.names_a if side == "a" else self.names_b)

    def with_name(self, side: Side, node: int, name: Name | None) -> "Session":
        """The session with a node named; without a name, the node loses its own."""
        names = {**self.names(side), node: name}
        kept = tuple((node, name) for node, name in names.items() if name is not None)
        return replace(self, names_a=kept) if side == "a" else replace(self, names_b=kept)

    def to_json(self) -> dict[str, Any]:
        """A JSON object with one key per field."""
        document = {field.name: getattr(self, field.name) for field in fields(self)}
        document["pins"] = [list(pair) for pair in self.pins]
        document["bans"] = [list(pair) for pair in self.bans]
        document |= {key: list(document[key]) for key in NODE_FIELDS}
        for key in ("names_a", "names_b"):
            document[key] = {
                str(node): {"text": name.text, "confirmed": name.confirmed} for node, name in document[key]
            }
        if self.selection is not None:
            document["selection"] = {"side": self.selection.side, "node": self.selection.node}
        if self.figure is not None:
            document["figure"] = self.figure.to_json()
        return document

    @classmethod
    def from_json(cls, document: str | dict[str, Any]) -> "Session":
        """The session in a JSON object or its text; older versions are migrated.

        Raises `InputError` on anything else.
        """
        if isinstance(document, str):
            document = parsed(document)
        if not isinstance(document, dict):
            raise invalid("session", "a JSON object", type(document).__name__, "choose a file that the app saved")
        # A session file's log of edits is read by `topoviz.session.log`.
        document = _migrated({key: value for key, value in document.items() if key != "log"})
        known("session", document, tuple(field.name for field in fields(cls)))
        values = dict(document)
        for key in ("names_a", "names_b"):
            if key in values:
                values[key] = _names_from_json(key, values[key])
        if values.get("selection") is not None:
            values["selection"] = _selection_from_json(values["selection"])
        if values.get("figure") is not None:
            values["figure"] = Composition.from_json(values["figure"])
        return cls(**values)


def parsed(document: str) -> Any:
    """The JSON in a session file's text. Raises `InputError` where it is no JSON or too long."""
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


def known(name: str, document: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    """Raise `InputError` where a document has keys other than these."""
    for key in document:
        if key not in keys:
            raise invalid(name, "of known keys", repr(key), f"use some of {', '.join(keys)}")


def links(name: str, value: Any) -> Links:
    """`value` as sorted pairs of node ids. Raises `InputError` on anything else."""
    if not isinstance(value, list | tuple) or len(value) > MAX_LINKS:
        raise invalid(name, f"a list of at most {MAX_LINKS} pairs", repr(value), "give pairs [a, b]")
    for pair in value:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise invalid(name, "a list of pairs", repr(pair), "give pairs [a, b] of node ids")
    return tuple(sorted({(node_id(name, a), node_id(name, b)) for a, b in value}))


def _nodes(name: str, value: Any) -> Nodes:
    """`value` as sorted node ids. Raises `InputError` on anything else."""
    if not isinstance(value, list | tuple) or len(value) > MAX_LINKS:
        raise invalid(name, f"a list of at most {MAX_LINKS} node ids", repr(value), "give ids of nodes")
    return tuple(sorted({node_id(name, node) for node in value}))


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
        known(key, name, ("text", "confirmed"))
        names.append((digits(key, node), Name(name.get("text", ""), name.get("confirmed", True))))
    return tuple(names)


def _selection_from_json(value: Any) -> Selection:
    if not isinstance(value, dict):
        raise invalid("selection", "an object", repr(value), 'write {"side": "a", "node": 3}')
    known("selection", value, ("side", "node"))
    return Selection(value.get("side", ""), value.get("node", -1))
