"""The partial quadratic assignment of two trees' leaves: what a matching costs.

For a matching pi of leaves,
    cost = sum_{i matched} u(i, pi i) + sum_{i < k matched} w(i, pi i; k, pi k) + price * (leaves left out, both sides).
u compares two leaves by the log-mass and log-volume of their basins, their height and their holes. w compares what
lies between two leaves with what lies between their partners: the Bhattacharyya distance of their Gaussians, which no
affine map changes, and the differences of the same features, which do not change where a part of the world is absent
and all the other masses grow alike. Every term is a bounded ramp, |difference| / scale and at most 1, so that no
extrapolated quantity can outvote the rest.
"""

from dataclasses import dataclass, field

import numpy as np

from core.tree.types import LevelSetTree

__all__ = ["METHODS", "AssignmentProblem", "MatchConfig", "leaf_distances", "merge_depths", "pose"]

_EPSILON = 1e-9
# Of log-mass, height and log-volume; holes come on top.
_FEATURE_WEIGHTS = np.array([0.5, 0.3, 0.2])
_HOLES_WEIGHT = 0.3
_DEEPEST = 4.0


@dataclass(frozen=True)
class MatchConfig:
    """Weights and scales of a matching.

    `method` says what lies between two leaves: 'leaf-distances', or 'merge-depths', which is less sure but reads the
    tree alone. `leaf_weight`, `distance_weight` and `contrast_weight` bound what one matched leaf can cost by its own
    features, by its distances to the others, and by the differences of its features from theirs. `price` is what a
    leaf left out costs. `mass_scale`, `height_scale`, `volume_scale` (nats) and `distance_scale` (a share of the
    distances' size) are the differences that count as full. `margin` is the gap below which another matching is an
    explanation as good, `doubtful` what matched leaves may cost on average before the matching is not believed.
    `exact_leaves` bounds the trees solved to the proven optimum.
    """

    method: str = "leaf-distances"
    leaf_weight: float = 0.2
    distance_weight: float = 0.4
    contrast_weight: float = 0.4
    price: float = 0.22
    mass_scale: float = 0.4
    height_scale: float = 1.0
    volume_scale: float = 1.2
    distance_scale: float = 0.35
    margin: float = 0.06
    doubtful: float = 0.165
    exact_leaves: int = 12


@dataclass(frozen=True, eq=False)
class AssignmentProblem:
    """Leaves 0..na-1 against 0..nb-1.

    `leaf_cost` (na, nb) is u; `distance_a` (na, na), `distance_b` (nb, nb) and the scaled features `feature_a` (na, f),
    `feature_b` (nb, f) give w; `allowed` (na, nb) says which pairs may be matched, `forced` which must be.
    """

    leaf_cost: np.ndarray
    distance_a: np.ndarray
    distance_b: np.ndarray
    feature_a: np.ndarray
    feature_b: np.ndarray
    config: MatchConfig
    allowed: np.ndarray
    forced: dict[int, int] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """(na, nb)."""
        return self.leaf_cost.shape  # type: ignore[return-value]

    @property
    def unmatched_cost(self) -> float:
        """What leaving out every leaf costs."""
        return self.config.price * sum(self.shape)

    @property
    def gains(self) -> np.ndarray:
        """(na, nb): what matching a pair alone adds to `unmatched_cost`; infinite where it is not allowed."""
        return np.where(self.allowed, self.leaf_cost - 2 * self.config.price, np.inf)

    def pair_costs(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """(m, na, nb): what each of m pairs costs together with each other pair."""
        a, b = self.distance_a[rows][:, :, None], self.distance_b[columns][:, None, :]
        ramp = np.abs(a - b) / (self.config.distance_scale * np.maximum(np.maximum(a, b), _EPSILON))
        total = self.config.distance_weight * np.minimum(ramp, 1.0)
        for weight, ours, theirs in zip(_FEATURE_WEIGHTS, self.feature_a.T, self.feature_b.T, strict=True):
            gap = (ours[rows, None] - ours)[:, :, None] - (theirs[columns, None] - theirs)[:, None, :]
            total += self.config.contrast_weight * weight * np.minimum(np.abs(gap), 1.0)
        return total / max(min(self.shape) - 1, 1)

    @property
    def links(self) -> np.ndarray:
        """(na, nb, na, nb): what each pair costs together with each other pair."""
        rows, columns = np.indices(self.shape).reshape(2, -1)
        return self.pair_costs(rows, columns).reshape(*self.shape, *self.shape)

    def cost(self, partners: np.ndarray) -> float:
        """Cost of a matching given as the partner of each first-side leaf, -1 for none (na,)."""
        rows = np.flatnonzero(partners >= 0)
        columns = partners[rows]
        if not self.allowed[rows, columns].all():
            return float("inf")
        links = np.triu(self.pair_costs(rows, columns)[:, rows, columns], 1)
        left_out = sum(self.shape) - 2 * len(rows)
        return float(self.config.price * left_out + self.leaf_cost[rows, columns].sum() + links.sum())

    def transposed(self) -> "AssignmentProblem":
        """The same problem with the sides exchanged."""
        return AssignmentProblem(
            self.leaf_cost.T,
            self.distance_b,
            self.distance_a,
            self.feature_b,
            self.feature_a,
            self.config,
            self.allowed.T,
            {j: i for i, j in self.forced.items()},
        )


def pose(a: LevelSetTree, b: LevelSetTree, config: MatchConfig) -> AssignmentProblem:
    """The problem of matching the leaves of two trees, in their row order, with every pair allowed."""
    feature_a, feature_b = _features(a, config), _features(b, config)
    away = np.minimum(np.abs(feature_a[:, None] - feature_b[None, :]), 1.0) @ _FEATURE_WEIGHTS
    holes = np.minimum(np.abs(a.betti[a.leaves, 1][:, None] - b.betti[b.leaves, 1][None, :]), 1.0)
    return AssignmentProblem(
        leaf_cost=config.leaf_weight * np.minimum(away + _HOLES_WEIGHT * holes, 1.0),
        distance_a=METHODS[config.method](a),
        distance_b=METHODS[config.method](b),
        feature_a=feature_a,
        feature_b=feature_b,
        config=config,
        allowed=np.ones(away.shape, dtype=bool),
    )


def _features(tree: LevelSetTree, config: MatchConfig) -> np.ndarray:
    """(n, 3): log-mass, height and log-volume of the leaves' basins, each in units of its scale."""
    spread = 0.5 * np.linalg.slogdet(tree.basin_covariance[tree.leaves])[1]
    mass = np.log(np.maximum(tree.basin_mass[tree.leaves], 1e-12))
    scales = (config.mass_scale, config.height_scale, config.volume_scale)
    return np.column_stack((mass, tree.level[tree.leaves], spread)) / scales


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


def merge_depths(tree: LevelSetTree) -> np.ndarray:
    """How far down (nats) each two leaves first lie in one component (n, n), in row order, at most 4.

    A tree's own distance, the cophenetic one. It needs no Gaussians, but the depth of far saddles is extrapolation.
    """
    leaves = tree.leaves.tolist()
    depth = np.array([[0.0 if i == k else -tree.merge_level(i, k) for k in leaves] for i in leaves])
    return np.minimum(depth.reshape(len(leaves), len(leaves)), _DEEPEST)


METHODS = {"leaf-distances": leaf_distances, "merge-depths": merge_depths}
