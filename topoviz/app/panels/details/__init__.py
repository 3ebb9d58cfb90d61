"""Under the trees: how far the match can be trusted, the transform with the selected node, the table of matches."""

from dash import Dash, Input, html

from topoviz.app.panels.panel import Context
from topoviz.app.views.binding import bind_event
from topoviz.app.views.controls import picker
from topoviz.app.views.markup import aria, block
from topoviz.vocabulary import method_options

__all__ = [
    "FAMILY", "MATCHES", "MATCHES_KEYS", "METHOD", "SCORE", "TRANSFORM", "TRUST", "TRUST_KEYS", "matches",
    "register_transform", "register_trust", "transform", "trust",
]  # fmt: skip

TRUST, METHOD = "trust", "method"
TRANSFORM, FAMILY, SCORE = "transform", "family", "score"
MATCHES = "matches"
TRUST_KEYS = (("[ and ]", "step through the matchings within the margin"),)
MATCHES_KEYS = (
    ("in the matches: arrow keys, /", "go from row to row and cell to cell, find a name"),
    ("in the matches: P, Delete, L", "pin or unpin, ban, choose another partner by typing"),
    ("in the matches: Enter, R, B", "take in hand, rename, brush the points"),
)


# The pickers stay while what is around them changes: they are dear to draw.
def trust(_: Context) -> html.Div:
    """The verdict's block, with the method of matching to choose."""
    return block("Trust", TRUST, picker(METHOD, "Method of matching", method_options()))


def register_trust(app: Dash, _: Context) -> None:
    """Bind the picker of the method."""
    bind_event(app, "topoviz", "method", Input(METHOD, "value"))


def transform(_: Context) -> html.Div:
    """The transform's block, with its score and the family to choose."""
    score = html.Span(id=SCORE, className="score", **aria(live="polite"))
    return block("Transform A → B", TRANSFORM, score, picker(FAMILY, "Family of the transform", []))


def register_transform(app: Dash, _: Context) -> None:
    """Bind the picker of the family."""
    bind_event(app, "topoviz", "family", Input(FAMILY, "value"))


def matches(_: Context) -> None:
    """Empty: the table of matches comes with the rest of the page."""
