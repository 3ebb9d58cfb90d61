"""Where things stand in the figure of both trees, and how large: the fewer pixels a leaf has, the smaller its marks.

Across: levels, each tree's floor outside and its peak inside. Down: the leaves' slots.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.tree import LevelSetTree, layout
from topoviz.session.state import Side

__all__ = ["END", "HEIGHT", "LINE", "SIDES", "WIDTH", "Frame", "Placed"]

SIDES: tuple[Side, Side] = ("a", "b")
WIDTH = 1.0
END = 2.95
# Pixels of the figure on a page of 1440 x 900, and the least distance between lines of text.
HEIGHT = 400.0
LINE = 12.0
_CROWDED = 15.0
_REACH = 0.2


@dataclass(frozen=True)
class Frame:
    """The figure's scale: `floor` (nats below the peak) stands at the foot of both trees, `rows` leaves' slots share a
    `height` in pixels."""

    floor: float
    rows: int
    height: float = HEIGHT

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
        height = WIDTH * (1 - np.clip(np.asarray(level) / self.floor, 0, 1))
        return height if side == "a" else END - height

    def column(self, side: Side) -> float:
        """Where the column of names stands when leaves are many, past the peaks."""
        return float(self.across(0.0, side)) + (0.05 if side == "a" else -0.05)

    def size(self, mass: Any) -> Any:
        """The diameter of a leaf's mark in pixels."""
        return self.scale * (9 + 22 * np.sqrt(np.clip(mass, 0, 1)))

    def reach(self, x: float, side: Side) -> float:
        """Where a link leaves a leaf that stands at `x`, past its name."""
        sign = 1 if side == "a" else -1
        return self.column(side) + 0.7 * sign * _REACH if self.crowded else float(x) + sign * _REACH

    def named(self, slots: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """(n,): which of n names have room down the figure, those of more `weight` first."""
        chosen = np.zeros(len(slots), dtype=bool)
        for at in np.argsort(-weight, kind="stable"):
            chosen[at] = not self.crowded or bool((np.abs(slots[chosen] - slots[at]) * self.pitch >= LINE).all())
        return chosen

    def placed(self, tree: LevelSetTree, order: tuple[int, ...], side: Side) -> "Placed":
        """A tree in this frame, its leaves' rows in `order`."""
        slot = layout(tree, order)[:, 0] + (self.rows - len(order)) / 2
        place = np.column_stack((self.across(tree.level, side), slot))
        leaf = np.isin(np.arange(len(tree)), tree.leaves)
        size = np.where(leaf, self.size(tree.mass), 2.5 + 4.5 * self.scale)
        named = self.named(slot[tree.leaves], tree.mass[tree.leaves])
        return Placed(tree, side, place, leaf, size, dict(zip(tree.leaves.tolist(), named.tolist(), strict=True)))


@dataclass(frozen=True, eq=False)
class Placed:
    """A tree of m rows in a frame: `place` (m, 2) of each row, whether it is a `leaf` (m,), its mark's diameter `size`
    (m,) in pixels, and for each leaf's row whether its name has room."""

    tree: LevelSetTree
    side: Side
    place: np.ndarray
    leaf: np.ndarray
    size: np.ndarray
    named: dict[int, bool]

    def at(self, node: int) -> np.ndarray:
        """(2,): where a node stands, by its id."""
        return self.place[self.tree.row(node)]
