"""Translators between two latent spaces behind one call: ours beside the others, one file each."""

from core.translate.comparison import Row, compare, ranked
from core.translate.fusion import Fusion, fuse
from core.translate.merits import Merit, merit
from core.translate.methods import TRANSLATORS, problem, translate
from core.translate.ours import matching_of
from core.translate.planted import planted_pairs
from core.translate.rebasin import weight_matching
from core.translate.stitching import stitch_on_activations, stitch_on_task, stitched_accuracy
from core.translate.types import Latents, Method, Pairs, Translator

__all__ = [
    "TRANSLATORS",
    "Fusion",
    "Latents",
    "Merit",
    "Method",
    "Pairs",
    "Row",
    "Translator",
    "compare",
    "fuse",
    "matching_of",
    "merit",
    "planted_pairs",
    "problem",
    "ranked",
    "stitch_on_activations",
    "stitch_on_task",
    "stitched_accuracy",
    "translate",
    "weight_matching",
]
