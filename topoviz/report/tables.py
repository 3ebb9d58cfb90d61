"""A session in numbers: the table of matches, and the transform as JSON, as arrays and as ready code."""

import csv
import io
import json
from typing import Any

import numpy as np

from core.documents import MatchDocument
from core.maps import AffineMap, LatentMap
from topoviz.session.analysis import Analysis, mapped_names
from topoviz.session.state import Name, Session, Side

__all__ = ["match_document", "match_table", "snippet", "transform_json", "transform_npz"]

_COLUMNS: tuple[str, ...] = (
    "a", "name_a", "b", "name_b", "kind", "confidence", "pinned", "mass_a", "mass_b", "level_a", "level_b",
)  # fmt: skip


def match_table(analysis: Analysis, session: Session) -> str:
    """The matched nodes, then the leaves without a partner, as CSV with a header."""
    names = mapped_names(analysis, session)
    matching = analysis.matching
    table = io.StringIO()
    writer = csv.DictWriter(table, _COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for pair in matching.pairs:
        sure = "" if pair.confidence is None else f"{pair.confidence:.4g}"
        evidence = {"confidence": sure, "pinned": int(pair.pinned)}
        writer.writerow(_node(analysis, "a", pair.a, names[0]) | _node(analysis, "b", pair.b, names[1]) | evidence)
    writer.writerows(_node(analysis, "a", node, names[0]) for node in matching.unmatched_a)
    writer.writerows(_node(analysis, "b", node, names[1]) for node in matching.unmatched_b)
    return table.getvalue()


def match_document(analysis: Analysis, session: Session) -> MatchDocument:
    """The matching that is shown and its map, as `topoviz match` writes them."""
    return MatchDocument.of(
        analysis.matching,
        analysis.map,
        model_a=session.model_a,
        model_b=session.model_b,
        verdict=analysis.verdict,
        score=analysis.score,
        residuals=analysis.residuals,
    )


def transform_json(transform: LatentMap, session: Session) -> bytes:
    """The transform from A's latents to B's, as `topoviz match` writes it, as JSON."""
    document = {
        "schema": 1,
        "model_a": session.model_a,
        "model_b": session.model_b,
        "map": transform.to_dict(),
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def transform_npz(transform: LatentMap) -> bytes:
    """The arrays of the transform as an .npz file, named as in its JSON."""
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **_arrays("", transform.to_dict()))
    return stream.getvalue()


def snippet(transform: LatentMap) -> str:
    """Python code that maps latents of A into B: with numpy for an affine map, with `core` for any other."""
    return _AFFINE_SNIPPET if isinstance(transform, AffineMap) else _TREE_SNIPPET


def _node(analysis: Analysis, side: Side, node: int, names: dict[int, Name]) -> dict[str, Any]:
    """The cells of one node."""
    tree = analysis.tree(side)
    row = tree.row(node)
    return {
        side: node,
        f"name_{side}": _cell(names.get(node)),
        "kind": tree.kind[row],
        f"mass_{side}": f"{tree.mass[row]:.6g}",
        f"level_{side}": f"{tree.level[row]:.6g}",
    }


def _cell(name: Name | None) -> str:
    """A name as a cell that no spreadsheet takes for a formula."""
    text = "" if name is None else name.text
    return "'" + text if text.startswith(("=", "+", "-", "@")) else text


def _arrays(prefix: str, document: dict[str, Any]) -> dict[str, np.ndarray]:
    """The numeric values of a nested JSON object, keys joined by dots."""
    found: dict[str, np.ndarray] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            found |= _arrays(f"{prefix}{key}.", value)
        elif isinstance(value, int | float | list) and np.asarray(value, dtype=object).size:
            try:
                found[prefix + key] = np.asarray(value, dtype=np.float64)
            except (TypeError, ValueError):
                continue
    return found


_AFFINE_SNIPPET = '''"""Map latents of A into B. Needs numpy and transform.npz."""

import numpy as np

with np.load("transform.npz") as transform:
    matrix, offset = transform["matrix"], transform["offset"]


def translate(z):
    """Latents (n, k_b) of B for latents (n, k_a) of A."""
    return z @ matrix.T + offset
'''
_TREE_SNIPPET = '''"""Map latents of A into B. Needs topoviz (pip install topoviz) and transform.json."""

import json

from core.maps import map_from_dict

with open("transform.json", encoding="utf-8") as stream:
    # Maps latents (n, k_a) of A to latents (n, k_b) of B.
    translate = map_from_dict(json.load(stream)["map"])
'''
