"""What a node means, as the page tells it: examples of what it holds, its labels, what its branches separate; on both
sides where it is matched.

Asked for when a person looks, never by an edit. Whatever is wrong with a model's labels or examples is told in
`problem` and hides nothing else.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.meaning import Separation, leaves_of, members, nearest_examples, separation
from core.tree import LevelSets, LevelSetTree
from topoviz.examples import Examples, read_examples
from topoviz.figures.style import NodeStyle, Spec, node_styles
from topoviz.labels import Labels, read_labels
from topoviz.library import Library
from topoviz.pictures import address, difference
from topoviz.results import Analysis, analyse
from topoviz.session import Session, Side
from topoviz.theme import THEMES

if TYPE_CHECKING:
    from core.model import FlowAutoencoder

__all__ = ["meaning"]

_EXAMPLES, _FEATURES, _LISTED = 12, 5, 3
_OTHER: dict[Side, Side] = {"a": "b", "b": "a"}
_Styles = dict[int, NodeStyle]


def meaning(library: Library, session: Session, side: Side, node: int, theme: str) -> Spec:
    """What a node of one side means, and what its partner does on the other (None where it has none).

    Raises `InputError` where the models or the node are not there.
    """
    analysis = analyse(library, session)
    if node not in analysis.tree(side).ids(range(len(analysis.tree(side)))):
        raise InputError(f"node {node} is not in the tree of {side.upper()}; choose one that is shown.")
    other, partner = _OTHER[side], analysis.partner(side, node)
    told: dict[str, Spec | None] = {side: _told(library, analysis, session, side, node, theme)}
    told[other] = None if partner is None else _told(library, analysis, session, other, partner, theme)
    return {"a": told["a"], "b": told["b"]}


def _told(library: Library, analysis: Analysis, session: Session, side: Side, node: int, theme: str) -> Spec:
    sets, model = analysis.level_sets(side), analysis.model(side)
    tree, row = sets.tree, sets.tree.row(node)
    styles = node_styles(analysis, session, side, THEMES[theme])
    title = _title(tree, row, styles)
    told: Spec = {"node": node, "title": title, "color": styles[node].color, "held": 0, "labels": None,
                  "examples": None, "separates": None, "problem": None}  # fmt: skip
    if model.sample is None:
        return told | {"problem": "Its model keeps no points; train it again."}
    owners = _owners(sets, model)
    held = members(tree, owners, row)
    labels, found = None, None
    try:
        folder = library.entry(session.model(side)).folder
        labels = read_labels(folder)
        found = read_examples(folder, len(owners))
        chosen = nearest_examples(sets, tree, node, model.sample.latent, _EXAMPLES, owners)
        if found is not None:
            told["examples"] = _shown(found, chosen, labels, title)
    except InputError as error:
        told["problem"] = str(error)
    return told | {
        "held": len(held),
        "labels": None if labels is None else _majority(labels, held),
        "separates": _separates(model, sets, row, owners, found, styles) if tree.children[row] else None,
    }


# Every node that is looked at asks for them.
@lru_cache(maxsize=8)
def _owners(sets: LevelSets, model: "FlowAutoencoder") -> np.ndarray:
    """The row of the leaf of each of the sample's points."""
    assert model.sample is not None
    return leaves_of(sets, sets.tree, model.sample.latent)


def _title(tree: LevelSetTree, row: int, styles: _Styles) -> str:
    """A node's name, or those of the leaves that it holds."""
    own = styles[int(tree.id[row])].label
    if own:
        return own
    leaves = sorted(tree.ids(tree.leaves_below[row]))
    if len(leaves) > _LISTED:
        return f"{len(leaves)} leaves"
    return " + ".join(styles[leaf].label for leaf in leaves)


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


def _shown(found: Examples, chosen: np.ndarray, labels: Labels | None, title: str) -> Spec:
    """The chosen examples, as the page shows them."""
    rows = chosen.tolist()
    if found.kind == "text":
        return {"kind": "text", "texts": [found.texts[row] for row in rows]}
    if found.kind == "table":
        return {"kind": "table", "columns": found.columns, "rows": [found.rows[row] for row in rows]}
    images = found.images(chosen)
    said = [_label_of(labels, row) for row in rows]
    names = [f"Example {at + 1} of {title}{f': {text}' if text else ''}" for at, text in enumerate(said)]
    sources = [address(image) for image in images]
    return {"kind": "image", "images": [{"src": src, "alt": alt} for src, alt in zip(sources, names, strict=True)]}


def _label_of(labels: Labels | None, row: int) -> str:
    """What is known of a point, '' where nothing is."""
    value = labels.values[row] if labels is not None and row < len(labels.values) else None
    if labels is None or value is None or (labels.names and value < 0):
        return ""
    return f"{labels.column} {labels.names[int(value)] if labels.names else f'{value:.3g}'}"


# ---------------------------------------------------------------- what branches separate
def _separates(
    model: "FlowAutoencoder", sets: LevelSets, row: int, owners: np.ndarray, found: Examples | None, styles: _Styles
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
        "branches": [_title(tree, tree.row(node), styles) for node in parts.branches],
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
