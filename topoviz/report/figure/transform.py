"""The map on paper: its matrix and offset as numbers or as colored cells, with words below."""

import numpy as np

from topoviz.report.figure.scene import Scene
from topoviz.report.figure.sheet import Box, Sheet
from topoviz.report.words import decimals, in_words
from topoviz.vocabulary import article, bends, map_kind

__all__ = ["draw", "wanted_height"]

_MOST_CELLS = 4


def wanted_height(scene: Scene, sheet: Sheet, width: float) -> float:
    """The preferred height at a width, in millimeters."""
    fitted = scene.analysis.map
    if fitted is None:
        return sheet.line * (1 + len(sheet.wrap(scene.analysis.map_problem or "", width)))
    rows = fitted.dim_out if max(fitted.matrix.shape) <= _MOST_CELLS else max(6, 0.5 * width / sheet.line)
    return sheet.line * (1.25 * rows + 0.9) + len(_map_words(scene, sheet, width)) * sheet.line


def _map_words(scene: Scene, sheet: Sheet, width: float) -> list[str]:
    fitted, score = scene.analysis.map, scene.analysis.score
    assert fitted is not None
    kind = map_kind(fitted.family)
    said = [f"global part of {article(kind)}" if bends(fitted.family) else kind, in_words(np.asarray(fitted.matrix))]
    said.append(None if score is None else f"score {decimals(score, 3)} nats (0 is perfect)")
    return [line for sentence in said if sentence for line in sheet.wrap(sentence, width)]


def draw(box: Box, scene: Scene) -> None:
    """The map in a box, or why there is none."""
    fitted, sheet, theme = scene.analysis.map, box.sheet, scene.theme
    if fitted is None:
        for at, line in enumerate(sheet.wrap(scene.analysis.map_problem or "", box.width)):
            box.text(0, (at + 0.5) * sheet.line, line, color=theme.soft)
        return
    matrix, offset = np.asarray(fitted.matrix), np.asarray(fitted.offset)
    words = _map_words(scene, sheet, box.width)
    top = box.height - len(words) * sheet.line
    if max(matrix.shape) <= _MOST_CELLS:
        top = min(top, sheet.line * (1.25 * len(matrix) + 0.9))
        _numbers(box, matrix, offset, top - 0.55 * sheet.line)
    else:
        _cells(box, matrix, top - 0.8 * sheet.line, scene)
    for at, line in enumerate(words):
        box.text(0, top + (at + 0.5) * sheet.line, line, color=theme.soft)


def _numbers(box: Box, matrix: np.ndarray, offset: np.ndarray, height: float) -> None:
    """T(z) = matrix z + offset, with the brackets drawn."""
    sheet = box.sheet
    wide = max(sheet.measure(decimals(value)) for value in np.append(matrix, offset)) + 1.1
    lead, plus = "T(z) =", "z +"
    needed = sheet.measure(lead) + sheet.measure(plus) + wide * (matrix.shape[1] + 1) + 6.2
    share = min(1.0, box.width / needed)
    wide *= share
    pitch, middle = height / len(matrix), height / 2
    x = box.text(0, middle, lead, share=share) and sheet.measure(lead, share) + 0.9
    for part, label in ((matrix, plus), (offset[:, None], "")):
        across = wide * part.shape[1]
        for foot, tip in ((x, x + 0.7), (x + across + 1.0, x + across + 0.3)):
            box.line([(tip, 0.3), (foot, 0.3), (foot, height - 0.3), (tip, height - 0.3)], color=sheet.theme.ink,
                     width=0.6)  # fmt: skip
        for (row, column), value in np.ndenumerate(part):
            box.text(x + 0.5 + (column + 1) * wide - 0.5 * (1.1 * share) + 0.0, (row + 0.5) * pitch, decimals(value),
                     share=share, across="right")  # fmt: skip
        x += across + 1.9
        if label:
            box.text(x, middle, label, share=share)
            x += sheet.measure(label, share) + 0.9


def _cells(box: Box, matrix: np.ndarray, height: float, scene: Scene) -> None:
    """A large matrix as colored cells, blue below zero and orange above, with a color scale."""
    rows, columns = matrix.shape
    side = min(height / rows, (box.width - 14) / columns)
    most = float(np.abs(matrix).max()) or 1.0
    for (row, column), value in np.ndenumerate(matrix):
        _cell(box, column * side, row * side, side, side, _diverging(value / most))
    x, step = columns * side + 2.5, rows * side / 21
    for at, share in enumerate(np.linspace(1, -1, 21)):
        _cell(box, x, at * step, 2.2, step, _diverging(share))
    for y, value in ((0.0, most), (rows * side / 2, 0.0), (rows * side, -most)):
        box.text(x + 2.9, y, decimals(value), share=0.85, color=scene.theme.soft)


def _cell(box: Box, x: float, y: float, width: float, height: float, color: str) -> None:
    corners = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
    box.area([corners], fill=color, stroke=color, width=0.1)


def _diverging(share: float) -> str:
    """From blue (-1) through white to orange (1), distinct under the common kinds of color blindness."""
    far = np.array([0xB3, 0x58, 0x06] if share > 0 else [0x1F, 0x5F, 0xA8])
    mixed = np.round(255 + (far - 255) * min(abs(share), 1.0) ** 0.8).astype(int)
    return "#{:02x}{:02x}{:02x}".format(*mixed)
