"""The types of a partial matching of two level-set trees and of its alternatives."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from core.tree.types import LevelSetTree

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["OURS", "Alternative", "Matching", "Pair"]

OURS = "leaf-distances"
"""The method of this package. It weighs evidence, so only its matchings have a verdict."""


@dataclass(frozen=True)
class Pair:
    """Node `a` of the first tree matches node `b` of the second (ids).

    `confidence` lies in [0, 1]; it is None if the method gives none. `terms` has the cost in nats by kind of evidence
    (mass, height, ...); it is empty for inner nodes.
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

    `pairs` lists matched leaves first, then the internal nodes that follow from them. `unmatched_a` and `unmatched_b`
    are ids of leaves without a partner. `method` found the matching; `solver` is 'exact' (no better one exists),
    'heuristic' or 'published'. `cost` is the method's objective (nats for 'leaf-distances': the lower, the more
    evidence), and `gap` is how much more the second-best matching costs. `alternatives` are the other matchings found
    within `margin` of the best, best first, except those whose pairs a better one contains. `leftover_pairs` counts the
    pairs of leaves that remained on both sides and have no evidence of their own. `least_inclusion` is the smallest
    log-odds that a pair is rightly matched at all (None in the plane). `constraint_cost` is how much more the matching
    costs than the best one without pins and bans. `core.assess` judges how far to trust it.
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
    leftover_pairs: int = 0
    least_inclusion: float | None = None
    constraint_cost: float = 0.0

    def __repr__(self) -> str:
        matched = ", ".join(f"{pair.a}:{pair.b}" for pair in self.leaf_pairs[:12])
        more = ", ..." if len(self.leaf_pairs) > 12 else ""
        return f"<Matching of {len(self.leaf_pairs)} leaves, {matched or 'none'}{more}; cost {self.cost:.3g} nats>"

    @property
    def leaf_pairs(self) -> tuple[Pair, ...]:
        """The matched pairs of leaves."""
        leaves_a = set(self.tree_a.ids(self.tree_a.leaves))
        return tuple(pair for pair in self.pairs if pair.a in leaves_a)

    def reversed(self) -> "Matching":
        """The same matching from the second tree to the first."""
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
        """The alternatives that give a leaf of either side another partner, best first."""
        there, back = ({pair.a: pair.b for pair in self.leaf_pairs}, {pair.b: pair.a for pair in self.leaf_pairs})
        return tuple(
            other
            for other in self.alternatives
            if any(there.get(i, j) != j or back.get(j, i) != i for i, j in other.pairs)
        )

    @property
    def matched_masses(self) -> tuple[float, float]:
        """The share of each density's probability that is in matched leaves."""
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
