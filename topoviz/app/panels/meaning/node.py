"""What a node means, as the page tells it: examples of what it holds, its labels, what its branches separate.

It depends on the model and on how its tree is shown, not on the matching: no edit makes it anew, and it is asked for
when a person looks. Whatever is wrong with a model's labels or examples is told in `problem` and hides nothing else.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.meaning import Separation, leaves_of, members, nearest_examples, separation
from core.tree import LevelSets
from topoviz.figures.style import Spec
from topoviz.session.analysis import by_hand, level_sets
from topoviz.session.examples import Examples, read_examples
from topoviz.session.labels import Labels, read_labels
from topoviz.session.library import Library
from topoviz.session.pictures import address, difference
from topoviz.session.state import Session, Side

if TYPE_CHECKING:
    from core.model.autoencoder import FlowAutoencoder

__all__ = ["meaning"]

_EXAMPLES, _FEATURES = 12, 5


def meaning(library: Library, session: Session, side: Side, node: int) -> Spec:
    """What a node of one side means: how many of the sample's points it holds (`held`), the class of most of them
    (`labels`), up to twelve `examples`, and of an inner node what it `separates`; each None where there is none.

    Raises `InputError` where the model or the node is not there.
    """
    name = session.model(side)
    model, sets = library.model(name), level_sets(library, name, session.simplify, by_hand(session, side))
    tree = sets.tree
    if node not in tree.id:
        raise InputError(f"node {node} is not in the tree of {name}; choose one that is shown.")
    answer: Spec = {"held": 0, "labels": None, "examples": None, "separates": None, "problem": None}
    if model.sample is None:
        return answer | {"problem": "This model keeps no points; train it again."}
    owners, row = _owners(sets, model), tree.row(node)
    held = members(tree, owners, row)
    labels, found = None, None
    try:
        folder = library.entry(name).folder
        labels = read_labels(folder)
        found = read_examples(folder, len(owners))
        chosen = nearest_examples(sets, tree, node, model.sample.latent, _EXAMPLES, owners)
        if found is not None and len(chosen):
            answer["examples"] = _shown(found, chosen, labels)
    except InputError as error:
        answer["problem"] = str(error)
    return answer | {
        "held": len(held),
        "labels": None if labels is None else _majority(labels, held),
        "separates": _separates(model, sets, row, owners, found) if tree.children[row] else None,
    }


# Every node that is looked at asks for them.
@lru_cache(maxsize=8)
def _owners(sets: LevelSets, model: "FlowAutoencoder") -> np.ndarray:
    """The row of the leaf of each of the sample's points."""
    assert model.sample is not None
    return leaves_of(sets, sets.tree, model.sample.latent)


def _majority(labels: Labels, held: np.ndarray) -> Spec | None:
    """The class that most of the held points with one have; on a scale the median. None where nothing is known."""
    values = [labels.values[row] for row in held.tolist() if row < len(labels.values)]
    known = [value for value in values if value is not None and not (labels.names and value < 0)]
    if not known:
        return None
    if not labels.names:
        return {"column": labels.column, "name": f"{np.median(known):.3g}", "share": None}
    counts = np.bincount(np.array(known, int))
    most = int(counts.argmax())
    return {"column": labels.column, "name": labels.names[most], "share": float(counts[most] / len(known))}


def _shown(found: Examples, chosen: np.ndarray, labels: Labels | None) -> Spec:
    """The chosen examples, as the page shows them; pictures as addresses, with what is known of each."""
    rows = chosen.tolist()
    if found.kind == "text":
        return {"kind": "text", "texts": [found.texts[row] for row in rows]}
    if found.kind == "table":
        return {"kind": "table", "columns": found.columns, "rows": [found.rows[row] for row in rows]}
    images = [
        {"src": address(image), "said": _label_of(labels, row)}
        for image, row in zip(found.images(chosen), rows, strict=True)
    ]
    return {"kind": "image", "images": images}


def _label_of(labels: Labels | None, row: int) -> str:
    """What is known of a point, '' where nothing is."""
    value = labels.values[row] if labels is not None and row < len(labels.values) else None
    if labels is None or value is None or (labels.names and value < 0):
        return ""
    return f"{labels.column} {labels.names[int(value)] if labels.names else f'{value:.3g}'}"


# ---------------------------------------------------------------- what branches separate
def _separates(
    model: "FlowAutoencoder", sets: LevelSets, row: int, owners: np.ndarray, found: Examples | None
) -> Spec | None:
    """What separates the branches of an inner node; None where too few points say so."""
    assert model.sample is not None
    tree = sets.tree
    try:
        parts = separation(sets, tree, int(tree.id[row]), model.sample.points, model.sample.latent, owners)
        pictures = _pictures(parts, found) if found is not None and found.kind == "image" else None
    except InputError:
        return None
    names = model.metrics.get("columns") or ()
    features = [
        {"name": str(names[at])[:40] if at < len(names) else f"number {at + 1}", "by": float(parts.difference[at])}
        for at in parts.order[:_FEATURES].tolist()
    ]
    return {
        "branches": parts.branches,
        "counts": parts.counts,
        "d": parts.d_prime,
        "auc": parts.auc,
        "axis": np.round(parts.axis, 2).tolist(),
        "features": features,
        "pictures": pictures,
    }


def _pictures(parts: Separation, found: Examples) -> Spec:
    """The mean picture of either branch, and where the second differs from the first."""
    first, second = (found.mean_image(np.flatnonzero(parts.sides == side)) for side in (0, 1))
    means = [address(np.round(mean).astype(np.uint8)) for mean in (first, second)]
    return {"first": means[0], "second": means[1], "difference": address(difference(first, second))}
