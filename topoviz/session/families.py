"""Which topology a superposition prior chose: the weights of its families, and a sentence on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import InputError, invalid
from topoviz.session.checks import number, text
from topoviz.vocabulary import article

__all__ = ["Family", "chose", "families", "weights"]

_MOST = 24
_MAJORITY = 0.5
# The one family of several pieces.
_BLOBS = "blobs"


@dataclass(frozen=True)
class Family:
    """A family of a superposition and its share of the probability, 0 to 1."""

    name: str
    weight: float


def families(metrics: Mapping[str, Any]) -> tuple[Family, ...]:
    """The families in a model's metrics in order of weight; none without a superposition prior."""
    try:
        return weights(metrics.get("families"))
    except InputError:
        return ()


def weights(value: Any) -> tuple[Family, ...]:
    """The families in an object of weights by name, in order of weight; null holds none.

    Raises `InputError` on anything else.
    """
    if value is None:
        return ()
    if not isinstance(value, dict) or len(value) > _MOST:
        raise invalid("families", f"an object of at most {_MOST} weights", repr(value), 'write {"ring": 1.0}')
    found = [Family(text("families", name, 40), number("families", weight, 0, 1)) for name, weight in value.items()]
    return tuple(sorted(found, key=lambda family: -family.weight))


def chose(found: Sequence[Family]) -> str:
    """A sentence on the weights: the family that holds the majority, or that none does.

    >>> chose([Family("ring", 0.81), Family("blobs", 0.19)])
    'chose a ring (81 %)'
    >>> chose([Family("ring", 0.45), Family("line", 0.4), Family("blobs", 0.15)])
    'chose no one shape: mostly a ring (45 %) and a line (40 %)'
    """
    first, *rest = found
    if first.weight > _MAJORITY or not rest:
        return f"chose {_share(first)}"
    return f"chose no one shape: mostly {_share(first)} and {_share(rest[0])}"


def _share(family: Family) -> str:
    return f"{family.name if family.name == _BLOBS else article(family.name)} ({100 * family.weight:.0f} %)"
