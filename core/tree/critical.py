"""Critical points of a Gaussian mixture: its modes, and the saddles that join them.

Both are found with steps in the local metric M(z) = sum_c r_c(z) precision_c, where r_c are the responsibilities. In
this metric the gradient step M^-1 grad log q is the mean shift, and no eigenvalue of the Hessian is below -1 at a
critical point. So the result does not depend on the coordinates, and no step size has to be chosen.
"""

import numpy as np

from core.gaussians.mixture import GaussianMixture

__all__ = ["ascend", "find_modes", "find_saddles", "least_dips", "ridge_extremes"]

# The number of steps towards a saddle, their greatest length, and the offset of the two ascents from the saddle, the
# latter two in local deviations.
_STEPS, _LONGEST, _ASIDE = 60, 0.7, 0.05


def find_modes(density: GaussianMixture, start: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The modes (m, k) to which points (n, k) ascend, highest first, the covariance (m, k, k) around each, and the
    index of each point's mode (n,).

    References: Carreira-Perpinan 2000, "Mode-finding for mixtures of Gaussian distributions".
    """
    places, spread = ascend(density, start)
    kept: list[int] = []
    owner = np.full(len(places), -1)
    for i in np.argsort(-density.log_density(places), kind="stable").tolist():
        if owner[i] < 0:
            offset = places - places[i]
            distance = np.einsum("mi,mi->m", offset, np.linalg.solve(spread[i], offset.T).T)
            owner[(distance < 1e-2) & (owner < 0)] = len(kept)
            kept.append(i)
    return places[kept], spread[kept], owner


def ascend(density: GaussianMixture, start: np.ndarray, steps: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """The mode (n, k) to which each start (n, k) ascends, and (sum_c r_c precision_c)^-1 there (n, k, k).

    A step is the mean shift, which never leaves the start's superlevel set. Where the density is concave, it is a
    Newton step of at most half a local deviation if that gains more.
    """
    precision = np.linalg.inv(density.covariances)
    z = np.array(start, dtype=np.float64)
    spread = np.empty((*z.shape, density.dim))
    moving = np.arange(len(z))
    for _ in range(steps):
        slope, curvature, axes = _local(density, precision, z[moving])
        newton = _at_most(slope / np.maximum(np.abs(curvature), 0.01), 0.5)
        shifted, leapt = (z[moving] + np.einsum("nij,nj->ni", axes, step) for step in (slope, newton))
        farther = (curvature[:, -1] < 0) & (density.log_density(leapt) > density.log_density(shifted))
        z[moving] = np.where(farther[:, None], leapt, shifted)
        spread[moving] = axes @ np.swapaxes(axes, 1, 2)
        moving = moving[np.linalg.norm(slope, axis=1) > 1e-7]
        if not len(moving):
            break
    return z, spread


def ridge_extremes(density: GaussianMixture, partners: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Likely places of modes (n, k) and saddles (s, k): the highest and lowest points of the ridge lines between each
    component and the `partners` others with the highest low points.

    The ridge line of two Gaussians is the curve where their level sets touch. All critical points of their mixture lie
    on it: ((1 - a) P + a P')^-1 ((1 - a) P m + a P' m') for a from 0 to 1, with precisions P.

    References: Ray & Lindsay 2005, "The topography of multivariate normal mixtures", arXiv math/0602238.
    """
    pairs = np.column_stack(np.triu_indices(len(density.means), 1))
    if not len(pairs):
        return np.empty((0, density.dim)), np.empty((0, density.dim))
    precision = np.linalg.inv(density.covariances)
    pull = np.einsum("cij,cj->ci", precision, density.means)
    share = np.linspace(0, 1, 13)[1:-1, None, None]
    first, second = pairs.T
    metric = (1 - share[..., None]) * precision[first] + share[..., None] * precision[second]
    line = np.linalg.solve(metric, ((1 - share) * pull[first] + share * pull[second])[..., None])[..., 0]
    height = density.log_density(line.reshape(-1, density.dim)).reshape(line.shape[:2])
    promising = least_dips(pairs, height.min(axis=0), partners)
    line, height = line[:, promising], height[:, promising]
    peaked = (height[1:-1] > height[:-2]) & (height[1:-1] > height[2:])
    return line[1:-1][peaked], line[height.argmin(axis=0), np.arange(line.shape[1])]


def least_dips(pairs: np.ndarray, low: np.ndarray, partners: int) -> np.ndarray:
    """(e,) bool: whether a pair (e, 2) is one of the `partners` pairs with the highest `low` (e,) of either member."""
    rank = np.full((pairs.max(initial=0) + 1,) * 2, -np.inf)
    rank[pairs[:, 0], pairs[:, 1]] = rank[pairs[:, 1], pairs[:, 0]] = low
    order = np.argsort(np.argsort(-rank, axis=1), axis=1)
    return np.minimum(order, order.T)[pairs[:, 0], pairs[:, 1]] < partners


def find_saddles(density: GaussianMixture, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct saddles (s, k) of index one to which points (n, k) lead, and two points (s, 2, k) next to each, from
    which the density rises to the two modes that it joins.

    The steps are Newton's: upward in all directions of the local metric except that of largest curvature, and downward
    in that one. Starts that find no saddle in sixty steps are dropped.

    References: Cerjan & Miller 1981, "On finding transition states"; E & Zhou 2011, "The gentlest ascent dynamics",
    arXiv 1011.0042; Henkelman & Jonsson 2000 for the climbing image of a path, which this method replaces.
    """
    z = np.array(start, dtype=np.float64)
    precision = np.linalg.inv(density.covariances)
    moving, found = np.arange(len(z)), np.zeros(len(z), dtype=bool)
    way = np.zeros_like(z)
    for _ in range(_STEPS):
        if not len(moving):
            break
        slope, curvature, axes = _local(density, precision, z[moving])
        scale = np.maximum(np.abs(curvature), 0.1)
        step = slope / scale
        step[:, -1] *= -1
        z[moving] += np.einsum("nij,nj->ni", axes, _at_most(step, _LONGEST))
        way[moving] = axes[:, :, -1]
        done = np.linalg.norm(step, axis=1) < 1e-6
        one_up = (curvature[:, -1] > 0) & (curvature[:, :-1] < 0).all(axis=1)
        found[moving[done & one_up]] = True
        moving = moving[~done]
    kept = _distinct(density, np.flatnonzero(found), z)
    return z[kept], z[kept, None] + _ASIDE * np.stack([way[kept], -way[kept]], axis=1)


def _local(density: GaussianMixture, precision: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The slopes (n, k) and increasing curvatures (n, k) in the eigenbasis of the Hessian of log q in the local metric,
    and the basis vectors (n, k, k) in columns."""
    weight = _responsibilities(density, z)
    metric = np.tensordot(weight, precision, axes=1)
    pull = np.einsum("cij,ncj->nci", precision, density.means - z[:, None])
    gradient = np.einsum("nc,nci->ni", weight, pull)
    pull -= gradient[:, None]
    hessian = np.swapaxes(pull, 1, 2) @ (weight[..., None] * pull) - metric
    white = np.linalg.inv(np.linalg.cholesky(metric))
    curvature, basis = np.linalg.eigh(white @ hessian @ np.swapaxes(white, 1, 2))
    axes = np.swapaxes(white, 1, 2) @ basis
    return np.einsum("nij,ni->nj", axes, gradient), curvature, axes


def _at_most(step: np.ndarray, longest: float) -> np.ndarray:
    """The steps (n, k), shortened to the length `longest`."""
    length = np.linalg.norm(step, axis=1, keepdims=True)
    return step * np.minimum(1, longest / np.maximum(length, 1e-300))


def _responsibilities(density: GaussianMixture, z: np.ndarray) -> np.ndarray:
    """(n, c)."""
    logs = density.log_components(z)
    weight = np.exp(logs - logs.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)


def _distinct(density: GaussianMixture, rows: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Those of the rows whose places (n, k) differ, highest first."""
    rows = rows[np.argsort(-density.log_density(z[rows]), kind="stable")]
    size = 1e-4 * np.sqrt(np.trace(density.covariances, axis1=1, axis2=2).min())
    kept: list[int] = []
    for row in rows.tolist():
        if not (np.abs(z[kept] - z[row]).max(axis=1, initial=0.0) < size).any():
            kept.append(row)
    return np.array(kept, dtype=int)
