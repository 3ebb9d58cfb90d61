"""The order of the leaves of two trees that face each other, so that few links cross.

With one tree fixed, each saddle of the other can be turned independently: how often the links of two branches cross
depends on nothing else (Fernau, Kaufmann and Poths 2010, doi 10.1016/j.jcss.2009.10.014). With many leaves, both trees
are turned alternately; with few, A keeps its order through all edits.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cmp_to_key, lru_cache

from core.tree import LevelSetTree, leaf_order
from topoviz.session.analysis import Analysis
from topoviz.session.state import Side

__all__ = ["crossings", "slots"]

_MANY = 20
_SWEEPS = 4


def slots(analysis: Analysis) -> dict[Side, tuple[int, ...]]:
    """The rows of both trees' leaves from top to bottom."""
    pairs = tuple((pair.a, pair.b) for pair in analysis.matching.leaf_pairs)
    a, b = _slots(analysis.tree("a"), analysis.tree("b"), pairs)
    return {"a": a, "b": b}


# An edit may leave the matched pairs as they were.
@lru_cache(maxsize=16)
def _slots(
    tree_a: LevelSetTree, tree_b: LevelSetTree, matched: tuple[tuple[int, int], ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    pairs = [(tree_a.row(a), tree_b.row(b)) for a, b in matched]
    back = [(b, a) for a, b in pairs]
    a = leaf_order(tree_a)
    b = _turned(tree_b, leaf_order(tree_b), back, a)
    if max(len(a), len(b)) < _MANY:
        return a, b
    for _ in range(_SWEEPS):
        before = a, b
        a = _turned(tree_a, a, pairs, b)
        b = _turned(tree_b, b, back, a)
        if (a, b) == before:
            break
    return a, b


def crossings(lines: list[int]) -> int:
    """The number of crossings of lines that end at these slots, in the order in which they start.

    >>> crossings([2, 0, 1])
    2
    """
    seen: list[int] = []
    crossed = 0
    for slot in lines:
        at = bisect_right(seen, slot)
        crossed += len(seen) - at
        seen.insert(at, slot)
    return crossed


def _turned(
    tree: LevelSetTree, order: tuple[int, ...], pairs: list[tuple[int, int]], facing: tuple[int, ...]
) -> tuple[int, ...]:
    """The order with the fewest crossings of `pairs` (row here, row there); no saddle is turned without gain."""
    slot = {row: at for at, row in enumerate(facing)}
    wanted = {here: slot[there] for here, there in pairs}
    first = {row: at for at, row in enumerate(order)}
    below: dict[int, _Branch] = {}
    for row in reversed(range(len(tree))):
        parts = [below.pop(child) for child in tree.children[row]]
        below[row] = _joined(parts) if parts else _Branch((row,), [wanted[row]] if row in wanted else [], first[row])
    return below[0].leaves


@dataclass(frozen=True, slots=True)
class _Branch:
    """A branch: its `leaves` in order, the sorted slots where their `links` end, the old slot of its `first` leaf."""

    leaves: tuple[int, ...]
    links: list[int]
    first: int


def _joined(parts: list[_Branch]) -> _Branch:
    """Branches in sequence. A link of an earlier branch crosses a link of a later one if it ends after it."""
    parts = sorted(parts, key=cmp_to_key(lambda one, other: _gain(one.links, other.links) or one.first - other.first))
    return _Branch(
        tuple(leaf for part in parts for leaf in part.leaves),
        sorted(slot for part in parts for slot in part.links),
        min(part.first for part in parts),
    )


def _gain(one: list[int], other: list[int]) -> int:
    """The crossings with `one` before `other`, less those with `one` after it; both are sorted.

    >>> _gain([0, 2], [1, 1, 3])
    -2
    """
    if len(one) < len(other):
        return -_gain(other, one)
    return sum(len(one) - bisect_right(one, slot) - bisect_left(one, slot) for slot in other)
