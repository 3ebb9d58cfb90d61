"""Both trees on paper, facing each other, with the links between their leaves and a scale of levels below."""

from dataclasses import dataclass

import numpy as np
from matplotlib.path import Path

from core.match import Pair
from topoviz.figures.geometry.facing import Frame, Placed, row_count
from topoviz.figures.geometry.tree import whole_levels
from topoviz.report.figure.scene import Scene
from topoviz.report.figure.sheet import HAIR, POINT, Box
from topoviz.session.state import SIDES, Side
from topoviz.vocabulary import link_share, sureness

__all__ = ["draw", "wanted_height"]

# The page's figure is laid out for type of twelve pixels.
_PAGE_TYPE = 12.0
_LEAST_TYPE = 4.5
_MARK = 0.85
_MOST_NAME = 0.145
_TICKS = 4
# A tree's width as a share of the panel's; in millimeters, the margin for the root's stem, and the stem.
_WIDTH, _MARGIN, _STEM = 0.28, 1.6, 1.3


def wanted_height(scene: Scene, size: float) -> float:
    """The height in millimeters at which type of `size` points fits next to every leaf, at most a page's."""
    rows = row_count(scene.orders)
    roomy = 2.0 if rows <= 8 else 1.45 if rows <= 24 else 1.18
    return float(np.clip((rows + 2.2) * roomy * size * POINT * (1.15 if rows <= 24 else 0.92), 34, 190))


@dataclass(frozen=True, eq=False)
class _Ground:
    """The panel's measures: `unit` millimeters per pixel of the page, names at a `share` of the type's size, leaves
    above `foot`."""

    box: Box
    scene: Scene
    frame: Frame
    unit: float
    share: float
    foot: float

    def x(self, level, side: Side) -> float:
        """The position of a relative level (nats); levels below the floor lie at the floor."""
        return float(self.frame.across(level, side))

    def y(self, slot):
        """The position of a slot."""
        foot, top = self.frame.window
        return (np.asarray(slot) - top) / (foot - top) * self.foot


def draw(box: Box, scene: Scene) -> None:
    """The two trees in a box."""
    ground = _ground(box, scene)
    placed: dict[Side, Placed] = {
        side: ground.frame.placed(scene.analysis.tree(side), scene.orders[side], side) for side in SIDES
    }
    _levels(ground)
    starts = {side: _tree(ground, placed[side], side) for side in SIDES}
    for pair in scene.analysis.matching.leaf_pairs:
        _link(ground, pair, starts["a"][pair.a], starts["b"][pair.b])


def _ground(box: Box, scene: Scene) -> _Ground:
    size = box.sheet.size
    foot = box.height - 1.5 * size * POINT
    rows = row_count(scene.orders)
    floor, across = scene.analysis.cut(0.0), (_WIDTH * box.width, box.width, _MARGIN, _STEM)
    # Type shrinks to fit between the leaves before names are left out.
    shares = [1.0, *np.arange(0.95, min(_LEAST_TYPE / size, 1.0) - 1e-9, -0.05).tolist()]
    frames = [(share, Frame(floor, rows, foot / (share * size * POINT / _PAGE_TYPE), *across)) for share in shares]
    share, frame = next((found for found in frames if found[1].pitch >= _PAGE_TYPE), frames[-1])
    return _Ground(box, scene, frame, share * size * POINT / _PAGE_TYPE, share, foot)


def _levels(ground: _Ground) -> None:
    """Hairlines at whole nats, labeled at the foot, and the cut, dashed."""
    box, theme = ground.box, ground.scene.theme
    for side in SIDES:
        for level in whole_levels(ground.frame.floor, _TICKS):
            x = ground.x(-level, side)
            box.line([(x, 0), (x, ground.foot)], color=theme.faint, width=HAIR, order=0)
            box.text(x, box.height, f"−{level}" if level else "0", share=0.85, across="center", down="bottom",
                     color=theme.soft)  # fmt: skip
        cut = ground.x(ground.scene.analysis.cut(ground.scene.session.level), side)
        box.line([(cut, 0), (cut, ground.foot)], color=theme.ink, width=0.5, dashes=(2.4, 1.6), order=0.5)
    box.text(box.width / 2, box.height, "level (nats below the peak)", share=0.85, across="center",
             down="bottom", color=theme.soft)  # fmt: skip


def _tree(ground: _Ground, placed: Placed, side: Side) -> dict[int, np.ndarray]:
    """Draw one tree; returns where the links of its leaves begin, by id."""
    box, tree, theme, scene = ground.box, placed.tree, ground.scene.theme, ground.scene
    x, y = placed.place[:, 0], ground.y(placed.place[:, 1])
    sign = 1 if side == "a" else -1
    scale = ground.frame.scale
    width = 0.45 + 0.45 * scale
    for row, node in enumerate(tree.id.tolist()):
        across, slots = placed.branches[row].T
        way = np.column_stack((across, ground.y(slots)))
        box.line(way, color=theme.soft, width=width, order=2, name=f"branch-{side}-{node}")
    _errors(ground, placed)
    _holes(ground, placed)
    starts = {}
    column = ground.x(0.0, side) + sign * 1.6 * ground.unit * _PAGE_TYPE * 0.55
    room = _MOST_NAME * box.width
    for row, node in enumerate(tree.id.tolist()):
        style = scene.styles[side][node]
        diameter = _MARK * float(placed.size[row]) * ground.unit
        leaf = bool(placed.leaf[row])
        box.dots(np.array([[x[row], y[row]]]), diameter / POINT, style.color if leaf else theme.paper, edge=style.color,
                 width=max(width, 0.5), order=4, name=f"mark-{side}-{node}")  # fmt: skip
        if not leaf:
            if style.label:
                box.text(x[row], y[row] - diameter / 2 - 0.3, box.sheet.cut(style.label, room, ground.share * 0.9),
                         share=ground.share * 0.9, across="center", down="bottom", name=f"name-{side}-{node}",
                         ground=True)  # fmt: skip
            continue
        name_x = column if ground.frame.crowded else x[row] + sign * (diameter / 2 + 0.9)
        end = name_x
        if placed.named.get(row, True):
            label = box.sheet.cut(style.label, room, ground.share)
            box.text(name_x, y[row], label, share=ground.share, across="left" if side == "a" else "right",
                     color=theme.ink if style.matched else theme.soft, name=f"name-{side}-{node}",
                     style="italic" if style.unconfirmed else "normal")  # fmt: skip
            end = name_x + sign * (box.sheet.measure(label, ground.share) + 0.7)
            if ground.frame.crowded:
                lead = [(x[row] + sign * diameter / 2, y[row]), (column - sign * 0.4, y[row])]
                box.line(lead, color=style.color if style.matched else theme.faint, width=HAIR, order=1.5)
        starts[node] = np.array([end, y[row]])
    if ground.frame.crowded:
        far = max((sign * start[0] for start in starts.values()), default=0.0)
        for node, start in starts.items():
            if scene.styles[side][node].matched:
                box.line([start, (sign * far, start[1])], color=scene.styles[side][node].color, width=HAIR, order=1.5)
            starts[node] = np.array([sign * far, start[1]])
    return starts


def _errors(ground: _Ground, placed: Placed) -> None:
    """One standard error of every leaf's level to either side, where it is longer than the leaf's mark."""
    if placed.spread is None or ground.frame.crowded:
        return
    for row in placed.tree.leaves:
        (x, slot), spread = placed.place[row], placed.spread[row]
        ends = [(x - spread, ground.y(slot)), (x + spread, ground.y(slot))]
        ground.box.line(ends, color=ground.scene.theme.ink, width=0.5, order=3.5)


def _holes(ground: _Ground, placed: Placed) -> None:
    """A ring next to the surrounding branch where a hole closes, and a dashed line down to where it is filled."""
    theme, found = ground.scene.theme, placed.holes
    for top, bottom, y in zip(found.top, found.bottom, ground.y(found.slot), strict=True):
        ends = [(top, y), (bottom, y)]
        ground.box.line(ends, color=theme.soft, width=0.6, dashes=(1.2, 1.2), order=2)
        ground.box.dots(np.array(ends[:1]), 6 * ground.unit / POINT, theme.paper, edge=theme.soft, width=0.7, order=4)


def _link(ground: _Ground, pair: Pair, start: np.ndarray, end: np.ndarray) -> None:
    """A curve from leaf to leaf, as wide as the pair is sure; a pinned pair has a diamond."""
    box, scene = ground.box, ground.scene
    color = scene.styles["a"][pair.a].color
    bend = 0.5 * (end[0] - start[0])
    way = np.array([start, (start[0] + bend, start[1]), (end[0] - bend, end[1]), end])
    new = scene.analysis.preview is not None and (pair.a, pair.b) in scene.analysis.preview.new
    sure = sureness(pair.confidence, pair.pinned)
    width = (0.4 + 1.3 * (1.0 if pair.pinned else link_share(pair.confidence))) * (0.45 + 0.55 * ground.frame.scale)
    curve = Path(way, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
    dashes = (2.2, 1.4) if new or sure == "unsure" else None
    name = f"link-{pair.a}-{pair.b}"
    box.path(curve, stroke=color, width=max(width, 0.45), order=3, dashes=dashes, name=name)
    if pair.pinned:
        box.dots((start + end)[None] / 2, 9 * ground.unit / POINT, color, edge=scene.theme.paper, width=0.6, order=4,
                 marker="D")  # fmt: skip
