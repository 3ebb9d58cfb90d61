"""The log of a person's edits, as the browser keeps it and a session file stores it. Every value is checked.

An entry holds the session's edit fields after the edit, so that the user can return to it.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from core.errors import InputError, invalid
from topoviz.session.checks import choice, number, text, whole
from topoviz.session.state import EDIT_FIELDS, Session, known, parsed
from topoviz.vocabulary import VERDICTS

__all__ = ["KINDS", "Effect", "Entry", "Log", "read_log", "session_and_log", "session_file"]

KINDS = ("edit", "undo", "redo", "jump", "open")
# Words of verdicts in logs of earlier versions.
_FORMER = {"undetermined": "not determined"}
MAX_ENTRIES = 500
MAX_TEXT = 600
MAX_NOTE = 500
MAX_BY = 80
# Pins, bans and names in all entries together.
_MAX_PARTS = 200_000
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_ID = re.compile(r"[a-z0-9-]{1,40}")
_ENTRY = ("id", "time", "by", "kind", "text", "note", "effect", "state")


@dataclass(frozen=True)
class Effect:
    """The effect of an edit: the verdict's word before and after (`trust`), the number of leaf pairs before and how
    many of them stayed (`kept`), and the pair-free `score` in nats before and after. None where it is not known."""

    trust: tuple[str, str] | None = None
    kept: tuple[int, int] | None = None
    score: tuple[float, float] | None = None


@dataclass(frozen=True)
class Entry:
    """One edit: when (UTC, ISO 8601), by whom, its `kind`, its words and a note; `state` is the session after it, in
    which only the edit fields count."""

    id: str
    time: str
    by: str
    kind: str
    text: str
    note: str
    effect: Effect
    state: Session


@dataclass(frozen=True)
class Log:
    """Entries, oldest first; `dropped` counts older ones for which there was no room."""

    entries: tuple[Entry, ...] = ()
    dropped: int = 0


def session_and_log(document: Any) -> tuple[Session, Log]:
    """The session and the log in a session file's JSON (an object or its text); the log may be empty.

    Raises `InputError` on anything else.
    """
    if isinstance(document, str):
        document = parsed(document)
    session = Session.from_json(document)
    return session, read_log(document["log"]) if "log" in document else Log()


def session_file(session: Session, log: Any = None) -> str:
    """The text of a session file, with a `log` as the browser sent it, one entry per line.

    Raises `InputError` on a faulty log.
    """
    text = json.dumps(session.to_json(), indent=1)
    if log is None or not read_log(log).entries:
        return text
    entries = ",\n".join(f"  {json.dumps(entry)}" for entry in log["entries"])
    return f'{text[:-2]},\n "log": {{"dropped": {log.get("dropped", 0)}, "entries": [\n{entries}\n ]}}\n}}'


def read_log(document: Any) -> Log:
    """The log in a JSON object. Raises `InputError` on anything else, in one line."""
    if not isinstance(document, dict):
        raise invalid("log", "an object", type(document).__name__, "choose a file that the app saved")
    known("log", document, ("entries", "dropped"))
    entries = document.get("entries", [])
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise invalid("log", f"a list of at most {MAX_ENTRIES} entries", _amount(entries), "keep the newest")
    _check_size(entries)
    return Log(tuple(_entry(entry) for entry in entries), whole("dropped", document.get("dropped", 0), 0, 10**9))


def _check_size(entries: list[Any]) -> None:
    states = [entry.get("state") for entry in entries if isinstance(entry, dict)]
    parts = sum(
        len(value)
        for state in states
        if isinstance(state, dict)
        for value in state.values()
        if isinstance(value, list | dict)
    )
    if parts > _MAX_PARTS:
        raise invalid("log", f"at most {_MAX_PARTS} pins, bans and names in all entries", parts, "keep the newest")


def _entry(document: Any) -> Entry:
    if not isinstance(document, dict) or set(document) != set(_ENTRY):
        raise invalid("log", f"entries of the keys {', '.join(_ENTRY)}", _amount(document), "choose a saved session")
    state = document["state"]
    if not isinstance(state, dict):
        raise invalid("state", "an object", type(state).__name__, "choose a saved session")
    known("state", state, EDIT_FIELDS)
    return Entry(
        id=_matching("id", document["id"], _ID),
        time=_matching("time", document["time"], _TIME),
        by=text("by", document["by"], MAX_BY),
        kind=choice("kind", document["kind"], KINDS),
        text=text("text", document["text"], MAX_TEXT),
        note=text("note", document["note"], MAX_NOTE),
        effect=_effect(document["effect"]),
        state=Session.from_json(state),
    )


def _effect(document: Any) -> Effect:
    if not isinstance(document, dict):
        raise invalid("effect", "an object", type(document).__name__, "choose a saved session")
    known("effect", document, ("trust", "kept", "score"))
    trust, kept, score = (_two(key, document.get(key)) for key in ("trust", "kept", "score"))
    return Effect(
        trust and (_word(trust[0]), _word(trust[1])),
        kept and (whole("kept", kept[0], 0, 10**6), whole("kept", kept[1], 0, 10**6)),
        score and (number("score", score[0], -1e9, 1e9), number("score", score[1], -1e9, 1e9)),
    )


def _word(value: Any) -> str:
    """A verdict's word; words of earlier versions are translated."""
    return choice("trust", _FORMER.get(value, value) if isinstance(value, str) else value, VERDICTS)


def _two(name: str, value: Any) -> tuple[Any, Any] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise invalid(name, "what was before and after", _amount(value), "choose a saved session")
    return value[0], value[1]


def _matching(name: str, value: Any, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise InputError(f"the log has an entry with no usable {name} ({_amount(value)}); choose a saved session.")
    return value


def _amount(value: Any) -> str:
    """The value as a short text."""
    if isinstance(value, list | dict):
        return f"{len(value)} of them"
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
