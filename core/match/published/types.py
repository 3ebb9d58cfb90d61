"""What every published method gives back."""

from dataclasses import dataclass

__all__ = ["Published"]


@dataclass(frozen=True)
class Published:
    """A matching of two trees by a published method.

    `pairs` are rows (of the first tree, of the second) of matched nodes, each row at most once, in the order of the
    first tree's rows; `distance` is the method's own distance, in its own units.
    """

    pairs: tuple[tuple[int, int], ...]
    distance: float
