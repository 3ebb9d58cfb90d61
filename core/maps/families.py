"""The families of maps, from the simplest to the most flexible, as one table that all other code reads.

Every family has a global affine part z -> M z + o; its row says which matrices M are allowed. A family that is more
than affine bends that part afterwards.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import invalid
from core.gaussians.procrustes import NodePairs, affine_step, orthogonal_step, similarity_step, translation_step
from core.maps.affine import AffineMap, LatentMap
from core.maps.tree_guided import TreeMap, tree_map

__all__ = ["FAMILIES", "Family", "family_row"]


@dataclass(frozen=True)
class Family:
    """A family of maps.

    `label` names it in a list, `kind` in a sentence, and `source` cites it. `step` computes the best matrices of the
    family for moments N and S (`core.gaussians.procrustes`), `parameters` counts the parameters of a matrix of shape
    (k_b, k_a), and `needs` is the least number of matched nodes. `rectangular` families also map between different
    dimensions. `bend` makes the map from its fitted affine part and the nodes; None if that part is the map. `read`
    makes it from its JSON object.
    """

    label: str
    kind: str
    source: str
    step: Callable[[np.ndarray, np.ndarray], np.ndarray]
    parameters: Callable[[int, int], int]
    needs: int = 2
    rectangular: bool = False
    bend: Callable[[AffineMap, NodePairs], LatentMap] | None = None
    read: Callable[[Mapping[str, Any]], LatentMap] = AffineMap.from_dict


def _rotations(k_b: int, k_a: int) -> int:
    return k_a * (k_a - 1) // 2


def _entries(k_b: int, k_a: int) -> int:
    return k_b * k_a


# In order of flexibility: `best_family` chooses a later one only if it predicts clearly better.
FAMILIES: dict[str, Family] = {
    "translation": Family(
        "Translation", "translation", "", translation_step, lambda k_b, k_a: 0, needs=1
    ),
    "orthogonal": Family(
        "Orthogonal", "orthogonal map with shift", "Schönemann 1966", orthogonal_step, _rotations
    ),
    "similarity": Family(
        "Similarity", "similarity", "Umeyama 1991", similarity_step, lambda k_b, k_a: _rotations(k_b, k_a) + 1
    ),
    "affine": Family(
        "Affine", "affine map", "Delon and Desolneux 2020, arXiv 1907.05254", affine_step, _entries, rectangular=True
    ),
    "tree": Family(
        "Tree-guided", "tree-guided map", "Arsigny et al. 2009", affine_step, _entries, bend=tree_map,
        read=TreeMap.from_dict,
    ),
}  # fmt: skip


def family_row(name: str) -> Family:
    """The row of a family. Raises `InputError` for an unknown name."""
    if name not in FAMILIES:
        raise invalid("family", "one of " + ", ".join(FAMILIES), repr(name), "choose one of these")
    return FAMILIES[name]
