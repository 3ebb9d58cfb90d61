"""What the app says in words, where more than one place says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from core.verdict import Verdict

__all__ = [
    "NO_VERDICT",
    "PRIORS",
    "VERDICTS",
    "VerdictLook",
    "confidence_text",
    "cost_shares",
    "counted",
    "link_share",
    "rounded",
    "sureness",
    "verdict_lines",
]


@dataclass(frozen=True)
class VerdictLook:
    """How a verdict's word looks wherever it is shown: its `label`, its `kind` (the CSS class that colors it), the
    `ink` that prints it, a `glyph` before it in text and the `marker` before it in a drawing."""

    word: str
    label: str
    kind: Literal["good", "warn", "bad"]
    ink: str
    glyph: str
    marker: str


VERDICTS = {
    look.word: look
    for look in (
        VerdictLook("determined", "Determined", "good", "#0b7a4b", "✓", "o"),
        VerdictLook("ambiguous", "Ambiguous", "warn", "#8a5a00", "≈", "D"),
        VerdictLook("not determined", "Not determined", "bad", "#a3302a", "▲", "^"),
    )
}
"""The three words of `core.Verdict`."""
NO_VERDICT = "This method of matching gives no verdict."

# What each family of priors is.
PRIORS = {
    "mixture": "a big Gaussian mixture",
    "superposition": "a weighted sum of blobs, lines, rings, … whose weights say which topology the data chose",
    "adversarial": "a learned generator trained against a critic",
}
_SURE, _LIKELY = 0.8, 0.6
# A link is drawn as wide as that of such a confidence where the method of matching gives none.
_ORDINARY = 0.6


def counted(count: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "leaf"), counted(3, "leaf"), counted(1200, "point")
    ('1 leaf', '3 leaves', '1,200 points')
    """
    many = noun[:-1] + "ves" if noun.endswith("f") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else many}"


def confidence_text(confidence: float | None, missing: str = "") -> str:
    """A pair's confidence with two decimals, `missing` where the method of matching gives none.

    >>> confidence_text(0.847), confidence_text(None, "-")
    ('0.85', '-')
    """
    return missing if confidence is None else f"{confidence:.2f}"


def link_share(confidence: float | None) -> float:
    """How wide a link is drawn between its narrowest (0) and its widest (1)."""
    return (_ORDINARY if confidence is None else confidence) ** 1.5


def rounded(confidence: float | None, digits: int = 3) -> float | None:
    """A pair's confidence for JSON, null where the method of matching gives none."""
    return None if confidence is None else round(confidence, digits)


def verdict_lines(verdict: "Verdict | None") -> tuple[str, ...]:
    """A verdict as sentences: what it is, then its reasons, the heaviest first.

    >>> verdict_lines(None)
    ('This method of matching gives no verdict.',)
    """
    return (NO_VERDICT,) if verdict is None else (verdict.sentence, *verdict.reasons)


def sureness(confidence: float | None, pinned: bool = False) -> str:
    """A word for how sure a matched pair is.

    >>> sureness(0.85), sureness(0.3), sureness(1.0, pinned=True), sureness(None)
    ('sure', 'unsure', 'pinned', 'matched')
    """
    if pinned:
        return "pinned"
    if confidence is None:
        return "matched"
    return "sure" if confidence >= _SURE else "likely" if confidence >= _LIKELY else "unsure"


def cost_shares(terms: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Each kind of evidence with what a pair costs by it and its share of all, the largest first.

    >>> cost_shares({"mass": 0.01, "height": 0.03})
    [('height', 0.03, 0.75), ('mass', 0.01, 0.25)]
    """
    total = sum(terms.values())
    ordered = sorted(terms.items(), key=lambda term: -term[1])
    return [(name, cost, cost / total if total > 0 else 0.0) for name, cost in ordered]
