"""The weights of the explanations of two trees: the best matching and its alternatives."""

import numpy as np

from core.match.calibration import calibration
from core.match.types import OURS, Alternative, Matching
from core.tree.regime import regime_of

__all__ = ["changed", "pair_shares", "rival_odds", "singled_out", "weight"]


def weight(matching: Matching, other: Alternative) -> float:
    """The weight of an alternative, relative to the best matching.

    The costs of two matchings also differ by chance, by a sum over the pairs in which they differ. An alternative that
    costs c more and has m pairs of its own weighs exp(-c / (r sqrt(m))), where r is the calibration's `rival` share of
    the margin.
    """
    own = calibration().regimes[regime_of(matching.tree_a.dim, matching.tree_b.dim)]
    by_chance = own.rival * matching.margin * changed(matching, other) ** 0.5
    return float(np.exp(-(other.cost - matching.cost) / by_chance))


def changed(matching: Matching, other: Alternative) -> int:
    """The number of leaf pairs that only the alternative has, at least one."""
    return max(len(set(other.pairs) - {(pair.a, pair.b) for pair in matching.leaf_pairs}), 1)


def rival_odds(matching: Matching) -> float:
    """The total weight of the alternatives that give a leaf of either side another partner."""
    return sum(weight(matching, other) for other in matching.rivals)


def singled_out(matching: Matching) -> bool:
    """Whether the trees' evidence alone determines this matching: there is enough evidence, and no rival."""
    known = calibration()
    enough = -matching.cost >= known.least_evidence and matching.matched_mass >= known.least_mass
    return matching.method == OURS and len(matching.leaf_pairs) > 1 and enough and not matching.rivals


def pair_shares(matching: Matching) -> dict[tuple[int, int], float]:
    """For each pair of leaves (ids) of any explanation, the weighted share of the explanations that contain it."""
    explanations = [(tuple((pair.a, pair.b) for pair in matching.leaf_pairs), 1.0)]
    explanations += [(other.pairs, weight(matching, other)) for other in matching.alternatives]
    total = sum(heavy for _, heavy in explanations)
    shares: dict[tuple[int, int], float] = {}
    for pairs, heavy in explanations:
        for pair in pairs:
            shares[pair] = shares.get(pair, 0.0) + heavy / total
    return shares
