"""Arrays of gray or color values as PNG pictures in `data:` addresses, which need no further request."""

import base64
import struct
import zlib

import numpy as np

__all__ = ["address", "as_bytes", "brightness", "difference", "png", "shrunk"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GRAY, _RGB = 0, 2
# The ends of Paul Tol's "sunset" scale, distinct under color blindness, and white in the middle.
_LESS, _SAME, _MORE = np.array([[54, 75, 154], [247, 247, 247], [165, 0, 38]])


def png(image: np.ndarray) -> bytes:
    """A picture (h, w) or (h, w, 3) uint8 as a PNG file.

    >>> png(np.zeros((2, 3), np.uint8))[1:4]
    b'PNG'
    """
    height, width = image.shape[:2]
    rows = np.ascontiguousarray(image, np.uint8).reshape(height, -1)
    content = zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes(), 6)
    header = struct.pack(">IIBBBBB", width, height, 8, _GRAY if image.ndim == 2 else _RGB, 0, 0, 0)
    return _SIGNATURE + _part(b"IHDR", header) + _part(b"IDAT", content) + _part(b"IEND", b"")


def address(image: np.ndarray) -> str:
    """A picture uint8 as the address of an image."""
    return f"data:image/png;base64,{base64.b64encode(png(image)).decode()}"


def shrunk(images: np.ndarray, most: int) -> np.ndarray:
    """Pictures (m, h, w[, 3]) uint8 scaled down to at most `most` pixels per side, by means over squares.

    >>> shrunk(np.full((1, 10, 4), 7, np.uint8), 5).shape
    (1, 5, 2)
    """
    step = -(-max(images.shape[1:3]) // most)
    if step <= 1:
        return images
    height, width = images.shape[1] // step * step, images.shape[2] // step * step
    if not height or not width:
        return images[:, ::step, ::step]
    out = np.empty((len(images), height // step, width // step, *images.shape[3:]), np.uint8)
    for at, image in enumerate(images):
        squares = image[:height, :width].reshape(height // step, step, width // step, step, *image.shape[2:])
        out[at] = np.round(squares.mean(axis=(1, 3)))
    return out


def brightness(images: np.ndarray) -> tuple[float, float]:
    """The values of black and white for some pictures: the least and the greatest, or 0 and 1 for shares."""
    low, high = float(images.min(initial=0)), float(images.max(initial=0))
    return (0.0, 1.0) if images.dtype.kind == "f" and low >= 0 and 0 < high <= 1 else (low, high)


def as_bytes(images: np.ndarray, low: float, high: float) -> np.ndarray:
    """Pictures of real numbers as uint8, black at `low` and white at `high`; uint8 stays unchanged."""
    if images.dtype == np.uint8:
        return images
    share = (images.astype(np.float64) - low) / max(high - low, 1e-300)
    return np.round(255 * np.clip(share, 0, 1)).astype(np.uint8)


def difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The difference of two mean pictures (h, w[, 3]) as (h, w, 3) uint8: blue where the second is darker, red where
    it is brighter, white where they are equal."""
    gap = second.astype(np.float64) - first.astype(np.float64)
    gap = gap.mean(axis=2) if gap.ndim == 3 else gap
    share = (gap / max(float(np.abs(gap).max()), 1e-9))[:, :, None]
    return np.round(_SAME + np.abs(share) * (np.where(share < 0, _LESS, _MORE) - _SAME)).astype(np.uint8)


def _part(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
