"""Where training begins: a first basis, and for tangled data a first picture of the latent space.

Likelihood alone, started from principal axes, stays in a projection with false crossings where the data are knotted. A
short regression of the latents on a geodesic (Isomap) embedding leads the flow out of it; it is then dropped.
"""

import warnings

import numpy as np

__all__ = ["geodesic_targets", "principal_basis"]


def principal_basis(x: np.ndarray, pad: int) -> np.ndarray:
    """An orthogonal matrix (d+p, d+p): principal axes of `x` (n, d) in order of variance, then the `pad` axes."""
    axes = np.linalg.svd(x - x.mean(0), full_matrices=False)[2] if len(x) >= x.shape[1] else np.eye(x.shape[1])
    basis = np.eye(x.shape[1] + pad)
    basis[: x.shape[1], : x.shape[1]] = axes.T
    return basis


def geodesic_targets(x: np.ndarray, latent_dim: int, neighbors: int = 12) -> np.ndarray:
    """Isomap embedding (n, k) of `x` (n, d), centered, of unit mean variance.

    References: Tenenbaum, de Silva, Langford 2000, "A global geometric framework for nonlinear dimensionality
    reduction".
    """
    from scipy.sparse.linalg import eigsh
    from sklearn.manifold import Isomap

    with warnings.catch_warnings():
        # Far components are joined by their nearest points, which is what a tree of far islands wants.
        warnings.simplefilter("ignore")
        distance = Isomap(n_neighbors=neighbors, n_components=latent_dim).fit(x).dist_matrix_
    # Isomap's own eigenvectors start from chance.
    squared = distance.astype(np.float64) ** 2
    product = -0.5 * (squared - squared.mean(0) - squared.mean(1)[:, None] + squared.mean())
    values, vectors = eigsh(product, k=latent_dim, which="LA", v0=np.linspace(0.5, 1.5, len(x)))
    embedded = vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0.0))
    return embedded / np.sqrt((embedded**2).mean())
