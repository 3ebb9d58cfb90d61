"""Beside a latent density: which topology its superposition prior chose, and how its weight is shared."""

from collections.abc import Sequence
from typing import Any

from dash import html

from topoviz.app.views.markup import aria
from topoviz.figures.glyphs import data_uri, glyph
from topoviz.figures.theme import THEMES
from topoviz.session.families import Family, chose

__all__ = ["bars", "icon", "strip"]

_LEAST = 0.02
_SHOWN = 3


def strip(found: Sequence[Family], theme: str) -> list[Any]:
    """One line: the verdict, then a bar a family. Nothing for a model without families."""
    if not found:
        return []
    said = html.Span([icon(found[0].name, theme), chose(found)], className="chose")
    return [said, bars(found, theme)] if len(found) > 1 else [said]


def bars(found: Sequence[Family], theme: str) -> html.Ul:
    """A labeled bar for each of the heaviest families; the rest in one sum."""
    shown = [family for family in found if family.weight >= _LEAST][:_SHOWN]
    rest = sum(family.weight for family in found) - sum(family.weight for family in shown)
    items: list[Any] = [
        html.Li(
            [
                icon(family.name, theme),
                html.Span(family.name, className="family-name"),
                html.Span(
                    html.Span(style={"width": f"{100 * family.weight:.0f}%"}), className="term-bar", **aria(hidden=True)
                ),
                html.Span(f"{100 * family.weight:.0f} %", className="term-value"),
            ]
        )
        for family in shown
    ]
    if rest >= _LEAST:
        items.append(html.Li(f"others {100 * rest:.0f} %", className="rest"))
    return html.Ul(items, className="families")


def icon(family: str, theme: str) -> html.Img:
    """A family's drawing; its name stands beside it, so it says nothing of its own."""
    return html.Img(src=data_uri(glyph(family, THEMES[theme].ink)), alt="", className="glyph")
