"""The layout of a drawn tree: leaves in slots from left to right, heights by level."""

from collections.abc import Sequence

import numpy as np

from core.errors import invalid
from core.tree.types import LevelSetTree

__all__ = ["layout", "leaf_order"]


def leaf_order(tree: LevelSetTree) -> tuple[int, ...]:
    """The leaves' rows from left to right without crossing branches; at each saddle the heavier branch comes first."""
    order, todo = [], [0]
    while todo:
        row = todo.pop()
        children = tree.children[row]
        todo.extend(sorted(children, key=lambda child: (tree.mass[child], -child)))
        if not children:
            order.append(row)
    return tuple(order)


def layout(tree: LevelSetTree, order: Sequence[int] | None = None) -> np.ndarray:
    """(m, 2): the slot of each row, from 0, and its level; saddles are in the middle of their branches.

    `order` lists the leaves' rows from left to right (default `leaf_order`). Raises `InputError` if it is not a
    permutation of the leaves.
    """
    order = leaf_order(tree) if order is None else tuple(order)
    if sorted(order) != tree.leaves.tolist():
        raise invalid("order", f"a permutation of the leaves {tree.leaves.tolist()}", order, "list each once")
    place = np.column_stack([np.zeros(len(tree)), tree.level])
    place[list(order), 0] = np.arange(len(order))
    for row in reversed(range(len(tree))):
        if children := list(tree.children[row]):
            place[row, 0] = (place[children, 0].min() + place[children, 0].max()) / 2
    return place
