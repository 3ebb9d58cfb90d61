"""A level-set tree as a small drawing: the floor below, peaks above, a dot a leaf by its mass, a ring where it holds a
hole."""

import numpy as np

from core.tree import LevelSetTree, layout
from topoviz.figures.theme import Theme

__all__ = ["thumbnail"]

_WIDTH, _HEIGHT = 240, 150
_SIDE, _TOP, _FOOT = 20.0, 18.0, 12.0
# Nats below the peak at which the drawing ends: saddles deeper than that are extrapolation.
_FLOOR = -12.0


def thumbnail(tree: LevelSetTree, theme: Theme) -> str:
    """The tree as an SVG of 240 x 150, its leaves side by side in the order of `core.tree.layout`, heights by level."""
    place = _place(tree)
    crowd = float(np.clip(14 / len(tree.leaves), 0.4, 1))
    parts = [_branch(place[row], place[tree.parent[row]], theme.soft) for row in range(1, len(tree))]
    parts.append(_stem(place[0], theme.soft))
    for row in tree.leaves:
        size = crowd * (4.2 + 9 * float(np.sqrt(np.clip(tree.mass[row], 0, 1))))
        parts.append(_circle(place[row], size, f'fill="{theme.accent}"'))
    hollow = f'fill="{theme.paper}" stroke="{theme.accent}" stroke-width="2"'
    parts += [_circle(place[row], 6 * crowd + 1, hollow) for row in _holed(tree)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}">'
        + "".join(parts)
        + "</svg>"
    )


def _place(tree: LevelSetTree) -> np.ndarray:
    """(m, 2): where each node stands in pixels."""
    slot, level = layout(tree).T
    inner = [row for row in range(len(tree)) if tree.children[row]]
    deepest = float(np.maximum(tree.level[inner], _FLOOR).min(initial=-1.0))
    count = len(tree.leaves)
    x = np.full(len(tree), _WIDTH / 2) if count == 1 else _SIDE + (_WIDTH - 2 * _SIDE) * slot / (count - 1)
    share = np.clip(level / (1.15 * deepest), 0, 1)
    return np.column_stack((x, _TOP + (_HEIGHT - _TOP - _FOOT) * share))


def _holed(tree: LevelSetTree) -> list[int]:
    """The rows whose regions are the deepest around a hole."""
    return [] if tree.holes is None else sorted(set(tree.holes.node.tolist()))


def _branch(node: np.ndarray, parent: np.ndarray, color: str) -> str:
    return _path(f"M{node[0]:.1f} {node[1]:.1f}V{parent[1]:.1f}H{parent[0]:.1f}", color)


def _stem(root: np.ndarray, color: str) -> str:
    return _path(f"M{root[0]:.1f} {root[1]:.1f}V{_HEIGHT - _FOOT / 2:.1f}", color)


def _path(way: str, color: str) -> str:
    return f'<path d="{way}" fill="none" stroke="{color}" stroke-width="2.8" stroke-linejoin="round"/>'


def _circle(place: np.ndarray, radius: float, look: str) -> str:
    return f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="{radius:.1f}" {look}/>'
