"""Translators between two latent spaces behind one call: ours beside the others, one file each."""

from core.translate.comparison import Row, compare, ranked
from core.translate.merits import Merit, merit
from core.translate.methods import TRANSLATORS, problem, translate
from core.translate.ours import matching_of
from core.translate.planted import planted_pairs
from core.translate.types import Latents, Method, Pairs, Translator

__all__ = [
    "TRANSLATORS",
    "Latents",
    "Merit",
    "Method",
    "Pairs",
    "Row",
    "Translator",
    "compare",
    "matching_of",
    "merit",
    "planted_pairs",
    "problem",
    "ranked",
    "translate",
]
