"""Anchors (rows of A and B known to encode the same input) become pins between leaves."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import invalid
from core.tree.owners import leaves_of
from core.tree.types import LevelSetTree

__all__ = ["AnchorPins", "anchor_pins", "anchor_rows"]


@dataclass(frozen=True)
class AnchorPins:
    """The `pins` (pairs of leaf ids of A and B) that anchors suggest, and how many anchors `agree` with them and how
    many `contradict` them."""

    pins: tuple[tuple[int, int], ...]
    agree: int
    contradict: int


def anchor_rows(anchors: Any, rows_a: int, rows_b: int) -> np.ndarray:
    """Anchors as row numbers (m, 2) of A and of B. Raises `InputError` on anything else."""
    found = np.asarray(anchors)
    if found.ndim != 2 or found.shape[1] != 2 or found.dtype.kind not in "iu":
        got = f"shape {found.shape} of {found.dtype}"
        raise invalid("anchors", "whole numbers (m, 2): a row of A and a row of B each", got, "pair the rows")
    for side, column, count in (("A", 0, rows_a), ("B", 1, rows_b)):
        wrong = (found[:, column] < 0) | (found[:, column] >= count)
        if wrong.any():
            got = int(found[wrong.argmax(), column])
            raise invalid("anchors", f"of {side}'s rows, 0 to {count - 1}", got, "count rows from 0")
    return found.astype(np.int64)


def anchor_pins(
    tree_a: LevelSetTree, tree_b: LevelSetTree, model_a: Any, model_b: Any, latents_a: np.ndarray, latents_b: np.ndarray
) -> AnchorPins:
    """The leaves that anchors with latents (m, k_a) and (m, k_b) pin to each other.

    Two leaves are pinned if each holds more of the other's anchors than any other leaf does. A majority decides because
    an anchor at the edge of its leaf may be wrong."""
    owners = (tree_a.id[leaves_of(model_a, tree_a, latents_a)], tree_b.id[leaves_of(model_b, tree_b, latents_b)])
    ids_a, ids_b = np.unique(owners[0]), np.unique(owners[1])
    shared = np.array([[int(((owners[0] == i) & (owners[1] == j)).sum()) for j in ids_b] for i in ids_a])
    pins = []
    for at, row in enumerate(shared):
        to = int(row.argmax())
        clear = np.sort(row)[-2:].tolist() if len(row) > 1 else [0, int(row[0])]
        if clear[0] < clear[1] and shared[:, to].argmax() == at and (shared[:, to] == row[to]).sum() == 1:
            pins.append((int(ids_a[at]), int(ids_b[to])))
    agree = sum(int(((owners[0] == i) & (owners[1] == j)).sum()) for i, j in pins)
    return AnchorPins(tuple(pins), agree, len(latents_a) - agree)
