"""What a composed figure shows: panels, arrangement, size in millimeters, type, cameras; to JSON and back.

A session stores one, so that the command line draws the same figure again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from core.errors import invalid
from topoviz.session.checks import boolean, choice, number, whole

__all__ = ["FONTS", "PANELS", "PRESETS", "Camera", "Composition"]

# Every panel by name, with its title for the user.
PANELS = {
    "input-a": "Input density of A",
    "input-b": "Input density of B",
    "latent-a": "Latent density of A",
    "latent-b": "Latent density of B, with T(A)",
    "trees": "Level-set trees and links",
    "transform": "Transform A → B",
    "residuals": "Residuals of the global part",
    "trust": "Trust",
}
FONTS = ("Arial", "Helvetica", "Times New Roman", "STIX", "DejaVu Sans", "DejaVu Serif")
# Widths in millimeters and the columns that suit them, as Elsevier, Springer Nature and Copernicus print.
PRESETS = {"single": (85.0, 2), "double": (174.0, 4)}
_WIDTHS, _HEIGHTS, _SIZES = (40.0, 400.0), (20.0, 500.0), (4.0, 24.0)
_MOST_COLUMNS = 6
_FAR = 1e4


@dataclass(frozen=True)
class Camera:
    """A camera as plotly describes it: `eye`, `center` and `up` in units of the scene.

    Raises `InputError` on values that are no view.
    """

    eye: tuple[float, float, float] = (1.4, 1.4, 1.0)
    center: tuple[float, float, float] = (0.0, 0.0, 0.0)
    up: tuple[float, float, float] = (0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _triple(field.name, getattr(self, field.name)))
        if self.eye == self.center or not any(self.up):
            raise invalid("camera", "an eye away from its center, and a way up", self.to_json(), "turn the view")

    def to_json(self) -> dict[str, list[float]]:
        """A JSON object of three lists."""
        return {field.name: list(getattr(self, field.name)) for field in fields(self)}


@dataclass(frozen=True)
class Composition:
    """A figure of `panels`, filled row by row over `columns`, `width` millimeters wide.

    `height` is in millimeters, None for the height that the panels prefer. `font` is the family of the type, `size`
    its size in points. `letters` puts a, b, c before the panels' `titles`; `legend` lists the matched nodes below.
    `cameras` are those of A's and B's input density, None for the default. Raises `InputError` on values out of range.
    """

    panels: tuple[str, ...] = tuple(PANELS)
    columns: int = 4
    width: float = 174.0
    height: float | None = None
    font: str = "Arial"
    size: float = 7.0
    letters: bool = True
    titles: bool = True
    legend: bool = True
    cameras: tuple[Camera | None, Camera | None] = (None, None)

    def __post_init__(self) -> None:
        panels = self.panels
        if not isinstance(panels, list | tuple) or not panels or not all(isinstance(name, str) for name in panels):
            raise invalid("panels", "at least one panel", repr(panels), f"name some of {', '.join(PANELS)}")
        for name in panels:
            choice("panels", name, tuple(PANELS))
        if len(set(panels)) < len(panels):
            raise invalid("panels", "each named once", ", ".join(panels), "drop the second")
        object.__setattr__(self, "panels", tuple(panels))
        whole("columns", self.columns, 1, _MOST_COLUMNS)
        object.__setattr__(self, "width", number("width", self.width, *_WIDTHS))
        if self.height is not None:
            object.__setattr__(self, "height", number("height", self.height, *_HEIGHTS))
        choice("font", self.font, FONTS)
        object.__setattr__(self, "size", number("size", self.size, *_SIZES))
        for key in ("letters", "titles", "legend"):
            boolean(key, getattr(self, key))

    def to_json(self) -> dict[str, Any]:
        """A JSON object with one key per field."""
        document = {field.name: getattr(self, field.name) for field in fields(self)}
        document["panels"] = list(self.panels)
        document["cameras"] = [None if camera is None else camera.to_json() for camera in self.cameras]
        return document

    @classmethod
    def from_json(cls, document: Any) -> "Composition":
        """The composition in a JSON object; missing keys take their defaults. Raises `InputError` on anything else."""
        _known("figure", document, tuple(field.name for field in fields(cls)))
        values = dict(document)
        if "cameras" in values:
            given = values["cameras"]
            if not isinstance(given, list | tuple) or len(given) != 2:
                raise invalid("cameras", "two views, or null for the usual ones", repr(given), "give [null, null]")
            values["cameras"] = tuple(map(_camera, given))
        return cls(**values)


def _camera(value: Any) -> Camera | None:
    if value is None:
        return None
    _known("camera", value, ("eye", "center", "up", "projection"))
    # Plotly writes points as {x, y, z}, and the projection, of which there is only one here.
    points = {key: point for key, point in value.items() if key != "projection"}
    return Camera(**{key: _xyz(point) for key, point in points.items()})


def _xyz(value: Any) -> Any:
    return tuple(value.get(axis) for axis in "xyz") if isinstance(value, Mapping) else value


def _triple(name: str, value: Any) -> tuple[float, float, float]:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise invalid(f"camera.{name}", "three numbers", repr(value), "give [x, y, z]")
    x, y, z = (number(f"camera.{name}", part, -_FAR, _FAR) for part in value)
    return x, y, z


def _known(name: str, document: Any, keys: tuple[str, ...]) -> None:
    if not isinstance(document, Mapping):
        raise invalid(name, "a JSON object", type(document).__name__, "save it from the page")
    for key in document:
        if key not in keys:
            raise invalid(name, "of known keys", repr(key), f"use some of {', '.join(keys)}")
