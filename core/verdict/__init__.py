"""The verdict on a match: one object, its words, its reasons and its probability."""

from core.verdict.assess import assess, matched_score
from core.verdict.verdict import Verdict

__all__ = ["Verdict", "assess", "matched_score"]
