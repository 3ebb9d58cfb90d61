"""The positions of the nodes and branches of a drawn tree: slots along one axis, depths along the other.

The depth of a level is its share of the way down to the floor of the drawing: 0 at the peak, 1 at the floor and below.
A backend turns slots and depths into its own coordinates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.tree import Holes, LevelSetTree, layout

__all__ = ["TreeGeometry", "depth", "lanes", "tree_geometry", "whole_levels"]

_LANES = 4


@dataclass(frozen=True, eq=False)
class TreeGeometry:
    """A tree of m rows: the `slot` (m,) and the `depth` (m,) of each node, and its branch.

    `branches` (m, 3, 2) hold slot and depth where each branch leaves the parent, where it turns, and where it ends at
    the node. The root's branch comes straight from below the floor.
    """

    slot: np.ndarray
    depth: np.ndarray
    branches: np.ndarray


def tree_geometry(
    tree: LevelSetTree, floor: float, order: Sequence[int] | None = None, stem: float = 0.0
) -> TreeGeometry:
    """The geometry of a tree over a `floor` (nats, below 0), with its leaves' rows in `order` (default: heavier
    branches first). The root's branch begins at a depth of `stem` below the floor."""
    slot, level = layout(tree, order).T
    deep = depth(level, floor)
    parent = np.maximum(tree.parent, 0)
    start = np.column_stack((slot[parent], deep[parent]))
    start[tree.parent < 0] = slot[0], 1 + stem
    turn = np.column_stack((slot, start[:, 1]))
    return TreeGeometry(slot, deep, np.stack((start, turn, np.column_stack((slot, deep))), axis=1))


def depth(level: np.ndarray | float, floor: float) -> np.ndarray:
    """The depths of relative levels (nats)."""
    return np.clip(np.asarray(level, dtype=float) / floor, 0, 1)


def whole_levels(floor: float, most: int) -> list[int]:
    """The whole nats below the peak to label along an axis: about `most` of them above the floor."""
    step = next((step for step in (1, 2, 3) if -floor / step <= most), 4)
    return list(range(0, int(np.ceil(-floor)), step))


def lanes(holes: Holes) -> np.ndarray:
    """(h,): a lane for each hole. On one branch, no two holes share a lane at a level while there are lanes."""
    found = np.zeros(len(holes), dtype=int)
    free: dict[tuple[int, int], float] = {}
    for at in np.argsort(-holes.top, kind="stable").tolist():
        owner = int(holes.node[at])
        lane = next((k for k in range(_LANES) if free.get((owner, k), np.inf) > holes.top[at]), _LANES - 1)
        found[at], free[owner, lane] = lane, float(holes.bottom[at])
    return found
