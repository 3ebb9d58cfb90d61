"""HTML attributes that Dash does not name: `data-...` for the scripts, `aria-...` for people. And dialogs."""

from typing import Any

import dash_mantine_components as dmc
from dash import html

from topoviz.figures.style import NodeStyle
from topoviz.session.state import Side

__all__ = ["Styles", "aria", "data", "modal", "problem"]

Styles = dict[Side, dict[int, NodeStyle]]


def aria(**values: Any) -> dict[str, Any]:
    """`aria(label="Undo")` as keyword arguments of a component.

    >>> aria(pressed=True)
    {'aria-pressed': 'true'}
    """
    return {f"aria-{key}": _text(value) for key, value in values.items()}


def data(**values: Any) -> dict[str, Any]:
    """`data(event="link", a=3)` as keyword arguments of a component.

    >>> data(event="link", a=3)
    {'data-event': 'link', 'data-a': '3'}
    """
    return {f"data-{key}": _text(value) for key, value in values.items()}


def modal(name: str, title: str, children: list[Any], **looks: Any) -> dmc.Modal:
    """A closed dialog whose parts have names."""
    close: Any = aria(label=f"Close: {title}")
    return dmc.Modal(id=name, title=title, children=children, closeButtonProps=close, **looks)


def problem(text: str) -> html.Span:
    """One line that says what is wrong."""
    return html.Span(text, className="problem")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
