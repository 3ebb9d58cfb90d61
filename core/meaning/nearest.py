"""The points that show best what a node holds: near its peak, and not all alike."""

from typing import Any

import numpy as np

from core.errors import invalid
from core.tree.owners import leaves_of, members, row_of
from core.tree.types import LevelSetTree

__all__ = ["nearest_examples"]

# So many times the wanted number of members, the nearest ones, are chosen from.
_POOL = 4
# The least distance between two chosen ones, in the node's deviations; halved until there are enough.
_APART, _HALVINGS = 0.5, 8
_RIDGE = 1e-9


def nearest_examples(
    model: Any,
    tree: LevelSetTree,
    node: int,
    latents: np.ndarray,
    count: int = 12,
    owners: np.ndarray | None = None,
) -> np.ndarray:
    """Places (c,), c at most `count`, in `latents` (n, k) of the points that show a node.

    Of a leaf its members by their distance to its peak, measured with the leaf's own covariance (Mahalanobis), without
    those that lie next to one already taken or repeat it. An inner node shows what it holds: its seats are shared among
    the leaves below it by the number of their members, each leaf's in a row, the largest first. `model` as of
    `leaves_of`, whose result `owners` (n,) may be given. Raises `InputError` for a node that is none.
    """
    row = row_of(tree, node)
    if count < 1:
        raise invalid("count", "at least 1", count, "ask for some")
    latents = np.asarray(latents, dtype=np.float64)
    owners = leaves_of(model, tree, latents) if owners is None else owners
    held = {leaf: members(tree, owners, leaf) for leaf in tree.leaves_below[row]}
    largest = sorted((leaf for leaf in held if len(held[leaf])), key=lambda leaf: (-len(held[leaf]), leaf))
    seats = _seats([len(held[leaf]) for leaf in largest], count)
    chosen = [_spread(tree, leaf, latents, held[leaf], own) for leaf, own in zip(largest, seats, strict=True)]
    return np.concatenate(chosen).astype(int) if chosen else np.empty(0, dtype=int)


def _seats(sizes: list[int], count: int) -> list[int]:
    """`count` seats shared by size, the next one always to whom has the most members a seat (Jefferson)."""
    seats = [0] * len(sizes)
    for _ in range(min(count, sum(sizes))):
        shares = [size / (own + 1) if own < size else 0.0 for size, own in zip(sizes, seats, strict=True)]
        seats[int(np.argmax(shares))] += 1
    return seats


def _spread(tree: LevelSetTree, leaf: int, latents: np.ndarray, held: np.ndarray, count: int) -> np.ndarray:
    """`count` of the places `held`, the nearest to a leaf's peak that are not too near to each other."""
    if not count:
        return held[:0]
    scaled = _whitened(tree.covariance[leaf], latents[held] - tree.peak[leaf])
    distinct = np.sort(np.unique(scaled, axis=0, return_index=True)[1])
    order = distinct[np.argsort((scaled[distinct] ** 2).sum(axis=1), kind="stable")][: _POOL * count]
    apart = _APART
    for _ in range(_HALVINGS):
        taken = _apart(scaled[order], apart, count)
        if len(taken) == min(count, len(order)):
            return held[order[taken]]
        apart /= 2
    return held[order[:count]]


def _apart(points: np.ndarray, least: float, count: int) -> list[int]:
    """The first `count` places, in order, of points (n, k) that lie at least so far from all taken before."""
    taken: list[int] = []
    for place, point in enumerate(points):
        if len(taken) == count:
            break
        if not taken or ((points[taken] - point) ** 2).sum(axis=1).min() >= least**2:
            taken.append(place)
    return taken


def _whitened(covariance: np.ndarray, away: np.ndarray) -> np.ndarray:
    """`away` (n, k) in units in which the covariance is the identity."""
    values, vectors = np.linalg.eigh(covariance)
    if values[-1] <= 0:
        return away
    floor = _RIDGE * float(values[-1])
    return away @ vectors / np.sqrt(np.maximum(values, floor))
