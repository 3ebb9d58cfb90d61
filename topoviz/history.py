"""Undo and redo over sessions.

It knows only which fields count as edits; the rest are looks, and stay as they are.
"""

from dataclasses import dataclass, replace
from typing import Any

from core.errors import invalid
from topoviz.session import EDIT_FIELDS, Session

__all__ = ["History"]

_DEPTH = 100
_LOOKS = ("level", "morph", "selection", "figure")


@dataclass(frozen=True)
class History:
    """The session `now`, those before it in `past` (oldest first) those undone in `future` (next first)."""

    now: Session
    past: tuple[Session, ...] = ()
    future: tuple[Session, ...] = ()

    def push(self, session: Session) -> "History":
        """The history with `session` as now.

        Only an edit makes a step; a change of looks replaces what is now.
        """
        if _edits(session) == _edits(self.now):
            return replace(self, now=session)
        return History(session, (*self.past, self.now)[-_DEPTH:], ())

    def undo(self) -> "History":
        """One edit back, with the looks of now. At the beginning nothing changes."""
        if not self.past:
            return self
        return History(_look(self.past[-1], self.now), self.past[:-1], (self.now, *self.future))

    def redo(self) -> "History":
        """One edit forward again, with the looks of now. At the end nothing changes."""
        if not self.future:
            return self
        return History(_look(self.future[0], self.now), (*self.past, self.now), self.future[1:])

    def to_json(self) -> dict[str, Any]:
        """A JSON object: now, past, future."""
        return {
            "now": self.now.to_json(),
            "past": [session.to_json() for session in self.past],
            "future": [session.to_json() for session in self.future],
        }

    @classmethod
    def from_json(cls, document: Any) -> "History":
        """The history in a JSON object. Raises `InputError` on anything else."""
        if not isinstance(document, dict) or set(document) != {"now", "past", "future"}:
            raise invalid("history", "an object of now, past and future", repr(document), "reload the page")
        steps = document["past"], document["future"]
        if not all(isinstance(part, list) and len(part) <= _DEPTH for part in steps):
            raise invalid("history", f"at most {_DEPTH} steps each way", "more", "reload the page")
        past, future = (tuple(map(Session.from_json, part)) for part in steps)
        return cls(Session.from_json(document["now"]), past, future)


def _edits(session: Session) -> tuple[Any, ...]:
    return tuple(getattr(session, name) for name in EDIT_FIELDS)


def _look(session: Session, now: Session) -> Session:
    """`session` seen as `now` is; a selection does not cross to other models."""
    looks = {name: getattr(now, name) for name in _LOOKS}
    if (session.model_a, session.model_b) != (now.model_a, now.model_b):
        looks["selection"] = None
    return replace(session, **looks)
