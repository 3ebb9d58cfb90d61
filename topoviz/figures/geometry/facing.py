"""Two trees that face each other: where things stand, and how large; the fewer pixels a leaf has, the smaller its mark.

Across: levels, each tree's floor outside and its peak inside. Down: the leaves' slots.
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
# Pixels of the figure on a page of 1440 x 900, and the least distance between lines of text.
HEIGHT = 400.0
LINE = 12.0
_CROWDED = 15.0
# Pixels between a branch and the holes beside it, and from one to the next; where leaves are many, shares of a slot.
_AWAY, _LEAST, _MOST, _LANE = 13.0, 0.18, 0.7, 0.75


def row_count(orders: Mapping[Side, tuple[int, ...]]) -> int:
    """How many rows two trees take whose leaves stand in these orders."""
    return max(len(orders["a"]), len(orders["b"]), 2)


@dataclass(frozen=True)
class Frame:
    """The scale of both trees: `floor` (nats below the peak) stands at the foot of both, `rows` leaves' slots share a
    `height` in pixels.

    Across, each tree is `width` wide and stands `margin` within 0 and `end`; the root's branch begins `stem` outside.
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
        """The slots at the foot and at the top of the figure: beyond the last leaf there is room for the axis."""
        row = (self.height - 28) / max(self.rows - 1, 1)
        return self.rows - 1 + max(0.8, 19 / row), -max(0.6, 9 / row)

    @property
    def pitch(self) -> float:
        """Pixels from one leaf's slot to the next."""
        foot, top = self.window
        return self.height / (foot - top)

    @property
    def crowded(self) -> bool:
        """Whether names do not fit beside every leaf."""
        return self.pitch < _CROWDED

    @property
    def scale(self) -> float:
        """By how much marks shrink, 1 where there is room."""
        return float(np.clip(self.pitch / 24, 0.36, 1))

    def across(self, level: Any, side: Side) -> Any:
        """Where a relative level (nats) stands; below the floor is at the floor."""
        return self._across(depth(level, self.floor), side)

    def _across(self, deep: np.ndarray, side: Side) -> np.ndarray:
        inward = self.margin + self.width * (1 - deep)
        return inward if side == "a" else self.end - inward

    def size(self, mass: Any) -> Any:
        """The diameter of a leaf's mark in pixels."""
        return self.scale * (9 + 22 * np.sqrt(np.clip(mass, 0, 1)))

    def named(self, slots: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """(n,): which of n names have room down the figure, those of more `weight` first."""
        chosen = np.zeros(len(slots), dtype=bool)
        for at in np.argsort(-weight, kind="stable"):
            chosen[at] = not self.crowded or bool((np.abs(slots[chosen] - slots[at]) * self.pitch >= LINE).all())
        return chosen

    def placed(self, tree: LevelSetTree, order: tuple[int, ...], side: Side) -> "Placed":
        """A tree in this frame, its leaves' rows in `order`."""
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
    """The h holes of a tree in a frame, each beside the branch of the node that surrounds it: across, where it closes
    (`top`, (h,)) and where it is filled (`bottom`, (h,)); down, its `slot` (h,), by its `lane` (h,)."""

    top: np.ndarray
    bottom: np.ndarray
    slot: np.ndarray
    lane: np.ndarray


@dataclass(frozen=True, eq=False)
class Placed:
    """A tree of m rows in a frame.

    `place` (m, 2) is where each node stands, `branches` (m, 3, 2) the way of its branch up to it, `leaf` (m,) whether
    it is a leaf, `size` (m,) its mark's diameter in pixels, `named` for each leaf's row whether its name has room,
    `spread` (m,) a standard error of its level, None where errors are not known.
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
        """(2,): where a node stands, by its id."""
        return self.place[self.tree.row(node)]
