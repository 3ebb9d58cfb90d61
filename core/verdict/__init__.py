"""The verdict on a match: one object, its words and its probability."""

from core.verdict.trust import Trust, assess

__all__ = ["Trust", "assess"]
