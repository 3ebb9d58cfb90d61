"""The panels of a figure by name: the preferred height of each at a width, and how it is drawn."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from topoviz.report.figure import latent, surface, transform, trees
from topoviz.report.figure.scene import Scene
from topoviz.report.figure.sheet import HAIR, POINT, Box, Sheet
from topoviz.report.words import decimals
from topoviz.session.state import SIDES, Side
from topoviz.vocabulary import VERDICTS, verdict_lines

__all__ = ["Panel", "legend", "legend_height", "panel"]


@dataclass(frozen=True)
class Panel:
    """A panel: its `title`, its `least` width in millimeters, its preferred height at a width, the function that draws
    it into a box, and whether its height may change (`elastic`)."""

    title: str
    least: float
    height: Callable[[Sheet, float], float]
    draw: Callable[[Box], None]
    elastic: bool = False


def panel(name: str, scene: Scene) -> Panel:
    """The panel of a name in `topoviz.session.composition.PANELS`."""
    return _PANELS[name](scene)


def _input(side: Side) -> Callable[[Scene], Panel]:
    def make(scene: Scene) -> Panel:
        level = scene.analysis.cut(scene.session.level)
        title = f"Input {side.upper()}, cut at {decimals(level, 1)} nats"
        return Panel(title, 0, lambda _, width: 0.85 * width, lambda box: surface.draw(box, scene, side), elastic=True)

    return make


def _latent(side: Side) -> Callable[[Scene], Panel]:
    def make(scene: Scene) -> Panel:
        overlaid = side == "b" and scene.analysis.mapped is not None
        title = f"Latent {side.upper()}" + (", T(A) laid over" if overlaid else "")
        return Panel(title, 0, lambda _, width: 0.85 * width, lambda box: latent.draw(box, scene, side), elastic=True)

    return make


def _trees(scene: Scene) -> Panel:
    height = trees.wanted_height
    title = "Level-set trees of A (left) and B"
    return Panel(
        title, 78, lambda sheet, _: height(scene, sheet.size), lambda box: trees.draw(box, scene), elastic=True
    )


def _transform(scene: Scene) -> Panel:
    height = transform.wanted_height
    return Panel(
        "Transform A → B", 34, lambda sheet, width: height(scene, sheet, width), lambda box: transform.draw(box, scene)
    )


def _residuals(scene: Scene) -> Panel:
    rows = len(_left(scene))

    def height(sheet: Sheet, _: float) -> float:
        pitch = 1.35 if rows <= 12 else 0.95 if rows <= 30 else 0.62
        return sheet.line * (max(rows, 1) * pitch + 2.4)

    return Panel("Residuals of the global part", 34, height, lambda box: _draw_residuals(box, scene), elastic=True)


def _left(scene: Scene) -> list[tuple[int, int, float]]:
    """Matched leaves with the residuals of their means, in the order of A's tree."""
    distance = {(found.a, found.b): float(found.distance) for found in scene.analysis.residuals}
    return [(a, b, distance[a, b]) for a, b in scene.pairs if (a, b) in distance]


def _draw_residuals(box: Box, scene: Scene) -> None:
    sheet, theme, left = box.sheet, scene.theme, _left(scene)
    if not left:
        box.text(0, sheet.line / 2, "no map, no residuals", color=theme.soft)
        return
    foot = box.height - 2.4 * sheet.line
    pitch = foot / len(left)
    share = float(np.clip(pitch / (1.02 * sheet.size * POINT), 0.64, 1.0))
    every = max(1, int(np.ceil(1.02 * share * sheet.size * POINT / pitch - 1e-6)))
    room = 0.42 * box.width
    names = [sheet.cut(scene.both(a, b), room, share) for a, b, _ in left]
    start = max(sheet.measure(name, share) for name in names[::every]) + 1.2
    most = max(1.0, *(distance for *_, distance in left))
    ticks = _ticks(most)
    scale = (box.width - start - 1.5) / ticks[-1]
    for tick in ticks:
        x = start + tick * scale
        box.line([(x, 0), (x, foot)], color=theme.faint, width=HAIR, order=0)
        box.text(x, foot + 0.55 * sheet.line, f"{tick:g}", share=0.85, across="center", color=theme.soft)
    box.text(start + ticks[-1] * scale / 2, foot + 1.6 * sheet.line, "deviations of B", share=0.85, across="center",
             color=theme.soft)  # fmt: skip
    for at, (a, b, distance) in enumerate(left):
        y, end = (at + 0.5) * pitch, start + distance * scale
        color = scene.styles["a"][a].color
        box.line([(start, y), (end, y)], color=color, width=min(2.2, 0.45 * pitch / POINT), order=2,
                 name=f"bar-{a}-{b}")  # fmt: skip
        box.dots(np.array([[end, y]]), min(3.4, 0.7 * pitch / POINT), color, order=3, name=f"tip-{a}-{b}")
        if at % every == 0:
            box.text(start - 0.9, y, names[at], share=share, across="right", name=f"row-{a}-{b}")


def _ticks(most: float) -> list[float]:
    """Three to five round numbers from 0 to beyond `most`."""
    step = next(step * 10**power for power in range(-2, 9) for step in (1, 2, 2.5, 5) if most / (step * 10**power) <= 4)
    return [step * at for at in range(int(np.ceil(most / step - 1e-9)) + 1)]


def _trust(scene: Scene) -> Panel:
    def height(sheet: Sheet, width: float) -> float:
        return sheet.line * (1.1 + len(_reasons(scene, sheet, width)))

    return Panel("Trust", 60, height, lambda box: _draw_trust(box, scene))


def _reasons(scene: Scene, sheet: Sheet, width: float) -> list[str]:
    said = (*verdict_lines(scene.analysis.verdict), *scene.analysis.notes)
    return [line for sentence in said for line in sheet.wrap(sentence, width)]


def _draw_trust(box: Box, scene: Scene) -> None:
    sheet, verdict = box.sheet, scene.analysis.verdict
    top = 0.6
    if verdict is not None:
        look, top = VERDICTS[verdict.word], 1.6
        box.dots(np.array([[0.9, 0.5 * sheet.line]]), 0.55 * sheet.size, look.ink, marker=look.marker)
        box.text(2.4, 0.5 * sheet.line, look.label, weight="bold")
    for at, line in enumerate(_reasons(scene, sheet, box.width)):
        box.text(0, (at + top) * sheet.line, line)


def legend_height(scene: Scene, sheet: Sheet, width: float) -> float:
    """The height of the legend of matched nodes at a width, in millimeters."""
    return sheet.line * (len(_legend_rows(scene, sheet, width)) + 0.1)


def legend(box: Box, scene: Scene) -> None:
    """Every matched pair of leaves by color and name, then the leaves left out."""
    sheet = box.sheet
    for at, row in enumerate(_legend_rows(scene, sheet, box.width)):
        y = (at + 0.5) * sheet.line
        for x, text, color, name in row:
            if color:
                dot = None if name is None else name.replace("key", "chip", 1)
                box.dots(np.array([[x + 0.8, y]]), 0.6 * sheet.size, color, name=dot)
            box.text(x + (2.2 if color else 0), y, text, share=0.95, name=name)


def _legend_rows(scene: Scene, sheet: Sheet, width: float) -> list[list[tuple[float, str, str | None, str | None]]]:
    """Entries (x, text, color, id) line by line, in columns as wide as the widest name; a name wider than the line is
    cut."""
    entries: list[tuple[str, str | None, str | None]] = [
        (sheet.cut(scene.both(a, b), width - 3, 0.95), scene.styles["a"][a].color, f"key-{a}-{b}")
        for a, b in scene.pairs
    ]
    alone = {"a": scene.analysis.matching.unmatched_a, "b": scene.analysis.matching.unmatched_b}
    entries += [
        (sheet.cut(f"{scene.label(side, node)} (alone)", width - 3, 0.95), scene.theme.unmatched, f"key-{side}-{node}")
        for side in SIDES
        for node in alone[side]
    ]
    if not entries:
        return []
    wide = max(sheet.measure(text, 0.95) for text, *_ in entries) + 5
    columns = max(1, min(int(width / wide), len(entries)))
    pitch = wide if len(entries) == columns else width / columns
    rows = [entries[at : at + columns] for at in range(0, len(entries), columns)]
    return [[(at * pitch, *entry) for at, entry in enumerate(row)] for row in rows]


_PANELS: dict[str, Callable[[Scene], Panel]] = {
    "input-a": _input("a"), "input-b": _input("b"), "latent-a": _latent("a"), "latent-b": _latent("b"),
    "trees": _trees, "transform": _transform, "residuals": _residuals, "trust": _trust,
}  # fmt: skip
