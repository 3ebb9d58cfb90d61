"""What the app says in words, where more than one place says it."""

from collections.abc import Mapping

__all__ = ["PRIORS", "cost_shares", "counted", "sureness"]

# What each family of priors is.
PRIORS = {
    "mixture": "a big Gaussian mixture",
    "superposition": "a weighted sum of blobs, lines, rings, … whose weights say which topology the data chose",
    "adversarial": "a learned generator trained against a critic",
}
_SURE, _LIKELY = 0.8, 0.6


def counted(count: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "leaf"), counted(3, "leaf"), counted(1200, "point")
    ('1 leaf', '3 leaves', '1,200 points')
    """
    many = noun[:-1] + "ves" if noun.endswith("f") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else many}"


def sureness(confidence: float, pinned: bool = False) -> str:
    """A word for how sure a matched pair is.

    >>> sureness(0.85), sureness(0.3), sureness(1.0, pinned=True)
    ('sure', 'unsure', 'pinned')
    """
    if pinned:
        return "pinned"
    return "sure" if confidence >= _SURE else "likely" if confidence >= _LIKELY else "unsure"


def cost_shares(terms: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Each kind of evidence with what a pair costs by it and its share of all, the largest first.

    >>> cost_shares({"mass": 0.01, "height": 0.03})
    [('height', 0.03, 0.75), ('mass', 0.01, 0.25)]
    """
    total = sum(terms.values())
    ordered = sorted(terms.items(), key=lambda term: -term[1])
    return [(name, cost, cost / total if total > 0 else 0.0) for name, cost in ordered]
