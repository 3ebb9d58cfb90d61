"""The discrete optimal transport map between two whitened clouds: each point goes to the mean of what it is sent to.

It brings one distribution onto the other as no other method does, by moving every point as little as possible. That
says nothing of which point means what: clouds that are turned against each other are scrambled.
"""

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import KDTree

from core.baselines.types import Latents, Pairs
from core.errors import InputError, invalid, need
from core.gaussians.procrustes import square_root

__all__ = ["BarycentricMap", "exact_coupling", "optimal_transport", "squared_distances"]

_POINTS = 1500
_ITERATIONS = 1_000_000


@dataclass(frozen=True, eq=False)
class BarycentricMap:
    """A map known at `sources` (m, k_a), whose images are `images` (m, k_b), and elsewhere displaced with the nearest
    of them: z -> image + matrix (z - source), `matrix` (k_b, k_a).

    References: Ferradans, Papadakis, Peyré and Aujol 2014, "Regularized discrete optimal transport", arXiv 1307.5551.
    """

    sources: np.ndarray
    images: np.ndarray
    matrix: np.ndarray

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Images (n, k_b) of points (n, k_a). Raises `InputError` on another width."""
        z = np.asarray(z, dtype=np.float64)
        if z.ndim != 2 or z.shape[1] != self.sources.shape[1]:
            raise invalid("z", f"of shape (n, {self.sources.shape[1]})", z.shape, "give latents of the first model")
        nearest = self._tree.query(z)[1]
        return self.images[nearest] + (z - self.sources[nearest]) @ self.matrix.T

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self.sources)


def optimal_transport(source: Latents, target: Latents, pairs: Pairs | None = None, seed: int = 0) -> BarycentricMap:
    """The barycentric projection of the exact coupling of at most 1,500 points a side, both clouds whitened.

    Raises `InputError` where the solver does not converge.

    References: Courty, Flamary, Tuia and Rakotomamonjy 2017, "Optimal transport for domain adaptation", arXiv
    1507.00504.
    """
    rng = np.random.default_rng(seed)
    a, b = source.some(_POINTS, rng), target.some(_POINTS, rng)
    root_a, root_b = (square_root(np.atleast_2d(np.cov(latents.points.T))) for latents in (source, target))
    back_a = np.linalg.inv(root_a)
    white_a = (a - source.points.mean(0)) @ back_a
    white_b = (b - target.points.mean(0)) @ np.linalg.inv(root_b)
    coupling = exact_coupling(squared_distances(white_a, white_b))
    return BarycentricMap(a, coupling @ b * len(a), root_b @ back_a)


def exact_coupling(
    costs: np.ndarray, masses_a: np.ndarray | None = None, masses_b: np.ndarray | None = None
) -> np.ndarray:
    """The coupling (n, m) of two measures of least total cost, for `costs` (n, m) and masses (n,) and (m,) that sum to
    one, where not given all alike.

    Raises `InputError` where the solver does not converge.
    """
    need("ot", "optimal transport")
    # POT brings torch and more; it loads when the first coupling is wanted.
    import ot

    given = [[] if masses is None else masses for masses in (masses_a, masses_b)]
    with warnings.catch_warnings():
        # What it warns of is in the log.
        warnings.simplefilter("ignore")
        coupling, log = ot.emd(given[0], given[1], costs, numItermax=_ITERATIONS, log=True, check_marginals=False)
    if log["warning"] is not None:
        raise InputError(f"optimal transport of {costs.shape[0]} to {costs.shape[1]} points did not converge.")
    return np.asarray(coupling)


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, m): |a_i - b_j|^2 for rows of (n, k) and (m, k)."""
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.maximum(squares, 0.0)
