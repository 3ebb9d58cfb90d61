"""Two trees that face each other: the places and sizes of nodes, branches and holes.

Levels run across, each tree's floor outside and its peak inside. The leaves' slots run down. Marks shrink where leaves
are many.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.tree import LevelSetTree
from topoviz.figures.geometry.tree import depth, lanes, tree_geometry
from topoviz.session.state import Side

__all__ = ["END", "HEIGHT", "LINE", "WIDTH", "Frame", "Placed", "PlacedHoles", "row_count"]

WIDTH = 1.0
END = 2.95
_STEM = 0.04
# The figure's height in pixels on a page of 1440 x 900, and the least distance between lines of text.
HEIGHT = 400.0
LINE = 12.0
_CROWDED = 15.0
# Pixels between a branch and its holes, and between holes; where leaves are many, shares of a slot.
_AWAY, _LEAST, _MOST, _LANE = 13.0, 0.18, 0.7, 0.75


def row_count(orders: Mapping[Side, tuple[int, ...]]) -> int:
    """The number of rows that two trees with these orders of leaves need."""
    return max(len(orders["a"]), len(orders["b"]), 2)


@dataclass(frozen=True)
class Frame:
    """The scale of both trees: `floor` (nats below the peak) is at the foot of both, and the slots of `rows` leaves
    share a `height` in pixels.

    Each tree is `width` wide and lies `margin` inside 0 or `end`; the root's branch begins `stem` outside.
    """

    floor: float
    rows: int
    height: float = HEIGHT
    width: float = WIDTH
    end: float = END
    margin: float = 0.0
    stem: float = _STEM

    @property
    def window(self) -> tuple[float, float]:
        """The slots at the foot and at the top of the figure, with room for the axis beyond the last leaf."""
        row = (self.height - 28) / max(self.rows - 1, 1)
        return self.rows - 1 + max(0.8, 19 / row), -max(0.6, 9 / row)

    @property
    def pitch(self) -> float:
        """Pixels from one leaf's slot to the next."""
        foot, top = self.window
        return self.height / (foot - top)

    @property
    def crowded(self) -> bool:
        """Whether there is no room for a name next to every leaf."""
        return self.pitch < _CROWDED

    @property
    def scale(self) -> float:
        """The factor by which marks shrink, 1 where there is room."""
        return float(np.clip(self.pitch / 24, 0.36, 1))

    def across(self, level: Any, side: Side) -> Any:
        """The position of a relative level (nats); levels below the floor lie at the floor."""
        return self._across(depth(level, self.floor), side)

    def _across(self, deep: np.ndarray, side: Side) -> np.ndarray:
        inward = self.margin + self.width * (1 - deep)
        return inward if side == "a" else self.end - inward

    def size(self, mass: Any) -> Any:
        """The diameter of a leaf's mark in pixels."""
        return self.scale * (9 + 22 * np.sqrt(np.clip(mass, 0, 1)))

    def named(self, slots: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """(n,): whether each of n names has room in the figure; names of more `weight` come first."""
        chosen = np.zeros(len(slots), dtype=bool)
        for at in np.argsort(-weight, kind="stable"):
            chosen[at] = not self.crowded or bool((np.abs(slots[chosen] - slots[at]) * self.pitch >= LINE).all())
        return chosen

    def placed(self, tree: LevelSetTree, order: tuple[int, ...], side: Side) -> "Placed":
        """A tree in this frame, with its leaves' rows in `order`."""
        shape = tree_geometry(tree, self.floor, order, self.stem / self.width)
        shift = (self.rows - len(order)) / 2
        slot, branches = shape.slot + shift, shape.branches
        leaf = np.isin(np.arange(len(tree)), tree.leaves)
        named = self.named(slot[tree.leaves], tree.mass[tree.leaves])
        return Placed(
            tree=tree,
            side=side,
            place=np.column_stack((self._across(shape.depth, side), slot)),
            branches=np.stack((self._across(branches[..., 1], side), branches[..., 0] + shift), axis=-1),
            leaf=leaf,
            size=np.where(leaf, self.size(tree.mass), 2.5 + 4.5 * self.scale),
            named=dict(zip(tree.leaves.tolist(), named.tolist(), strict=True)),
            spread=None if tree.level_error is None else self.width / abs(self.floor) * tree.level_error,
            holes=self._holes(tree, slot, side),
        )

    def _holes(self, tree: LevelSetTree, slot: np.ndarray, side: Side) -> "PlacedHoles":
        found = tree.holes
        if found is None:
            return PlacedHoles(*np.empty((3, 0)), lane=np.empty(0, dtype=int))
        away = float(np.clip(_AWAY / self.pitch, _LEAST, _MOST))
        lane = lanes(found)
        lane_slot = slot[found.node] + away * (1 + _LANE * lane)
        return PlacedHoles(self.across(found.top, side), self.across(found.bottom, side), lane_slot, lane)


@dataclass(frozen=True, eq=False)
class PlacedHoles:
    """The h holes of a tree in a frame, each next to the branch of the node that surrounds it: where it closes
    (`top`, (h,)) and where it is filled (`bottom`, (h,)) across, and its `slot` (h,) down, shifted by its `lane`
    (h,)."""

    top: np.ndarray
    bottom: np.ndarray
    slot: np.ndarray
    lane: np.ndarray


@dataclass(frozen=True, eq=False)
class Placed:
    """A tree of m rows in a frame.

    `place` (m, 2) is the position of each node, `branches` (m, 3, 2) the path of its branch, `leaf` (m,) whether it is
    a leaf, `size` (m,) the diameter of its mark in pixels. `named` says for each leaf's row whether its name has room.
    `spread` (m,) is a standard error of its level, None where errors are not known.
    """

    tree: LevelSetTree
    side: Side
    place: np.ndarray
    branches: np.ndarray
    leaf: np.ndarray
    size: np.ndarray
    named: dict[int, bool]
    spread: np.ndarray | None
    holes: PlacedHoles

    def at(self, node: int) -> np.ndarray:
        """(2,): the position of a node, by its id."""
        return self.place[self.tree.row(node)]
