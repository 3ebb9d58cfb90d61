"""How far a model's tree is from the one that was planted in its data.

Whether the right modes became leaves is asked of labeled points; how far the heights are off, of the two trees'
persistence diagrams. Both trees are of log-densities relative to their peak, which no volume-preserving map changes.
"""

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from core.tree import LevelSets, LevelSetTree, branches, node_of, tree_with_regions
from core.worlds.registry import Planted, planted

__all__ = ["DEEPEST", "TreeError", "diagram_distance", "tree_error"]

DEEPEST = -4.0
"""The level, in nats under the peak, below which too few points lie for a saddle's height to be known."""
# Nats by which two saddles have to differ for their order to be known, and for which a hole has to last.
_CLEAR, _LASTING = 0.3, 0.5
_POINTS, _SEED = 10_000, 999


@dataclass(frozen=True)
class TreeError:
    """How a tree differs from the planted one.

    `missed` counts the planted modes without a leaf of their own, `spurious` the leaves that are no mode's own,
    `distance` is the `diagram_distance` in nats. `holes` says whether as many holes as planted last for half a nat or
    more above 4 nats under the peak (where the latent space is not a plane: are there once everything has joined).
    `whole`: nothing missed or spurious, the holes right, and where two planted saddles down to 4 nats under the peak
    differ by 0.3 nats or more, the leaves join in their order.
    """

    missed: int
    spurious: int
    distance: float
    whole: bool
    holes: bool


def tree_error(model: Any, name: str | None = None) -> TreeError | None:
    """How the tree of a model's latent density differs from the planted one, by 10,000 fresh points that it encodes.

    `name` is that of a built-in set or a case of the hard suite, by default of the set that the model was trained on.
    None where nothing is known to have been planted there. Of the model `name`, `encode`, `prior` and, where it has
    them, its `metrics` are used. A leaf is a mode's own where most of its points, and more than of any other leaf of
    which that is true, are the mode's.
    """
    name = str(model.name if name is None else name)
    known = planted(name)
    if known is None or not _trained_on(model, known):
        return None
    truth = _truth(name)
    sets = tree_with_regions(model)
    own = _own_leaves(sets, model.encode(truth.points)[0], truth.labels, known.topology.leaves)
    missed, spurious = known.topology.leaves - len(own), len(sets.tree.leaves) - len(own)
    holes = _clear_holes(sets.tree) == _clear_holes(truth.sets.tree)
    return TreeError(
        missed=missed,
        spurious=spurious,
        distance=diagram_distance(sets.tree, truth.sets.tree),
        whole=not missed and not spurious and holes and _join_in_order(sets.tree, own, truth.sets.tree, truth.own),
        holes=holes,
    )


def diagram_distance(a: LevelSetTree, b: LevelSetTree, deepest: float = DEEPEST) -> float:
    """The 1-Wasserstein distance in nats between the persistence diagrams of two trees: those of leaves, and where both
    trees are of the plane those of holes, summed.

    A point is (birth, death) relative to the peak, in the maximum norm; what is left over goes to the diagonal, and
    costs half its persistence. Heights are clipped at `deepest`, below which a density is extrapolation. The highest
    leaf is born at 0 in every tree and never dies, so it is left out.

    References: Edelsbrunner & Harer 2010, "Computational Topology"; Skraba & Turner 2020, arXiv 2006.16824.
    """
    pairs = [(_leaf_diagram(a), _leaf_diagram(b))]
    if a.dim == b.dim == 2:
        pairs.append((_hole_diagram(a), _hole_diagram(b)))
    return sum(_wasserstein(*(np.maximum(diagram, deepest) for diagram in pair)) for pair in pairs)


@dataclass(frozen=True, eq=False)
class _Truth:
    """The planted level sets, the leaf of each mode, and fresh points with their labels."""

    sets: LevelSets
    own: dict[int, int]
    points: np.ndarray
    labels: np.ndarray


@lru_cache(maxsize=16)
def _truth(name: str) -> _Truth:
    known = planted(name)
    assert known is not None
    data, sets = known.sample(_POINTS, _SEED), tree_with_regions(known.plane)
    assert data.latent is not None
    assert data.labels is not None
    own = _own_leaves(sets, data.latent, data.labels, known.topology.leaves)
    return _Truth(sets, own, data.points, data.labels)


def _trained_on(model: Any, known: Planted) -> bool:
    """Whether the model can have learned from the planted set: the name may be that of a file, whose entropy differs or
    is not known."""
    entropy = getattr(model, "metrics", {}).get("entropy", known.entropy)
    return entropy is not None and math.isclose(entropy, known.entropy, abs_tol=1e-3)


def _own_leaves(sets: LevelSets, latent: np.ndarray, labels: np.ndarray, modes: int) -> dict[int, int]:
    """The row of the leaf that is its own, for every mode that has one."""
    rows, leaves = node_of(sets, latent), sets.tree.leaves
    held = np.array([np.bincount(labels[rows == leaf], minlength=modes) for leaf in leaves])
    most = np.where(held.any(axis=1), held.argmax(axis=1), -1)
    of_mode = {mode: np.flatnonzero(most == mode) for mode in range(modes)}
    return {mode: int(leaves[at[held[at, mode].argmax()]]) for mode, at in of_mode.items() if len(at)}


def _join_in_order(tree: LevelSetTree, own: dict[int, int], planted: LevelSetTree, theirs: dict[int, int]) -> bool:
    """Of three modes, the two that clearly join before the third in the planted tree do so in the other."""
    for trio in itertools.combinations(own, 3):
        for a, b, c in (trio, trio[1:] + trio[:1], trio[2:] + trio[:2]):
            early, late = (planted.merge_level(theirs[a], theirs[mode]) for mode in (b, c))
            clear = late >= DEEPEST and early - late >= _CLEAR
            if clear and not tree.merge_level(own[a], own[b]) > tree.merge_level(own[a], own[c]):
                return False
    return True


def _clear_holes(tree: LevelSetTree) -> int:
    """How many holes last; deep ones come and go in what is hardly sampled."""
    if tree.dim != 2:
        return int(tree.betti[0, 1])
    closed, filled = np.maximum(_hole_diagram(tree), DEEPEST).T
    return int((closed - filled >= _LASTING).sum())


def _leaf_diagram(tree: LevelSetTree) -> np.ndarray:
    """(L - 1, 2): birth and death of all branches but the highest leaf's."""
    found = branches(tree)
    return np.stack((found.birth, found.death), axis=1)[1:]


def _hole_diagram(tree: LevelSetTree) -> np.ndarray:
    """(h, 2): the levels at which each hole closes and is filled."""
    if tree.holes is None:
        return np.empty((0, 2))
    return np.stack((tree.holes.top, tree.holes.bottom), axis=1)


def _wasserstein(first: np.ndarray, second: np.ndarray) -> float:
    """Between diagrams (l, 2) and (m, 2), whose points may also go to the diagonal."""
    between = np.abs(first[:, None] - second[None]).max(axis=2, initial=0.0)
    alone = [0.5 * (part[:, 0] - part[:, 1]) for part in (first, second)]
    cost = np.zeros((len(first) + len(second),) * 2)
    cost[: len(first), : len(second)] = between
    cost[: len(first), len(second) :] = alone[0][:, None]
    cost[len(first) :, : len(second)] = alone[1]
    return float(cost[linear_sum_assignment(cost)].sum())
