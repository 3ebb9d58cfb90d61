"""Partial matching of level-set trees."""

from core.match.matching import match_trees
from core.match.problem import METHODS, MatchConfig
from core.match.types import Alternative, Matching, Pair

__all__ = ["METHODS", "Alternative", "MatchConfig", "Matching", "Pair", "match_trees"]
