"""The dialog in which a figure for the paper is composed: what it shows, how large, in which type. The form becomes a
composition, the composition a live preview, and the browser keeps it in the session."""

import base64
import re
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update

from core.errors import InputError
from topoviz.app.panels.panel import Context
from topoviz.app.views import ids
from topoviz.app.views.binding import bind_event
from topoviz.app.views.markup import aria, data, modal
from topoviz.session.analysis import analyze
from topoviz.session.composition import FONTS, PANELS, PRESETS, Composition
from topoviz.session.history import History
from topoviz.session.library import Library

__all__ = ["FIELDS", "dialog", "register", "values"]

# What the browser brings when the dialog opens: its cameras; and what it is to keep in the session.
_VIEW, _COMPOSED = "composer-view", "composed"
_PRESET, _PREVIEW, _STATUS = "composer-preset", "composer-preview", "composer-status"
# The fields of the form, each a property of a composition.
FIELDS = ("panels", "width", "height", "columns", "font", "size", "letters", "titles", "legend")
_SAVES = (("svg", 300, "SVG"), ("pdf", 300, "PDF"), ("png", 300, "PNG 300 dpi"), ("png", 600, "PNG 600 dpi"),
          ("html", 300, "Linked HTML"))  # fmt: skip
_PREVIEW_DPI = 140.0
_SHOWN = {name: "checked" if name in ("letters", "titles", "legend") else "value" for name in FIELDS}
_LIST: dict[str, Any] = {"comboboxProps": {"withinPortal": True}, "checkIconPosition": "right"}


def dialog(_: Context) -> dmc.Modal:
    """The dialog, closed: `values` fills it when it opens."""
    body = html.Div(
        className="composer",
        children=[
            html.Div([*_form(Composition()), _saves()], className="composer-form"),
            html.Div(
                className="composer-sheet",
                children=[
                    html.Div(html.Img(id=_PREVIEW, alt="The figure as composed"), className="composer-desk"),
                    html.P(id=_STATUS, className="hint", role="status", **aria(live="polite")),
                ],
            ),
            dcc.Store(id=_VIEW),
            dcc.Store(id=_COMPOSED),
        ],
    )
    return modal("composer", "Compose a figure", [body], size="min(1180px, 96vw)", keepMounted=True)


def values(composition: Composition) -> list[Any]:
    """What the fields of the form hold, in the order of `FIELDS`."""
    shown = composition.to_json()
    return ["" if shown[name] is None else shown[name] for name in FIELDS]


def _form(usual: Composition) -> list[Any]:
    at: dict[str, Any] = dict(zip(FIELDS, values(usual), strict=True))
    presets = [{"value": name, "label": f"{name} {width:g} mm"} for name, (width, _) in PRESETS.items()]
    return [
        dmc.MultiSelect(
            id=_id("panels"), label="Panels, in their order", data=_options(PANELS), value=at["panels"],
            size="xs", clearable=False, hidePickedOptions=True, **_LIST,
        ),
        dmc.SegmentedControl(
            id=_PRESET, data=[*presets, {"value": "free", "label": "free"}], value="double", size="xs",
            fullWidth=True, **aria(label="Width of the figure"),
        ),
        html.Div(
            className="composer-row",
            children=[
                _number("width", "Width (mm)", at["width"], 40, 400),
                _number("height", "Height (mm)", at["height"], 20, 500, placeholder="auto"),
                _number("columns", "Columns", at["columns"], 1, 6),
            ],
        ),
        html.Div(
            className="composer-row wide-first",
            children=[
                dmc.Select(id=_id("font"), label="Font", data=list(FONTS), value=at["font"], size="xs",
                           allowDeselect=False, **_LIST),
                _number("size", "Size (pt)", at["size"], 4, 24, step=0.5),
            ],
        ),
        html.Div(
            className="composer-row",
            children=[
                dmc.Checkbox(id=_id(name), label=label, checked=at[name], size="xs")
                for name, label in (("letters", "Letters"), ("titles", "Titles"), ("legend", "Legend"))
            ],
        ),
    ]  # fmt: skip


def _id(field: str) -> str:
    """The id of a field of the form."""
    return f"composer-{field}"


def _options(names: dict[str, str]) -> list[dict[str, str]]:
    return [{"value": name, "label": label} for name, label in names.items()]


def _number(name: str, label: str, value: Any, low: float, high: float, **more: Any) -> dmc.NumberInput:
    return dmc.NumberInput(
        id=_id(name), label=label, value=value, min=low, max=high, size="xs", debounce=350,
        clampBehavior="none", **more,
    )  # fmt: skip


def _saves() -> html.Div:
    buttons = [
        html.Button(label, className="chip", **data(compose=kind, dpi=dpi), **aria(label=f"Save the figure as {label}"))
        for kind, dpi, label in _SAVES
    ]
    said = [
        "Kept with the session: ",
        html.Code("topoviz export SESSION --figure FILE"),
        " draws it again, to the byte.",
    ]
    return html.Div([html.H3("Save as"), html.Div(buttons, className="composer-saves"), html.P(said, className="hint")])


# ---------------------------------------------------------------- callbacks
def register(app: Dash, context: Context) -> None:
    """Register the composer on `app`."""
    library = context.library

    @app.callback(
        *(Output(_id(name), shown, allow_duplicate=True) for name, shown in _SHOWN.items()),
        Output(_PRESET, "value"),
        Input(_VIEW, "data"),
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
        Output(_id("width"), "value", allow_duplicate=True),
        Output(_id("columns"), "value", allow_duplicate=True),
        Input(_PRESET, "value"),
        State(_id("width"), "value"),
        prevent_initial_call=True,
    )
    def preset(name: Any, width: Any) -> tuple[Any, Any]:
        """The width and columns of a preset, where the figure is not that wide already."""
        wanted = PRESETS.get(name)
        return (no_update, no_update) if wanted is None or wanted[0] == width else wanted

    bind_event(app, "composer", "keep", Input(_COMPOSED, "data"))

    @app.callback(
        Output(_PREVIEW, "src"),
        Output(_STATUS, "children"),
        Output(_COMPOSED, "data"),
        *(Input(_id(name), shown) for name, shown in _SHOWN.items()),
        Input(_VIEW, "data"),
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
