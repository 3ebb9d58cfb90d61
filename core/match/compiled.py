"""The inner loops of the search for matchings of many leaves, compiled by numba.

It is imported only when such a search begins. Throughout, `a` (t, na, na) and `b` (t, nb, nb) are the evidence between
leaves, `caps` (t,) its bounds and `peak` the gain of two pairs that agree: two pairs (i, j) and (k, l) have the
interaction cost sum_t min(|a_ik - b_jl|, cap_t) - peak. A `table` (na, nb) has the marginal cost of each pair, given
the matching's pairs in the other rows.
"""

import numpy as np

from core.tree.compiled import compiled

__all__ = ["descend", "gilmore_lawler", "interaction", "neighbors", "updated"]

_EPSILON = 1e-12


@compiled
def _pair(a: np.ndarray, b: np.ndarray, caps: np.ndarray, peak: float, i: int, j: int, k: int, m: int) -> float:
    """The interaction cost of the pairs (i, j) and (k, m)."""
    total = -peak
    for t in range(len(caps)):
        total += min(abs(a[t, k, i] - b[t, m, j]), caps[t])
    return total


@compiled
def interaction(
    a: np.ndarray, b: np.ndarray, caps: np.ndarray, peak: float, rows: np.ndarray, columns: np.ndarray
) -> float:
    """The interaction cost of all pairs of a matching, given as rows (m,) and columns (m,)."""
    total = 0.0
    for one in range(len(rows)):
        for other in range(one):
            total += _pair(a, b, caps, peak, rows[one], columns[one], rows[other], columns[other])
    return total


@compiled
def _add(
    table: np.ndarray, a: np.ndarray, b: np.ndarray, caps: np.ndarray, peak: float, row: int, column: int, sign: float
) -> None:
    """Adds to a table, in place, the interaction costs of every pair with one pair of another row, times `sign`."""
    na, nb = table.shape
    for i in range(na):
        if i == row:
            continue
        for t in range(len(caps)):
            own, cap, off = a[t, row, i], caps[t], peak / len(caps)
            for j in range(nb):
                table[i, j] += sign * (min(abs(own - b[t, column, j]), cap) - off)


@compiled
def updated(
    table: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    caps: np.ndarray,
    peak: float,
    before: np.ndarray,
    partners: np.ndarray,
) -> np.ndarray:
    """The table of the matching `partners`, from that of the matching `before`: each the partner of every row (na,),
    -1 for none."""
    table = table.copy()
    for row in range(len(partners)):
        if partners[row] == before[row]:
            continue
        if before[row] >= 0:
            _add(table, a, b, caps, peak, row, before[row], -1.0)
        if partners[row] >= 0:
            _add(table, a, b, caps, peak, row, partners[row], 1.0)
    return table


@compiled
def gilmore_lawler(
    a: np.ndarray, b: np.ndarray, caps: np.ndarray, peak: float, rows: np.ndarray, allowed: np.ndarray
) -> np.ndarray:
    """(na, nb): the least interaction cost of each pair with any pair of a row, at most zero, summed over `rows`."""
    na, nb = allowed.shape
    total, cost = np.zeros((na, nb)), np.empty(nb)
    for k in rows:
        best = np.zeros((na, nb))
        for m in range(nb):
            if not allowed[k, m]:
                continue
            for i in range(na):
                cost[:] = -peak
                for t in range(len(caps)):
                    own, cap = a[t, k, i], caps[t]
                    for j in range(nb):
                        cost[j] += min(abs(own - b[t, m, j]), cap)
                cost[m] = 0.0
                for j in range(nb):
                    best[i, j] = min(best[i, j], cost[j])
        best[k] = 0.0
        total += best
    return total


@compiled
def neighbors(
    table: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    caps: np.ndarray,
    peak: float,
    free: np.ndarray,
    partners: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The cost changes of every move (na, nb + 1) and every exchange (na, na), infinite where there is none.

    A move gives row i the column j, and the row that held j loses it; the last column stands for no partner. An
    exchange swaps the columns of rows i < k. Rows that are not `free` (na,) keep theirs.
    """
    na, nb = table.shape
    moved, traded = np.full((na, nb + 1), np.inf), np.full((na, na), np.inf)
    holder = np.full(nb, -1)
    for i in range(na):
        if partners[i] >= 0:
            holder[partners[i]] = i
    for i in range(na):
        if not free[i]:
            continue
        own = partners[i]
        base = table[i, own] if own >= 0 else 0.0
        if own >= 0:
            moved[i, nb] = -base
        for j in range(nb):
            h = holder[j]
            if h < 0:
                moved[i, j] = table[i, j] - base
            elif h != i and free[h] and table[i, j] < np.inf:
                shared = _pair(a, b, caps, peak, i, own, h, j) if own >= 0 else 0.0
                moved[i, j] = table[i, j] - base - table[h, j] + shared - _pair(a, b, caps, peak, i, j, h, j)
        for k in range(i + 1, na):
            other = partners[k]
            if own < 0 or other < 0 or not free[k] or table[i, other] == np.inf or table[k, own] == np.inf:
                continue
            traded[i, k] = _trade(table, a, b, caps, peak, i, own, k, other)
    return moved, traded


@compiled
def _trade(
    table: np.ndarray, a: np.ndarray, b: np.ndarray, caps: np.ndarray, peak: float, i: int, j: int, k: int, m: int
) -> float:
    """The cost change when rows i (at j) and k (at m) exchange their columns."""
    return (
        table[i, m]
        - table[i, j]
        - _pair(a, b, caps, peak, i, m, k, m)
        + table[k, j]
        - table[k, m]
        - _pair(a, b, caps, peak, k, j, i, j)
        + _pair(a, b, caps, peak, i, j, k, m)
        + _pair(a, b, caps, peak, i, m, k, j)
    )


@compiled
def descend(
    table: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    caps: np.ndarray,
    peak: float,
    free: np.ndarray,
    partners: np.ndarray,
    most: int,
) -> None:
    """Makes the single change that saves most until none saves or `most` are made; updates `partners` (na,) and `table`
    in place."""
    na, nb = table.shape
    # No change saves more than this beyond its marginal costs in the table.
    slack = 2 * caps.sum()
    holder = np.full(nb, -1)
    for i in range(na):
        if partners[i] >= 0:
            holder[partners[i]] = i
    for _ in range(most):
        best, kind, row, other = -_EPSILON, 0, -1, -1
        for i in range(na):
            if not free[i]:
                continue
            own = partners[i]
            base = table[i, own] if own >= 0 else 0.0
            if own >= 0 and -base < best:
                best, kind, row, other = -base, 1, i, -1
            for j in range(nb):
                h = holder[j]
                added_here = table[i, j] - base
                if h < 0:
                    if added_here < best:
                        best, kind, row, other = added_here, 1, i, j
                elif h != i and free[h] and added_here - table[h, j] - slack < best:
                    shared = _pair(a, b, caps, peak, i, own, h, j) if own >= 0 else 0.0
                    cost = added_here - table[h, j] + shared - _pair(a, b, caps, peak, i, j, h, j)
                    if cost < best:
                        best, kind, row, other = cost, 1, i, j
                if h > i and own >= 0 and free[h] and added_here + table[h, own] - table[h, j] - slack < best:
                    cost = _trade(table, a, b, caps, peak, i, own, h, j)
                    if cost < best:
                        best, kind, row, other = cost, 2, i, j
        if kind == 0:
            break
        held, own = holder[other] if other >= 0 else -1, partners[row]
        if own >= 0:
            _add(table, a, b, caps, peak, row, own, -1.0)
            holder[own] = -1
        if held >= 0:
            _add(table, a, b, caps, peak, held, other, -1.0)
            partners[held] = -1
        partners[row] = other
        if other >= 0:
            _add(table, a, b, caps, peak, row, other, 1.0)
            holder[other] = row
        if kind == 2:
            _add(table, a, b, caps, peak, held, own, 1.0)
            partners[held], holder[own] = own, held
