"""Simplification of a merge tree: leaves of little persistence or mass dissolve into what they join, and what a person
merges, splits and hides by hand."""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from core.tree.build import MergeTree

__all__ = ["ByHand", "Outline", "simplify"]

_SIGNIFICANT = 3.0


@dataclass(frozen=True)
class ByHand:
    """What of a tree is not left to thresholds, by node ids: ids that a tree does not have are passed over.

    `merged` are saddles whose branches become one leaf, the highest of them; `split` leaves that stay however little
    they stand out, and with each those that it joins; `hidden` nodes that are taken out with all above them. Merging
    goes before splitting, hiding comes last.
    """

    merged: tuple[int, ...] = ()
    split: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.merged or self.split or self.hidden)


_NOTHING = ByHand()


@dataclass(frozen=True, eq=False)
class Outline:
    """The nodes that a simplification keeps, from the root down, and where all others went.

    `source` (m,) is the merge tree's row of each, -1 for the root set under a single leaf; `parent` (m,) a
    position in `source`, -1 at the root; `position` (2L-1,) that of the node whose region a row has dissolved
    into.
    """

    source: np.ndarray
    parent: np.ndarray
    position: np.ndarray


def simplify(
    tree: MergeTree,
    mass: np.ndarray,
    min_persistence: float,
    min_mass: float,
    points: int | None = None,
    by_hand: ByHand = _NOTHING,
) -> Outline:
    """Dissolves leaves of persistence below `min_persistence` (nats), then those of mass below `min_mass`.

    Where the density was learned from a known number of `points`, leaves also dissolve that those may show by chance:
    with m points above its saddle, the mean height of a leaf above it is known to about 1 / sqrt(m) nats, and three
    times that is asked for.

    The least persistent goes first, then the lightest; `mass` (2L-1,) is that of the rows' regions. A
    dissolved leaf takes its saddle with it, and its sibling's region grows to what was the saddle's. Of two
    sibling leaves the higher one stays (the elder rule). The last leaf always stays.

    What is done `by_hand` goes before the thresholds. What is merged has its saddle's region. What is hidden dissolves
    with the saddle that it hangs on into the node below, so that no other node's region changes; what would leave
    nothing to see stays.
    """
    contraction = _Contraction(tree, mass)
    hidden = _rows(by_hand.hidden, tree)
    for row in _rows(by_hand.merged, tree):
        contraction.merge(row, hidden)
    kept = contraction.with_elders(_rows(by_hand.split, tree))
    persistence = np.full(len(tree), np.inf)
    persistence[2::2] = tree.height[2::2] - tree.height[1::2]
    for row in np.lexsort((-np.arange(len(tree)), persistence)).tolist():
        if row in kept or not contraction.keeps(row):
            continue
        if persistence[row] < min_persistence:
            contraction.remove(row)
        elif points is None or not np.isfinite(persistence[row]):
            break
        elif contraction.stands(row) == persistence[row]:
            above = points * contraction.mass[row]
            if persistence[row] * np.sqrt(above) < _SIGNIFICANT:
                contraction.remove(row)
    light = [(contraction.mass[row], row) for row in range(0, len(tree), 2) if contraction.keeps(row) and row not in kept]
    heapify(light)
    while light and light[0][0] < min_mass:
        weight, row = heappop(light)
        current = contraction.keeps(row) and contraction.mass[row] == weight
        if current and contraction.parent[row] >= 0:
            survivor = contraction.remove(row)
            if not contraction.children[survivor] and survivor not in kept:
                heappush(light, (contraction.mass[survivor], survivor))
    contraction.hide(hidden)
    return contraction.outline()


def _rows(ids: Iterable[int], tree: MergeTree) -> set[int]:
    return {node - 1 for node in ids if 0 < node <= len(tree)}


class _Contraction:
    """A binary tree under removal of leaves."""

    def __init__(self, tree: MergeTree, mass: np.ndarray) -> None:
        self.parent: list[int] = tree.parent.tolist()
        self.height: list[float] = tree.height.tolist()
        self.mass: list[float] = mass.tolist()
        self.into = list(range(len(tree)))
        self.children = tree.children()

    def keeps(self, row: int) -> bool:
        return self.into[row] == row

    def stands(self, leaf: int) -> float:
        """How far a leaf stands above the saddle right below it."""
        return self.height[leaf] - self.height[self.parent[leaf]]

    def remove(self, leaf: int) -> int:
        """Removes a leaf, or a sibling leaf that is lower, with its saddle; returns the node that stays."""
        saddle = self.parent[leaf]
        a, b = self.children[saddle]
        stays = b if a == leaf else a
        if not self.children[stays] and (-self.height[leaf], leaf) < (-self.height[stays], stays):
            leaf, stays = stays, leaf
        self.into[leaf] = self.into[saddle] = stays
        self.mass[stays] = self.mass[saddle]
        above = self.parent[stays] = self.parent[saddle]
        if above >= 0:
            self.children[above] = [stays if row == saddle else row for row in self.children[above]]
        return stays

    def below(self, row: int) -> list[int]:
        """All rows above a saddle, itself first."""
        found, todo = [], [row]
        while todo:
            found.append(todo.pop())
            todo.extend(self.children[found[-1]])
        return found

    def highest(self, rows: Iterable[int]) -> int:
        """The highest leaf of some rows."""
        return min((row for row in rows if not self.children[row]), key=lambda row: (-self.height[row], row))

    def merge(self, saddle: int, hidden: set[int]) -> None:
        """Makes one leaf of all above a saddle: the highest one that is not hidden, if there is such."""
        if not self.keeps(saddle) or not self.children[saddle]:
            return
        rows = self.below(saddle)
        unseen = {above for row in rows[1:] if row in hidden for above in self.below(row)}
        leaves = [row for row in rows if not self.children[row]]
        elder = self.highest([row for row in leaves if row not in unseen] or leaves)
        for row in rows:
            self.into[row] = elder
        self.mass[elder] = self.mass[saddle]
        above = self.parent[elder] = self.parent[saddle]
        if above >= 0:
            self.children[above] = [elder if row == saddle else row for row in self.children[above]]
        for row in rows:
            self.children[row] = []

    def with_elders(self, leaves: set[int]) -> set[int]:
        """Leaves that are to stay, and the leaves that they join on the way down, without which they could not."""
        kept: set[int] = set()
        for leaf in leaves:
            while leaf not in kept and leaf % 2 == 0 and self.keeps(leaf):
                kept.add(leaf)
                row = leaf
                while self.parent[row] >= 0 and self.highest(self.below(row)) == leaf:
                    row = self.parent[row]
                leaf = self.highest(self.below(row))
        return kept

    def hide(self, hidden: set[int]) -> None:
        """Takes nodes out with all above them, the lowest first. One that had dissolved stands for what is left of it."""
        depth = dict.fromkeys(hidden, 0)
        standing = {self._resolved(row): row for row in sorted(hidden)}
        for row in standing:
            at = row
            while self.parent[at] >= 0:
                at, depth[row] = self.parent[at], depth.get(row, 0) + 1
        for row in sorted(standing, key=lambda row: (depth[row], row)):
            if self.keeps(row) and self.parent[row] >= 0:
                self._take_out(row)

    def _resolved(self, row: int) -> int:
        while not self.keeps(row):
            row = self.into[row]
        return row

    def _take_out(self, row: int) -> None:
        saddle = self.parent[row]
        stays = next(child for child in self.children[saddle] if child != row)
        above = self.parent[stays] = self.parent[saddle]
        home = stays if above < 0 else above
        for gone in (saddle, *self.below(row)):
            self.into[gone] = home
        if above < 0:
            self.mass[stays] = self.mass[saddle]
        else:
            self.children[above] = [stays if child == saddle else child for child in self.children[above]]

    def outline(self) -> Outline:
        into = np.array(self.into)
        while not np.array_equal(further := into[into], into):
            into = further
        root = next(row for row, parent in enumerate(self.parent) if parent < 0 and self.keeps(row))
        source, todo = [], [root]
        while todo:
            row = todo.pop()
            source.append(row)
            todo.extend(sorted(self.children[row], reverse=True))
        if len(source) == 1:
            return Outline(np.array([-1, root]), np.array([-1, 0]), np.ones(len(into), dtype=np.intp))
        place = np.full(len(into), -1)
        place[source] = np.arange(len(source))
        parents = np.array([self.parent[row] for row in source])
        return Outline(np.array(source), np.where(parents < 0, -1, place[parents]), place[into])
