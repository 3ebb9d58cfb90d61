"""The controls that several panels have: pickers, sliders, buttons of one sign."""

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from topoviz.app.views.markup import aria

__all__ = ["icon", "picker", "select", "slider"]

_PICKER: dict[str, Any] = {
    "comboboxProps": {"withinPortal": True},
    "allowDeselect": False,
    "checkIconPosition": "right",
}


def picker(name: str, label: str, options: list[dict[str, Any]]) -> dmc.Select:
    """A list to choose from, its label for screen readers alone."""
    return dmc.Select(id=name, size="xs", data=options, className="picker", **aria(label=label), **_PICKER)


def select(name: str, label: str, width: int) -> html.Label:
    """An empty list to choose from, `width` pixels wide, with its label before it."""
    return html.Label(
        className="field",
        children=[
            html.Span(label),
            dmc.Select(id=name, w=width, size="xs", data=[], **aria(label=label), **_PICKER),
        ],
    )


def slider(name: str, label: str, low: float, high: float, step: float, value: float | None = None) -> html.Div:
    """A slider from `low` to `high`; without a `value` it begins at `low` and has room for a text behind it."""
    return html.Div(
        className="field",
        children=[
            html.Label(label, htmlFor=name),
            dcc.Input(
                id=name,
                type="range",
                min=low,
                max=high,
                step=step,
                value=low if value is None else value,
                className="range",
            ),
            html.Output(id=f"{name}-text", className="number") if value is None else None,
        ],
    )


def icon(name: str, sign: str, label: str) -> html.Button:
    """A button of one sign."""
    return html.Button(sign, id=name, className="icon", title=label, **aria(label=label))
