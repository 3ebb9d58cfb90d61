"""The dialog in which a figure for the paper is composed: what it shows, how large, in which type; a live preview."""

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from topoviz.app import ids
from topoviz.app.views.markup import aria, data, modal
from topoviz.session.composition import FONTS, PANELS, PRESETS, Composition

__all__ = ["FIELDS", "dialog", "values"]

# The fields of the form, each a property of a composition.
FIELDS = ("panels", "width", "height", "columns", "font", "size", "letters", "titles", "legend")
_SAVES = (("svg", 300, "SVG"), ("pdf", 300, "PDF"), ("png", 300, "PNG 300 dpi"), ("png", 600, "PNG 600 dpi"),
          ("html", 300, "Linked HTML"))  # fmt: skip
_LIST: dict[str, Any] = {"comboboxProps": {"withinPortal": True}, "checkIconPosition": "right"}


def dialog() -> dmc.Modal:
    """The dialog, closed: `values` fills it when it opens."""
    body = html.Div(
        className="composer",
        children=[
            html.Div([*_form(Composition()), _saves()], className="composer-form"),
            html.Div(
                className="composer-sheet",
                children=[
                    html.Div(
                        html.Img(id=ids.COMPOSER_PREVIEW, alt="The figure as composed"), className="composer-desk"
                    ),
                    html.P(id=ids.COMPOSER_STATUS, className="hint", role="status", **aria(live="polite")),
                ],
            ),
            dcc.Store(id=ids.COMPOSER_VIEW),
            dcc.Store(id=ids.COMPOSED),
        ],
    )
    return modal(ids.COMPOSER, "Compose a figure", [body], size="min(1180px, 96vw)", keepMounted=True)


def values(composition: Composition) -> list[Any]:
    """What the fields of the form hold, in the order of `FIELDS`."""
    shown = composition.to_json()
    return ["" if shown[name] is None else shown[name] for name in FIELDS]


def _form(usual: Composition) -> list[Any]:
    at: dict[str, Any] = dict(zip(FIELDS, values(usual), strict=True))
    presets = [{"value": name, "label": f"{name} {width:g} mm"} for name, (width, _) in PRESETS.items()]
    return [
        dmc.MultiSelect(
            id=ids.composer("panels"), label="Panels, in their order", data=_options(PANELS), value=at["panels"],
            size="xs", clearable=False, hidePickedOptions=True, **_LIST,
        ),
        dmc.SegmentedControl(
            id=ids.COMPOSER_PRESET, data=[*presets, {"value": "free", "label": "free"}], value="double", size="xs",
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
                dmc.Select(id=ids.composer("font"), label="Font", data=list(FONTS), value=at["font"], size="xs",
                           allowDeselect=False, **_LIST),
                _number("size", "Size (pt)", at["size"], 4, 24, step=0.5),
            ],
        ),
        html.Div(
            className="composer-row",
            children=[
                dmc.Checkbox(id=ids.composer(name), label=label, checked=at[name], size="xs")
                for name, label in (("letters", "Letters"), ("titles", "Titles"), ("legend", "Legend"))
            ],
        ),
    ]  # fmt: skip


def _options(names: dict[str, str]) -> list[dict[str, str]]:
    return [{"value": name, "label": label} for name, label in names.items()]


def _number(name: str, label: str, value: Any, low: float, high: float, **more: Any) -> dmc.NumberInput:
    return dmc.NumberInput(
        id=ids.composer(name), label=label, value=value, min=low, max=high, size="xs", debounce=350,
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
