"""The points that represent a node: near its peak, and not all alike."""

from typing import Any

import numpy as np

from core.errors import invalid
from core.tree.owners import leaves_of, members, row_of
from core.tree.types import LevelSetTree

__all__ = ["nearest_examples"]

# The candidates are this many times the wanted number of members, the nearest ones.
_POOL = 4
# The least distance between two examples, in the node's deviations, which is halved until there are enough examples.
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
    """The indices (c,), c at most `count`, in `latents` (n, k) of the points that represent a node.

    For a leaf these are its members nearest to its peak, in Mahalanobis distance with the leaf's own covariance,
    without those that are close or equal to one already chosen. For an inner node the leaves below it share the seats
    by their number of members; the largest leaf comes first. `model` is as in `leaves_of`, whose result may be given as
    `owners` (n,). Raises `InputError` for an unknown node.
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
    """`count` seats, apportioned by size with the method of Jefferson: the next seat goes to the most members per
    seat."""
    seats = [0] * len(sizes)
    for _ in range(min(count, sum(sizes))):
        shares = [size / (own + 1) if own < size else 0.0 for size, own in zip(sizes, seats, strict=True)]
        seats[int(np.argmax(shares))] += 1
    return seats


def _spread(tree: LevelSetTree, leaf: int, latents: np.ndarray, held: np.ndarray, count: int) -> np.ndarray:
    """`count` of the indices `held`, the nearest to a leaf's peak that are not too near to each other."""
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
    """The first `count` indices of points (n, k) whose distance from all earlier ones is at least `least`."""
    taken: list[int] = []
    for place, point in enumerate(points):
        if len(taken) == count:
            break
        if not taken or ((points[taken] - point) ** 2).sum(axis=1).min() >= least**2:
            taken.append(place)
    return taken


def _whitened(covariance: np.ndarray, away: np.ndarray) -> np.ndarray:
    """The differences `away` (n, k), whitened by the covariance."""
    values, vectors = np.linalg.eigh(covariance)
    if values[-1] <= 0:
        return away
    floor = _RIDGE * float(values[-1])
    return away @ vectors / np.sqrt(np.maximum(values, floor))
