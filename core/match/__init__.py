"""Partial matching of level-set trees."""

from core.match.matching import METHODS, match_trees
from core.match.problem import MatchConfig
from core.match.suggest import Outlook, Suggestion, outlook
from core.match.types import Alternative, Matching, Pair

__all__ = [
    "METHODS",
    "Alternative",
    "MatchConfig",
    "Matching",
    "Outlook",
    "Pair",
    "Suggestion",
    "match_trees",
    "outlook",
]
