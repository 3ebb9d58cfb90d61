"""Fit a map between two latent spaces to matched nodes: each gives a mean and a covariance on both sides.

No paired points are needed. Two generic nodes fix an affine map in any dimension.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.errors import InputError
from core.gaussians.procrustes import NodePairs, descend, solve, square_root
from core.maps.affine import AffineMap, LatentMap
from core.maps.families import FAMILIES, Family, family_row
from core.maps.robust import disagreeing
from core.match.explanations import singled_out
from core.match.pairs import basin_pairs
from core.match.types import Matching, Pair
from core.tree.regime import Regime, regime_of

__all__ = [
    "Residual",
    "agreeing_nodes",
    "best_family",
    "disagreeing_pairs",
    "families_available",
    "fit_map",
    "fit_nodes",
    "residuals",
]

_ROUNDS = 25
# Another map fits as well when its cost is so little above the best one's: a share of that, and of the nodes' own size.
_TIE, _TRIFLE, _APART = 0.5, 1e-6, 0.01
_GAIN = 0.9
# Of more nodes the heaviest are left out in turn.
_LEFT_OUT = 24
# A covariance is flat where its least variance is so small a share of its largest.
_FLAT = 1e-13


@dataclass(frozen=True)
class Residual:
    """What a map leaves at the matched nodes `a` and `b` (ids).

    `distance` is that of the mapped mean from b's mean, in deviations of b's covariance (Mahalanobis). `shape`
    compares the mapped covariance with b's: |C_b^-1/2 J C_a J^T C_b^-1/2 - I| / sqrt(k_b), 0 where they are equal.
    """

    a: int
    b: int
    distance: float
    shape: float


def fit_map(matching: Matching, family: str = "affine") -> LatentMap:
    """The map of a family that best carries A's matched nodes onto B's, weighted by mass and confidence.

    Leaves count, and inner nodes that a person pinned. The affine part minimizes the squared Wasserstein distances
    between the nodes' Gaussians (derived in `core.gaussians.procrustes`); a family such as 'tree', which blends one
    affine piece per matched node into it, bends it afterwards. Between different dimensions only rectangular families
    are available. Pairs that `disagreeing_pairs` names are left out, except pinned ones. Raises `InputError` where the
    matched nodes are too few or fit several maps alike, and for a node whose covariance is flat or not finite.
    """
    return fit_nodes(agreeing_nodes(matching, family), family)


def fit_nodes(nodes: NodePairs, family: str) -> LatentMap:
    """`fit_map` of nodes that are enough for the family."""
    row = family_row(family)
    matrix, ambiguous = _solved(nodes, row)
    if ambiguous:
        raise InputError(_too_alike(len(nodes), family))
    offset = nodes.center_b - matrix @ nodes.center_a
    return AffineMap(matrix, offset, family) if row.bend is None else row.bend(AffineMap(matrix, offset), nodes)


def disagreeing_pairs(matching: Matching, family: str = "affine") -> tuple[tuple[int, int], ...]:
    """The pairs (ids of A and B) that contradict the rest under maps of a family: the one without which the others fit
    far better, or the two that fit far better with their partners exchanged; mostly none.

    Four pairs and more are judged, by the family's affine part. `fit_map` leaves out what is named here where
    the trees do not single the matching out and no pair is pinned. Raises `InputError` for an unknown family.
    """
    row, nodes, pairs = family_row(family), _nodes(matching), list(_used(matching))
    if _problem(matching, nodes, family) is not None:
        return ()
    return tuple((pairs[i].a, pairs[i].b) for i in disagreeing(nodes, row))


def families_available(matching: Matching) -> dict[str, str | None]:
    """For each family None where it can be fitted, or the reason why not."""
    try:
        nodes = _nodes(matching)
    except InputError as error:
        return dict.fromkeys(FAMILIES, str(error))
    reasons = {family: _problem(matching, nodes, family) for family in FAMILIES}
    if len(nodes) and len(nodes.unspanned):
        fitted = {name: row for name, row in FAMILIES.items() if reasons[name] is None}
        # Families with one kind of affine part share its solution.
        alike = {step: _solved(nodes, row)[1] for step, row in {row.step: row for row in fitted.values()}.items()}
        reasons |= {name: _too_alike(len(nodes), name) for name, row in fitted.items() if alike[row.step]}
    return reasons


def residuals(fitted: LatentMap, matching: Matching) -> tuple[Residual, ...]:
    """What a map leaves at every matched pair of nodes, inner ones too, in the order of `matching.pairs`."""
    if not matching.pairs:
        return ()
    tree_a, tree_b = matching.tree_a, matching.tree_b
    rows_a = [tree_a.row(pair.a) for pair in matching.pairs]
    rows_b = [tree_b.row(pair.b) for pair in matching.pairs]
    white = np.linalg.inv(square_root(tree_b.basin_covariance[rows_b]))
    away = white @ (fitted(tree_a.basin_mean[rows_a]) - tree_b.basin_mean[rows_b])[..., None]
    slope = white @ fitted.jacobian(tree_a.basin_mean[rows_a])
    excess = slope @ tree_a.basin_covariance[rows_a] @ np.swapaxes(slope, 1, 2) - np.eye(tree_b.dim)
    distances, shapes = np.linalg.norm(away[..., 0], axis=1), np.linalg.norm(excess, axis=(1, 2)) / np.sqrt(tree_b.dim)
    return tuple(
        Residual(pair.a, pair.b, float(distance), float(shape))
        for pair, distance, shape in zip(matching.pairs, distances, shapes, strict=True)
    )


def best_family(matching: Matching) -> str:
    """The simplest family that predicts a matched node left out of the fit nearly as well as any.

    A map that bends, as the tree-guided one, is not judged: where a leaf is left out it has no piece. Nor can the
    pair-free score judge it: an error in a learned density looks like a bend of space, and under a planted affine map
    with leaves off by a tenth of a deviation the score preferred the tree-guided map each time, and each time wrongly.
    Raises `InputError` where nothing is matched.
    """
    nodes = _nodes(matching)
    judged = [name for name, row in FAMILIES.items() if row.bend is None and _problem(matching, nodes, name) is None]
    if not judged:
        raise InputError(_too_few(next(iter(FAMILIES)), 0))
    errors = {name: _held_out(nodes, FAMILIES[name]) for name in judged}
    best = judged[0]
    for name in judged[1:]:
        if errors[name] < _GAIN * errors[best]:
            best = name
    return best


def _held_out(nodes: NodePairs, family: Family) -> float:
    """Mean squared Wasserstein distance at nodes left out of the fit, by weight; infinite where too few are left."""
    if len(nodes) <= family.needs:
        return np.inf if len(nodes) > 1 else 0.0
    total = 0.0
    for i in np.sort(np.argsort(-nodes.weights, kind="stable")[:_LEFT_OUT]).tolist():
        rest = nodes.without(i)
        matrix, ambiguous = _solved(rest, family)
        if ambiguous:
            return np.inf
        missed = matrix @ (nodes.means_a[i] - rest.center_a) + rest.center_b - nodes.means_b[i]
        ours = matrix @ nodes.roots_a[i]
        overlap = np.linalg.svd(nodes.roots_b[i] @ ours, compute_uv=False).sum()
        bures = (ours**2).sum() + np.trace(nodes.covariances_b[i]) - 2 * overlap
        total += nodes.weights[i] * (missed @ missed + bures)
    return float(total)


def _used(matching: Matching) -> Iterator[Pair]:
    leaves = {pair.a for pair in matching.leaf_pairs}
    return (pair for pair in matching.pairs if pair.pinned or pair.a in leaves)


def _nodes(matching: Matching) -> NodePairs:
    pairs = list(_used(matching))
    a, b = matching.tree_a, matching.tree_b
    rows_a = np.array([a.row(pair.a) for pair in pairs], dtype=int)
    rows_b = np.array([b.row(pair.b) for pair in pairs], dtype=int)
    confidence = np.array([1.0 if pair.confidence is None else max(pair.confidence, 1e-3) for pair in pairs])
    for tree, rows, side in ((a, rows_a, "first"), (b, rows_b, "second")):
        fault = _fault(tree.basin_mean[rows], tree.basin_covariance[rows])
        if fault.any():
            raise InputError(
                f"node {tree.id[rows[fault.argmax()]]} of the {side} tree has no finite mean and positive covariance, "
                "which maps are fitted to; take its pair out of the matching."
            )
    return basin_pairs(a, rows_a, b, rows_b, confidence)


def _fault(means: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """(n,): whether a node's mean or covariance is not finite, or the covariance flat."""
    finite = np.logical_and(np.isfinite(means).all(axis=1), np.isfinite(covariances).all(axis=(1, 2)))
    values = np.linalg.eigvalsh(np.where(np.reshape(finite, (-1, 1, 1)), covariances, 0.0))
    return ~finite | (values[:, 0] <= _FLAT * values[:, -1]) | (values[:, 0] <= 0)


def _problem(matching: Matching, nodes: NodePairs, family: str) -> str | None:
    """Why a family cannot be fitted to so many nodes, None where it can."""
    k_a, k_b = matching.tree_a.dim, matching.tree_b.dim
    needed = FAMILIES[family].needs
    if k_a != k_b:
        if not FAMILIES[family].rectangular:
            others = " or ".join(name for name, row in FAMILIES.items() if row.rectangular)
            return (
                f"{_called(family)} needs latent spaces of one dimension, these have {k_a} and {k_b}; "
                f"take {others}, from {k_a + 1} matched nodes on."
            )
        needed = k_a + 1
    return None if len(nodes) >= needed else _too_few(family, len(nodes), needed)


def agreeing_nodes(matching: Matching, family: str) -> NodePairs:
    """The matched nodes that `fit_map` fits: those of pairs that contradict the rest are left out, unless the trees'
    own evidence determines the matching or a person has pinned some. Raises `InputError` for an unknown family, a
    node without a covariance, and too few nodes."""
    row, nodes, pairs = family_row(family), _nodes(matching), list(_used(matching))
    problem = _problem(matching, nodes, family)
    if problem is not None:
        raise InputError(problem)
    kept = np.ones(len(nodes), dtype=bool)
    # What a person pinned stays, and the rest follows it; what trees were matched by says more of a pair than a map.
    sure = singled_out(matching) and all(pair.terms for pair in pairs)
    open_to_doubt = not sure and not any(pair.pinned for pair in pairs)
    if open_to_doubt:
        kept[list(disagreeing(nodes, row))] = False
    return nodes if kept.all() or _problem(matching, nodes.only(kept), family) is not None else nodes.only(kept)


def _called(family: str) -> str:
    label = FAMILIES[family].label.lower()
    return f"A{'n' if label[0] in 'aeiou' else ''} {label} map"


def _too_few(family: str, there: int, needed: int = 1) -> str:
    return (
        f"{_called(family)} needs {needed} matched node{'s' if needed > 1 else ''}, there "
        f"{'is' if there == 1 else 'are'} {there or 'none'}; match more."
    )


def _too_alike(there: int, family: str) -> str:
    return f"{_called(family)} is still open: {there} matched nodes fit two such maps equally well; match another node."


def _solved(nodes: NodePairs, family: Family) -> tuple[np.ndarray, bool]:
    """The best matrix (k_b, k_a) of a family's affine part, and whether another one fits as well: where A's matched
    means do not span the space, its reflections in what they leave out are tried too."""
    matrix, cost = solve(nodes, family.step)
    if family.parameters(*matrix.shape) == 0 or matrix.shape[0] != matrix.shape[1]:
        return matrix, False
    mirrors = nodes.unspanned
    if not len(mirrors):
        return matrix, False
    others, costs = descend(nodes, family.step, matrix @ mirrors, _ROUNDS)
    if costs.min() < cost:
        # The better optimum lay behind a mirror; the first one is now among the others.
        at = int(costs.argmin())
        matrix, cost, others[at], costs[at] = others[at].copy(), float(costs[at]), matrix, cost
    if regime_of(len(matrix)) is Regime.SAMPLED:
        # What lies across all clusters there is noise within them, whichever way it is turned: no other map is meant.
        return matrix, False
    within = np.trace(np.tensordot(nodes.weights, nodes.covariances_b, 1)) / nodes.size_b
    alike = (1 + _TIE) * cost + _TRIFLE * within
    apart = ((others - matrix) @ nodes.spread * (others - matrix)).sum((1, 2)) / nodes.size_b
    return matrix, bool(((costs <= alike) & (apart > _APART * within)).any())
