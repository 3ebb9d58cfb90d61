"""Latent spaces on paper: superlevel sets, the outlines of leaves, points; A's points mapped by T lie over B."""

import numpy as np

from core.tree import LevelSets
from topoviz.figures.geometry.density import FLOOR, LEVELS, boundary, curve, names_at, outlines, window
from topoviz.figures.geometry.points import flat, leaf_ids, mapped_points
from topoviz.figures.theme import rgb
from topoviz.report.figure.scene import Scene
from topoviz.report.figure.sheet import HAIR, POINT, Box
from topoviz.session.state import Side

__all__ = ["draw"]

_POINTS = 600
_SPREAD = 0.05
_FINE = 0.12


def draw(box: Box, scene: Scene, side: Side) -> None:
    """One side's latent space in a box: a curve in one dimension, else a plane."""
    (_curve if scene.analysis.tree(side).dim == 1 else _plane)(box, scene, side)


def _plane(box: Box, scene: Scene, side: Side) -> None:
    sets = scene.analysis.level_sets(side)
    tree, styles = sets.tree, scene.styles[side]
    latent = scene.analysis.latent(side)
    own = flat(scene.analysis, side, _POINTS)
    guests = mapped_points(scene.analysis, _POINTS) if side == "b" else None
    place = _placer(box, sets, [own] if guests is None else [own, guests.end])
    if tree.dim == 2:
        _bands(box, scene, sets, place)
    if tree.dim == 2 or guests is not None or latent is None:
        box.dots(place(own), 0.9, scene.theme.soft, opacity=0.4, order=2, clip=True)
    else:
        _dots(box, scene, side, place(own), leaf_ids(sets, latent[:_POINTS]), 1.3, "dots")
    for node, outline in outlines(sets).items():
        polygons = [_thinned(place(polygon)) for polygon in outline]
        color, opacity = styles[node].color, 0.12 if styles[node].matched else 0.05
        box.area(polygons, fill=color, opacity=opacity, order=2.5, name=f"area-{side}-{node}", clip=True)
        # Drawn apart from its area: in a PDF a line fades with the area it surrounds.
        box.area(polygons, stroke=color, width=0.8, order=2.55, name=f"edge-{side}-{node}", clip=True)
    if guests is not None:
        _dots(box, scene, "a", place(guests.end), guests.owners, 1.5, "carried")
    _names(box, scene, side, place)


def _placer(box: Box, sets: LevelSets, clouds: list[np.ndarray]):
    """A function from the plane to the box's millimeters, with equal scales. The window of the density, or of the
    points where there is no grid, fills the box."""
    seen = window(sets)
    if seen is None:
        all_points = np.concatenate([*clouds, names_at(sets)])
        low, high = np.percentile(all_points, (1, 99), axis=0)
        margin = _SPREAD * (high - low) + 1e-6
        low, high = low - margin, high + margin
    else:
        low, high = np.array(seen).T
    scale = min(box.width / (high[0] - low[0]), box.height / (high[1] - low[1]))
    middle = (low + high) / 2

    def place(xy: np.ndarray) -> np.ndarray:
        return (np.asarray(xy, dtype=float) - middle) * (scale, -scale) + (box.width / 2, box.height / 2)

    return place


def _bands(box: Box, scene: Scene, sets: LevelSets, place) -> None:
    """The superlevel sets, darker with density, and the cut, dashed."""
    ramp = _ramp(scene.theme.ramp, len(LEVELS))
    for at, level in enumerate(LEVELS):
        rings = [_thinned(place(line)) for line in boundary(sets, float(level))]
        box.area(rings, fill=ramp[at], stroke="#c3cad4", width=0.2, order=1 + 0.01 * at, clip=True)
    for line in boundary(sets, scene.analysis.cut(scene.session.level)):
        box.line(_thinned(place(line)), color=scene.theme.ink, width=0.5, dashes=(2.4, 1.6), order=2.6, clip=True)


def _thinned(points: np.ndarray) -> np.ndarray:
    """A line without points that lie closer together than a tenth of a millimeter."""
    way = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))))
    kept = np.concatenate(([True], np.diff(way // _FINE) > 0))
    kept[-1] = True
    return points[kept] if kept.sum() > 3 else points


def _ramp(colors: tuple[str, ...], count: int) -> list[str]:
    """`count` steps along a ramp of colors."""
    stops = np.array([rgb(color) for color in colors])
    at = np.linspace(1 / count, 1, count) * (len(stops) - 1)
    mixed = np.stack([np.interp(at, np.arange(len(stops)), channel) for channel in stops.T], axis=1)
    return ["#{:02x}{:02x}{:02x}".format(*row) for row in np.round(mixed).astype(int)]


def _dots(box: Box, scene: Scene, side: Side, xy: np.ndarray, owners: np.ndarray, size: float, kind: str) -> None:
    for node in np.unique(owners).tolist():
        box.dots(xy[owners == node], size, scene.styles[side][node].color, opacity=0.85, order=3,
                 name=f"{kind}-{side}-{node}", clip=True)  # fmt: skip


def _names(box: Box, scene: Scene, side: Side, place) -> None:
    """Names at the peaks, those of heavier leaves first; a name without room near its peak is left out."""
    sets, sheet = scene.analysis.level_sets(side), box.sheet
    tree = sets.tree
    share = 0.9 if len(tree.leaves) <= 24 else 0.75
    peaks = place(names_at(sets))
    taken: list[tuple[float, float, float, float]] = []
    half = 0.62 * sheet.size * share * POINT
    for at in np.argsort(-tree.mass[tree.leaves], kind="stable"):
        node = int(tree.id[tree.leaves[at]])
        style = scene.styles[side][node]
        label = sheet.cut(style.label, 0.3 * box.width, share)
        reach = sheet.measure(label, share) / 2 + 0.25
        for dx, dy in ((0, 0), (0, -1), (0, 1), (1, 0), (-1, 0), (0, -2), (0, 2)):
            x = float(np.clip(peaks[at, 0] + dx * (reach + 0.4), reach, max(box.width - reach, reach)))
            y = float(np.clip(peaks[at, 1] + dy * 2.1 * half, half, box.height - half))
            spot = (x - reach, y - half, x + reach, y + half)
            if not any(_meet(spot, other) for other in taken):
                taken.append(spot)
                box.text(x, y, label, share=share, across="center", name=f"name-{side}-{node}-latent", ground=True,
                         style="italic" if style.unconfirmed else "normal")  # fmt: skip
                break


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _curve(box: Box, scene: Scene, side: Side) -> None:
    sets = scene.analysis.level_sets(side)
    drawn, tree, theme = curve(sets), sets.tree, scene.theme
    axis = drawn.axis
    foot = box.height - 1

    def place(x, level) -> np.ndarray:
        across = (np.asarray(x) - axis[0]) / (axis[-1] - axis[0]) * box.width
        return np.column_stack((across, foot * (1 - (np.asarray(level) - FLOOR) / (0.9 - FLOOR))))

    box.line([(0, foot), (box.width, foot)], color=theme.faint, width=HAIR)
    box.line(place(axis, drawn.height), color=theme.soft, width=0.7)
    cut = scene.analysis.cut(scene.session.level)
    box.line(place(axis[[0, -1]], [cut, cut]), color=theme.ink, width=0.5, dashes=(2.4, 1.6))
    for row in tree.leaves:
        node = int(tree.id[row])
        part = place(axis, drawn.leaves[node])
        box.line(part, color=scene.styles[side][node].color, width=1.3, order=3, name=f"area-{side}-{node}")
        peak = place(tree.peak[row], [tree.level[row]])[0]
        label = box.sheet.cut(scene.styles[side][node].label, 0.4 * box.width, 0.9)
        box.text(float(peak[0]), float(peak[1]) - 0.8, label, share=0.9, across="center", down="bottom",
                 name=f"name-{side}-{node}-latent")  # fmt: skip
