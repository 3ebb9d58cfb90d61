"""A partial matching of two level-set trees, with what else it could have been."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from core.tree.types import LevelSetTree

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["OURS", "Alternative", "Matching", "Pair"]

OURS = "leaf-distances"
"""The method of matching that weighs evidence, and so the one that a verdict can be given on."""


@dataclass(frozen=True)
class Pair:
    """Node `a` of the first tree stands for node `b` of the second (ids). `confidence` lies in [0, 1]; it is None where
    the method of matching gives none.

    `terms` says what the pair costs by each kind of evidence (mass, height, ...), empty for inner nodes.
    """

    a: int
    b: int
    confidence: float | None
    pinned: bool = False
    terms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Alternative:
    """Another matching of the leaves, and its cost."""

    pairs: tuple[tuple[int, int], ...]
    cost: float


@dataclass(frozen=True, eq=False)
class Matching:
    """The best partial matching found between `tree_a` and `tree_b`.

    `pairs` holds matched leaves first, then the internal nodes that follow from them. `unmatched_a` and `unmatched_b`
    are ids of leaves with no partner. `method` says how it was found, `solver` is 'exact' (no better one exists),
    'heuristic' or 'published'. `cost` is the method's objective (nats for ours; the lower, the more evidence), `gap`
    how much worse the second-best matching is, `alternatives` every other matching found within `margin` of the best,
    best first, but those that only leave out pairs of a better one. `forced` counts the pairs that join what was left
    over on both sides, without evidence of their own, `support` is the log-odds of the least supported pair (None in
    the plane), `against` how much more it costs than the best matching without pins and bans. How far to believe all
    this is for `core.assess` to say.
    """

    tree_a: LevelSetTree
    tree_b: LevelSetTree
    pairs: tuple[Pair, ...]
    unmatched_a: tuple[int, ...]
    unmatched_b: tuple[int, ...]
    cost: float
    gap: float
    solver: str
    method: str = OURS
    margin: float = 0.0
    alternatives: tuple[Alternative, ...] = ()
    forced: int = 0
    support: float | None = None
    against: float = 0.0

    def __repr__(self) -> str:
        matched = ", ".join(f"{pair.a}:{pair.b}" for pair in self.leaf_pairs[:12])
        more = ", ..." if len(self.leaf_pairs) > 12 else ""
        return f"<Matching of {len(self.leaf_pairs)} leaves, {matched or 'none'}{more}; cost {self.cost:.3g} nats>"

    @property
    def leaf_pairs(self) -> tuple[Pair, ...]:
        """The matched pairs whose two nodes are both leaves."""
        leaves_a = set(self.tree_a.ids(self.tree_a.leaves))
        return tuple(pair for pair in self.pairs if pair.a in leaves_a)

    def reversed(self) -> "Matching":
        """The same matching, from the second tree to the first."""
        return replace(
            self,
            tree_a=self.tree_b,
            tree_b=self.tree_a,
            pairs=tuple(replace(pair, a=pair.b, b=pair.a) for pair in self.pairs),
            unmatched_a=self.unmatched_b,
            unmatched_b=self.unmatched_a,
            alternatives=tuple(Alternative(tuple((j, i) for i, j in x.pairs), x.cost) for x in self.alternatives),
        )

    @property
    def rivals(self) -> tuple[Alternative, ...]:
        """The alternatives that give a leaf, of either side, another partner, best first."""
        there, back = ({pair.a: pair.b for pair in self.leaf_pairs}, {pair.b: pair.a for pair in self.leaf_pairs})
        return tuple(
            other
            for other in self.alternatives
            if any(there.get(i, j) != j or back.get(j, i) != i for i, j in other.pairs)
        )

    @property
    def matched_masses(self) -> tuple[float, float]:
        """The shares of either density's probability in matched leaves."""
        a, b, pairs = self.tree_a, self.tree_b, self.leaf_pairs
        return (
            float(sum(a.basin_mass[a.row(pair.a)] for pair in pairs)),
            float(sum(b.basin_mass[b.row(pair.b)] for pair in pairs)),
        )

    @property
    def matched_mass(self) -> float:
        """The lesser of the two."""
        return min(self.matched_masses)

    def to_networkx(self) -> "nx.DiGraph":
        """Both trees and their match as one networkx graph; see `core.match.networks.matching_network`."""
        from core.match.networks import matching_network

        return matching_network(self)
