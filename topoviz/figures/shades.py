"""The colors of leaves: one for each while leaves are few, else shades of one color for each of the main branches.

Colors depend on ids, which are ranks in persistence, and on masses, which do not change when nodes are hidden. So an
edit of one node does not recolor the others.
"""

from functools import lru_cache

from core.tree import LevelSetTree, leaf_number
from topoviz.figures.theme import Theme, node_color, rgb

__all__ = ["leaf_colors", "shade"]

_FEW, _MOST = 7, 9
# How far the colors of successive leaves move from their branch's towards the ink (above 0) or the paper (below).
_SHADES = (0.0, 0.36, -0.2, 0.18, 0.52, -0.1)


@lru_cache(maxsize=64)
def leaf_colors(tree: LevelSetTree, theme: Theme) -> dict[int, str]:
    """The color of each leaf by id."""
    leaves = sorted(tree.ids(tree.leaves))
    ranks = [leaf_number(leaf) - 1 for leaf in leaves]
    for most in (_FEW, _MOST):
        if max(ranks) < most:
            return {leaf: node_color(rank, most) for leaf, rank in zip(leaves, ranks, strict=True)}
    if len(leaves) <= _MOST:
        return {leaf: node_color(at, len(leaves)) for at, leaf in enumerate(leaves)}
    colors = {}
    for hue, branch in enumerate(_branches(tree)):
        for at, leaf in enumerate(branch):
            colors[leaf] = shade(node_color(hue, _MOST), _SHADES[at % len(_SHADES)], theme)
    return colors


def _branches(tree: LevelSetTree) -> list[list[int]]:
    """Ids of the leaves of the heaviest branches, at most nine; branches with more persistent leaves come first."""
    tops = [0]
    while len(tops) < _MOST:
        heaviest = max(
            (row for row in tops if tree.children[row]), key=lambda row: (tree.mass[row], -row), default=None
        )
        if heaviest is None:
            break
        tops = [row for row in tops if row != heaviest] + list(tree.children[heaviest])
    return sorted(sorted(tree.ids(tree.leaves_below[row])) for row in tops)


def shade(color: str, share: float, theme: Theme) -> str:
    """`color` (#rrggbb) mixed with a share of the theme's ink, or of its paper where `share` is negative."""
    parts = zip(rgb(color), rgb(theme.ink if share > 0 else theme.paper), strict=True)
    return "#" + "".join(f"{round(own + abs(share) * (other - own)):02X}" for own, other in parts)
