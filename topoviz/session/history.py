"""Undo and redo over sessions.

Only edit fields are undone; the other fields, the view, stay as they are. A step stores only its changes: a session of
hundreds of links goes to the browser and back at every event, and its past must stay small.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from core.errors import invalid
from topoviz.session.state import EDIT_FIELDS, Session, known, links

__all__ = ["History"]

_DEPTH = 100
_LINKS = ("pins", "bans")
_KEPT = (*EDIT_FIELDS, "alternative")

Step = dict[str, Any]
"""The JSON values of the fields that another session has otherwise; of links those to put in and to take out."""


@dataclass(frozen=True)
class History:
    """The session `now`, the steps `back` to earlier sessions (the nearest last) and `ahead` to undone ones (the
    nearest first)."""

    now: Session
    back: tuple[Step, ...] = ()
    ahead: tuple[Step, ...] = ()

    @property
    def past(self) -> tuple[Session, ...]:
        """The earlier sessions, oldest first, with the present view."""
        return tuple(reversed(_along(self.now, reversed(self.back))))

    @property
    def future(self) -> tuple[Session, ...]:
        """The undone sessions, next first, with the present view."""
        return _along(self.now, self.ahead)

    def push(self, session: Session) -> "History":
        """The history with `session` as now.

        An edit makes a step; a change of the view only replaces the present session.
        """
        if _edits(session) != _edits(self.now):
            return History(session, (*self.back, _step(session, self.now))[-_DEPTH:], ())
        if session.alternative == self.now.alternative:
            return replace(self, now=session)
        back = tuple(_step(session, _taken(self.now, step)) for step in self.back[-1:])
        ahead = tuple(_step(session, _taken(self.now, step)) for step in self.ahead[:1])
        return History(session, self.back[:-1] + back, ahead + self.ahead[1:])

    def undo(self) -> "History":
        """One edit back, with the present view. At the beginning nothing changes."""
        if not self.back:
            return self
        before = _taken(self.now, self.back[-1])
        return History(before, self.back[:-1], (_step(before, self.now), *self.ahead))

    def redo(self) -> "History":
        """One edit forward, with the present view. At the end nothing changes."""
        if not self.ahead:
            return self
        after = _taken(self.now, self.ahead[0])
        return History(after, (*self.back, _step(after, self.now)), self.ahead[1:])

    def to_json(self) -> dict[str, Any]:
        """A JSON object: now, and the steps to past and future."""
        return {"now": self.now.to_json(), "past": list(self.back), "future": list(self.ahead)}

    @classmethod
    def from_json(cls, document: Any) -> "History":
        """The history in a JSON object. Raises `InputError` on anything else; a faulty step raises only when it is
        taken."""
        if not isinstance(document, dict) or set(document) != {"now", "past", "future"}:
            raise invalid("history", "an object of now, past and future", repr(document), "reload the page")
        steps = document["past"], document["future"]
        if not all(isinstance(part, list) and len(part) <= _DEPTH for part in steps):
            raise invalid("history", f"at most {_DEPTH} steps each way", "more", "reload the page")
        for step in (*steps[0], *steps[1]):
            if not isinstance(step, dict):
                raise invalid("history", "of steps that are objects", repr(step), "reload the page")
            known("history", step, _KEPT)
        return cls(Session.from_json(document["now"]), tuple(steps[0]), tuple(steps[1]))


def _edits(session: Session) -> tuple[Any, ...]:
    return tuple(getattr(session, name) for name in EDIT_FIELDS)


def _along(session: Session, steps: Iterable[Step]) -> tuple[Session, ...]:
    found = []
    for step in steps:
        session = _taken(session, step)
        found.append(session)
    return tuple(found)


def _step(start: Session, end: Session) -> Step:
    """The changes of edit fields from one session to another."""
    changed = [key for key in _KEPT if getattr(start, key) != getattr(end, key)]
    document = end.to_json()
    step = {key: document[key] for key in changed}
    for key in set(changed) & set(_LINKS):
        old, new = set(getattr(start, key)), set(getattr(end, key))
        step[key] = {
            "in": [list(pair) for pair in sorted(new - old)],
            "out": [list(pair) for pair in sorted(old - new)],
        }
    return step


def _taken(session: Session, step: Step) -> Session:
    """The session after a step; other models clear the selection. Raises `InputError` on a faulty step."""
    document = session.to_json() | {key: value for key, value in step.items() if key not in _LINKS}
    for key in set(step) & set(_LINKS):
        if not isinstance(step[key], dict):
            raise invalid("history", "of links put in and taken out", repr(step[key]), "reload the page")
        known("history", step[key], ("in", "out"))
        put, taken = (links(key, step[key].get(way, [])) for way in ("in", "out"))
        document[key] = sorted({*getattr(session, key), *put} - set(taken))
    if (document["model_a"], document["model_b"]) != (session.model_a, session.model_b):
        document["selection"] = None
    return Session.from_json(document)
