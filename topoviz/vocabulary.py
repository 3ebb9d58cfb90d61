"""What the app says in words, where more than one place says it.

Priors, map families, matching methods and translators are rows of `core`; here their rows become words. The tables
load when a function first reads one, so that the command line starts fast.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from core.verdict import Verdict

__all__ = [
    "AUTO",
    "NO_VERDICT",
    "VERDICTS",
    "VerdictLook",
    "article",
    "bends",
    "cited",
    "confidence_text",
    "cost_shares",
    "counted",
    "families",
    "family_label",
    "link_share",
    "map_kind",
    "map_written",
    "method_label",
    "method_options",
    "method_source",
    "method_written",
    "prior_list",
    "prior_place",
    "prior_words",
    "prior_written",
    "priors_in_order",
    "rounded",
    "sureness",
    "translator_list",
    "verdict_lines",
]


@dataclass(frozen=True)
class VerdictLook:
    """How a verdict's word looks everywhere: its `label`, its `kind` (the CSS class that colors it), the `ink` that
    prints it, a `glyph` before it in text and a `marker` before it in a drawing."""

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

AUTO = "auto"
"""The word for the best family of maps."""
_SURE, _LIKELY = 0.8, 0.6
# A link without a confidence is as wide as one of this confidence.
_ORDINARY = 0.6


def counted(count: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "leaf"), counted(3, "leaf"), counted(1200, "point")
    ('1 leaf', '3 leaves', '1,200 points')
    """
    many = noun[:-1] + "ves" if noun.endswith("f") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else many}"


def article(noun: str) -> str:
    """A noun with its article.

    >>> article("ring"), article("eight")
    ('a ring', 'an eight')
    """
    return f"{'an' if noun.startswith(tuple('aeiou')) else 'a'} {noun}"


def cited(words: str, source: str) -> str:
    """Words with their source in brackets; topoviz itself is no source.

    >>> cited("an affine map", "Delon 2020"), cited("by evidence", "topoviz")
    ('an affine map (Delon 2020)', 'by evidence')
    """
    return words if source in ("", "topoviz") else f"{words} ({source})"


def prior_words(prior: str) -> str:
    """What a prior is, for a user; empty for an unknown one.

    >>> prior_words("mixture")
    'a big Gaussian mixture'
    """
    from core.model.prior import PRIORS

    return PRIORS[prior].says if prior in PRIORS else ""


def prior_written(prior: str) -> str:
    """What a paper calls a prior, with its source; an unknown prior keeps its name."""
    from core.model.prior import PRIORS

    return cited(PRIORS[prior].written, PRIORS[prior].source) if prior in PRIORS else prior


def prior_place(prior: str) -> int | None:
    """The place of a prior in the table, which chooses its color and its mark; None for an unknown one."""
    from core.model.prior import PRIORS

    return list(PRIORS).index(prior) if prior in PRIORS else None


def priors_in_order(priors: Collection[str]) -> list[str]:
    """Priors in the order of the table, then unknown ones by name."""
    from core.model.prior import PRIORS

    return [prior for prior in PRIORS if prior in priors] + sorted(set(priors) - set(PRIORS))


def prior_list() -> str:
    """The priors and what each is, in one sentence."""
    from core.model.prior import PRIORS

    return "; ".join(f"{name}, {prior.says}" for name, prior in PRIORS.items())


def translator_list() -> str:
    """The translators, a line each: name, what it does, source."""
    from core.baselines.methods import TRANSLATORS

    lines = (f"  {name:<28}{cited(method.says, method.source)}" for name, method in TRANSLATORS.items())
    return "\n".join(("translators:", *lines))


def families() -> tuple[str, ...]:
    """The map families to choose from; the first is the word for the best one."""
    from core.maps.families import FAMILIES

    return (AUTO, *FAMILIES)


def family_label(family: str) -> str:
    """What a map family is called in a list."""
    from core.maps.families import FAMILIES

    return "Best family" if family == AUTO else FAMILIES[family].label


def map_kind(family: str) -> str:
    """What a map of a family is called in a sentence.

    >>> map_kind("tree"), map_kind("composed")
    ('tree-guided map', 'composed map')
    """
    from core.maps.families import FAMILIES

    return FAMILIES[family].kind if family in FAMILIES else f"{family} map"


def map_written(family: str) -> str:
    """What a paper calls a map of a family, with its source."""
    from core.maps.families import FAMILIES

    return cited(map_kind(family), FAMILIES[family].source if family in FAMILIES else "")


def bends(family: str) -> bool:
    """Whether maps of a family are more than their global affine part."""
    from core.maps.families import FAMILIES

    return family in FAMILIES and FAMILIES[family].bend is not None


def method_options() -> list[dict[str, Any]]:
    """The matching methods as options of a picker."""
    from core.match.methods import METHODS

    return [{"value": name, "label": method.label} for name, method in METHODS.items()]


def method_source(method: str) -> str | None:
    """The source of a published method; None for topoviz's own and for unknown ones."""
    from core.match.methods import METHODS

    return None if method not in METHODS or METHODS[method].verdict else METHODS[method].source


def method_label(method: str) -> str:
    """What a method is called in a list."""
    from core.match.methods import METHODS

    return METHODS[method].label if method in METHODS else method


def method_written(method: str) -> str:
    """How trees were matched, for a paper, with its source; an unknown method keeps its name."""
    from core.match.methods import METHODS

    return cited(METHODS[method].says, METHODS[method].source) if method in METHODS else method


def confidence_text(confidence: float | None, missing: str = "") -> str:
    """A pair's confidence with two decimals, or `missing` where it has none.

    >>> confidence_text(0.847), confidence_text(None, "-")
    ('0.85', '-')
    """
    return missing if confidence is None else f"{confidence:.2f}"


def link_share(confidence: float | None) -> float:
    """How wide a link is drawn between its narrowest (0) and its widest (1)."""
    return (_ORDINARY if confidence is None else confidence) ** 1.5


def rounded(confidence: float | None, digits: int = 3) -> float | None:
    """A pair's confidence for JSON; null where it has none."""
    return None if confidence is None else round(confidence, digits)


def verdict_lines(verdict: "Verdict | None") -> tuple[str, ...]:
    """A verdict as sentences: the verdict, then its reasons in order of weight.

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
    """Each kind of evidence with its part of a pair's cost and its share, the largest first.

    >>> cost_shares({"mass": 0.01, "height": 0.03})
    [('height', 0.03, 0.75), ('mass', 0.01, 0.25)]
    """
    total = sum(terms.values())
    ordered = sorted(terms.items(), key=lambda term: -term[1])
    return [(name, cost, cost / total if total > 0 else 0.0) for name, cost in ordered]
