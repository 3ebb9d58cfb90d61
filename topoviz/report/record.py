"""The record of a match: the models with their hashes, the settings, every edit with its note, the outcome.

The same session, log and models give the same bytes.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from core.verdict import Verdict
from topoviz import __version__
from topoviz.session.analysis import Analysis, analyze, mapped_names
from topoviz.session.library import Library
from topoviz.session.log import Entry, Log, read_log
from topoviz.session.state import NODE_FIELDS, SIDES, Session, Side
from topoviz.vocabulary import confidence_text, rounded, verdict_lines

__all__ = ["markdown", "record", "record_files", "with_record"]

_SETTINGS = ("method", "simplify", "family", "complete")
_FILES = ("model.safetensors", "sample.safetensors", "config.json")
_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_[]<>|#~"})


def record_files(library: Library, session: Session, analysis: Analysis, log: Log) -> Iterator[tuple[str, bytes]]:
    """`record.md`, to read, and `record.json`, with the same content."""
    document = record(library, session, analysis, log)
    yield "record.md", markdown(document).encode()
    yield "record.json", (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def with_record(
    files: Iterable[tuple[str, bytes]], library: Library, session: Session, log: Any = None
) -> Iterator[tuple[str, bytes]]:
    """`files`, then those of the record, with a `log` as the browser sent it.

    Raises `InputError` on a faulty log.
    """
    kept = Log() if log is None else read_log(log)
    yield from files
    yield from record_files(library, session, analyze(library, session), kept)


def record(library: Library, session: Session, analysis: Analysis, log: Log) -> dict[str, Any]:
    """The record as a JSON object."""
    return {
        "schema": 1,
        "topoviz": __version__,
        "models": {side: _model(library, session, analysis, side) for side in SIDES},
        "settings": {name: getattr(session, name) for name in _SETTINGS} | _by_hand(session),
        "edits": [_edit(entry) for entry in log.entries],
        "edits_dropped": log.dropped,
        "outcome": _outcome(session, analysis),
    }


def _by_hand(session: Session) -> dict[str, list[int]]:
    """The nodes that were merged, split or hidden."""
    return {name: list(nodes) for name in NODE_FIELDS if (nodes := getattr(session, name))}


def _model(library: Library, session: Session, analysis: Analysis, side: Side) -> dict[str, Any]:
    name = session.model(side)
    entry, metrics, tree = library.entry(name), analysis.model(side).metrics, analysis.tree(side)
    return {
        "name": name,
        "dataset": entry.dataset,
        "data_mark": metrics.get("mark"),
        "points": metrics.get("points"),
        "dim": entry.dim,
        "latent_dim": entry.latent_dim,
        "nll": entry.nll,
        "leaves": len(tree.leaves),
        "sha256": {
            file: hashlib.sha256((entry.folder / file).read_bytes()).hexdigest()
            for file in _FILES
            if (entry.folder / file).is_file()
        },
    }


def _edit(entry: Entry) -> dict[str, Any]:
    effect = {key: list(value) for key, value in vars(entry.effect).items() if value is not None}
    fields = {"time": entry.time, "by": entry.by, "kind": entry.kind, "text": entry.text, "note": entry.note}
    state = {"pins": [list(pair) for pair in entry.state.pins], "bans": [list(pair) for pair in entry.state.bans]}
    return fields | {"effect": effect, "state": state}


def _outcome(session: Session, analysis: Analysis) -> dict[str, Any]:
    matching, (names_a, names_b) = analysis.matching, mapped_names(analysis, session)
    return {
        "verdict": None if analysis.verdict is None else analysis.verdict.to_json(),
        "cost": matching.cost,
        "gap": matching.gap,
        "solver": matching.solver,
        "pairs": [
            {
                "a": pair.a,
                "name_a": names_a[pair.a].text if pair.a in names_a else "",
                "b": pair.b,
                "name_b": names_b[pair.b].text if pair.b in names_b else "",
                "pinned": pair.pinned,
                "confidence": rounded(pair.confidence, 4),
            }
            for pair in matching.leaf_pairs
        ],
        "left_out_a": list(matching.unmatched_a),
        "left_out_b": list(matching.unmatched_b),
        "bans": [list(pair) for pair in session.bans],
        "map": None if analysis.map is None else analysis.map.family,
        "score": analysis.score,
    }


def markdown(document: dict[str, Any]) -> str:
    """A record as Markdown."""
    models, outcome = document["models"], document["outcome"]
    title = " and ".join(_plain(models[side]["name"]) for side in SIDES)
    settings = ", ".join(f"{name} {_plain(value)}" for name, value in document["settings"].items())
    return "\n".join(
        [
            f"# How {title} were matched",
            "",
            *_verdict(outcome["verdict"]),
            "",
            f"Settings: {settings}. Made with topoviz {document['topoviz']}.",
            "",
            "## Models",
            "",
            *_table(("", "model", "data", "points", "leaves", "SHA-256 of the model"), _model_rows(models)),
            "",
            "## Edits",
            "",
            *_edits(document),
            "",
            "## Outcome",
            "",
            *_table(("A", "B", "how", "confidence"), [_pair_row(pair) for pair in outcome["pairs"]]),
            "",
            _rest(outcome),
            "",
        ]
    )


def _verdict(document: dict[str, Any] | None) -> Iterator[str]:
    sentence, *reasons = map(_plain, verdict_lines(None if document is None else Verdict.from_json(document)))
    yield f"**{sentence}**" if document else sentence
    yield from ["", *(f"- {reason}" for reason in reasons)] if reasons else ()


def _model_rows(models: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    for side, model in models.items():
        mark = model["sha256"].get("model.safetensors", "")
        yield side.upper(), model["name"], model["dataset"], model["points"], model["leaves"], mark


def _edits(document: dict[str, Any]) -> Iterator[str]:
    if document["edits_dropped"]:
        yield f"{document['edits_dropped']} older edits are not in the log."
        yield ""
    if not document["edits"]:
        yield "None: the match is as it was found."
    for at, edit in enumerate(document["edits"], start=1):
        by = f", {_plain(edit['by'])}" if edit["by"] else ""
        effect = _effect(edit["effect"])
        yield f"{at}. {edit['time']}{by}: {_plain(edit['text'])}" + (f" ({effect})" if effect else "")
        if edit["note"]:
            yield f"   > {_plain(edit['note'])}"


def _effect(effect: dict[str, Any]) -> str:
    parts = []
    if "trust" in effect:
        before, after = effect["trust"]
        parts.append(after if before == after else f"{before} → {after}")
    if "kept" in effect:
        parts.append(f"{effect['kept'][1]} of {effect['kept'][0]} pairs kept")
    if "score" in effect:
        parts.append("score " + " → ".join(f"{value:.2f}" for value in effect["score"]).replace("-", "−"))
    return "; ".join(parts)


def _pair_row(pair: dict[str, Any]) -> tuple[Any, ...]:
    nodes = (f"{pair[f'name_{side}']} ({pair[side]})" if pair[f"name_{side}"] else pair[side] for side in SIDES)
    return (*nodes, "pinned by hand" if pair["pinned"] else "found", confidence_text(pair["confidence"]))


def _rest(outcome: dict[str, Any]) -> str:
    parts = [
        f"Left out of {side.upper()}: {', '.join(map(str, outcome[f'left_out_{side}']))}."
        for side in SIDES
        if outcome[f"left_out_{side}"]
    ]
    if outcome["bans"]:
        parts.append("Banned: " + ", ".join(f"{a}–{b}" for a, b in outcome["bans"]) + ".")
    parts.append("There is no transform." if outcome["map"] is None else f"Transform: {outcome['map']}.")
    if outcome["score"] is not None:
        parts.append(f"Score {outcome['score']:.3f} nats (0 is perfect).".replace("-", "−"))
    return " ".join(parts)


def _table(head: tuple[str, ...], rows: Any) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return ["| " + " | ".join("" if cell is None else _plain(cell) for cell in line) + " |" for line in lines]


def _plain(value: Any) -> str:
    """Text escaped for Markdown."""
    return str(value).translate(_SPECIAL)
