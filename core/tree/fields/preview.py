"""The data's density on a 3-D grid for display: the data space itself, or its first three principal axes."""

from typing import TYPE_CHECKING

import numpy as np

from core.tree.regime import SPACE

if TYPE_CHECKING:
    from core.model.autoencoder import FlowAutoencoder, InputField

__all__ = ["input_field"]


def input_field(model: "FlowAutoencoder", size: int = 48) -> "InputField":
    """The model's input density on a grid of at most `size`^3 vertices, with the latent of each vertex.

    For three-dimensional data it is p(x) itself. For wider data the slice through the mean along the first three
    principal axes would be nearly empty, so the sample is projected there and its density estimated with a Gaussian
    kernel; each vertex has the latent of the nearest sample point. Data of one or two dimensions are padded with zeros.
    """
    from core.model.autoencoder import InputField

    assert model.sample is not None
    points = model.sample.points.astype(np.float64)
    d = model.data_dim
    if d == SPACE:
        frame, center = np.eye(3), np.zeros(3)
    else:
        center = points.mean(0)
        axes = np.linalg.svd(points - center, full_matrices=False)[2][:3].T
        frame = np.pad(axes, ((0, 0), (0, max(3 - axes.shape[1], 0))))
    flat = (points - center) @ frame
    low, high = flat.min(0), flat.max(0)
    margin = 0.12 * (high - low).max() if d == SPACE else 0.15 * (high - low).max()
    axes = tuple(np.linspace(lo - margin, hi + margin, size) for lo, hi in zip(low, high, strict=True))
    mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    vertices = mesh.reshape(-1, 3)
    if d == SPACE:
        density = model.log_density(vertices.astype(np.float32), pads=2)
        latent = model.encode(vertices.astype(np.float32), seed=None)[0]
    else:
        density, latent = _projected(flat, model.sample.latent, vertices)
    return InputField(
        axes=(axes[0].astype(np.float32), axes[1].astype(np.float32), axes[2].astype(np.float32)),
        log_density=density.reshape(mesh.shape[:3]).astype(np.float32),
        latent=latent.reshape(*mesh.shape[:3], -1).astype(np.float16),
        frame=frame,
        center=center,
    )


def _projected(flat: np.ndarray, latent: np.ndarray, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The kernel log-density of the projected points at the vertices, and the latent of the point nearest to each."""
    from scipy.spatial import KDTree

    tree = KDTree(flat)
    distance, index = tree.query(vertices, k=min(48, len(flat)))
    width = np.median(tree.query(flat, k=min(24, len(flat)))[0][:, -1])
    log_kernel = np.logaddexp.reduce(-0.5 * (distance / width) ** 2, axis=1)
    return log_kernel - np.log(len(flat)) - 3 * np.log(width) - 1.5 * np.log(2 * np.pi), latent[np.asarray(index)[:, 0]]
