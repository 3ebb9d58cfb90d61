"""The verdict's probability, and the reasons for it.

A match is wholly right if the trees have something in common and no other matching explains them as well. With the
bounded figures f_i of the match, its map and its models,
    P = sigmoid(b + sum_i b_i f_i) / (1 + sum_j w_j),
where w_j are the weights of the rivals (`core.match.explanations`), which give a leaf another partner. A doubt about a
model is one of the figures, weighted by its effect on pairs whose truth is known; it vetoes nothing.
`tests/benchmarks/calibrate.py` fits all odds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.maps import LatentMap, disagreeing_pairs, residuals
from core.maps.score import gains
from core.match.calibration import Odds, calibration
from core.match.explanations import rival_odds, singled_out
from core.match.types import OURS, Matching
from core.tree.levelsets import basin_log_weights
from core.tree.regime import regime_of
from core.tree.types import LevelSetTree
from core.verdict.verdict import Verdict, Word

if TYPE_CHECKING:
    from core.model.autoencoder import FlowAutoencoder

__all__ = ["assess", "figures", "matched_score"]

_DRAWS = 1000
# The greatest probability if fewer than two leaves or too little mass are matched.
_NO_EVIDENCE = 0.5
# The least cost in nats that is reported.
_TRIFLE = 0.05


@dataclass(frozen=True)
class _Reason:
    """A sentence, and its cost in log-odds."""

    sentence: str
    weight: float = 0.0


@dataclass(frozen=True)
class _Measured:
    """What a model's metrics say of its training: whether it converged, why not, and the least share of refits that
    find a leaf again."""

    converged: bool
    reasons: tuple[str, ...]
    support: float


def assess(
    matching: Matching,
    fitted: LatentMap | None = None,
    model_a: "FlowAutoencoder | None" = None,
    model_b: "FlowAutoencoder | None" = None,
) -> Verdict | None:
    """The verdict on a matching and the map fitted to it; None if the method of matching gives none.

    With models the verdict also uses their own measurements and the score of the map; without, it uses the trees alone.
    """
    if matching.method != OURS:
        return None
    models = tuple(model for model in (model_a, model_b) if model is not None)
    found = figures(matching, fitted, *models)
    plain, rivals = _log_odds(matching, found), rival_odds(matching)
    reasons = [*_structure(matching, fitted, bool(models)), *_evidence(matching, found)]
    reasons += [*_by_hand(matching, found), *_rivals(matching, rivals)]
    reasons += [*_of_map(matching, fitted, found), *_doubts(matching, models, found), *_notes(matching)]
    alone = float(1 / (1 + np.exp(-plain)))
    if not _enough(matching):
        alone = min(alone, _NO_EVIDENCE)
    probability = alone / (1 + rivals)
    return Verdict(
        _word(probability, alone),
        probability,
        tuple(reason.sentence for reason in sorted(reasons, key=lambda reason: -reason.weight)),
        {(pair.a, pair.b): pair.confidence for pair in matching.leaf_pairs if pair.confidence is not None},
        found.get("score"),
        found,
    )


def figures(matching: Matching, fitted: LatentMap | None, *models: "FlowAutoencoder") -> dict[str, float]:
    """The numbers behind a verdict.

    `evidence` for the matching (nats); `rival`, the extra cost of the closest matching that gives a leaf another
    partner (nats; infinite if there is none); `matched_mass`, the smaller matched share of the two densities;
    `support`, the least log-odds that a pair is rightly matched at all (absent in the plane); `against`, the cost of
    pins and bans (nats); `disagreeing`, 1 if pairs contradict the rest; `distance`, the mean residual of matched leaves
    in deviations; `score` (absent without a map and models); `instability`, the sum over models of the share of refits
    that miss a leaf; `strain`, the number of models that did not converge.
    """
    found = {"evidence": -matching.cost, "rival": _closest(matching), "matched_mass": matching.matched_mass}
    found["against"] = matching.constraint_cost
    if matching.least_inclusion is not None:
        found["support"] = matching.least_inclusion
    if fitted is not None and matching.pairs:
        found["disagreeing"] = float(bool(_disagreeing(matching, fitted)))
        found["distance"] = float(np.mean([residual.distance for residual in residuals(fitted, matching)]))
        if len(models) == 2 and (score := matched_score(fitted, matching, *models)) is not None:
            found["score"] = score
    measured = list(map(_measured, models))
    found["instability"] = sum(1.0 - of.support for of in measured)
    found["strain"] = float(sum(not of.converged for of in measured))
    return found


def matched_score(
    fitted: LatentMap, matching: Matching, model_a: "FlowAutoencoder", model_b: "FlowAutoencoder", seed: int = 0
) -> float | None:
    """Minus the divergence in nats of A's mapped density from B's, both restricted to their matched parts and
    normalized: 0 is perfect. None between different dimensions or if nothing is matched.

    It is averaged over draws of A's density that belong to matched leaves. If all leaves are matched it is
    `core.pair_free_score`.
    """
    mass_a, mass_b = matching.matched_masses
    if fitted.dim_in != fitted.dim_out or min(mass_a, mass_b) <= 0:
        return None
    z = model_a.prior.sample(_DRAWS, seed)
    z = z[_belongs(matching.tree_a, {pair.a for pair in matching.leaf_pairs}, z)]
    if not len(z):
        return None
    return float(gains(fitted, model_a, model_b, z).mean() + np.log(mass_a / mass_b))


def _word(probability: float, alone: float) -> Word:
    """The word for a probability, given what it would be without rivals (`alone`)."""
    threshold = calibration().threshold
    if probability >= threshold:
        return "determined"
    return "ambiguous" if alone >= threshold else "not determined"


def _log_odds(matching: Matching, found: dict[str, float]) -> float:
    odds = _odds(matching)
    return odds.bias + sum(slope * _bounded(name, found.get(name, 0.0)) for name, slope in odds.slopes.items())


def _odds(matching: Matching) -> Odds:
    return calibration().regimes[regime_of(matching.tree_a.dim, matching.tree_b.dim)].verdict


def _bounded(name: str, value: float) -> float:
    low, high = calibration().bounds[name]
    return min(max(value, low), high)


def _cost(matching: Matching, name: str, value: float) -> float:
    """The cost of a figure in log-odds, compared with its best possible value."""
    low, high = calibration().bounds[name]
    slope = _odds(matching).slopes[name]
    return slope * ((high if slope > 0 else low) - _bounded(name, value))


def _enough(matching: Matching) -> bool:
    """Whether enough leaves and mass are matched for a verdict."""
    return len(matching.leaf_pairs) > 1 and matching.matched_mass >= calibration().least_mass


def _structure(matching: Matching, fitted: LatentMap | None, judged: bool) -> Iterator[_Reason]:
    matched, share, least = len(matching.leaf_pairs), matching.matched_mass, calibration().least_mass
    if matched < 2:
        yield _Reason(f"{'One leaf is' if matched else 'No leaves are'} matched; two are needed to tell.", np.inf)
    elif share < least:
        yield _Reason(f"Only {share:.0%} of the mass is matched (threshold {least:.0%}).", np.inf)
    if judged and fitted is None:
        yield _Reason("No map could be fitted.")


def _evidence(matching: Matching, found: dict[str, float]) -> Iterator[_Reason]:
    if matching.leaf_pairs:
        most = calibration().bounds["evidence"][1]
        text = f"The evidence for this matching is {found['evidence']:.1f} nats ({most:.0f} are as good as any)."
        yield _Reason(text, _cost(matching, "evidence", found["evidence"]))


def _by_hand(matching: Matching, found: dict[str, float]) -> Iterator[_Reason]:
    if matching.constraint_cost > _TRIFLE:
        text = f"Pins and bans cost {matching.constraint_cost:.1f} nats against the matching that the trees call for."
        yield _Reason(text, _cost(matching, "against", found["against"]))


def _rivals(matching: Matching, odds: float) -> Iterator[_Reason]:
    rivals, margin = matching.rivals, matching.margin
    if not matching.leaf_pairs:
        return
    if not rivals:
        yield _Reason(f"No matching that sends a leaf elsewhere comes within {margin:.1f} nats.")
        return
    one = len(rivals) == 1
    verb = "matching sends leaves elsewhere and costs" if one else "matchings send leaves elsewhere and cost"
    closest = f"the closest {rivals[0].cost - matching.cost:.2f}"
    yield _Reason(f"{len(rivals)} {verb} at most {margin:.1f} nats more ({closest}).", float(np.log1p(odds)))


def _of_map(matching: Matching, fitted: LatentMap | None, found: dict[str, float]) -> Iterator[_Reason]:
    if "score" in found:
        off = max(-found["score"], 0.0)
        text = f"Mapped onto B, the matched part of A differs from B's by {off:.2f} nats."
        yield _Reason(text, _cost(matching, "score", found["score"]))
    if fitted is not None and found["disagreeing"]:
        pairs = _disagreeing(matching, fitted)
        named = " and ".join(f"{i}:{j}" for i, j in pairs)
        start = f"The pairs {named} disagree" if len(pairs) > 1 else f"The pair {named} disagrees"
        yield _Reason(f"{start} with all others.", _cost(matching, "disagreeing", 1.0))


def _disagreeing(matching: Matching, fitted: LatentMap) -> tuple[tuple[int, int], ...]:
    """The pairs that contradict the rest; none if the trees' evidence determines the matching and no pair is pinned."""
    if singled_out(matching) and not any(pair.pinned for pair in matching.leaf_pairs):
        return ()
    try:
        return disagreeing_pairs(matching, fitted.family)
    except InputError:
        return ()


def _measured(model: "FlowAutoencoder") -> _Measured:
    """The verdict in a model's metrics, which come from a file: what is missing or damaged counts as fine."""
    known = model.metrics.get("verdict")
    known = known if isinstance(known, dict) else {}
    reasons, support = known.get("reasons"), known.get("tree_support")
    given = tuple(map(str, reasons)) if isinstance(reasons, list | tuple) else ()
    share = float(support) if isinstance(support, int | float) and 0 <= support <= 1 else 1.0
    return _Measured(bool(known.get("converged", True)), given, share)


def _doubts(matching: Matching, models: tuple["FlowAutoencoder", ...], found: dict[str, float]) -> Iterator[_Reason]:
    cost = sum(_cost(matching, name, found[name]) for name in ("instability", "strain"))
    for side, model in zip("AB", models, strict=False):
        measured = _measured(model)
        if not measured.converged:
            why = "; ".join(measured.reasons) or "its metrics do not say why"
            yield _Reason(f"Model {side} did not converge: {why}.", max(cost, 1e-3))


def _notes(matching: Matching) -> Iterator[_Reason]:
    for ids, side, other in ((matching.unmatched_a, "A", "B"), (matching.unmatched_b, "B", "A")):
        if ids:
            start = "One leaf of" if len(ids) == 1 else f"{len(ids)} leaves of"
            verb, them = ("is", "it") if len(ids) == 1 else ("are", "them")
            yield _Reason(f"{start} {side} {verb} left out: nothing left in {other} resembles {them}.")
    if matching.leftover_pairs:
        one = matching.leftover_pairs == 1
        verb, they = ("One pair joins", "it fits") if one else (f"{matching.leftover_pairs} pairs join", "they fit")
        yield _Reason(f"{verb} what was left over on both sides, where {they} little better than by chance.")
    if matching.solver == "heuristic":
        yield _Reason("Found by local search, which does not prove that no better matching exists.")


def _closest(matching: Matching) -> float:
    return min((other.cost - matching.cost for other in matching.rivals), default=np.inf)


def _belongs(tree: LevelSetTree, leaves: set[int], z: np.ndarray) -> np.ndarray:
    """(n,): whether the leaf whose Gaussian is densest at each point (n, k) is one of `leaves`."""
    rows, log_density = tree.leaves, basin_log_weights(tree, z)
    return np.isin(tree.id[rows][log_density.argmax(1)], list(leaves))
