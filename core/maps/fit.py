"""The fit of a map between two latent spaces to matched nodes, each a mean and a covariance on both sides.

It needs no paired points. Two generic nodes determine an affine map in any dimension.
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
# Another map fits as well if its cost exceeds the best cost by at most these shares of it and of the nodes' own size.
_TIE, _TRIFLE, _APART = 0.5, 1e-6, 0.01
_GAIN = 0.9
# Cross-validation leaves out at most so many nodes, the heaviest.
_LEFT_OUT = 24
# A covariance is flat if the ratio of its least to its largest variance is at most this.
_FLAT = 1e-13


@dataclass(frozen=True)
class Residual:
    """The residual of a map at the matched nodes `a` and `b` (ids).

    `distance` is the Mahalanobis distance of the mapped mean from b's mean, in deviations of b's covariance. `shape`
    compares the mapped covariance with b's: |C_b^-1/2 J C_a J^T C_b^-1/2 - I| / sqrt(k_b), which is 0 if they are
    equal.
    """

    a: int
    b: int
    distance: float
    shape: float


def fit_map(matching: Matching, family: str = "affine") -> LatentMap:
    """The map of a family that best maps A's matched nodes to B's, weighted by mass and confidence.

    The fit uses matched leaves and pinned inner nodes. The affine part minimizes the squared Wasserstein distances
    between the nodes' Gaussians (derived in `core.gaussians.procrustes`). A family such as 'tree', which blends one
    affine piece per matched node into it, bends it afterwards. Between different dimensions only rectangular families
    are available. Pairs that `disagreeing_pairs` names are excluded, except pinned ones. Raises `InputError` if there
    are too few matched nodes, if several maps fit them equally well, or if a node's covariance is flat or not finite.
    """
    return fit_nodes(agreeing_nodes(matching, family), family)


def fit_nodes(nodes: NodePairs, family: str) -> LatentMap:
    """As `fit_map`, for nodes that are enough for the family."""
    row = family_row(family)
    matrix, ambiguous = _solved(nodes, row)
    if ambiguous:
        raise InputError(_too_alike(len(nodes), family))
    offset = nodes.center_b - matrix @ nodes.center_a
    return AffineMap(matrix, offset, family) if row.bend is None else row.bend(AffineMap(matrix, offset), nodes)


def disagreeing_pairs(matching: Matching, family: str = "affine") -> tuple[tuple[int, int], ...]:
    """The pairs (ids of A and B) that contradict the rest under maps of a family: one without which the others fit far
    better, or two that fit far better with their partners exchanged. Usually there are none.

    The test needs at least four pairs and uses the family's affine part. `fit_map` excludes these pairs unless the
    trees' evidence determines the matching or a pair is pinned. Raises `InputError` for an unknown family.
    """
    row, nodes, pairs = family_row(family), _nodes(matching), list(_used(matching))
    if _problem(matching, nodes, family) is not None:
        return ()
    return tuple((pairs[i].a, pairs[i].b) for i in disagreeing(nodes, row))


def families_available(matching: Matching) -> dict[str, str | None]:
    """For each family the reason why it cannot be fitted, None if it can."""
    try:
        nodes = _nodes(matching)
    except InputError as error:
        return dict.fromkeys(FAMILIES, str(error))
    reasons = {family: _problem(matching, nodes, family) for family in FAMILIES}
    if len(nodes) and len(nodes.unspanned):
        fitted = {name: row for name, row in FAMILIES.items() if reasons[name] is None}
        # Families with the same kind of affine part share its solution.
        alike = {step: _solved(nodes, row)[1] for step, row in {row.step: row for row in fitted.values()}.items()}
        reasons |= {name: _too_alike(len(nodes), name) for name, row in fitted.items() if alike[row.step]}
    return reasons


def residuals(fitted: LatentMap, matching: Matching) -> tuple[Residual, ...]:
    """The residuals of a map at all matched nodes, including inner ones, in the order of `matching.pairs`."""
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
    """The simplest family whose leave-one-out error at matched nodes is nearly the least.

    Families that bend, such as the tree-guided one, are not candidates: they have no piece for a leaf that is left out.
    The pair-free score cannot judge them either, because an error in a learned density looks like a bend of space:
    under a planted affine map with leaves off by a tenth of a deviation the score wrongly preferred the tree-guided map
    each time. Raises `InputError` if nothing is matched.
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
    """The weighted mean squared Wasserstein distance at nodes left out of the fit; infinite if too few remain."""
    if len(nodes) <= family.needs:
        return np.inf if len(nodes) > 1 else 0.0
    total = 0.0
    for i in np.sort(np.argsort(-nodes.weights, kind="stable")[:_LEFT_OUT]).tolist():
        rest = nodes.without(i)
        matrix, ambiguous = _solved(rest, family)
        if ambiguous:
            return np.inf
        residual = matrix @ (nodes.means_a[i] - rest.center_a) + rest.center_b - nodes.means_b[i]
        image = matrix @ nodes.roots_a[i]
        overlap = np.linalg.svd(nodes.roots_b[i] @ image, compute_uv=False).sum()
        bures = (image**2).sum() + np.trace(nodes.covariances_b[i]) - 2 * overlap
        total += nodes.weights[i] * (residual @ residual + bures)
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
    """(n,): whether a node's mean or covariance is not finite, or its covariance is flat."""
    finite = np.logical_and(np.isfinite(means).all(axis=1), np.isfinite(covariances).all(axis=(1, 2)))
    values = np.linalg.eigvalsh(np.where(np.reshape(finite, (-1, 1, 1)), covariances, 0.0))
    return ~finite | (values[:, 0] <= _FLAT * values[:, -1]) | (values[:, 0] <= 0)


def _problem(matching: Matching, nodes: NodePairs, family: str) -> str | None:
    """The reason why a family cannot be fitted to the nodes, None if it can."""
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
    """The matched nodes that `fit_map` uses: without `disagreeing_pairs`, unless the trees' evidence determines the
    matching or a pair is pinned. Raises `InputError` for an unknown family, a node without a covariance, and too few
    nodes."""
    row, nodes, pairs = family_row(family), _nodes(matching), list(_used(matching))
    problem = _problem(matching, nodes, family)
    if problem is not None:
        raise InputError(problem)
    kept = np.ones(len(nodes), dtype=bool)
    # Pinned pairs stay and the rest follows them. The trees' evidence says more about a pair than the map does.
    sure = singled_out(matching) and all(pair.terms for pair in pairs)
    if not sure and not any(pair.pinned for pair in pairs):
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
    """The best matrix (k_b, k_a) of a family's affine part, and whether another one fits as well. If A's matched means
    do not span the space, the candidates include its reflections in the directions that they leave out."""
    matrix, cost = solve(nodes, family.step)
    if family.parameters(*matrix.shape) == 0 or matrix.shape[0] != matrix.shape[1]:
        return matrix, False
    mirrors = nodes.unspanned
    if not len(mirrors):
        return matrix, False
    others, costs = descend(nodes, family.step, matrix @ mirrors, _ROUNDS)
    if costs.min() < cost:
        # A reflection led to the better optimum; the first one becomes one of the others.
        at = int(costs.argmin())
        matrix, cost, others[at], costs[at] = others[at].copy(), float(costs[at]), matrix, cost
    if regime_of(len(matrix)) is Regime.SAMPLED:
        # The directions that the means leave out have only noise within the clusters, so their reflections do not
        # count.
        return matrix, False
    within = np.trace(np.tensordot(nodes.weights, nodes.covariances_b, 1)) / nodes.size_b
    alike = (1 + _TIE) * cost + _TRIFLE * within
    apart = ((others - matrix) @ nodes.spread * (others - matrix)).sum((1, 2)) / nodes.size_b
    return matrix, bool(((costs <= alike) & (apart > _APART * within)).any())
