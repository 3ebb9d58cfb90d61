"""The matching that a session shows: the best one given its pins and bans, its pins alone, or another explanation."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import core
from core.errors import InputError
from core.match import MatchConfig, Matching, Pair
from core.match.explanations import pair_shares
from core.tree.types import LevelSetTree
from topoviz.session.state import Links, Session

__all__ = ["Preview", "Shown", "best", "shown"]


@dataclass(frozen=True)
class Preview:
    """How the explanation `index` (from 1) differs from the best: its `extra` cost, its `new` leaf pairs, and those
    `gone`.

    `freed` are the pairs of leaves that it leaves unmatched on both sides; the matcher might add some of them.
    """

    index: int
    extra: float
    new: Links
    gone: Links
    freed: Links


@dataclass(frozen=True, eq=False)
class Shown:
    """The `matching` to show, `notes` on what in the session could not be used, and a `preview` of how the matching
    differs from the best one."""

    matching: Matching
    notes: tuple[str, ...] = ()
    preview: Preview | None = None


def best(a: LevelSetTree, b: LevelSetTree, session: Session) -> Shown:
    """The best matching of two trees given a session's pins and bans.

    Never raises: the notes say what could not be used.
    """
    pins, bans = (
        tuple(pair for pair in pairs if pair[0] in set(a.id.tolist()) and pair[1] in set(b.id.tolist()))
        for pairs in (session.pins, session.bans)
    )
    notes = []
    if len(pins) < len(session.pins):
        lost = ", ".join(f"{x}:{y}" for x, y in session.pins if (x, y) not in pins)
        notes.append(f"The links {lost} rest: simplified away, merged or hidden, their nodes are not in these trees.")
    try:
        config = MatchConfig(method=session.method)
        matching = core.match_trees(a, b, pins=pins, bans=bans, config=config)
    except InputError as error:
        notes.append(str(error))
        matching = core.match_trees(a, b)
    return Shown(matching, tuple(notes))


def shown(found: Shown, session: Session) -> Shown:
    """The matching that a session shows, given the best one `found`: all of it, its pins alone, or another
    explanation."""
    matching, index = found.matching, session.alternative
    if not session.complete:
        return Shown(_with_pairs(matching, (pair for pair in matching.pairs if pair.pinned)), found.notes)
    if index > len(matching.alternatives):
        note = f"There are {len(matching.alternatives)} other explanations, not {index}; the best is shown."
        return Shown(matching, (*found.notes, note))
    return Shown(_explanation(matching, session), found.notes, _preview(matching, index)) if index else found


def _preview(best: Matching, index: int) -> Preview:
    other = best.alternatives[index - 1]
    usual = {(pair.a, pair.b) for pair in best.leaf_pairs}
    free_a, free_b = _left_out(best, {a for a, _ in other.pairs}, {b for _, b in other.pairs})
    return Preview(
        index,
        extra=other.cost - best.cost,
        new=tuple(sorted(set(other.pairs) - usual)),
        gone=tuple(sorted(usual - set(other.pairs))),
        freed=tuple((a, b) for a in free_a for b in free_b),
    )


def _explanation(best: Matching, session: Session) -> Matching:
    """The best matching with the pairs of the session's alternative."""
    chosen = best.alternatives[session.alternative - 1].pairs
    free_a, free_b = _left_out(best, {a for a, _ in chosen}, {b for _, b in chosen})
    bans = tuple((x, y) for x in free_a for y in free_b)
    config = MatchConfig(method=session.method)
    forced = core.match_trees(best.tree_a, best.tree_b, pins=chosen, bans=bans, config=config)
    known = {(pair.a, pair.b): pair for pair in best.pairs}
    shares = pair_shares(best)
    return _with_pairs(
        best,
        (
            replace(
                pair,
                pinned=(pair.a, pair.b) in session.pins,
                confidence=known[pair.a, pair.b].confidence
                if (pair.a, pair.b) in known
                else shares.get((pair.a, pair.b), 0.0),
            )
            for pair in forced.pairs
        ),
    )


def _with_pairs(matching: Matching, pairs: Iterable[Pair]) -> Matching:
    pairs = tuple(pairs)
    free_a, free_b = _left_out(matching, {pair.a for pair in pairs}, {pair.b for pair in pairs})
    return replace(matching, pairs=pairs, unmatched_a=free_a, unmatched_b=free_b)


def _left_out(matching: Matching, ends_a: set[int], ends_b: set[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The leaves of both trees that are not among these ends."""
    a, b = matching.tree_a, matching.tree_b
    return tuple(x for x in a.ids(a.leaves) if x not in ends_a), tuple(x for x in b.ids(b.leaves) if x not in ends_b)
