"""The partial quadratic assignment of two trees' leaves: what a matching costs, in nats.

For a matching pi of leaves,
    cost = sum_{i matched} (price + u(i, pi i)) - share * sum_{i < k matched} sum_t w_t log L_t(a_ik - b_{pi i, pi k}).
Evidence a_ik is something that lies between two leaves and that no affine map of the space changes: their
Bhattacharyya distance, and the differences of their log-masses, heights and log-volumes, which do not change either
where a part of the world is absent and all other masses grow alike. L is a likelihood ratio: how much likelier a
difference is between a pair of leaves and its image (Laplace, as wide as encodings of one world differ) than between
leaves at random (Laplace, as wide as the evidence spreads), with a floor, so that nothing can outvote the rest. Its
logarithm is a ramp: peak - slope |difference|, at least log(floor). Left-out leaves cost nothing: a leaf is matched
where its evidence outweighs its price. Two trees of the plane differ in 2 n ways, not in n (n - 1) / 2, so that pairs
share what they say: k / (n - 1) of a pair's evidence counts in k dimensions, at most all of it.
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
    """A kind of evidence: `between` gives what lies between each two leaves of a tree (n, n), in row order, `of_leaves`
    says whether it is a difference of what each leaf has alone. Its scale is in `core.match.calibration`."""

    between: Callable[[LevelSetTree], np.ndarray]
    of_leaves: bool = True


@dataclass(frozen=True)
class MatchConfig:
    """How a matching is found and judged.

    `method` is one of `core.match.methods.METHODS`. `price` in nats is what a matched leaf must
    bring, `levels` are the multiples of the evidence's usual noise that are tried, of which the likeliest is taken, and
    a matching within `margin` nats of the best is an explanation as good: None is what suits the regime. Trees of at
    most `exact_leaves` leaves in the plane are solved to the proven optimum.
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
    which pairs may be matched, `forced` which must be. A matching within `margin` of the best is as good, and `chance`
    is what a leaf of the best matching brings where trees have nothing in common. `last` is for local search, which
    keeps there what it asked last.
    """

    leaf_cost: np.ndarray
    between_a: np.ndarray
    between_b: np.ndarray
    peaks: np.ndarray
    caps: np.ndarray
    config: MatchConfig
    allowed: np.ndarray
    forced: dict[int, int] = field(default_factory=dict)
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
        """(na, nb): what matching a pair alone adds to the cost; infinite where it is not allowed."""
        return np.where(self.allowed, self.leaf_cost, np.inf)

    @cached_property
    def evidence(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """`between_a`, `between_b`, `caps` and the sum of `peaks`, laid out for the compiled loops."""
        between = (np.ascontiguousarray(part, dtype=float) for part in (self.between_a, self.between_b))
        return (*between, np.ascontiguousarray(self.caps, dtype=float), float(self.peaks.sum()))  # type: ignore[return-value]

    @cached_property
    def free(self) -> np.ndarray:
        """(na,): the rows that are not forced."""
        return np.array([i not in self.forced for i in range(self.shape[0])], dtype=bool)

    def terms(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """(t, m, m): what each two of m pairs cost together by each kind, 0 where they agree."""
        ours, theirs = self.between_a[:, rows[:, None], rows], self.between_b[:, columns[:, None], columns]
        return np.minimum(np.abs(ours - theirs), self.caps[:, None, None])

    def pair_costs(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """(m, na, nb): what each of m pairs costs together with each other pair."""
        total = np.full((len(rows), *self.shape), -self.peaks.sum())
        for a, b, cap in zip(self.between_a, self.between_b, self.caps, strict=True):
            gap = a[rows, :, None] - b[columns, None, :]
            total += np.minimum(np.abs(gap, out=gap), cap, out=gap)
        return total

    @cached_property
    def links(self) -> np.ndarray:
        """(na, nb, na, nb): what each pair costs together with each other pair."""
        rows, columns = np.indices(self.shape).reshape(2, -1)
        return self.pair_costs(rows, columns).reshape(*self.shape, *self.shape)

    def cost(self, partners: np.ndarray) -> float:
        """Cost of a matching given as the partner of each first-side leaf, -1 for none (na,)."""
        from core.match import compiled

        rows = np.flatnonzero(partners >= 0)
        columns = partners[rows]
        if not self.allowed[rows, columns].all():
            return float("inf")
        return float(self.leaf_cost[rows, columns].sum() + compiled.together(*self.evidence, rows, columns))

    def transposed(self) -> "AssignmentProblem":
        """The same problem with the sides exchanged."""
        return replace(
            self,
            leaf_cost=self.leaf_cost.T,
            between_a=self.between_b,
            between_b=self.between_a,
            allowed=self.allowed.T,
            forced={j: i for i, j in self.forced.items()},
        )


def assignment_problems(a: LevelSetTree, b: LevelSetTree, config: MatchConfig) -> list[AssignmentProblem]:
    """The problem of matching the leaves of two trees, in their row order, with every pair allowed, once for each level
    of noise."""
    regime = regime_of(a.dim, b.dim)
    usual, kinds = calibration().regimes[regime], EVIDENCE[regime]
    between_a, between_b = (np.stack([kind.between(tree) for kind in kinds.values()]) for tree in (a, b))
    scales = [usual.evidence[name] for name in kinds]
    noise, spread, weight = np.array([(scale.noise, scale.spread, scale.weight) for scale in scales]).T
    holes = np.minimum(np.abs(a.betti[a.leaves, 1][:, None] - b.betti[b.leaves, 1][None, :]), 1.0)
    price = usual.price if config.price is None else config.price
    # Two lone leaves have no other choice.
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
    """(t,): how much of what a pair of leaves says counts by each kind, where a leaf has so many `others`: it differs
    from them in `ways` ways, or in as many as there are dimensions."""
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
    """The distances on a scale on which all are equally noisy: a logarithm that bends where they are far."""
    distance = leaf_distances(tree)
    np.fill_diagonal(distance, 1.0)
    return -np.arcsinh(calibration().far / np.maximum(distance, _EPSILON))


def _relative_log_distances(tree: LevelSetTree) -> np.ndarray:
    """Logarithms of the distances, in units of their own spread around their median: how far apart leaves lie on the
    whole is the networks' own."""
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
"""The kinds of evidence that count in each regime."""
