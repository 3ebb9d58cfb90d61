"""What a node of a level-set tree means to a person: its nearest examples, its labels, what its branches separate."""

from core.meaning.branches import Separation, separation
from core.meaning.labels import CarriedLabels, LabelScore, carry_labels, score_labels
from core.meaning.nearest import nearest_examples
from core.tree.owners import leaves_of, members

__all__ = [
    "CarriedLabels",
    "LabelScore",
    "Separation",
    "carry_labels",
    "leaves_of",
    "members",
    "nearest_examples",
    "score_labels",
    "separation",
]
