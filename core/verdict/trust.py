"""How far a match and its map can be believed: one verdict, with its reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.maps import LatentMap, disagreeing_pairs, residuals
from core.maps.score import gains
from core.match.types import Matching
from core.tree.levelsets import basin_log_weights
from core.tree.types import LevelSetTree

if TYPE_CHECKING:
    from core.model.autoencoder import FlowAutoencoder

__all__ = ["Trust", "assess", "matched_score"]

_DRAWS, _DENSE = 2000, 3
# Nats by which the carried density of the matched part may differ from its image, and for the odds the steepest.
_LEAST_SCORE = -2.0
_ODDS = {"evidence": 1.9, "score": 1.8}
_BIAS = -3.9
_BOUNDS = {"evidence": (0.0, 6.0), "score": (-4.0, 0.0)}


@dataclass(frozen=True)
class Trust:
    """Whether a match is `determined`, how `probable` it is that it is right, the `figures` behind that and the
    `reasons`, in sentences.

    Figures: `evidence` for the matching and `rival`, what the closest matching costs more that sends leaves elsewhere
    (nats; infinite where none is near); `matched_mass`, the lesser share of either density that is matched; `score`,
    minus the divergence of the carried from the other density where both are matched (nats; absent between different
    dimensions); `distance`, the mean residual of matched leaves in deviations.
    """

    determined: bool
    probable: float
    figures: Mapping[str, float] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


def assess(
    matching: Matching, fitted: LatentMap | None, model_a: "FlowAutoencoder", model_b: "FlowAutoencoder"
) -> Trust:
    """The verdict on a matching and the map fitted to it, None where none could be.

    Calibrated on pairs of trained models, right, partial and unrelated (tests/benchmarks/trust.py).
    """
    figures = {"evidence": -matching.cost, "rival": _rival(matching), "matched_mass": matching.matched_mass}
    reasons, faults = list(matching.reasons), not matching.determined
    if fitted is None:
        faults = True
        reasons.append("No map could be fitted.")
    else:
        figures["distance"] = float(np.mean([r.distance for r in residuals(fitted, matching)] or [np.inf]))
        score = matched_score(fitted, matching, model_a, model_b)
        if score is not None:
            figures["score"] = score
            if score < _LEAST_SCORE:
                faults = True
                reasons.append(
                    f"Carried over, the matched part of A differs from B's by {-score:.1f} nats (threshold "
                    f"{-_LEAST_SCORE:.1f})."
                )
        reasons += _disagreements(matching, fitted)
    for side, model in (("A", model_a), ("B", model_b)):
        verdict = model.metrics.get("verdict", {})
        if not verdict.get("converged", True):
            faults = True
            reasons.append(f"Model {side} did not converge: {'; '.join(map(str, verdict.get('reasons', ())))}.")
    probable = _probability(figures)
    if matching.tree_a.dim > _DENSE and matching.leaf_pairs:
        # There the evidence of a whole match says little of its weakest pair.
        probable = min(probable, *(pair.confidence for pair in matching.leaf_pairs), 1.0)
    return Trust(not faults, float(probable), figures, tuple(reasons))


def matched_score(
    fitted: LatentMap, matching: Matching, model_a: "FlowAutoencoder", model_b: "FlowAutoencoder", seed: int = 0
) -> float | None:
    """`core.pair_free_score` over draws of A's density that belong to matched leaves, both densities counted as if
    their matched parts were all; None between different dimensions or where nothing is matched."""
    mass_a, mass_b = matching.matched_masses
    if fitted.dim_in != fitted.dim_out or min(mass_a, mass_b) <= 0:
        return None
    z = model_a.prior.sample(_DRAWS, seed)
    z = z[_belongs(matching.tree_a, {pair.a for pair in matching.leaf_pairs}, z)]
    if not len(z):
        return None
    return float(gains(fitted, model_a, model_b, z).mean() + np.log(mass_a / mass_b))


def _rival(matching: Matching) -> float:
    return min((other.cost - matching.cost for other in matching.rivals), default=np.inf)


def _belongs(tree: LevelSetTree, leaves: set[int], z: np.ndarray) -> np.ndarray:
    """Whether the leaf whose Gaussian is densest at each point (n, k) is one of `leaves` (n,)."""
    rows, log_density = tree.leaves, basin_log_weights(tree, z)
    return np.isin(tree.id[rows][log_density.argmax(1)], list(leaves))


def _disagreements(matching: Matching, fitted: LatentMap) -> list[str]:
    try:
        pairs = disagreeing_pairs(matching, fitted.family)
    except InputError:
        return []
    named = " and ".join(f"{i}:{j}" for i, j in pairs)
    return [f"The pair{'s' if len(pairs) > 1 else ''} {named} disagree with all others."] if pairs else []


def _probability(figures: Mapping[str, float]) -> float:
    """Logistic in the bounded evidence and score."""
    odds = _BIAS
    for name, weight in _ODDS.items():
        odds += weight * float(np.clip(figures.get(name, 0.0), *_BOUNDS[name]))
    return 1 / (1 + np.exp(-odds))
