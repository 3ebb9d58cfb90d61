"""Names of nodes: the default name of a leaf, and names cleaned to one line."""

import unicodedata

from core.tree import leaf_number
from topoviz.session.state import Side

__all__ = ["clean", "leaf_name"]


def leaf_name(side: Side, node: int) -> str:
    """The default name of a leaf: the letter of its tree and its number.

    >>> leaf_name("b", 5)
    'B3'
    """
    return f"{side.upper()}{leaf_number(node)}"


def clean(text: str) -> str:
    """A name on one line, without control characters and without marks that turn the direction of text.

    >>> clean("left\\u202e  \\n right")
    'left right'
    """
    kept = (" " if char.isspace() else char for char in text if unicodedata.category(char) not in ("Cc", "Cf", "Cs")
            or char in "\n\t\u200d\u200c")  # fmt: skip
    return " ".join("".join(kept).split())
