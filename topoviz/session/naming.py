"""What a leaf is called that nobody has named."""

from core.tree import leaf_number
from topoviz.session.state import Side

__all__ = ["leaf_name"]


def leaf_name(side: Side, node: int) -> str:
    """The letter of a leaf's tree and its number.

    >>> leaf_name("b", 5)
    'B3'
    """
    return f"{side.upper()}{leaf_number(node)}"
