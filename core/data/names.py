"""The names and words that programs write into tables: what labels are called, row numbers, missing values."""

from collections.abc import Sequence

__all__ = ["LABEL_NAMES", "MISSING", "ROW_NUMBERS", "label_column"]

# The first of them that a table has is its column of labels.
LABEL_NAMES = ("label", "labels", "class", "classes", "target", "species", "cluster")
# What pandas and R call the row numbers that they write unasked.
ROW_NUMBERS = ("", "Unnamed: 0", "__index_level_0__")
# Cells that stand for a missing number.
MISSING = ("", "na", "n/a", "null", "none")


def label_column(names: Sequence[str], usual: Sequence[str] = LABEL_NAMES) -> int | None:
    """Which of the names is that of labels: the usual name that comes first; None where there is none.

    >>> label_column(["x", "cluster", "Label"])
    2
    """
    places = {name.lower(): at for at, name in reversed(list(enumerate(names)))}
    return next((places[name] for name in usual if name in places), None)
