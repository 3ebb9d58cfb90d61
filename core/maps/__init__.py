"""Maps between latent spaces, fitted to matched nodes."""

from collections.abc import Callable, Mapping
from typing import Any

from core.errors import invalid
from core.maps.affine import AffineMap, ComposedMap, LatentMap
from core.maps.families import FAMILIES, Family
from core.maps.fit import (
    Residual,
    best_family,
    disagreeing_pairs,
    families_available,
    fit_map,
    residuals,
)
from core.maps.score import pair_free_score
from core.maps.tree_guided import InverseTreeMap, TreeMap
from core.maps.uncertainty import MapUncertainty, map_uncertainty, round_trip

__all__ = [
    "FAMILIES",
    "AffineMap",
    "Family",
    "LatentMap",
    "MapUncertainty",
    "Residual",
    "TreeMap",
    "best_family",
    "disagreeing_pairs",
    "families_available",
    "fit_map",
    "map_from_dict",
    "map_uncertainty",
    "pair_free_score",
    "residuals",
    "round_trip",
]


def map_from_dict(document: Mapping[str, Any]) -> LatentMap:
    """The map that `to_dict` wrote. Raises `InputError` if the JSON object is not a valid map."""
    family = document.get("family") if isinstance(document, Mapping) else None
    if not isinstance(family, str) or family not in _READERS:
        raise invalid("map.family", "one of " + ", ".join(_READERS), repr(family), "write the match anew")
    return _READERS[family](document)


def _part(document: Mapping[str, Any], key: str) -> LatentMap:
    part = document.get(key)
    if not isinstance(part, Mapping):
        raise invalid(f"map.{key}", "a map", type(part).__name__, "write the match anew")
    return map_from_dict(part)


def _composed(document: Mapping[str, Any]) -> LatentMap:
    return ComposedMap(_part(document, "outer"), _part(document, "inner"))


def _inverse_tree(document: Mapping[str, Any]) -> LatentMap:
    forward = _part(document, "forward")
    if not isinstance(forward, TreeMap):
        raise invalid("map.forward", "a tree-guided map", forward.family, "write the match anew")
    return InverseTreeMap(forward)


_READERS: dict[str, Callable[[Mapping[str, Any]], LatentMap]] = {
    **{name: row.read for name, row in FAMILIES.items()},
    "composed": _composed,
    "inverse tree": _inverse_tree,
}
