"""All colors: two themes, and the palette of matched nodes.

Matched nodes share a color and a number; unmatched ones are gray. Up to seven pairs have Okabe and Ito's colors, more
have Paul Tol's muted ones; both are distinct under the common kinds of color blindness.
"""

from dataclasses import dataclass

from topoviz.vocabulary import prior_place

__all__ = ["THEMES", "Theme", "node_color", "prior_color", "rgb"]

_OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#B8A800")
_TOL_MUTED = (
    "#44AA99", "#CC6677", "#88CCEE", "#DDAA33", "#AA4499", "#999933", "#117733", "#882255", "#5566CC",
)  # fmt: skip
# Okabe and Ito's colors, in an order in which the first few are very different.
_PRIORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#B8A800")


@dataclass(frozen=True)
class Theme:
    """The colors of one theme. `ramp` goes from the floor to the peak of a density."""

    name: str
    ink: str
    soft: str
    faint: str
    paper: str
    unmatched: str
    accent: str
    ramp: tuple[str, ...]


THEMES = {
    "light": Theme(
        name="light",
        ink="#1c1f24",
        soft="#5d646f",
        faint="#d5d9df",
        paper="#ffffff",
        unmatched="#8f96a1",
        accent="#1f5fd6",
        ramp=("#ffffff", "#f3f5f8", "#e3e8ef", "#cdd6e2", "#b3c0d1", "#97a8bf"),
    ),
    "dark": Theme(
        name="dark",
        ink="#e8eaee",
        soft="#a0a7b3",
        faint="#363c46",
        paper="#16191e",
        unmatched="#7b828e",
        accent="#7fb0ff",
        ramp=("#16191e", "#1b2027", "#232b36", "#2d3847", "#3a485c", "#4a5b74"),
    ),
}


def prior_color(prior: str, theme: Theme) -> str:
    """The color of a prior, by its place in the table; gray for an unknown one."""
    place = prior_place(prior)
    return theme.unmatched if place is None else _PRIORS[place % len(_PRIORS)]


def node_color(index: int, total: int) -> str:
    """The color of the matched pair `index` of `total`."""
    palette = _OKABE_ITO if total <= len(_OKABE_ITO) else _TOL_MUTED
    return palette[index % len(palette)]


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of #rrggbb.

    >>> rgb("#0072B2")
    (0, 114, 178)
    """
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue
