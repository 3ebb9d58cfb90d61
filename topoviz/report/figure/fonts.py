"""The fonts on this machine that stand for a family."""

from functools import lru_cache

__all__ = ["chain", "installed"]

# A family, then fonts of the same widths. All are TrueType, since a PDF can embed only those.
_TWINS = {
    "Arial": ("Arial", "Liberation Sans", "Arimo"),
    "Helvetica": ("Helvetica", "Arial", "Liberation Sans", "Arimo"),
    "Times New Roman": ("Times New Roman", "Liberation Serif", "Tinos", "STIXGeneral"),
    "STIX": ("STIX Two Text", "STIXGeneral"),
    "DejaVu Sans": ("DejaVu Sans",),
    "DejaVu Serif": ("DejaVu Serif",),
}
# Fonts for letters that a family lacks; the first comes with matplotlib.
_OTHERS = (
    "DejaVu Sans", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans CJK JP", "Noto Sans SC",
    "Noto Emoji", "Noto Sans Symbols 2", "Segoe UI Symbol", "Arial Unicode MS",
)  # fmt: skip
_TRUETYPE = (".ttf", ".ttc")


def chain(family: str) -> list[str]:
    """The families to look a letter up in: the family and fonts of the same widths, installed or not, so that a drawing
    names them; then the installed ones that have other letters."""
    here = installed()
    return list(dict.fromkeys((*_TWINS[family], *(name for name in _OTHERS if name in here))))


@lru_cache(maxsize=1)
def installed() -> frozenset[str]:
    """The families of TrueType fonts on this machine, including matplotlib's own."""
    from matplotlib.font_manager import fontManager

    return frozenset(entry.name for entry in fontManager.ttflist if entry.fname.lower().endswith(_TRUETYPE))
