"""A model's sample as points in every view, and the path of the points from the data to the latents.

Places in the input's view are coordinates of the model's `input_field`, like those of the meshes. Arrays are packed;
the browser draws them on its own canvases.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.distance import pdist

from core.errors import InputError
from core.tree.regime import SPACE
from topoviz.figures.geometry.density import projection
from topoviz.figures.geometry.points import leaf_ids
from topoviz.figures.style import Spec, packed
from topoviz.session.analysis import Analysis
from topoviz.session.state import Side

if TYPE_CHECKING:
    from core.model.autoencoder import FlowAutoencoder

__all__ = ["cloud", "journey"]

# The numbers of points in a latent's view, and of points that travel.
_SHOWN, _TRAVELERS = 800, 600
_TURNS = 4
_NEIGHBORS = 3
_MEASURED, _BETWEEN = 300, 3
# In deviations of the latents.
_FAR = 1.0


def cloud(analysis: Analysis, side: Side) -> Spec | None:
    """The points of one side: the leaf of each, its place in the input's view, and its image on the other side.

    `owners` (n,) are ids of leaves and `space` (n, 3) places. `image` holds the other side's `owners` (n,), its
    `latent` (n, 2) on the plane and its `space` (n, 3) from the decoder; it is None where no map leads there. The
    result is None without a sample.
    """
    model, latent = analysis.model(side), analysis.latent(side)
    if latent is None or model.sample is None:
        return None
    latent = latent[:_SHOWN]
    sets = analysis.level_sets(side)
    return {
        "owners": leaf_ids(sets, latent).tolist(),
        "space": packed(_placed(model, model.sample.points[:_SHOWN])),
        "image": _image(analysis, side, latent),
    }


def _image(analysis: Analysis, side: Side, latent: np.ndarray) -> Spec | None:
    other: Side = "b" if side == "a" else "a"
    if analysis.map is None:
        return None
    try:
        mapped = (analysis.map if side == "a" else analysis.map.inverse())(latent)
    except InputError:
        return None
    model, sets = analysis.model(other), analysis.level_sets(other)
    plane = None if sets.tree.dim == 1 else packed(mapped @ projection(sets))
    return {
        "owners": leaf_ids(sets, mapped).tolist(),
        "latent": plane,
        "space": packed(_placed(model, model.decode(mapped.astype(np.float32)))),
    }


def _axes(model: "FlowAutoencoder") -> tuple[np.ndarray, np.ndarray]:
    """The frame (d, 3) and center (d,) of the input's view."""
    field = model.input_field
    if field is not None:
        return field.frame, field.center
    return np.eye(model.data_dim, 3), model.shift


def _placed(model: "FlowAutoencoder", points: np.ndarray) -> np.ndarray:
    frame, center = _axes(model)
    return (points - center) @ frame


def journey(analysis: Analysis, side: Side) -> Spec | None:
    """The path of one side's points through the flow, in the input's view.

    `places` (s, n, 4) are the three drawn dimensions and, in the same units, the one of the others that varies most.
    Where the data have more than three dimensions, the drawn ones first turn (`turns` states) from the data's to the
    nearest ones that contain the latent plane; then follow the states of the flow, then the last linear step. The rows
    of `facing` (3, 3) are the directions, in drawn dimensions, that point right, up and toward a viewer who faces the
    latent plane. `edges` join neighbors in the data. `gaps` (m, 2) are the least distances, at equal steps of the path,
    between points that end far apart: in the drawn dimensions and in all; None where all are drawn. The result is None
    without a sample.
    """
    model = analysis.model(side)
    if model.sample is None:
        return None
    sets = analysis.level_sets(side)
    return _journey(model, projection(sets) if sets.tree.dim > 1 else np.eye(1)) | {
        "owners": leaf_ids(sets, model.sample.latent[:_TRAVELERS]).tolist()
    }


def _journey(model: "FlowAutoencoder", plane: np.ndarray) -> Spec:
    return _traveled(model, plane.shape, plane.tobytes())


@lru_cache(maxsize=8)
def _traveled(model: "FlowAutoencoder", shape: tuple[int, ...], plane_bytes: bytes) -> Spec:
    assert model.sample is not None
    plane = np.frombuffer(plane_bytes).reshape(shape)
    points = model.sample.points[:_TRAVELERS]
    way = model.trajectory(points).astype(np.float64)
    first, last, facing = _views(model, plane)
    turned = _turns(first, last)
    hidden = _hidden(way, last)
    latent = way[-1][:, : model.latent_dim] @ model.latent_head.T + model.latent_shift
    end = np.concatenate((latent @ plane, way[-1] @ last @ facing.T[:, plane.shape[1] :]), axis=1) @ facing
    drawn = np.stack([*(way[0] @ view for view in turned), *(state @ last for state in way), end])
    fourth = np.concatenate((np.repeat((way[0] @ hidden)[None], len(turned), 0), way @ hidden, [way[-1] @ hidden]))
    frame, center = _axes(model)
    drawn = drawn * model.scale + (model.shift - center) @ frame
    return {
        "places": packed(np.concatenate((drawn, model.scale * fourth[:, :, None]), axis=2)),
        "states": len(drawn),
        "turns": len(turned),
        "flow": model.config.flow,
        "dims": way.shape[2],
        "pads": model.pad,
        "facing": np.round(facing, 5).tolist(),
        "center": np.round((model.shift - center) @ frame, 5).tolist(),
        "edges": packed(_edges(points)),
        "gaps": _gaps(model, last) if way.shape[2] > SPACE else None,
    }


def _views(model: "FlowAutoencoder", plane: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames (D, 3) of the space of the flow: the data's view, the nearest one that contains the latent plane, and the
    rotation (3, 3) with which a viewer faces that plane."""
    d, k, full = model.data_dim, model.latent_dim, len(model.basis)
    own = np.pad(_axes(model)[0], ((0, full - d), (0, 0)))
    for column in np.flatnonzero(np.abs(own).sum(0) < 1e-9)[: full - d]:
        own[d + column - min(d, 2), column] = 1.0
    first = model.basis.T @ own
    latent = np.zeros((full, plane.shape[1]))
    latent[:k] = model.latent_head.T @ plane
    flat = _polar(latent)
    rest = first - flat @ (flat.T @ first)
    depth = np.linalg.svd(rest)[0][:, : SPACE - flat.shape[1]]
    if flat.shape[1] + depth.shape[1] < SPACE or full < SPACE:
        depth = np.zeros((full, SPACE - flat.shape[1]))
    whole = np.concatenate((flat, depth), axis=1)
    if np.linalg.det(_polar(first.T @ whole)) < 0:
        whole[:, 2] *= -1
    turn = _polar(first.T @ whole)
    return first, whole @ turn.T, turn.T


def _polar(matrix: np.ndarray) -> np.ndarray:
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    return left @ right


def _turns(first: np.ndarray, last: np.ndarray) -> list[np.ndarray]:
    """Frames from the first to the last, without the last; none where the two are the same."""
    if np.abs(first - last).max() < 0.05:
        return []
    return [_polar((1 - at) * first + at * last) for at in np.linspace(0, 1, _TURNS, endpoint=False)]


def _hidden(way: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """(D,): the direction, among those not drawn, along which the path varies most; zero where there is none."""
    left = (way - way @ shown @ shown.T).reshape(-1, way.shape[2])
    if way.shape[2] <= SPACE:
        return np.zeros(way.shape[2])
    return np.linalg.eigh(left.T @ left)[1][:, -1]


def _edges(points: np.ndarray) -> np.ndarray:
    """(e, 2): pairs of neighbors among the points, each once."""
    if len(points) < 2:
        return np.empty((0, 2), dtype=int)
    near = np.asarray(KDTree(points).query(points, k=min(_NEIGHBORS + 1, len(points)))[1])[:, 1:]
    pairs = np.stack((np.repeat(np.arange(len(points)), near.shape[1]), near.ravel()), axis=1)
    return np.unique(np.sort(pairs, axis=1), axis=0)


def _gaps(model: "FlowAutoencoder", shown: np.ndarray) -> list[list[float]] | None:
    """(m, 2): the least distance between points whose latents lie far apart, in the drawn dimensions and in all.

    The pads are zero, so the distances are those of the data alone, without noise.
    """
    assert model.sample is not None
    way = model.trajectory(model.sample.points[:_MEASURED], seed=None).astype(np.float64)
    far = pdist(way[-1][:, : model.latent_dim] @ model.latent_head.T) > _FAR
    if not far.any():
        return None
    starts = [(1 - share) * way[:-1] + share * way[1:] for share in np.arange(_BETWEEN) / _BETWEEN]
    states = [*np.stack(starts, axis=1).reshape(-1, *way.shape[1:]), way[-1]]
    return np.round([[pdist(state @ shown)[far].min(), pdist(state)[far].min()] for state in states], 3).tolist()
