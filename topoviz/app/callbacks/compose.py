"""The composer: the form becomes a composition, the composition a preview, which the browser keeps in the session."""

import base64
import re
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, no_update

from core.errors import InputError
from topoviz.app import ids
from topoviz.app.views.composer import FIELDS, values
from topoviz.session.analysis import analyze
from topoviz.session.composition import PRESETS, Composition
from topoviz.session.history import History
from topoviz.session.library import Library

__all__ = ["register"]

_PREVIEW_DPI = 140.0
_SHOWN = {name: "checked" if name in ("letters", "titles", "legend") else "value" for name in FIELDS}


def register(app: Dash, library: Library) -> None:
    """Register the composer on `app`."""

    @app.callback(
        *(Output(ids.composer(name), shown, allow_duplicate=True) for name, shown in _SHOWN.items()),
        Output(ids.COMPOSER_PRESET, "value"),
        Input(ids.COMPOSER_VIEW, "data"),
        State(ids.HISTORY, "data"),
        prevent_initial_call=True,
    )
    def opened(_: Any, stored: Any) -> list[Any]:
        """The form as the session keeps it."""
        try:
            kept = History.from_json(stored["history"]).now.figure
        except (InputError, TypeError, KeyError):
            kept = None
        shown = kept or Composition()
        preset = next((name for name, (width, _) in PRESETS.items() if width == shown.width), "free")
        return [*values(shown), preset]

    @app.callback(
        Output(ids.composer("width"), "value", allow_duplicate=True),
        Output(ids.composer("columns"), "value", allow_duplicate=True),
        Input(ids.COMPOSER_PRESET, "value"),
        State(ids.composer("width"), "value"),
        prevent_initial_call=True,
    )
    def preset(name: Any, width: Any) -> tuple[Any, Any]:
        """The width and columns of a preset, where the figure is not that wide already."""
        wanted = PRESETS.get(name)
        return (no_update, no_update) if wanted is None or wanted[0] == width else wanted

    app.clientside_callback(
        ClientsideFunction("composer", "keep"),
        Output(ids.PICKED, "data", allow_duplicate=True),
        Input(ids.COMPOSED, "data"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output(ids.COMPOSER_PREVIEW, "src"),
        Output(ids.COMPOSER_STATUS, "children"),
        Output(ids.COMPOSED, "data"),
        *(Input(ids.composer(name), shown) for name, shown in _SHOWN.items()),
        Input(ids.COMPOSER_VIEW, "data"),
        State(ids.HISTORY, "data"),
        prevent_initial_call=True,
    )
    def preview(*given: Any) -> tuple[Any, Any, Any]:
        *form, view, stored = given
        if not isinstance(view, dict) or not isinstance(stored, dict):
            return no_update, no_update, no_update
        try:
            composition = _composition(form, view)
            src, status = _preview(library, stored, composition)
        except InputError as error:
            return no_update, str(error), no_update
        return src, status, composition.to_json()


def _composition(form: list[Any], view: dict[str, Any]) -> Composition:
    given = dict(zip(FIELDS, form, strict=True))
    document = {name: value for name, value in given.items() if value not in (None, "")}
    return Composition.from_json(document | {"cameras": view.get("cameras", [None, None])})


def _preview(library: Library, stored: dict[str, Any], composition: Composition) -> tuple[str, str]:
    """The drawing as the address of an image, and its size in words."""
    # Imported here: matplotlib is slow to load, and most visits do without.
    from topoviz.report.figure.composed import figure

    session = History.from_json(stored["history"]).now
    svg = figure(analyze(library, session), session, composition, "svg", _PREVIEW_DPI)
    size = re.search(rb'width="([0-9.]+)mm" height="([0-9.]+)mm"', svg)
    width, height = (float(part) for part in size.groups()) if size else (composition.width, 0.0)
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}", f"{width:g} × {height:.0f} mm"
