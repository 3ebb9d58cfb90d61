"""The flow of a tree-guided map, point by point, compiled by numba. It is imported only when points are mapped."""

import numpy as np

from core.tree.compiled import compiled

__all__ = ["flow"]

# Responsibilities below exp of this vanish in double precision.
_NOTHING = -40.0


@compiled
def _velocity(
    x: np.ndarray,
    white: np.ndarray,
    means: np.ndarray,
    rates: np.ndarray,
    shifts: np.ndarray,
    peaks: np.ndarray,
    floor: float,
    slopes: bool,
    velocity: np.ndarray,
    gradient: np.ndarray,
    logs: np.ndarray,
    away: np.ndarray,
    piece: np.ndarray,
    falling: np.ndarray,
    fallen: np.ndarray,
) -> None:
    """Writes v (k,) and, with `slopes`, its derivative (k, k) at a point `x` (k,) to `velocity` and `gradient`. The
    last five arguments are scratch arrays: (m,), (m, k), (k,), (k,) and (k,)."""
    m, k = means.shape
    top = floor
    for i in range(m):
        square = 0.0
        for r in range(k):
            part = 0.0
            for c in range(k):
                part += white[i, r, c] * (x[c] - means[i, c])
            away[i, r] = part
            square += part * part
        logs[i] = peaks[i] - 0.5 * square
        top = max(top, logs[i])
    velocity[:], gradient[:], fallen[:] = 0.0, 0.0, 0.0
    total = np.exp(floor - top)
    for i in range(m):
        if logs[i] - top < _NOTHING:
            continue
        share = np.exp(logs[i] - top)
        total += share
        for r in range(k):
            part = shifts[i, r]
            for c in range(k):
                part += rates[i, r, c] * x[c]
            piece[r] = part
            velocity[r] += share * part
        if slopes:
            for c in range(k):
                part = 0.0
                for r in range(k):
                    part += white[i, r, c] * away[i, r]
                falling[c] = share * part
                fallen[c] += falling[c]
            for r in range(k):
                for c in range(k):
                    gradient[r, c] += share * rates[i, r, c] - piece[r] * falling[c]
    for r in range(k):
        velocity[r] /= total
    if slopes:
        # grad r_i = r_i (grad log g_i - sum_j r_j grad log g_j)
        for r in range(k):
            for c in range(k):
                gradient[r, c] = (gradient[r, c] + velocity[r] * fallen[c]) / total


@compiled
def flow(
    z: np.ndarray,
    white: np.ndarray,
    means: np.ndarray,
    rates: np.ndarray,
    shifts: np.ndarray,
    peaks: np.ndarray,
    floor: float,
    step: float,
    slopes: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """The images (n, k) of points (n, k), and the derivative (n, k, k) of the flow, empty without `slopes`.

    The integrator is Runge-Kutta of fourth order. The pieces' `white` (s, m, k, k), `means` (s, m, k), `rates`
    (s, m, k, k), `shifts` (s, m, k) and `peaks` (s, m) are given at every half step. The derivative is that of the
    discrete steps.
    """
    (n, k), m = z.shape, means.shape[1]
    moved, bent = np.empty((n, k)), np.empty((n if slopes else 0, k, k))
    velocity, gradient, logs, away = np.empty(k), np.empty((k, k)), np.empty(m), np.empty((m, k))
    piece, falling, fallen = np.empty(k), np.empty(k), np.empty(k)
    here, total, slope, bend = np.empty(k), np.empty(k), np.empty((k, k)), np.empty((k, k))
    start, bent_start = np.empty(k), np.empty((k, k))
    for at in range(n):
        start[:] = z[at]
        bent_start[:] = 0.0
        for r in range(k):
            bent_start[r, r] = 1.0
        for half in range(0, len(means) - 1, 2):
            here[:], slope[:], total[:], bend[:] = start, bent_start, 0.0, 0.0
            for stage in range(4):
                time = half + (stage + 1) // 2
                _velocity(
                    here, white[time], means[time], rates[time], shifts[time], peaks[time], floor, slopes,
                    velocity, gradient, logs, away, piece, falling, fallen,
                )  # fmt: skip
                weight = 1.0 if stage in (0, 3) else 2.0
                ahead = step * (0.5 if stage < 2 else 1.0)
                turned = gradient @ slope if slopes else gradient
                for r in range(k):
                    total[r] += weight * velocity[r]
                    here[r] = start[r] + ahead * velocity[r]
                    if slopes:
                        for c in range(k):
                            bend[r, c] += weight * turned[r, c]
                            slope[r, c] = bent_start[r, c] + ahead * turned[r, c]
            for r in range(k):
                start[r] += step / 6 * total[r]
                if slopes:
                    for c in range(k):
                        bent_start[r, c] += step / 6 * bend[r, c]
        moved[at] = start
        if slopes:
            bent[at] = bent_start
    return moved, bent
