"""The partial quadratic assignment of two trees' leaves: what a matching costs, in nats.

For a matching pi of leaves,
    cost = sum_{i matched} (price + u(i, pi i)) - share * sum_{i < k matched} sum_t w_t log L_t(a_ik - b_{pi i, pi k}).
The evidence a_ik between two leaves is invariant under affine maps of the space: their Bhattacharyya distance, and the
differences of their log-masses, heights and log-volumes. The differences also stay when a part of the world is missing
and all other masses grow by one factor. L is a likelihood ratio of two Laplace densities: of the difference between a
pair of leaves and its image (as wide as encodings of one world differ), and between random leaves (as wide as the
evidence spreads). A floor keeps one kind from outweighing the rest, so log L = max(peak - slope |difference|,
log(floor)). Unmatched leaves cost nothing: a leaf is matched if its evidence outweighs its price. Two trees of the
plane differ in 2 n ways, not in n (n - 1) / 2, so only a share k / (n - 1) of a pair's evidence counts in k dimensions,
at most all of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from core.match.calibration import calibration
from core.tree.regime import Regime, regime_of
from core.tree.types import LevelSetTree

__all__ = [
    "EVIDENCE",
    "AssignmentProblem",
    "Evidence",
    "MatchConfig",
    "assignment_problems",
    "leaf_distances",
]

_EPSILON = 1e-9


@dataclass(frozen=True)
class Evidence:
    """A kind of evidence. `between` computes it for each two leaves of a tree (n, n), in row order; `of_leaves` says
    whether it is the difference of a property of single leaves. `core.match.calibration` has its scale."""

    between: Callable[[LevelSetTree], np.ndarray]
    of_leaves: bool = True


@dataclass(frozen=True)
class MatchConfig:
    """How to find and judge a matching.

    `method` is one of `core.match.methods.METHODS`. `price` is the evidence in nats that a matched leaf needs. `levels`
    are multiples of the evidence's usual noise, of which the likeliest is taken. A matching within `margin` nats of the
    best explains the trees as well. None stands for the calibrated value of the regime. Trees of the plane with at most
    `exact_leaves` leaves are solved to the proven optimum.
    """

    method: str = "leaf-distances"
    price: float | None = None
    levels: tuple[float, ...] | None = None
    margin: float | None = None
    exact_leaves: int = 16


@dataclass(frozen=True, eq=False)
class AssignmentProblem:
    """Leaves 0..na-1 against 0..nb-1.

    `leaf_cost` (na, nb) is price + u; `between_a` (t, na, na) and `between_b` (t, nb, nb) are the evidence of `kinds`
    (t,) in units in which its cost rises by one, at most by `caps` (t,) from -`peaks` (t,). `allowed` (na, nb) says
    which pairs may be matched, `pinned` which must be. A matching within `margin` of the best is as good, and `chance`
    is the gain of a leaf in the best matching of two unrelated trees. Local search caches its last marginal costs in
    `last`.
    """

    leaf_cost: np.ndarray
    between_a: np.ndarray
    between_b: np.ndarray
    peaks: np.ndarray
    caps: np.ndarray
    config: MatchConfig
    allowed: np.ndarray
    pinned: dict[int, int] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    margin: float = 0.0
    chance: float = 0.0
    regime: Regime = Regime.PLANE
    last: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list, init=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(na, nb)."""
        return self.leaf_cost.shape  # type: ignore[return-value]

    @cached_property
    def gains(self) -> np.ndarray:
        """(na, nb): the cost of a pair by itself, infinite where it is not allowed."""
        return np.where(self.allowed, self.leaf_cost, np.inf)

    @cached_property
    def evidence(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """`between_a`, `between_b`, `caps` and the sum of `peaks`, laid out for the compiled loops."""
        between = (np.ascontiguousarray(part, dtype=float) for part in (self.between_a, self.between_b))
        return (*between, np.ascontiguousarray(self.caps, dtype=float), float(self.peaks.sum()))  # type: ignore[return-value]

    @cached_property
    def free(self) -> np.ndarray:
        """(na,): whether each row is not pinned."""
        return np.array([i not in self.pinned for i in range(self.shape[0])], dtype=bool)

    def terms(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """(t, m, m): the interaction costs of m pairs by kind of evidence, 0 where two pairs agree."""
        ours, theirs = self.between_a[:, rows[:, None], rows], self.between_b[:, columns[:, None], columns]
        return np.minimum(np.abs(ours - theirs), self.caps[:, None, None])

    def interactions_of(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """(m, na, nb): the interaction costs of m pairs with every pair."""
        total = np.full((len(rows), *self.shape), -self.peaks.sum())
        for a, b, cap in zip(self.between_a, self.between_b, self.caps, strict=True):
            gap = a[rows, :, None] - b[columns, None, :]
            total += np.minimum(np.abs(gap, out=gap), cap, out=gap)
        return total

    @cached_property
    def interactions(self) -> np.ndarray:
        """(na, nb, na, nb): the interaction cost of each two pairs."""
        rows, columns = np.indices(self.shape).reshape(2, -1)
        return self.interactions_of(rows, columns).reshape(*self.shape, *self.shape)

    def cost(self, partners: np.ndarray) -> float:
        """The cost of a matching, given as the partner of each first-side leaf, -1 for none (na,)."""
        from core.match import compiled

        rows = np.flatnonzero(partners >= 0)
        columns = partners[rows]
        if not self.allowed[rows, columns].all():
            return float("inf")
        return float(self.leaf_cost[rows, columns].sum() + compiled.interaction(*self.evidence, rows, columns))

    def transposed(self) -> "AssignmentProblem":
        """The same problem with the sides exchanged."""
        return replace(
            self,
            leaf_cost=self.leaf_cost.T,
            between_a=self.between_b,
            between_b=self.between_a,
            allowed=self.allowed.T,
            pinned={j: i for i, j in self.pinned.items()},
        )


def assignment_problems(a: LevelSetTree, b: LevelSetTree, config: MatchConfig) -> list[AssignmentProblem]:
    """The problems of matching the leaves of two trees, one for each noise level, with every pair allowed. Leaves are
    in the trees' row order."""
    regime = regime_of(a.dim, b.dim)
    usual, kinds = calibration().regimes[regime], EVIDENCE[regime]
    between_a, between_b = (np.stack([kind.between(tree) for kind in kinds.values()]) for tree in (a, b))
    scales = [usual.evidence[name] for name in kinds]
    noise, spread, weight = np.array([(scale.noise, scale.spread, scale.weight) for scale in scales]).T
    holes = np.minimum(np.abs(a.betti[a.leaves, 1][:, None] - b.betti[b.leaves, 1][None, :]), 1.0)
    price = usual.price if config.price is None else config.price
    # Two single leaves have no evidence between leaves, so they match at any price.
    price = price if max(holes.shape) > 1 else -price
    share = weight * _shares(kinds, min(a.dim, b.dim), max(min(holes.shape) - 1, 1), usual.ways)
    floor = calibration().floor
    problems = []
    for level in usual.levels if config.levels is None else config.levels:
        slope, peaks = share * (1 / (level * noise) - 1 / spread), share * np.log(spread / (level * noise))
        problems.append(
            AssignmentProblem(
                leaf_cost=price + calibration().holes * holes,
                between_a=slope[:, None, None] * between_a,
                between_b=slope[:, None, None] * between_b,
                peaks=peaks,
                caps=peaks - share * np.log(floor),
                config=config,
                allowed=np.ones(holes.shape, dtype=bool),
                kinds=tuple(kinds),
                margin=usual.margin if config.margin is None else config.margin,
                chance=usual.chance if a.dim == b.dim else 0.0,
                regime=regime,
            )
        )
    return problems


def _shares(kinds: Mapping[str, Evidence], dim: int, others: int, ways: float | None) -> np.ndarray:
    """(t,): the share of a leaf pair's evidence that counts, by kind, if a leaf has so many `others`.

    A leaf differs from the others in `ways` independent ways, or in as many as there are dimensions."""
    each = [ways if ways is not None else 2 if kind.of_leaves else dim for kind in kinds.values()]
    return np.minimum(np.divide(each, others), 1.0)


def leaf_distances(tree: LevelSetTree) -> np.ndarray:
    """Square roots of the Bhattacharyya distances between the Gaussians of the leaves (n, n), in row order.

    Invariant under affine maps. For means m and covariances C, with C = (C_i + C_k) / 2:
    (m_i - m_k)^T C^-1 (m_i - m_k) / 8 + log(|C| / sqrt(|C_i| |C_k|)) / 2.

    References: Bhattacharyya 1943, "On a measure of divergence between two statistical populations".
    """
    mean, covariance = tree.basin_mean[tree.leaves], tree.basin_covariance[tree.leaves]
    middle = 0.5 * (covariance[:, None] + covariance[None, :])
    away = mean[:, None] - mean[None, :]
    mahalanobis = (away * np.linalg.solve(middle, away[..., None])[..., 0]).sum(-1)
    log_det = np.linalg.slogdet(covariance)[1]
    shape = np.linalg.slogdet(middle)[1] - 0.5 * (log_det[:, None] + log_det[None, :])
    distance = np.sqrt(np.maximum(mahalanobis / 8 + shape / 2, 0.0))
    np.fill_diagonal(distance, 0.0)
    return distance


def _log_distances(tree: LevelSetTree) -> np.ndarray:
    """The distances on a scale of equal noise: a logarithm that flattens for large distances."""
    distance = leaf_distances(tree)
    np.fill_diagonal(distance, 1.0)
    return -np.arcsinh(calibration().far / np.maximum(distance, _EPSILON))


def _relative_log_distances(tree: LevelSetTree) -> np.ndarray:
    """The logarithms of the distances, centered at their median and in units of their spread: the overall scale of the
    distances depends on the network."""
    distance = leaf_distances(tree)
    np.fill_diagonal(distance, 1.0)
    logarithm = np.log(np.maximum(distance, _EPSILON))
    own = logarithm[np.triu_indices(len(distance), 1)]
    if len(own) < 2:
        return np.zeros_like(distance)
    logarithm -= np.median(own)
    logarithm /= max(np.abs(own - np.median(own)).mean(), _EPSILON)
    np.fill_diagonal(logarithm, 0.0)
    return logarithm


def _contrasts(values: np.ndarray) -> np.ndarray:
    return values[:, None] - values[None, :]


def _masses(tree: LevelSetTree) -> np.ndarray:
    return _contrasts(np.log(np.maximum(tree.basin_mass[tree.leaves], 1e-12)))


def _heights(tree: LevelSetTree) -> np.ndarray:
    return _contrasts(tree.level[tree.leaves])


def _volumes(tree: LevelSetTree) -> np.ndarray:
    return _contrasts(0.5 * np.linalg.slogdet(tree.basin_covariance[tree.leaves])[1])


EVIDENCE: Mapping[Regime, Mapping[str, Evidence]] = {
    Regime.PLANE: {
        "distances": Evidence(_log_distances, of_leaves=False),
        "mass": Evidence(_masses),
        "height": Evidence(_heights),
        "volume": Evidence(_volumes),
    },
    Regime.SAMPLED: {
        "distances": Evidence(_relative_log_distances, of_leaves=False),
        "height": Evidence(_heights),
        "volume": Evidence(_volumes),
    },
}
"""The kinds of evidence of each regime."""
