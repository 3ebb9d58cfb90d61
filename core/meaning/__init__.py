"""The meaning of a tree's nodes: their nearest examples, their labels, and what their branches separate."""

from core.meaning.branches import Separation, separation
from core.meaning.labels import LabelScore, MappedLabels, map_labels, score_labels
from core.meaning.nearest import nearest_examples
from core.tree.owners import leaves_of, members

__all__ = [
    "LabelScore",
    "MappedLabels",
    "Separation",
    "leaves_of",
    "map_labels",
    "members",
    "nearest_examples",
    "score_labels",
    "separation",
]
