"""A composed figure as a file: panels laid out in millimeters, as SVG or PDF with real text, or as PNG.

The same session and composition give the same bytes at any time and in any process.
"""

import io
import re
from dataclasses import dataclass
from typing import Any

from core.errors import invalid
from topoviz import __version__
from topoviz.report.figure.panels import Panel, legend, legend_height, panel
from topoviz.report.figure.scene import Scene
from topoviz.report.figure.sheet import MM, Box, Sheet, typesetting
from topoviz.session.analysis import Analysis
from topoviz.session.checks import number
from topoviz.session.composition import Composition
from topoviz.session.state import Session

__all__ = ["FORMATS", "figure"]

FORMATS = ("svg", "pdf", "png")
_LEAST_DPI, _MOST_DPI = 50, 1200
_GAP, _EDGE = 4.0, 0.6
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_HUGE = 500.0
_MOST_PIXELS = 60_000_000
# The least share of its preferred height at which a picture can still be read.
_SQUEEZE = 0.25


def figure(
    analysis: Analysis, session: Session, composition: Composition, kind: str = "svg", dpi: float = 300,
    linked: bool = False,
) -> bytes:  # fmt: skip
    """The composed figure as svg, pdf or png; pictures in it, and a png itself, have `dpi` dots per inch.

    With `linked`, an svg has the names and masks that the script of `topoviz.report.figure.linked` highlights. Raises
    `InputError` on another kind, or a resolution out of range.
    """
    if kind not in FORMATS:
        raise invalid("figure", f"a file that ends in one of {', '.join(FORMATS)}", repr(kind), "name it so")
    number("dpi", dpi, _LEAST_DPI, _MOST_DPI)
    scene = Scene(analysis, session, composition)
    with typesetting():
        sheet = _drawn(scene, dpi, linked)
        return _saved(sheet, kind, session)


@dataclass(frozen=True)
class _Cell:
    """A panel at its place in the grid: `x`, `y`, `width` and `height` in millimeters, with its heading."""

    panel: Panel
    x: float
    y: float
    width: float
    height: float
    heading: float


def _drawn(scene: Scene, dpi: float, linked: bool) -> Sheet:
    composition = scene.composition
    # Type is measured on a draft sheet, since the height of the figure is not known yet.
    draft = Sheet(composition.width, 20, composition.font, composition.size, dpi)
    cells, below = _laid_out(scene, draft)
    key = legend_height(scene, draft, composition.width - 2 * _EDGE) if composition.legend else 0.0
    height = composition.height or below + (key + _GAP if key else 0.0) + _EDGE
    if height > _HUGE:
        raise invalid("height", f"at most {_HUGE:.0f} mm", f"{height:.0f} mm", "take more columns, or fewer panels")
    if composition.width * height * (dpi / MM) ** 2 > _MOST_PIXELS:
        raise invalid("dpi", f"at most {_MOST_PIXELS // 1_000_000} million pixels", f"{dpi:g} dpi", "take fewer")
    sheet = Sheet(composition.width, height, composition.font, composition.size, dpi, linked)
    for at, cell in enumerate(cells):
        _heading(Box(sheet, cell.x, cell.y, cell.width, cell.heading), scene, cell, at)
        cell.panel.draw(Box(sheet, cell.x, cell.y + cell.heading, cell.width, cell.height - cell.heading))
    if key:
        legend(Box(sheet, _EDGE, height - key - _EDGE, composition.width - 2 * _EDGE, key), scene)
    return sheet


def _laid_out(scene: Scene, draft: Sheet) -> tuple[list[_Cell], float]:
    """The panels in rows over the columns, and the end of the last row; a given height is shared among the rows."""
    composition = scene.composition
    pitch = (composition.width - 2 * _EDGE + _GAP) / composition.columns
    heading = 1.25 * draft.line if composition.letters or composition.titles else 0.0
    rows = _rows([panel(name, scene) for name in composition.panels], composition.columns, pitch)
    wanted = [max(each.height(draft, span * pitch - _GAP) for each, _, span in row) + heading for row in rows]
    if composition.height is not None:
        key = legend_height(scene, draft, composition.width - 2 * _EDGE) if composition.legend else 0.0
        room = composition.height - 2 * _EDGE - (len(rows) - 1) * _GAP - (key + _GAP if key else 0.0)
        wanted = _shared(rows, wanted, room)
    cells, y = [], _EDGE
    for row, height in zip(rows, wanted, strict=True):
        for each, column, span in row:
            width = span * pitch - _GAP
            # A panel next to a higher one keeps its preferred height.
            own = height if composition.height is not None else each.height(draft, width) + heading
            cells.append(_Cell(each, _EDGE + column * pitch, y, width, own, heading))
        y += height + _GAP
    return cells, y - _GAP


def _rows(panels: list[Panel], columns: int, pitch: float) -> list[list[tuple[Panel, int, int]]]:
    """(panel, column, number of columns) row by row; a panel spans as many columns as its least width needs."""
    rows: list[list[tuple[Panel, int, int]]] = []
    free = 0
    for each in panels:
        span = min(columns, max(1, -int(-(each.least + _GAP - 1e-9) // pitch)))
        if span > free:
            rows.append([])
            free = columns
        rows[-1].append((each, columns - free, span))
        free -= span
    return [_filled(row, columns) for row in rows]


def _filled(row: list[tuple[Panel, int, int]], columns: int) -> list[tuple[Panel, int, int]]:
    """Room left at the end of a row goes to its last panel where that has a least width."""
    each, column, span = row[-1]
    return [*row[:-1], (each, column, columns - column)] if each.least > 0 and span > 0 else row


def _shared(rows: list[list[tuple[Panel, int, int]]], wanted: list[float], room: float) -> list[float]:
    """Heights that fill `room`: rows of pictures and trees shrink or grow, rows of words keep theirs."""
    gives = [all(each.elastic for each, *_ in row) for row in rows]
    fixed = sum(height for height, give in zip(wanted, gives, strict=True) if not give)
    loose = sum(wanted) - fixed
    factor = (room - fixed) / loose if loose else float(room >= fixed)
    if factor < _SQUEEZE:
        least = fixed + _SQUEEZE * loose
        raise invalid("height", f"at least {least:.0f} mm for these panels", f"{room:.0f} mm of room", "make it higher")
    return [height * factor if give else height for height, give in zip(wanted, gives, strict=True)]


def _heading(box: Box, scene: Scene, cell: _Cell, at: int) -> None:
    """The panel's letter in bold, and its title."""
    composition, sheet = scene.composition, box.sheet
    x = 0.0
    if composition.letters:
        letter = _LETTERS[at]
        box.text(0, 0.5 * sheet.line, letter, share=1.15, weight="bold")
        x = sheet.measure(letter, 1.15, weight="bold") + 1.2
    if composition.titles:
        box.text(x, 0.5 * sheet.line, sheet.cut(cell.panel.title, cell.width - x), color=scene.theme.ink)


def _saved(sheet: Sheet, kind: str, session: Session) -> bytes:
    maker = f"topoviz {__version__}"
    title = f"{session.model_a} and {session.model_b}"
    metadata: dict[str, dict[str, Any]] = {
        "svg": {"Date": None, "Creator": maker, "Title": title},
        "pdf": {"CreationDate": None, "Creator": maker, "Producer": maker, "Title": title},
        "png": {"Software": maker, "Title": title},
    }
    stream = io.BytesIO()
    sheet.figure.savefig(stream, format=kind, metadata=metadata[kind], facecolor=sheet.theme.paper)
    content = stream.getvalue()
    return _in_millimeters(content, sheet) if kind == "svg" else content


def _in_millimeters(svg: bytes, sheet: Sheet) -> bytes:
    """The SVG with its size in millimeters; its coordinates stay in points."""
    size = f'width="{sheet.width:g}mm" height="{sheet.height:.6g}mm"'.encode()
    return re.sub(rb'width="[0-9.]+pt" height="[0-9.]+pt"', size, svg, count=1)
