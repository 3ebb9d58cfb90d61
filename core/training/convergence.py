"""Whether a trained model may be believed: what it promises, measured on points that it did not learn from.

A flow auto-encoder that converged has noise that is normal and independent of the latents and among itself, keeps
volume, sends neighbors to neighbors, and has a tree that other mixtures, fitted to halves of its latents from starts of
their own, find again.
"""

from typing import Any

import numpy as np

from core.gaussians.mixture import GaussianMixture
from core.model.autoencoder import FlowAutoencoder
from core.model.prior.merge import refitted
from core.model.prior.mixture import MixtureModule
from core.training.independence import dependence, normality_gap
from core.tree import LevelSets, node_of, tree_with_regions
from core.tree.regime import Regime, regime_of

__all__ = ["refit", "torn_pairs", "tree_support", "verdict"]

_MOST_DEPENDENCE = 0.02
_MOST_FROM_NORMAL = 0.05
_MOST_DEFECT = 1e-3
_MOST_OVERFIT = 0.4
_LEAST_SUPPORT = 0.75
_MOST_TORN, _TORN_SHARE = 1, 0.01
# Nats that the density falls by between two nearest neighbors where the flow has torn them apart; sound flows: 0.8.
_TEAR = 1.0
_REFITS = 4
# Nats that a leaf of a refit must stand out to be one that the model lacks: long ridges break up by less.
_CLEAR = 0.3
_REFIT_COMPONENTS, _REFIT_STARTS, _REFIT_POINTS, _REFIT_ROUNDS, _REFIT_GAIN = 40, 3, 4000, 60, 1e-4


def verdict(model: FlowAutoencoder, heldout: np.ndarray, trained: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """JSON values: `converged`, the `reasons` why not (a sentence each), and the figures behind them.

    `latent_noise` and `noise_noise` are shares of variance explained (0 is independence), `normality` is a distance of
    cumulative distributions, `overfit` the held-out less the trained points' negative log-likelihood in nats (twice the
    prior's parameters a point are no fault: Akaike 1974), `torn_pairs` a count, `tree_support` the share of refits that
    find the least supported leaf, `refit_leaves` their numbers of leaves. For points (n, d) held out and trained on.
    """
    latent, noise = model.encode(heldout, seed=seed)
    by_latent, among = dependence(latent.astype(np.float64), noise.astype(np.float64), seed)
    normality = normality_gap(noise.astype(np.float64))
    overfit = model.heldout_nll(heldout) - model.heldout_nll(trained)
    expected = 2 * model.prior.parameters / max(int(model.metrics.get("points", len(trained))), 1)
    support, leaves = tree_support(model, np.concatenate((latent, model.encode(trained, seed=seed)[0])), seed)
    torn = torn_pairs(model, np.concatenate((heldout, trained)))
    more_pads = "more pads" if model.pad else "pads, for room"
    own = len(support)
    more = sum(count > own for count in leaves)
    found = (
        (by_latent > _MOST_DEPENDENCE, f"the latents explain {by_latent:.0%} of a noise dimension"),
        (among > _MOST_DEPENDENCE, f"noise dimensions explain {among:.0%} of another"),
        (
            normality > _MOST_FROM_NORMAL + 1.6 / np.sqrt(len(noise)),
            f"a noise dimension is {normality:.2f} from normal",
        ),
        (_defect(model) > _MOST_DEFECT, f"volume changes by up to {_defect(model):.1e}"),
        (
            torn > _most_torn(model, len(heldout) + len(trained)),
            f"the flow tears {torn} pairs of nearest neighbors apart; give it {more_pads}",
        ),
        (overfit > _MOST_OVERFIT + expected, f"held-out points do {overfit:.2f} nats worse than trained ones"),
        (min(support) < _LEAST_SUPPORT, f"a leaf is found again in {min(support):.0%} of refits"),
        (more > _REFITS / 2, f"refits of the density have {_span(leaves)} leaves, not {own}"),
    )
    reasons = [sentence for true, sentence in found if true]
    return {
        "converged": not reasons,
        "reasons": reasons,
        "latent_noise": by_latent,
        "noise_noise": among,
        "normality": normality,
        "overfit": overfit,
        "torn_pairs": torn,
        "tree_support": float(min(support)),
        "refit_leaves": leaves,
    }


def _most_torn(model: FlowAutoencoder, points: int) -> float:
    """Beyond three dimensions points are so far apart that the nearest to some lies in another cluster."""
    return _MOST_TORN if regime_of(model.latent_dim) is Regime.PLANE else max(_MOST_TORN, _TORN_SHARE * points)


def torn_pairs(model: FlowAutoencoder, points: np.ndarray) -> int:
    """How many of `points` (n, d) the model parts from their nearest neighbor: between the two its density falls by a
    nat or more below either's. Data that lie close are joined by their like: what falls there is the flow's own wall.
    """
    from sklearn.neighbors import NearestNeighbors

    neighbor = NearestNeighbors(n_neighbors=2).fit(points).kneighbors(points, return_distance=False)[:, 1]
    between = [model.log_density((1 - share) * points + share * points[neighbor]) for share in (0.25, 0.5, 0.75)]
    ends = model.log_density(points)
    return int((np.minimum(ends, ends[neighbor]) - np.min(between, axis=0) > _TEAR).sum())


def tree_support(model: FlowAutoencoder, latent: np.ndarray, seed: int = 0) -> tuple[np.ndarray, list[int]]:
    """How often other fits to halves of the latents (n, k) find each leaf again (L,), and how many clear leaves (of 0.3
    nats or more) each has; beyond three dimensions, where half of the points call for fewer leaves, to as many drawn
    with replacement.

    A leaf is found again where it and a leaf of the other tree hold more of each other's points than of any other's.
    """
    own = tree_with_regions(model)
    rng = np.random.default_rng(seed)
    found, leaves = [], []
    for number, half in enumerate(_samples(model.latent_dim, len(latent), rng)):
        density = refit(latent[half], seed + number)
        other = tree_with_regions(density, points=len(half))
        found.append(_found_again(own, other, latent))
        leaves.append(int((other.tree.persistence[other.tree.leaves] >= _CLEAR).sum()))
    return np.mean(found, axis=0), leaves


def _samples(dim: int, points: int, rng: np.random.Generator) -> list[np.ndarray]:
    if regime_of(dim) is Regime.SAMPLED:
        return [np.unique(rng.integers(points, size=points)) for _ in range(_REFITS)]
    return [half for _ in range(_REFITS // 2) for half in np.array_split(rng.permutation(points), 2)]


def refit(latent: np.ndarray, seed: int) -> GaussianMixture:
    """Forty Gaussians, fewer for few points, fitted to latents (n, k) by expectation maximization, freshly started;
    beyond three dimensions as many as describe them shortest."""
    rng = np.random.default_rng(seed)
    if regime_of(latent.shape[1]) is Regime.SAMPLED:
        some = latent[rng.permutation(len(latent))[:_REFIT_POINTS]].astype(np.float64)
        return MixtureModule.shortest(some, _REFIT_COMPONENTS, rng, _REFIT_STARTS).export()
    components = max(min(_REFIT_COMPONENTS, len(latent) // 100), 1)
    start = MixtureModule(latent, components, rng).export()
    # Sixty rounds are enough to see the tree.
    return refitted(start, latent.astype(np.float64), _REFIT_ROUNDS, gain=_REFIT_GAIN)


def _found_again(own: LevelSets, other: LevelSets, latent: np.ndarray) -> np.ndarray:
    """(L,) bool for the leaves of `own`."""
    mine, theirs = (_leaf_numbers(sets, latent) for sets in (own, other))
    shared = np.zeros((len(own.tree.leaves), len(other.tree.leaves)))
    both = (mine >= 0) & (theirs >= 0)
    np.add.at(shared, (mine[both], theirs[both]), 1)
    best = shared.argmax(axis=1)
    return (shared.max(axis=1) > 0) & (shared.argmax(axis=0)[best] == np.arange(len(shared)))


def _leaf_numbers(sets: LevelSets, latent: np.ndarray) -> np.ndarray:
    """(n,): the number of the leaf whose region holds each latent, -1 where none does."""
    number = np.full(len(sets.tree), -1)
    number[sets.tree.leaves] = np.arange(len(sets.tree.leaves))
    return number[node_of(sets, latent)]


def _defect(model: FlowAutoencoder) -> float:
    return float(model.metrics.get("volume_defect", 0.0))


def _span(numbers: list[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"
