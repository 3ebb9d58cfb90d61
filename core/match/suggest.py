"""Which pair to ask a person about next: the one whose answer is most informative about the explanations.

The explanations, the best matching and its alternatives, form a committee. The cost of each gives its probability.
Alternatives that change different leaves are independent, because their costs add, so the single changes that local
search finds near its optimum stand for all their combinations. An explanation fully answers "is a the partner of b?",
so the information gain of the question is the entropy of its answer.

References: Settles 2009, "Active learning literature survey" (query by committee, information gain); Serratosa and
Cortés 2015, "Interactive graph-matching using active query strategies".
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.match.types import Matching

__all__ = ["SURE", "Outlook", "Suggestion", "outlook"]

# A pair that no alternative changes counts as decided from this confidence on.
SURE = 0.8
_NOBODY = -1


@dataclass(frozen=True)
class Suggestion:
    """A pair of leaves (ids) worth asking about.

    `probability` is the weighted share of the explanations that contain it. `gain` is the expected decrease of the
    entropy over the explanations in nats, `decided` that of the sum of the leaves' entropies over their partners.
    `if_right` leaves of the first tree become certain if the pair is confirmed, `if_wrong` if it is rejected.
    """

    a: int
    b: int
    probability: float
    gain: float
    decided: float
    if_right: int
    if_wrong: int

    @property
    def expected_certain(self) -> float:
        """The expected number of leaves that become certain with the answer."""
        return self.probability * self.if_right + (1 - self.probability) * self.if_wrong


@dataclass(frozen=True)
class Outlook:
    """How much of a matching is decided, and `suggestions` of pairs to ask about, the most decisive first.

    The first tree's leaves (ids) are `pinned` by hand, `sure` (the same partner in every explanation), `left_out` (no
    partner in any explanation) or `open` (all others). `entropy` is the entropy over the explanations in nats.
    """

    suggestions: tuple[Suggestion, ...]
    pinned: tuple[int, ...]
    sure: tuple[int, ...]
    left_out: tuple[int, ...]
    open: tuple[int, ...]
    entropy: float

    @property
    def closed(self) -> int:
        """The number of leaves that are not open."""
        return len(self.pinned) + len(self.sure) + len(self.left_out)


@dataclass(frozen=True)
class _Question:
    """Leaves (n,) of the first tree, their partners (k, n) in k explanations, and the weights (k,) of these, which sum
    to one. `listed` is false if the last explanation stands for all that are not listed."""

    leaves: tuple[int, ...]
    partners: np.ndarray
    weights: np.ndarray
    listed: bool = True


def outlook(matching: Matching, sure: float = SURE) -> Outlook:
    """What is decided in a matching, and which pairs to ask about, ordered by how much their answers decide.

    An alternative weighs exp(-extra cost / (margin / 2)) relative to the best matching. A pair that no alternative
    changes is suggested if its confidence is below `sure`. Pinned pairs are never suggested.
    """
    pinned = {pair.a for pair in matching.leaf_pairs if pair.pinned}
    best = {pair.a: pair.b for pair in matching.leaf_pairs}
    judged = [(p, p.confidence) for p in matching.leaf_pairs if p.confidence is not None and not p.pinned]
    groups = list(_groups(matching, best))
    asked = {leaf for group in groups for leaf in group.leaves}
    groups += [_without_rival(p.a, p.b, known) for p, known in judged if known < sure and p.a not in asked]
    open_ = {leaf for group in groups for leaf in group.leaves} - pinned
    found = [suggestion for group in groups for suggestion in _suggestions(group) if suggestion.a not in pinned]
    mass = dict(zip(matching.tree_a.id.tolist(), matching.tree_a.basin_mass.tolist(), strict=True))
    # Rounding makes values equal that differ in their last digits only, so that the next key decides.
    found.sort(key=lambda s: (-round(s.decided, 6), -round(s.expected_certain, 6), -round(mass[s.a], 6), s.a, s.b))
    leaves = matching.tree_a.ids(matching.tree_a.leaves)
    return Outlook(
        suggestions=tuple(found),
        pinned=tuple(leaf for leaf in leaves if leaf in pinned),
        sure=tuple(leaf for leaf in leaves if leaf in best and leaf not in pinned and leaf not in open_),
        left_out=tuple(leaf for leaf in leaves if leaf not in best and leaf not in open_),
        open=tuple(leaf for leaf in leaves if leaf in open_),
        entropy=float(sum(_entropy(group.weights) for group in groups)),
    )


def _groups(matching: Matching, best: dict[int, int]) -> Iterator[_Question]:
    """The alternatives in groups that share no changed leaf; each group includes the best matching."""
    others = [(dict(other.pairs), other.cost - matching.cost) for other in matching.alternatives]
    parts: list[tuple[set[tuple[str, int]], list[int]]] = []
    margin = matching.margin
    for at, (pairs, _) in enumerate(others):
        touched, members = _touched(best, pairs), [at]
        if not touched:
            continue
        for part in [part for part in parts if part[0] & touched]:
            parts.remove(part)
            touched, members = touched | part[0], members + part[1]
        parts.append((touched, members))
    for touched, members in parts:
        leaves = tuple(sorted(leaf for side, leaf in touched if side == "a"))
        found = [(best, 0.0), *(others[at] for at in sorted(members))]
        partners = np.array([[pairs.get(leaf, _NOBODY) for leaf in leaves] for pairs, _ in found])
        weights = np.exp(-np.array([max(extra, 0.0) for _, extra in found]) / (margin / 2))
        yield _Question(leaves, partners, weights / weights.sum())


def _touched(best: dict[int, int], other: dict[int, int]) -> set[tuple[str, int]]:
    """The leaves of both trees whose partners differ between two matchings."""
    touched = set()
    for a in best.keys() | other.keys():
        ours, theirs = best.get(a), other.get(a)
        if ours != theirs:
            touched |= {("a", a)} | {("b", b) for b in (ours, theirs) if b is not None}
    return touched


def _without_rival(a: int, b: int, confidence: float) -> _Question:
    """A pair that no alternative changes, but whose confidence is low."""
    partners = np.array([[b], [_NOBODY]])
    return _Question((a,), partners, np.array([confidence, 1 - confidence]), listed=False)


def _suggestions(group: _Question) -> Iterator[Suggestion]:
    partners, weights = group.partners, group.weights
    before = _leaf_entropies(partners, weights)
    for column, leaf in enumerate(group.leaves):
        for b in sorted(set(partners[:, column].tolist()) - {_NOBODY}):
            yes = partners[:, column] == b
            if yes.all():
                continue
            probability = float(weights[yes].sum())
            after = sum(
                share * _leaf_entropies(partners[rows], weights[rows] / share)
                for rows, share in ((yes, probability), (~yes, 1 - probability))
            )
            yield Suggestion(
                leaf,
                b,
                probability,
                gain=_entropy(np.array([probability, 1 - probability])),
                decided=float(before - after),
                if_right=_certain(partners[yes]),
                if_wrong=_certain(partners[~yes]) if group.listed else 0,
            )


def _leaf_entropies(partners: np.ndarray, weights: np.ndarray) -> float:
    """The sum of the entropies of the leaves' partners over weighted explanations (nats)."""
    return sum(_entropy(np.bincount(np.unique(column, return_inverse=True)[1], weights)) for column in partners.T)


def _certain(partners: np.ndarray) -> int:
    """The number of leaves with the same partner, or none, in all explanations."""
    return int((partners == partners[:1]).all(axis=0).sum())


def _entropy(shares: np.ndarray) -> float:
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())
