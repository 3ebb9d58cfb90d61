"""The verdict on a match, which every surface prints: a word, a probability, reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

__all__ = ["WORDS", "Verdict", "Word"]

Word = Literal["determined", "ambiguous", "not determined"]
WORDS: tuple[Word, ...] = get_args(Word)


@dataclass(frozen=True)
class Verdict:
    """How far to trust a match and its map.

    `probability` is that of a wholly right match: every matched leaf has its true partner. `word` follows from it:
    'determined' from the calibration's threshold on, 'ambiguous' if only other matchings that explain the trees about
    as well keep it below, else 'not determined'. `reasons` are sentences, the heaviest first. `confidence` is the
    probability of each matched pair of leaves (ids). `score` is minus the divergence in nats of the mapped density of A
    from that of B where both are matched (0 is perfect); None without a map and between different dimensions. `figures`
    are the numbers behind the verdict.
    """

    word: Word
    probability: float
    reasons: tuple[str, ...] = ()
    confidence: Mapping[tuple[int, int], float] = field(default_factory=dict)
    score: float | None = None
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def determined(self) -> bool:
        """Whether the word is 'determined'."""
        return self.word == "determined"

    @property
    def percent(self) -> str:
        """The probability in words, never 0 or 100 %.

        >>> Verdict("determined", 0.9991).percent, Verdict("not determined", 0.42).percent
        ('over 99 %', '42 %')
        """
        if self.probability > 0.99:
            return "over 99 %"
        return "under 1 %" if self.probability < 0.01 else f"{100 * self.probability:.0f} %"

    @property
    def sentence(self) -> str:
        """The verdict in one sentence.

        >>> Verdict("determined", 0.97).sentence
        'The match is determined: it is wholly right with a probability of 97 %.'
        """
        return f"The match is {self.word}: it is wholly right with a probability of {self.percent}."

    def to_json(self) -> dict[str, Any]:
        """The verdict as a JSON object: `word`, `probability`, `reasons`, `score`."""
        return {
            "word": self.word,
            "probability": self.probability,
            "reasons": list(self.reasons),
            "score": self.score,
        }

    @classmethod
    def from_json(cls, document: Any) -> "Verdict":
        """The verdict that `to_json` wrote. Raises `ValueError` or `KeyError` if the object is not a verdict."""
        word, probability, score = document["word"], float(document["probability"]), document["score"]
        if word not in WORDS or not 0 <= probability <= 1:
            raise ValueError(f"no verdict: {word!r}, {probability}")
        score = None if score is None else float(score)
        return cls(word, probability, tuple(map(str, document["reasons"])), score=score)
