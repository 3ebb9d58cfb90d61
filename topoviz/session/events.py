"""The events that change a session, and `reduce(session, event)`, which applies one; pure and total."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from topoviz.session.composition import Composition
from topoviz.session.state import MAX_LINKS, NODE_FIELDS, Links, Name, Selection, Session, Side

__all__ = [
    "KINDS", "Adopt", "Ban", "ChooseAlternative", "ChooseModels", "ClearEdits", "ClearSelection", "ConfirmName",
    "Event", "Hide", "Link", "LoadSession", "Merge", "Rename", "Select", "SetComplete", "SetFamily", "SetFigure",
    "SetLevel", "SetMethod", "SetMorph", "SetSimplify", "ShowAll", "Split", "Unban", "Unlink", "reduce",
]  # fmt: skip


@dataclass(frozen=True)
class Event:
    """An action of the user.

    Its JSON holds the kind and one key per field: {"type": "set-level", "level": 0.5}.
    """


@dataclass(frozen=True)
class Link(Event):
    """Pin node `a` of A to node `b` of B.

    Older pins of either node and a ban of the pair are removed.
    """

    a: int
    b: int


@dataclass(frozen=True)
class Unlink(Event):
    """Remove the pin of a pair."""

    a: int
    b: int


@dataclass(frozen=True)
class Ban(Event):
    """Forbid a pair, pinned or not."""

    a: int
    b: int


@dataclass(frozen=True)
class Unban(Event):
    """Allow a pair again."""

    a: int
    b: int


@dataclass(frozen=True)
class Select(Event):
    """Select a node."""

    side: Side
    node: int


@dataclass(frozen=True)
class ClearSelection(Event):
    """Clear the selection."""


@dataclass(frozen=True)
class Rename(Event):
    """Name a node; an empty text removes its name."""

    side: Side
    node: int
    text: str


@dataclass(frozen=True)
class ConfirmName(Event):
    """Confirm a name that was mapped to a node."""

    side: Side
    node: int
    text: str


@dataclass(frozen=True)
class Merge(Event):
    """Merge the branches that join at a saddle into one leaf."""

    side: Side
    node: int


@dataclass(frozen=True)
class Split(Event):
    """Undo the merge at a saddle, or keep a leaf however low its persistence."""

    side: Side
    node: int


@dataclass(frozen=True)
class Hide(Event):
    """Hide a node and all nodes above it."""

    side: Side
    node: int


@dataclass(frozen=True)
class ShowAll(Event):
    """Show all hidden nodes of both sides."""


@dataclass(frozen=True)
class SetLevel(Event):
    """Move the cut to a fraction of the trees' height."""

    level: float


@dataclass(frozen=True)
class SetSimplify(Event):
    """Keep nodes of at least this persistence, in nats."""

    simplify: float


@dataclass(frozen=True)
class SetMethod(Event):
    """Match the trees by another method."""

    method: str


@dataclass(frozen=True)
class SetFamily(Event):
    """Fit a transform of another family."""

    family: str


@dataclass(frozen=True)
class SetComplete(Event):
    """Match the nodes that are not pinned, or leave them unmatched."""

    complete: bool


@dataclass(frozen=True)
class SetMorph(Event):
    """Show A's points as they are (0), mapped into B (1), or in between."""

    morph: float


@dataclass(frozen=True)
class SetFigure(Event):
    """Store the composition of the figure."""

    figure: Composition


@dataclass(frozen=True)
class ChooseModels(Event):
    """Compare two models. Links and names of the old ones are dropped.

    The same two models change nothing.
    """

    a: str
    b: str


@dataclass(frozen=True)
class ChooseAlternative(Event):
    """Show another explanation; 0 is the best."""

    alternative: int


@dataclass(frozen=True)
class Adopt(Event):
    """Adopt an explanation: pin its `pairs`, and ban the pairs that would otherwise come back.

    Older pins of the same nodes are removed.
    """

    pairs: Links
    bans: Links


@dataclass(frozen=True)
class ClearEdits(Event):
    """Remove every pin and ban; names stay."""


@dataclass(frozen=True)
class LoadSession(Event):
    """Continue from another session."""

    session: Session


def reduce(session: Session, event: Event) -> Session:
    """The session after `event`. An event that has nothing to act on leaves the session as it is.

    Raises `InputError` only where a value of the event is out of range; `parse_event` lets no such event through.
    """
    return _REDUCERS[type(event)](session, event)


def _link(session: Session, event: Link) -> Session:
    kept = tuple(pin for pin in session.pins if pin[0] != event.a and pin[1] != event.b)
    if len(kept) == MAX_LINKS:
        return session
    pair = (event.a, event.b)
    bans = tuple(ban for ban in session.bans if ban != pair)
    return replace(session, pins=(*kept, pair), bans=bans, alternative=0)


def _adopt(session: Session, event: Adopt) -> Session:
    ends = [{pair[side] for pair in event.pairs} for side in (0, 1)]
    kept = (pin for pin in session.pins if pin[0] not in ends[0] and pin[1] not in ends[1])
    pins = (*event.pairs, *kept)
    bans = tuple((set(session.bans) | set(event.bans)) - set(pins))
    if max(len(pins), len(bans)) > MAX_LINKS:
        return session
    return replace(session, pins=pins, bans=bans, alternative=0)


def _unlink(session: Session, event: Unlink) -> Session:
    pins = tuple(pin for pin in session.pins if pin != (event.a, event.b))
    return session if pins == session.pins else replace(session, pins=pins, alternative=0)


def _ban(session: Session, event: Ban) -> Session:
    pair = (event.a, event.b)
    if pair in session.bans or len(session.bans) == MAX_LINKS:
        return session
    pins = tuple(pin for pin in session.pins if pin != pair)
    return replace(session, pins=pins, bans=(*session.bans, pair), alternative=0)


def _unban(session: Session, event: Unban) -> Session:
    bans = tuple(ban for ban in session.bans if ban != (event.a, event.b))
    return session if bans == session.bans else replace(session, bans=bans, alternative=0)


def _rename(session: Session, event: Rename) -> Session:
    name = Name(event.text.strip()) if event.text.strip() else None
    return session.with_name(event.side, event.node, name) if _room(session, event.side, event.node) else session


def _confirm(session: Session, event: ConfirmName) -> Session:
    return _rename(session, Rename(event.side, event.node, event.text)) if event.text.strip() else session


def _room(session: Session, side: Side, node: int) -> bool:
    names = session.names(side)
    return node in names or len(names) < MAX_LINKS


def _merge(session: Session, event: Merge) -> Session:
    return _with_node(session, "merged", event.side, event.node)


def _split(session: Session, event: Split) -> Session:
    key = f"merged_{event.side}"
    merged = getattr(session, key)
    if event.node in merged:
        return replace(session, alternative=0, **{key: tuple(node for node in merged if node != event.node)})
    return _with_node(session, "split", event.side, event.node)


def _hide(session: Session, event: Hide) -> Session:
    gone = session.selection == Selection(event.side, event.node)
    after = _with_node(session, "hidden", event.side, event.node)
    return replace(after, selection=None) if gone and after is not session else after


def _with_node(session: Session, what: str, side: Side, node: int) -> Session:
    """The session with one more node merged, split or hidden."""
    key = f"{what}_{side}"
    nodes = getattr(session, key)
    if node in nodes or len(nodes) == MAX_LINKS:
        return session
    return replace(session, alternative=0, **{key: (*nodes, node)})


def _choose_models(session: Session, event: ChooseModels) -> Session:
    if (session.model_a, session.model_b) == (event.a, event.b):
        return session
    return replace(
        session,
        model_a=event.a,
        model_b=event.b,
        pins=(),
        bans=(),
        names_a=session.names_a if session.model_a == event.a else (),
        names_b=session.names_b if session.model_b == event.b else (),
        selection=None,
        alternative=0,
        **{key: () for key in NODE_FIELDS if session.model(_side(key)) != getattr(event, _side(key))},
    )


def _side(key: str) -> Side:
    return "a" if key.endswith("a") else "b"


def _set(*names: str) -> Callable[[Session, Any], Session]:
    """Copy the event's fields; `alternative` is reset where the explanations change."""
    fresh = {"alternative": 0} if set(names) & {"method", "simplify", "complete"} else {}
    return lambda session, event: replace(session, **fresh, **{name: getattr(event, name) for name in names})


_REDUCERS: dict[type[Event], Callable[[Session, Any], Session]] = {
    Link: _link,
    Unlink: _unlink,
    Ban: _ban,
    Unban: _unban,
    Select: lambda session, event: replace(session, selection=Selection(event.side, event.node)),
    ClearSelection: lambda session, _: replace(session, selection=None),
    Rename: _rename,
    ConfirmName: _confirm,
    Merge: _merge,
    Split: _split,
    Hide: _hide,
    ShowAll: lambda session, _: replace(session, hidden_a=(), hidden_b=(), alternative=0),
    SetLevel: _set("level"),
    SetSimplify: _set("simplify"),
    SetMethod: _set("method"),
    SetFamily: _set("family"),
    SetComplete: _set("complete"),
    SetMorph: _set("morph"),
    SetFigure: _set("figure"),
    ChooseModels: _choose_models,
    ChooseAlternative: _set("alternative"),
    Adopt: _adopt,
    ClearEdits: lambda session, _: replace(session, pins=(), bans=(), alternative=0),
    LoadSession: lambda _, event: event.session,
}

KINDS = tuple(_REDUCERS)
