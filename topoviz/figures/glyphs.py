"""Small drawings as SVG: one for each family of a superposition, and one for each family of priors."""

import base64
from functools import cache

import numpy as np

from core.model.prior.skeletons import SKELETONS
from topoviz.figures.theme import Theme, prior_color
from topoviz.vocabulary import prior_place

__all__ = ["data_uri", "glyph", "prior_mark"]

# In a box of 20 x 20; {c} is the color.
_STROKE = 'fill="none" stroke="{c}" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round"'
_SHADE = 'fill="{c}" fill-opacity="0.22"'
_DRAWINGS = {
    "blobs": '<g fill="{c}"><circle cx="6.2" cy="7" r="3.6"/><circle cx="14.6" cy="6.4" r="2.4"/>'
    '<circle cx="12" cy="14.2" r="3.1"/></g>',
    "line": f'<path d="M2.5 14.5C7 15.5 8.5 5 17.5 5.5" {_STROKE}/>',
    "ring": f'<circle cx="10" cy="10" r="6.6" {_STROKE}/>',
    "eight": f'<path d="M10 10C6.5 4 1.8 5.5 1.8 10S6.5 16 10 10S18.2 5.5 18.2 10S13.5 16 10 10Z" {_STROKE}/>',
    "theta": f'<g {_STROKE}><circle cx="10" cy="10" r="6.9"/><path d="M3.1 10H16.9"/></g>',
    "sheet": f'<path d="M2 13.5C6 10 9 10.5 12.6 13.6L18 7.6C14.5 4.6 11 4.2 7.4 7.3Z" {_STROKE}/>'
    f'<path d="M2 13.5C6 10 9 10.5 12.6 13.6L18 7.6C14.5 4.6 11 4.2 7.4 7.3Z" {_SHADE}/>',
    "shell": f'<path d="M3.2 12.6A6.9 6.9 0 1 1 16.8 12.6" {_STROKE}/>'
    f'<ellipse cx="10" cy="12.8" rx="6.8" ry="2.6" {_STROKE}/>',
    "sphere": f'<circle cx="10" cy="10" r="7" {_SHADE}/><circle cx="10" cy="10" r="7" {_STROKE}/>'
    f'<path d="M3 10C5.5 12.6 14.5 12.6 17 10" {_STROKE} stroke-opacity="0.75"/>',
}
_OTHER = f'<path d="M10 3.5L16.5 10L10 16.5L3.5 10Z" {_STROKE}/>'
# The marks of priors by their place in the table: circle, triangle, square, pentagon, inverted triangle.
_MARKS = (
    '<circle cx="10" cy="10" r="7.4" {look}/>',
    '<path d="M10 2L18.6 17H1.4Z" {look}/>',
    '<path d="M3.2 3.2H16.8V16.8H3.2Z" {look}/>',
    '<path d="M10 1.8L18 7.6L15 17H5L2 7.6Z" {look}/>',
    '<path d="M10 18L18.6 3H1.4Z" {look}/>',
)
_OTHER_MARK = '<path d="M10 1.6L18.4 10L10 18.4L1.6 10Z" {look}/>'


def glyph(family: str, color: str) -> str:
    """The drawing of a family of a superposition as SVG: a drawn one, or else the places of its skeleton; a diamond for
    an unknown family."""
    by_hand = _DRAWINGS.get(family, _OTHER)
    drawn = _from_places(family) if family in SKELETONS and by_hand is _OTHER else by_hand
    return _svg(drawn.replace("{c}", color))


@cache
def _from_places(family: str) -> str:
    places = SKELETONS[family]().places
    flat = np.column_stack((places, np.zeros(len(places))))[:, :2]
    flat = 10 + 8 * flat * (1, -1) / np.abs(flat).max()
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.3"/>' for x, y in flat)
    return f'<g fill="{{c}}">{dots}</g>'


def prior_mark(prior: str, theme: Theme, filled: bool) -> str:
    """The mark of a prior as SVG, filled or hollow. Each prior has its own shape and color."""
    color, place = prior_color(prior, theme), prior_place(prior)
    drawn = _OTHER_MARK if place is None else _MARKS[place % len(_MARKS)]
    look = f'fill="{color if filled else theme.paper}" stroke="{color}" stroke-width="2.4" stroke-linejoin="round"'
    return _svg(drawn.replace("{look}", look))


def _svg(drawn: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20" width="20" height="20">{drawn}</svg>'


def data_uri(svg: str) -> str:
    """An SVG as the address of an image."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
