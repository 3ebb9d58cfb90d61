"""The level-set tree: one row per node, in arrays of equal length.

Superlevel sets {q >= t} grow as t falls: components appear at peaks (leaves) and join at saddles. The *region* of a
node is its component just above the level at which it joins its parent; the root's region is the whole space. Masses,
volumes, means and covariances are those of regions, so a parent's mass includes its children's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Holes", "LevelSetTree", "leaf_number"]


@dataclass(frozen=True, eq=False)
class Holes:
    """h holes of superlevel sets in the plane (voids in space), the most persistent first.

    With falling level a hole closes at the relative level `top` (h,) and fills at `bottom` (h,), both in nats. `node`
    (h,) is the row of the deepest node whose region surrounds it, `place` (h, k) its lowest point.
    """

    node: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    place: np.ndarray

    def __len__(self) -> int:
        return len(self.node)

    @property
    def persistence(self) -> np.ndarray:
        """(h,): top minus bottom, in nats."""
        return self.top - self.bottom


@dataclass(frozen=True, eq=False)
class LevelSetTree:
    """m nodes of a level-set tree over a k-dimensional density.

    A parent's row precedes its children's. `id` (m,) is stable under simplification: the leaf of persistence rank j has
    id 2j + 1, and the saddle at which it joins an older branch has id 2j. `parent` (m,) is the parent's *row*, -1 at
    the root. `level` (m,) is the log-density of a leaf's peak or of a saddle, relative to the global peak (nats, at
    most 0). `persistence` (m,) in nats is for a leaf its peak minus the saddle where it joins a higher leaf (the root's
    level for the highest leaf), otherwise the level minus the parent's level (0 at the root). `mass` (m,) is the
    probability of the region, `volume` (m,) its k-volume, `mean` (m, k) and `covariance` (m, k, k) the moments of the
    density restricted to it, `betti` (m, 2) the numbers of its components and holes, `peak` (m, k) its highest point.

    A region ends at its saddle. The *basin* of a leaf is the set of points whose ascent leads to its peak; an inner
    node's basin is the union of those of its leaves. `basin_mass` (m,), `basin_mean` (m, k) and `basin_covariance`
    (m, k, k) change little if a neighbor is absent or a saddle moves, so matching uses them (modal clusters: Chacon
    2015, arXiv 1408.1381).

    `level_error` (m,) in nats and `mass_error` (m,) are the standard errors of `level` and `basin_mass`; None if the
    number of training points is unknown. `holes` are those counted in `betti`; None beyond three dimensions.
    """

    id: np.ndarray
    parent: np.ndarray
    level: np.ndarray
    persistence: np.ndarray
    mass: np.ndarray
    volume: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    betti: np.ndarray
    peak: np.ndarray
    basin_mass: np.ndarray
    basin_mean: np.ndarray
    basin_covariance: np.ndarray
    level_error: np.ndarray | None = None
    mass_error: np.ndarray | None = None
    holes: Holes | None = None

    def __len__(self) -> int:
        return len(self.id)

    def __repr__(self) -> str:
        holes = 0 if self.holes is None else len(self.holes)
        inner = len(self) - len(self.leaves)
        parts = f"{len(self.leaves)} leaves, {inner} inner nodes, {holes} holes"
        return f"<LevelSetTree of {parts} in {self.dim} dimensions>"

    @property
    def dim(self) -> int:
        """Latent dimension k."""
        return self.mean.shape[1]

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """The rows of each row's children."""
        below: list[list[int]] = [[] for _ in range(len(self))]
        for row, parent in enumerate(self.parent):
            if parent >= 0:
                below[parent].append(row)
        return tuple(map(tuple, below))

    @cached_property
    def leaves(self) -> np.ndarray:
        """The rows of the leaves, in row order."""
        return np.array([row for row in range(len(self)) if not self.children[row]], dtype=int)

    @cached_property
    def leaves_below(self) -> tuple[frozenset[int], ...]:
        """For each row, the rows of the leaves in its region; a leaf contains itself."""
        below = [frozenset() for _ in range(len(self))]
        for row in reversed(range(len(self))):
            own = self.children[row]
            below[row] = frozenset().union(*(below[c] for c in own)) if own else frozenset((row,))
        return tuple(below)

    @property
    def kind(self) -> tuple[str, ...]:
        """'root', 'saddle' or 'leaf' for each row."""
        return tuple(
            "root" if self.parent[row] < 0 else "saddle" if self.children[row] else "leaf" for row in range(len(self))
        )

    def row(self, node_id: int) -> int:
        """The row of a node id. Raises `KeyError` if the tree has no such node."""
        try:
            return self._rows[int(node_id)]
        except KeyError:
            raise KeyError(f"no node {node_id} in this tree") from None

    @cached_property
    def _rows(self) -> dict[int, int]:
        return {int(node): row for row, node in enumerate(self.id)}

    def ids(self, rows: Iterable[int]) -> tuple[int, ...]:
        """The node ids of some rows."""
        return tuple(int(self.id[row]) for row in rows)

    def merge_level(self, row_a: int, row_b: int) -> float:
        """The relative level (nats) at which two rows' regions join."""
        ancestors = set(self.path(row_a))
        return float(next(self.level[row] for row in self.path(row_b) if row in ancestors))

    def path(self, row: int) -> tuple[int, ...]:
        """The rows from `row` up to the root, both included."""
        path = [row]
        while self.parent[path[-1]] >= 0:
            path.append(int(self.parent[path[-1]]))
        return tuple(path)

    def to_networkx(self) -> "nx.DiGraph":
        """The tree as a networkx graph: nodes are ids, edges go from parents to children, columns are attributes."""
        from core.tree.networks import tree_network

        return tree_network(self)


def leaf_number(node: int) -> int:
    """The number of a leaf, by its id: its rank in persistence, counted from 1.

    >>> leaf_number(1), leaf_number(3)
    (1, 2)
    """
    return (node + 1) // 2
