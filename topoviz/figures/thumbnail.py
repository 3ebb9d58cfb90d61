"""A level-set tree as a small drawing: the floor below, peaks above, a dot for each leaf, a ring for each hole."""

import numpy as np

from core.tree import LevelSetTree
from topoviz.figures.geometry.tree import tree_geometry
from topoviz.figures.theme import Theme

__all__ = ["thumbnail"]

_WIDTH, _HEIGHT = 240, 150
_SIDE, _TOP, _FOOT = 20.0, 18.0, 12.0
# Nats below the peak at which the drawing ends; deeper saddles are extrapolation.
_FLOOR = -12.0
# How far the floor lies below the deepest saddle, as a share of its depth.
_BELOW = 1.15


def thumbnail(tree: LevelSetTree, theme: Theme) -> str:
    """The tree as an SVG of 240 x 150: leaves side by side in the order of `core.tree.layout`, heights by level."""
    place, branches = _drawn(tree)
    crowd = float(np.clip(14 / len(tree.leaves), 0.4, 1))
    parts = [_branch(branches[row], theme.soft) for row in (*range(1, len(tree)), 0)]
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


def _drawn(tree: LevelSetTree) -> tuple[np.ndarray, np.ndarray]:
    """(m, 2): the position of each node in pixels; (m, 3, 2): the path of its branch."""
    inner = [row for row in range(len(tree)) if tree.children[row]]
    deepest = float(np.maximum(tree.level[inner], _FLOOR).min(initial=-1.0))
    count, room = len(tree.leaves), _HEIGHT - _TOP - _FOOT
    branches = tree_geometry(tree, _BELOW * deepest, stem=_FOOT / 2 / room).branches
    slot, deep = branches[..., 0], branches[..., 1]
    x = np.full(slot.shape, _WIDTH / 2) if count == 1 else _SIDE + (_WIDTH - 2 * _SIDE) * slot / (count - 1)
    placed = np.stack((x, _TOP + room * deep), axis=-1)
    return placed[:, -1], placed


def _holed(tree: LevelSetTree) -> list[int]:
    """The rows whose regions are the deepest around a hole."""
    return [] if tree.holes is None else sorted(set(tree.holes.node.tolist()))


def _branch(branch: np.ndarray, color: str) -> str:
    (x, y), _, node = branch
    across = "" if x == node[0] else f"H{x:.1f}"
    way = f"M{node[0]:.1f} {node[1]:.1f}V{y:.1f}{across}"
    return f'<path d="{way}" fill="none" stroke="{color}" stroke-width="2.8" stroke-linejoin="round"/>'


def _circle(place: np.ndarray, radius: float, look: str) -> str:
    return f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="{radius:.1f}" {look}/>'
