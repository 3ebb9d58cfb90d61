"""Partial matching of level-set trees."""

from core.match.matching import match_trees
from core.match.methods import METHODS, MatchMethod
from core.match.problem import MatchConfig
from core.match.suggest import Outlook, Suggestion, outlook
from core.match.types import Alternative, Matching, Pair

__all__ = [
    "METHODS",
    "Alternative",
    "MatchConfig",
    "MatchMethod",
    "Matching",
    "Outlook",
    "Pair",
    "Suggestion",
    "match_trees",
    "outlook",
]
