"""A surface in space as a picture: triangles in perspective, drawn in software.

It uses no display and no graphics library, so the same mesh gives the same pixels everywhere. Each pixel is lit by a
key light from the upper left of the eye and a soft sky, darkened in hollows, and edged where depth jumps.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter

from core.tree.fields import Surface
from topoviz.figures.theme import rgb
from topoviz.session.composition import Camera

__all__ = ["Picture", "render"]

_OVER, _COARSE = 2, 4
_FIELD_OF_VIEW = np.pi / 4
_MARGIN = 0.93
_KEY, _FILL = np.array([-0.45, 0.6, 0.75]), np.array([0.8, 0.1, 0.35])
_AMBIENT, _DIFFUSE, _BACK, _GLOSS = 0.62, 0.48, 0.12, 0.12
_SMOOTH = 2
# Larger pictures get one sample per pixel: their edges are fine enough.
_MANY = 3_600_000


@dataclass(frozen=True, eq=False)
class Picture:
    """`pixels` (h, w, 4) from 0 to 1, transparent where there is no surface, and the id (h, w) of the leaf at each
    pixel, -1 where there is none."""

    pixels: np.ndarray
    owner: np.ndarray


def render(
    found: Surface, latent: np.ndarray, owner_of: Callable[[np.ndarray], np.ndarray], colors: dict[int, str],
    size: tuple[int, int], camera: Camera,
) -> Picture:  # fmt: skip
    """A surface with a `latent` (v, k) at each vertex. `owner_of` gives the leaf ids (n,) of latents (n, k); each pixel
    has the color (#rrggbb) of its leaf."""
    over = _OVER if size[0] * size[1] <= _MANY else 1
    height, width = size[0] * over, size[1] * over
    eye_space = _seen(found.vertices, camera)
    face, depth, weights = _rasterized(_framed(eye_space, height, width), found.faces, height, width)
    seen = face >= 0
    corners = found.faces[face[seen]]
    normal = (_normals(eye_space, found.faces)[corners] * weights[..., None]).sum(1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    # The back of an open surface is lit like its front.
    normal *= np.where(normal[:, 2:] < 0, -1, 1)
    owner = owner_of((latent[corners] * weights[..., None]).sum(1))
    ids, at = np.unique(owner, return_inverse=True)
    base = np.array([rgb(colors[int(node)]) for node in ids]).reshape(-1, 3)[at] / 255
    color = _lit(base, normal) * _hollows(depth, seen)[seen][:, None]
    color *= 1 - 0.55 * _edges(depth, seen)[seen][:, None]
    pixels, owned = np.zeros((height, width, 4)), np.full((height, width), -1)
    pixels[seen, :3], pixels[seen, 3], owned[seen] = np.clip(color, 0, 1), 1.0, owner
    shrunk = pixels.reshape(size[0], over, size[1], over, 4).mean((1, 3))
    alpha = shrunk[..., 3:]
    shrunk[..., :3] = np.divide(shrunk[..., :3], alpha, where=alpha > 0, out=np.ones_like(shrunk[..., :3]))
    return Picture(shrunk, owned[::over, ::over])


def _seen(vertices: np.ndarray, camera: Camera) -> np.ndarray:
    """(v, 3): right, up and towards the eye, in plotly's units: the geometric mean of the extents is 1."""
    low, high = vertices.min(0), vertices.max(0)
    extent = np.maximum(high - low, 1e-9)
    scaled = (vertices - (low + high) / 2) / np.prod(extent) ** (1 / 3)
    eye, center, up = (np.array(point) for point in (camera.eye, camera.center, camera.up))
    back = (eye - center) / np.linalg.norm(eye - center)
    right = np.cross(up, back)
    if np.linalg.norm(right) < 1e-9:
        # Seen straight from above, no direction is up: any will do.
        right = np.cross(np.roll(up, 1), back)
    right = right / np.linalg.norm(right)
    return (scaled - eye) @ np.stack((right, np.cross(back, right), back), axis=1)


def _framed(eye_space: np.ndarray, height: int, width: int) -> np.ndarray:
    """(v, 3): column, row and nearness of each vertex.

    A surface that is wholly in view fills the frame; a view into it keeps its distance.
    """
    distance = np.maximum(-eye_space[:, 2], 1e-3)
    flat = eye_space[:, :2] / distance[:, None] / np.tan(_FIELD_OF_VIEW / 2)
    low, high = flat.min(0), flat.max(0)
    half = np.array([width, height]) / 2
    scale, middle = height / 2, np.zeros(2)
    if max(-low.min(), high.max()) <= 1.6:
        scale, middle = _MARGIN * float((2 * half / (high - low + 1e-9)).min()), (low + high) / 2
    place = (flat - middle) * scale * (1, -1) + half
    return np.column_stack((place, 1 / distance))


def _normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(v, 3): outward normals, weighted by area and smoothed over neighbors."""
    corners = vertices[faces]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for _ in range(1 + _SMOOTH):
        for corner in range(3):
            for axis in range(3):
                normals[:, axis] += np.bincount(faces[:, corner], flat[:, axis], len(vertices))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
        flat = normals[faces].mean(1)
    return normals


def _rasterized(
    screen: np.ndarray, faces: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each pixel the face nearest to the eye (-1: none) and its nearness, and for each pixel with a face the
    weights (n, 3) of the face's corners.

    Faces of similar size are tested together against the pixels around them.
    """
    corners = screen[faces]
    low = np.maximum(np.floor(corners[..., :2].min(1)).astype(int), 0)
    high = np.minimum(np.ceil(corners[..., :2].max(1)).astype(int) + 1, (width, height))
    reach = (high - low).max(1)
    inside = ((high - low) > 0).all(1)
    best = np.zeros(height * width)
    face = np.full(height * width, -1)
    side = 4
    while inside.any():
        group = np.flatnonzero(inside & (reach <= side))
        inside[group] = False
        # Blocks keep the arrays small.
        for part in np.array_split(group, max(1, len(group) * side * side // 4_000_000 + 1)):
            _paint(corners, low, part, side, (height, width), best, face)
        side *= 2
    row, column = np.divmod(np.flatnonzero(face >= 0), width)
    weights = _weights(corners[face[face >= 0]], column + 0.5, row + 0.5)
    return face.reshape(height, width), best.reshape(height, width), weights


def _paint(
    corners: np.ndarray, low: np.ndarray, part: np.ndarray, side: int, size: tuple[int, int], best: np.ndarray,
    face: np.ndarray,
) -> None:  # fmt: skip
    """Draw the faces of `part`, each at most `side` pixels wide, over the nearest faces so far."""
    step_y, step_x = np.divmod(np.arange(side * side), side)
    x, y = low[part, :1] + step_x, low[part, 1:] + step_y
    weights = _weights(corners[part][:, None], x + 0.5, y + 0.5)
    covered = (weights >= -1e-9).all(-1) & (x < size[1]) & (y < size[0])
    which, at = np.nonzero(covered)
    if not len(which):
        return
    nearness = (weights[which, at] * corners[part[which], :, 2]).sum(-1)
    pixel = y[which, at] * size[1] + x[which, at]
    # For each pixel the nearest face comes last; of two equally near, the later one.
    order = np.lexsort((part[which], nearness, pixel))
    pixel, nearness, drawn = pixel[order], nearness[order], part[which][order]
    last = np.concatenate((pixel[1:] != pixel[:-1], [True]))
    pixel, nearness, drawn = pixel[last], nearness[last], drawn[last]
    nearer = nearness > best[pixel]
    best[pixel[nearer]], face[pixel[nearer]] = nearness[nearer], drawn[nearer]


def _weights(corners: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(..., 3): the barycentric weights of places (x, y) in triangles (..., 3, 3), negative outside."""
    (x0, y0), (x1, y1), (x2, y2) = (np.moveaxis(corners[..., at, :2], -1, 0) for at in range(3))
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    area = np.where(np.abs(area) < 1e-12, np.inf, area)
    first = ((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y)) / area
    second = ((x2 - x) * (y0 - y) - (x0 - x) * (y2 - y)) / area
    flat = ~np.isfinite(area)
    weights = np.stack(np.broadcast_arrays(first, second, 1 - first - second), axis=-1)
    return np.where(flat[..., None], -1.0, weights)


def _lit(base: np.ndarray, normal: np.ndarray) -> np.ndarray:
    key, fill = (light / np.linalg.norm(light) for light in (_KEY, _FILL))
    light = _AMBIENT * (0.8 + 0.2 * normal[..., 1]) + _DIFFUSE * np.clip(normal @ key, 0, 1)
    light += _BACK * np.clip(normal @ fill, 0, 1)
    half = key + np.array([0, 0, 1])
    half /= np.linalg.norm(half)
    gloss = _GLOSS * np.clip(normal @ half, 0, 1) ** 24
    return base * light[..., None] + gloss[..., None]


def _hollows(nearness: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The light that reaches each pixel: less where the pixels around it are nearer to the eye."""
    if not seen.any():
        return np.ones(seen.shape)
    span = float(np.ptp(nearness[seen])) + 1e-12
    light = np.ones(seen.shape)
    # The surroundings are smooth, so every fourth pixel is enough.
    there, near = seen[::_COARSE, ::_COARSE].astype(float), (nearness * seen)[::_COARSE, ::_COARSE]
    for share in (0.012, 0.035):
        radius = share * max(seen.shape) / _COARSE
        around = gaussian_filter(near, radius) / np.maximum(gaussian_filter(there, radius), 1e-6)
        light -= 0.9 * np.clip((_spread(around, seen.shape) - nearness) / span, 0, 0.25)
    return light


def _spread(coarse: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A coarse field, interpolated linearly to all pixels."""
    rows, columns = (np.minimum(np.arange(n) / _COARSE, m - 1) for n, m in zip(shape, coarse.shape, strict=True))
    across = np.stack([np.interp(columns, np.arange(coarse.shape[1]), line) for line in coarse])
    low = rows.astype(int)
    high, share = np.minimum(low + 1, len(across) - 1), (rows - low)[:, None]
    return across[low] * (1 - share) + across[high] * share


def _edges(nearness: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """0 to 1 where depth jumps: a hairline around whatever is in front."""
    if not seen.any():
        return np.zeros(seen.shape)
    span = float(np.ptp(nearness[seen])) + 1e-12
    farthest = -maximum_filter(np.where(seen, -nearness, 0.0), size=3)
    jump = np.clip((nearness - farthest) / span / 0.06 - 0.5, 0, 1)
    return np.where(seen, jump, 0.0)
