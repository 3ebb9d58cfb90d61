"""Simplification of a merge tree: leaves of little persistence or mass dissolve into their siblings, and a person's
edits merge, split and hide nodes."""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from core.tree.build import MergeTree

__all__ = ["ByHand", "Outline", "simplify"]

_SIGNIFICANT = 3.0


@dataclass(frozen=True)
class ByHand:
    """A person's edits of a tree, as node ids; unknown ids are ignored.

    The branches of `merged` saddles become one leaf, the highest of them. `split` leaves stay whatever their
    persistence, and so do the leaves that they join. `hidden` nodes are removed with all nodes above them. Merging
    comes first, then splitting, then hiding.
    """

    merged: tuple[int, ...] = ()
    split: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()


_NOTHING = ByHand()


@dataclass(frozen=True, eq=False)
class Outline:
    """The nodes that a simplification keeps, from the root down, and the nodes into which all others dissolved.

    `source` (m,) is the merge tree's row of each, -1 for an added root under a single leaf; `parent` (m,) is an index
    into `source`, -1 at the root; `position` (2L-1,) is the index of the node into whose region each row dissolved.
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

    If the number of training `points` is known, leaves that are not significant also dissolve: with m points above its
    saddle, the mean height of a leaf above it has a standard error of about 1 / sqrt(m) nats, and a leaf needs three
    times that.

    The least persistent leaf dissolves first, later the lightest; `mass` (2L-1,) is that of the rows' regions. A leaf
    dissolves together with its saddle, and its sibling's region grows to the saddle's. Of two sibling leaves the higher
    one stays (the elder rule). The last leaf always stays.

    Edits `by_hand` come before the thresholds. A merged leaf has its saddle's region. A hidden node dissolves together
    with the saddle below it into the node below that, so that no other node's region changes, unless nothing would
    remain.
    """
    contraction = _Contraction(tree, mass)
    hidden = _rows(by_hand.hidden, tree)
    persistence = np.full(len(tree), np.inf)
    persistence[2::2] = tree.height[2::2] - tree.height[1::2]
    for row in _rows(by_hand.merged, tree):
        highest, stays = contraction.merge(row, hidden)
        if stays != highest:
            persistence[stays] = persistence[highest] - tree.height[highest] + tree.height[stays]
    kept = contraction.with_elders(_rows(by_hand.split, tree))
    for row in np.lexsort((-np.arange(len(tree)), persistence)).tolist():
        if row in kept or not contraction.keeps(row):
            continue
        if persistence[row] < min_persistence:
            contraction.remove(row)
        elif points is None or not np.isfinite(persistence[row]):
            break
        elif contraction.height_above_saddle(row) == persistence[row]:
            above = points * contraction.mass[row]
            if persistence[row] * np.sqrt(above) < _SIGNIFICANT:
                contraction.remove(row)
    light = [
        (contraction.mass[row], row) for row in range(0, len(tree), 2) if contraction.keeps(row) and row not in kept
    ]
    heapify(light)
    while light and light[0][0] < min_mass:
        weight, row = heappop(light)
        current = contraction.keeps(row) and contraction.mass[row] == weight
        if current and contraction.parent[row] >= 0:
            survivor = contraction.remove(row)
            if not contraction.children[survivor] and survivor not in kept:
                heappush(light, (contraction.mass[survivor], survivor))
    contraction.hide(hidden, tree)
    return contraction.outline()


def _path(row: int, tree: MergeTree) -> list[int]:
    """The rows from `row` to the root."""
    path = [row]
    while tree.parent[path[-1]] >= 0:
        path.append(int(tree.parent[path[-1]]))
    return path


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

    def height_above_saddle(self, leaf: int) -> float:
        """The height of a leaf above the saddle right below it."""
        return self.height[leaf] - self.height[self.parent[leaf]]

    def remove(self, leaf: int) -> int:
        """Removes a leaf, or its sibling if that is a lower leaf, with their saddle; returns the node that stays."""
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
        """All rows in the subtree of a row, itself first."""
        found, todo = [], [row]
        while todo:
            found.append(todo.pop())
            todo.extend(self.children[found[-1]])
        return found

    def highest(self, rows: Iterable[int]) -> int:
        """The highest leaf of some rows."""
        return min((row for row in rows if not self.children[row]), key=lambda row: (-self.height[row], row))

    def merge(self, saddle: int, hidden: set[int]) -> tuple[int, int]:
        """Merges all rows above a saddle into one leaf: the highest, or if that is hidden the most persistent visible
        one. Returns the highest leaf and the one that stays."""
        if not self.keeps(saddle) or not self.children[saddle]:
            return saddle, saddle
        rows = self.below(saddle)
        unseen = {above for row in rows[1:] if row in hidden for above in self.below(row)}
        leaves = [row for row in rows if not self.children[row]]
        highest = self.highest(leaves)
        seen = [row for row in leaves if row not in unseen]
        stays = min(seen) if seen and highest in unseen else highest
        for row in rows:
            self.into[row] = stays
            self.children[row] = []
        self.mass[stays] = self.mass[saddle]
        above = self.parent[stays] = self.parent[saddle]
        if above >= 0:
            self.children[above] = [stays if row == saddle else row for row in self.children[above]]
        return highest, stays

    def with_elders(self, leaves: set[int]) -> set[int]:
        """The given leaves, and the leaves that they join on the way down, which must stay with them."""
        kept: set[int] = set()
        for leaf in leaves:
            while leaf not in kept and self.keeps(leaf) and not self.children[leaf]:
                kept.add(leaf)
                leaf = self._joined(leaf)
        return kept

    def _joined(self, leaf: int) -> int:
        """The higher leaf that a leaf joins, or itself if there is none."""
        row = leaf - 1 if leaf and self.keeps(leaf - 1) else leaf
        while (higher := self.highest(self.below(row))) == leaf and self.parent[row] >= 0:
            row = self.parent[row]
        return higher

    def hide(self, hidden: set[int], tree: MergeTree) -> None:
        """Removes nodes with all nodes above them, the lowest first. A dissolved saddle stands for the rest of its
        branch."""
        depth = {}
        for row in hidden:
            left = row
            while not self.keeps(left):
                left = self.into[left]
            path = _path(left, tree)
            if row in path:
                depth[left] = len(path)
        for row in sorted(depth, key=lambda row: (depth[row], row)):
            if self.keeps(row) and self.parent[row] >= 0:
                self._remove_subtree(row)

    def _remove_subtree(self, row: int) -> None:
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
