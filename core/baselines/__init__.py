"""Translators between two latent spaces behind one call: ours beside the others, one file each.

What joins two networks rather than two latent spaces is in `rebasin` and `stitching`, which load torch.
"""

from core.baselines.comparison import Row, compare, ranked
from core.baselines.fusion import Fusion, fuse
from core.baselines.merits import Merit, merit
from core.baselines.methods import TRANSLATORS, problem, translate
from core.baselines.ours import matching_of
from core.baselines.planted import planted_pairs
from core.baselines.types import Latents, Method, Pairs, Translator

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
    "translate",
]
