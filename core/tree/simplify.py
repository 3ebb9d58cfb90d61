"""Simplification of a merge tree: leaves of little persistence or mass dissolve into what they join."""

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from core.tree.build import MergeTree

__all__ = ["Outline", "simplify"]

_SIGNIFICANT = 3.0


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
    tree: MergeTree, mass: np.ndarray, min_persistence: float, min_mass: float, points: int | None = None
) -> Outline:
    """Dissolves leaves of persistence below `min_persistence` (nats), then those of mass below `min_mass`.

    Where the density was learned from a known number of `points`, leaves also dissolve that those may show by chance:
    with m points above its saddle, the mean height of a leaf above it is known to about 1 / sqrt(m) nats, and three
    times that is asked for.

    The least persistent goes first, then the lightest; `mass` (2L-1,) is that of the rows' regions. A
    dissolved leaf takes its saddle with it, and its sibling's region grows to what was the saddle's. Of two
    sibling leaves the higher one stays (the elder rule). The last leaf always stays.
    """
    contraction = _Contraction(tree, mass)
    persistence = np.full(len(tree), np.inf)
    persistence[2::2] = tree.height[2::2] - tree.height[1::2]
    for row in np.lexsort((-np.arange(len(tree)), persistence)).tolist():
        if persistence[row] < min_persistence:
            contraction.remove(row)
        elif points is None or not np.isfinite(persistence[row]):
            break
        elif contraction.stands(row) == persistence[row]:
            above = points * contraction.mass[row]
            if persistence[row] * np.sqrt(above) < _SIGNIFICANT:
                contraction.remove(row)
    light = [(contraction.mass[row], row) for row in range(0, len(tree), 2) if contraction.keeps(row)]
    heapify(light)
    while light and light[0][0] < min_mass:
        weight, row = heappop(light)
        current = contraction.keeps(row) and contraction.mass[row] == weight
        if current and contraction.parent[row] >= 0:
            survivor = contraction.remove(row)
            if not contraction.children[survivor]:
                heappush(light, (contraction.mass[survivor], survivor))
    return contraction.outline()


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
