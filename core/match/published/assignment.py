"""Partial assignment: who goes with whom, and who is dropped at a price."""

import numpy as np
from scipy.optimize import linear_sum_assignment

__all__ = ["assign"]

_EPSILON = 1e-12


def assign(costs: np.ndarray, drop_a: np.ndarray, drop_b: np.ndarray) -> tuple[float, list[tuple[int, int]]]:
    """The least total of `costs` (na, nb) over matched pairs and of `drop_a` (na,), `drop_b` (nb,) over the rest,
    and the pairs, none of which costs as much as dropping both."""
    dropped = float(drop_a.sum() + drop_b.sum())
    if not costs.size:
        return dropped, []
    gains = np.minimum(costs - drop_a[:, None] - drop_b[None, :], 0.0)
    rows, columns = linear_sum_assignment(gains)
    chosen = gains[rows, columns]
    worth = chosen < -_EPSILON
    return dropped + float(chosen.sum()), list(zip(rows[worth].tolist(), columns[worth].tolist(), strict=True))
