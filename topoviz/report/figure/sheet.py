"""Paper: a matplotlib figure with coordinates in millimeters from the top left, and measured type.

A panel draws through a `Box`, a rectangle of the sheet. Text stays text in SVG and PDF.
"""

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.text import Text

from topoviz.figures.theme import THEMES, Theme
from topoviz.report.figure.fonts import chain
from topoviz.session.naming import clean

__all__ = ["HAIR", "MM", "POINT", "Box", "Sheet", "typesetting"]

MM = 25.4
"""Millimeters in an inch."""
POINT = MM / 72
"""Millimeters in a point."""
HAIR = 0.4
"""The width of the thinnest lines, in points."""
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "topoviz",
    "pdf.fonttype": 42,
    "pdf.compression": 6,
    "text.parse_math": False,
    "text.usetex": False,
    "image.composite_image": False,
    "path.simplify": False,
    "savefig.dpi": "figure",
    "axes.unicode_minus": True,
}
_TYPESETTING = Lock()
_BOX = {"boxstyle": "round,pad=0.12,rounding_size=0.15", "linewidth": 0}


class _Quiet(logging.Filter):
    """Drops the warning that a family is missing: fonts of the same widths follow it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return False


@contextlib.contextmanager
def typesetting() -> Iterator[None]:
    """Matplotlib's settings for figures, for one figure at a time, since they belong to the process."""
    log, quiet = logging.getLogger("matplotlib.font_manager"), _Quiet()
    with _TYPESETTING, rc_context(_STYLE), warnings.catch_warnings():
        # A letter that no font has is drawn as an empty box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        log.addFilter(quiet)
        try:
            yield
        finally:
            log.removeFilter(quiet)


@dataclass(eq=False)
class Sheet:
    """A sheet of `width` x `height` millimeters with type of a family at `size` points and rasters at `dpi`.

    With `linked`, the parts that a script highlights are drawn too.
    """

    width: float
    height: float
    family: str
    size: float
    dpi: float = 300.0
    linked: bool = False
    theme: Theme = THEMES["light"]
    figure: Figure = field(init=False)
    axes: Axes = field(init=False)

    def __post_init__(self) -> None:
        self.figure = Figure(figsize=(self.width / MM, self.height / MM), dpi=self.dpi, facecolor=self.theme.paper)
        FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.axes.set_xlim(0, self.width)
        self.axes.set_ylim(self.height, 0)
        self.axes.set_autoscale_on(False)

    @property
    def line(self) -> float:
        """The distance between lines of text in millimeters."""
        return 1.3 * self.size * POINT

    def font(self, share: float = 1.0, **look: Any) -> FontProperties:
        """The sheet's font at a share of its size."""
        return FontProperties(family=self._chain, size=self.size * share, **look)

    @cached_property
    def _chain(self) -> list[str]:
        return chain(self.family)

    def measure(self, text: str, share: float = 1.0, **look: Any) -> float:
        """The width of a line of text in millimeters."""
        canvas = self.figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        width, _, _ = canvas.get_renderer().get_text_width_height_descent(text, self.font(share, **look), False)
        return width / self.dpi * MM

    def cut(self, text: str, width: float, share: float = 1.0) -> str:
        """A clean name, cut with an ellipsis where it is wider than `width` millimeters."""
        text = clean(text)
        if self.measure(text, share) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.measure(text[:middle] + "…", share) <= width else (low, middle - 1)
        return text[:low].rstrip() + "…"

    def wrap(self, text: str, width: float, share: float = 1.0) -> list[str]:
        """A sentence in lines of at most `width` millimeters; a longer word is cut."""
        lines: list[str] = []
        for word in clean(text).split(" "):
            grown = f"{lines[-1]} {word}" if lines else word
            if lines and self.measure(grown, share) <= width:
                lines[-1] = grown
            else:
                lines.append(self.cut(word, width, share))
        return lines


@dataclass(frozen=True)
class Box:
    """A rectangle of a sheet: its left upper corner at (`x`, `y`), `width` and `height`, in millimeters."""

    sheet: Sheet
    x: float
    y: float
    width: float
    height: float

    def text(
        self, x: float, y: float, text: str, *, share: float = 1.0, across: str = "left", down: str = "center",
        color: str | None = None, name: str | None = None, ground: bool = False, order: float = 5, **look: Any,
    ) -> Text:  # fmt: skip
        """A line of text at a place in the box; `ground` puts paper behind it."""
        theme = self.sheet.theme
        return self.sheet.axes.text(
            self.x + x, self.y + y, text, parse_math=False,
            ha=across, va="center_baseline" if down == "center" else down,  # pyright: ignore[reportArgumentType]
            color=color or theme.ink, fontproperties=self.sheet.font(share, **look), zorder=order, gid=name,
            bbox=_BOX | {"facecolor": theme.paper, "alpha": 0.78} if ground else None,
        )  # fmt: skip

    def line(self, xy: Any, *, color: str, width: float = HAIR, name: str | None = None, **look: Any) -> None:
        """An open line through points (n, 2), broken at NaN."""
        points = np.asarray(xy, dtype=float).reshape(-1, 2)
        self.path(_runs(points), stroke=color, width=width, name=name, **look)

    def area(self, polygons: Sequence[np.ndarray], **look: Any) -> None:
        """Closed polygons as one shape."""
        parts = [Path(np.vstack((part, part[:1])), closed=True) for part in polygons if len(part) > 2]
        if parts:
            self.path(Path.make_compound_path(*parts), **look)

    def path(
        self, path: Path, *, stroke: str | None = None, fill: str | None = None, width: float = HAIR, order: float = 2,
        name: str | None = None, opacity: float = 1.0, dashes: tuple[float, ...] | None = None, clip: bool = False,
    ) -> None:  # fmt: skip
        """A path in the box's millimeters; the opacity is that of `fill`, the stroke is opaque."""
        moved = Path(path.vertices + np.array([self.x, self.y]), path.codes)
        patch = PathPatch(
            moved, facecolor=(fill, opacity) if fill else "none", edgecolor=stroke or "none",
            linewidth=width if stroke else 0, zorder=order, gid=name, joinstyle="round", capstyle="butt",
            linestyle=(0, tuple(part / width for part in dashes)) if dashes else "solid",
        )  # fmt: skip
        # `add_patch` would compute the extent of every curve.
        self.sheet.axes.add_artist(patch)
        if clip:
            patch.set_clip_path(self._frame())
        else:
            patch.set_clip_on(False)

    def dots(
        self, xy: np.ndarray, size: float, color: str, *, opacity: float = 1.0, order: float = 3,
        name: str | None = None, edge: str | None = None, width: float = 0.0, clip: bool = False, marker: str = "o",
    ) -> None:  # fmt: skip
        """Marks of `size` points across at places (n, 2)."""
        (drawn,) = self.sheet.axes.plot(
            self.x + xy[:, 0], self.y + xy[:, 1], marker, markersize=size, markerfacecolor=color,
            markeredgecolor=edge or color, markeredgewidth=width, alpha=opacity, zorder=order, gid=name,
            linestyle="none",
        )  # fmt: skip
        drawn.set_clip_on(False)
        if clip:
            drawn.set_clip_path(self._frame())

    def image(self, pixels: np.ndarray, *, name: str | None = None, order: float = 1, at: "Box | None" = None) -> None:
        """Pixels (h, w, 4) over the whole box, or over the part `at`."""
        box = at or self
        extent = (box.x, box.x + box.width, box.y + box.height, box.y)
        self.sheet.axes.imshow(
            pixels, extent=extent, aspect="auto", interpolation="none", zorder=order, gid=name, origin="upper",
            resample=False,
        )  # fmt: skip
        self.sheet.axes.set_xlim(0, self.sheet.width)
        self.sheet.axes.set_ylim(self.sheet.height, 0)

    def _frame(self) -> PathPatch:
        corners = [(self.x, self.y), (self.x + self.width, self.y), (self.x + self.width, self.y + self.height),
                   (self.x, self.y + self.height), (self.x, self.y)]  # fmt: skip
        return PathPatch(Path(corners, closed=True), transform=self.sheet.axes.transData)


def _runs(points: np.ndarray) -> Path:
    """A path that starts again after each NaN."""
    there = np.asarray(np.isfinite(points).all(axis=1))
    start = np.concatenate(([True], ~there[:-1]))[there]
    codes = np.where(start, Path.MOVETO, Path.LINETO).astype(np.uint8)
    return Path(points[there], codes)
