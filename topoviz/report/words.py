"""Numbers and maps in words, without the page's markup."""

import numpy as np

__all__ = ["decimals", "in_words"]


def decimals(value: float, places: int = 2) -> str:
    """A number with a real minus sign, and none on zero.

    >>> decimals(-0.001), decimals(-1.5)
    ('0.00', '−1.50')
    """
    return f"{round(float(value), places) + 0.0:.{places}f}".replace("-", "−")


def in_words(matrix: np.ndarray) -> str | None:
    """A matrix (2, 2) as a turn and two stretches, None of any other shape.

    >>> in_words(np.array([[0.0, -2.0], [2.0, 0.0]]))
    'turn 90°, stretch 2.00 × 2.00'
    """
    if matrix.shape != (2, 2):
        return None
    left, stretch, right = np.linalg.svd(matrix)
    turn = left @ right
    mirrored = np.linalg.det(turn) < 0
    if mirrored:
        turn = left @ np.diag([1.0, -1.0]) @ right
    angle = np.degrees(np.arctan2(turn[1, 0], turn[0, 0]))
    said = f"turn {decimals(angle, 0)}°, stretch {stretch[0]:.2f} × {stretch[1]:.2f}"
    return f"mirror, {said}" if mirrored else said
