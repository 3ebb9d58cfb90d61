"""HTML attributes that Dash's signatures do not name: `data-...` for the scripts, `aria-...` for people."""

from typing import Any

from topoviz.figures.style import NodeStyle
from topoviz.session import Side

__all__ = ["Styles", "aria", "data"]

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


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
