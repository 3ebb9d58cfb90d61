"""Trees and matches as JSON documents (schema 1), there and back; readers trust nothing."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InputError, invalid
from core.files import read_json, write_json
from core.maps import LatentMap, Residual, map_from_dict
from core.match.types import Matching, Pair
from core.tree.networks import node_attributes
from core.tree.types import Holes, LevelSetTree
from core.verdict import Verdict

__all__ = ["MatchDocument", "load_match", "load_tree", "save_match", "save_tree", "tree_from_json", "tree_to_json"]

SCHEMA = 1
# The real-valued columns of a tree, and how many axes of length k each entry has; those that a tree may lack.
_AXES = {"mean": 1, "peak": 1, "covariance": 2}
_SHAPES = {
    column.name: _AXES.get(column.name.removeprefix("basin_"), 0)
    for column in fields(LevelSetTree)
    if column.default is MISSING and column.name not in ("id", "parent", "betti")
}
_ERRORS = ("level_error", "mass_error")
# The columns of its holes.
_HOLES = {"top": 0, "bottom": 0, "place": 1}


def tree_to_json(tree: LevelSetTree) -> dict[str, Any]:
    """The tree as a JSON object with one entry per node, parents by id and before their children."""
    above = [None if parent < 0 else int(tree.id[parent]) for parent in tree.parent]
    nodes = [
        {"id": node, "parent": parent} | attributes
        for node, parent, attributes in zip(tree.id.tolist(), above, node_attributes(tree), strict=True)
    ]
    document = {"schema": SCHEMA, "dim": tree.dim, "nodes": nodes}
    if tree.holes is not None:
        document["holes"] = [
            {"node": int(tree.id[row])} | {name: getattr(tree.holes, name)[number].tolist() for name in _HOLES}
            for number, row in enumerate(tree.holes.node)
        ]
    return document


def tree_from_json(document: Any) -> LevelSetTree:
    """The tree of a JSON object. Raises `InputError` where it is none."""
    _check_schema(document, "tree")
    try:
        nodes = document["nodes"]
        rows = {node["id"]: row for row, node in enumerate(nodes)}
        parent = [-1 if node["parent"] is None else rows[node["parent"]] for node in nodes]
        shape = {axes: (document["dim"],) * axes for axes in (0, 1, 2)}
        errors = dict.fromkeys((name for name in _ERRORS if any(name in node for node in nodes)), 0)
        arrays = _columns(nodes, _SHAPES | errors, shape)
        holes = None
        if document.get("holes") is not None:
            entries = document["holes"]
            at = np.array([rows[entry["node"]] for entry in entries], dtype=np.int64)
            holes = Holes(at, **_columns(entries, _HOLES, shape))
        betti = np.array([node["betti"] for node in nodes], dtype=np.int64).reshape(len(nodes), 2)
        ids = np.array(list(rows), dtype=np.int64)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"the tree's JSON is damaged ({' '.join(str(error).split())[:80]}); write it anew.") from None
    below_parent = all(at < row for row, at in enumerate(parent))
    numbers = [*arrays.values()] + ([] if holes is None else [holes.top, holes.bottom, holes.place])
    finite = all(np.isfinite(array).all() for array in numbers)
    if not nodes or len(ids) < len(nodes) or parent.count(-1) != 1 or not below_parent or not finite:
        raise InputError("the tree's JSON is no tree with one root, parents first; write it anew.")
    return LevelSetTree(id=ids, parent=np.array(parent, dtype=np.int64), betti=betti, holes=holes, **arrays)


def _columns(entries: list, axes: dict[str, int], shape: dict[int, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Arrays of the named numbers of all entries, each with so many axes."""
    return {
        name: np.array([entry[name] for entry in entries], dtype=np.float64).reshape(len(entries), *shape[count])
        for name, count in axes.items()
    }


def save_tree(tree: LevelSetTree, path: Path | str) -> None:
    """Write a tree as JSON, whole or not at all."""
    write_json(tree_to_json(tree), path)


def load_tree(path: Path | str) -> LevelSetTree:
    """The tree in a JSON file. Raises `InputError` where it is none."""
    return tree_from_json(read_json(path))


@dataclass(frozen=True, eq=False)
class MatchDocument:
    """A matching with the map fitted to it, as it is kept in a file: no trees, nodes by id.

    `map` takes A's latents into B's, None where none could be fitted, `residuals` are what it leaves at each pair and
    `score` is its own in nats. `verdict` says how far to believe both, None where the method gives none.
    `alternatives` are other matchings of the leaves, with their cost.
    """

    model_a: str
    model_b: str
    pairs: tuple[Pair, ...]
    unmatched_a: tuple[int, ...]
    unmatched_b: tuple[int, ...]
    cost: float
    gap: float
    verdict: Verdict | None = None
    alternatives: tuple[tuple[tuple[tuple[int, int], ...], float], ...] = ()
    map: LatentMap | None = None
    residuals: tuple[Residual, ...] = ()
    score: float | None = None

    @property
    def determined(self) -> bool:
        """Whether there is a verdict, and its word is 'determined'."""
        return self.verdict is not None and self.verdict.determined

    @property
    def reasons(self) -> tuple[str, ...]:
        """The verdict's reasons, none where there is no verdict."""
        return () if self.verdict is None else self.verdict.reasons

    @classmethod
    def of(
        cls,
        matching: Matching,
        fitted: LatentMap | None = None,
        *,
        model_a: str,
        model_b: str,
        verdict: Verdict | None = None,
        residuals: tuple[Residual, ...] = (),
        score: float | None = None,
    ) -> "MatchDocument":
        """What to keep of a matching and its map, whose `score` is the verdict's where none is given."""
        return cls(
            model_a,
            model_b,
            matching.pairs,
            matching.unmatched_a,
            matching.unmatched_b,
            matching.cost,
            matching.gap,
            verdict,
            tuple((other.pairs, other.cost) for other in matching.alternatives),
            fitted,
            residuals,
            verdict.score if score is None and verdict is not None else score,
        )

    def to_json(self) -> dict[str, Any]:
        """The document as a JSON object."""
        residuals = [
            {"a": r.a, "b": r.b, "distance": float(r.distance), "shape": float(r.shape)} for r in self.residuals
        ]
        fitted = None
        if self.map is not None:
            fitted = self.map.to_dict() | {"score": self.score, "residuals": residuals}
        return {
            "schema": SCHEMA,
            "model_a": self.model_a,
            "model_b": self.model_b,
            "pairs": [asdict(pair) for pair in self.pairs],
            "unmatched_a": list(self.unmatched_a),
            "unmatched_b": list(self.unmatched_b),
            "cost": float(self.cost),
            "gap": float(self.gap),
            "determined": self.determined,
            "reasons": list(self.reasons),
            "verdict": None if self.verdict is None else self.verdict.to_json(),
            "alternatives": [
                {"pairs": [list(pair) for pair in pairs], "cost": float(cost)} for pairs, cost in self.alternatives
            ],
            "map": fitted,
        }

    @classmethod
    def from_json(cls, document: Any) -> "MatchDocument":
        """The match of a JSON object. Raises `InputError` where it is none."""
        _check_schema(document, "match")
        fitted = document.get("map")
        try:
            return cls(
                model_a=str(document["model_a"]),
                model_b=str(document["model_b"]),
                pairs=tuple(
                    Pair(int(p["a"]), int(p["b"]), _maybe(p["confidence"]), bool(p["pinned"]), _terms(p))
                    for p in document["pairs"]
                ),
                unmatched_a=tuple(map(int, document["unmatched_a"])),
                unmatched_b=tuple(map(int, document["unmatched_b"])),
                cost=float(document["cost"]),
                gap=float(document["gap"]),
                verdict=_verdict(document, fitted),
                alternatives=tuple(
                    (tuple((int(a), int(b)) for a, b in other["pairs"]), float(other["cost"]))
                    for other in document["alternatives"]
                ),
                map=None if fitted is None else map_from_dict(fitted),
                residuals=tuple(
                    Residual(int(r["a"]), int(r["b"]), float(r["distance"]), float(r["shape"]))
                    for r in (fitted or {}).get("residuals", ())
                ),
                score=_maybe((fitted or {}).get("score")),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            what = " ".join(str(error).split())[:80]
            raise InputError(f"the match's JSON is damaged ({what}); write it anew.") from None


def save_match(match: MatchDocument, path: Path | str) -> None:
    """Write a match as JSON, whole or not at all."""
    write_json(match.to_json(), path)


def load_match(path: Path | str) -> MatchDocument:
    """The match in a JSON file. Raises `InputError` where it is none."""
    return MatchDocument.from_json(read_json(path))


def _maybe(value: Any) -> float | None:
    return None if value is None else float(value)


def _verdict(document: Mapping[str, Any], fitted: Mapping[str, Any] | None) -> Verdict | None:
    """The verdict in a match; of earlier versions' files what they say, without a probability of the whole."""
    found = document.get("verdict")
    if found is not None:
        return Verdict.from_json(found)
    if "verdict" in document:
        return None
    score = None if fitted is None else _maybe(fitted.get("score"))
    word, probability = ("determined", 1.0) if document["determined"] else ("not determined", 0.0)
    return Verdict(word, probability, tuple(map(str, document.get("reasons", ()))), score=score)


def _terms(pair: Mapping[str, Any]) -> dict[str, float]:
    """What a pair costs by each kind of evidence; files of earlier versions do not say."""
    return {str(kind): float(cost) for kind, cost in pair.get("terms", {}).items()}


def _check_schema(document: Any, kind: str) -> None:
    if not isinstance(document, Mapping):
        raise invalid(kind, "a JSON object", type(document).__name__, f"choose a file that `topoviz {kind}` wrote")
    if document.get("schema") != SCHEMA:
        raise invalid(
            f"{kind}.schema",
            f"{SCHEMA}",
            repr(document.get("schema")),
            f"write it with this version's `topoviz {kind}`",
        )
