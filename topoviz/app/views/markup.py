"""What layouts share: attributes that Dash does not name (`data-...` for the scripts, `aria-...` for people), dialogs,
blocks, and how the nodes of both trees look."""

from typing import Any

import dash_mantine_components as dmc
from dash import html

from topoviz.figures.style import NodeStyle, node_styles
from topoviz.figures.theme import THEMES
from topoviz.session.analysis import Analysis
from topoviz.session.state import Session, Side

__all__ = ["Styles", "aria", "block", "data", "modal", "problem", "step", "styles_of"]

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


def block(title: str, body: str, *head: Any) -> html.Div:
    """A block under the trees: its title with `head` beside it, over an empty body with the id `body`."""
    line = html.Div([html.H3(title), *head], className="block-head")
    return html.Div([line, html.Div(id=body, className="block-body")], className="block ")


def problem(text: str) -> html.Span:
    """One line that says what is wrong."""
    return html.Span(text, className="problem")


def step(number: int, title: str) -> html.H3:
    """The heading of one of a dialog's steps."""
    return html.H3([html.Span(str(number), className="step-number"), title])


def styles_of(analysis: Analysis, session: Session, theme: str) -> Styles:
    """How the nodes of both trees look, by side and node id."""
    return {
        "a": node_styles(analysis, session, "a", THEMES[theme]),
        "b": node_styles(analysis, session, "b", THEMES[theme]),
    }


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
