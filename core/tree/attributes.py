"""The attributes of each node's region: mass, volume, mean, covariance and peak.

Every vertex has a share of the mass and of the volume. Shares and moments are summed over the vertices that lie in a
node and in none of its children, then up the tree, so a simplified tree does not need the field again.
"""

from dataclasses import dataclass

import numpy as np

from core.tree.build import MergeTree, accumulate
from core.tree.simplify import Outline
from core.tree.types import Holes, LevelSetTree

__all__ = ["Cells", "Moments", "describe", "moments"]


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of n vertices.

    `points` (n, k) are the vertices, `mass` (n,) shares of the probability that sum to one, `volume` (n,) k-volumes,
    `spread` the covariance within a cell: (k, k) if all are alike, else (n, k, k).
    """

    points: np.ndarray
    mass: np.ndarray
    volume: np.ndarray
    spread: np.ndarray


@dataclass(frozen=True, eq=False)
class Moments:
    """The sums per row of mass (m,), volume (m,), mass times z (m, k) and mass times z z' (m, k, k)."""

    mass: np.ndarray
    volume: np.ndarray
    first: np.ndarray
    second: np.ndarray

    def gathered(self, row: np.ndarray, count: int) -> "Moments":
        """The sums over the rows with the same number in `row`, for `count` numbers."""
        result = []
        for own in (self.mass, self.volume, self.first, self.second):
            total = np.zeros((count, *own.shape[1:]))
            np.add.at(total, row, own)
            result.append(total)
        return Moments(*result)

    def accumulated(self, parent: np.ndarray) -> "Moments":
        """The sums over the rows' subtrees, from `parent` (m,) with -1 at the root."""
        result = [own.copy() for own in (self.mass, self.volume, self.first, self.second)]
        for total in result:
            accumulate(parent, total)
        return Moments(*result)

    def normalized(self, peaks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The means (m, k) and covariances (m, k, k). The mean of a region without mass is its peak (m, k)."""
        light = self.mass <= 0
        weight = np.where(light, 1.0, self.mass)
        mean = np.where(light[:, None], peaks, self.first / weight[:, None])
        square = self.second / weight[:, None, None]
        return mean, np.where(light[:, None, None], 0.0, square - mean[:, :, None] * mean[:, None, :])


def moments(cells: Cells, node: np.ndarray, count: int) -> Moments:
    """The sums over the vertices whose deepest node is each of `count` rows."""
    from core.tree import compiled

    mass, first, second = compiled.sums(cells.points, cells.mass, node, count)
    if cells.spread.ndim == 2:
        second += mass[:, None, None] * cells.spread
    else:
        np.add.at(second, node, cells.mass[:, None, None] * cells.spread)
    return Moments(mass, np.bincount(node, weights=cells.volume, minlength=count), first, second)


def describe(
    tree: MergeTree,
    outline: Outline,
    own: Moments,
    basins: Moments,
    points: np.ndarray,
    betti: np.ndarray,
    holes: Holes | None,
) -> LevelSetTree:
    """The level-set tree of an outline, from `betti` (m, 2), `holes` and the full tree's sums: `own` over the vertices
    in each row and in none of its children, `basins` over those whose ascent leads to each leaf's peak."""
    source, parent = outline.source, outline.parent
    total = own.gathered(outline.position, len(source)).accumulated(parent)
    basin = basins.gathered(outline.position, len(source)).accumulated(parent)
    top = np.where(source < 0, int(tree.field.argmin()), tree.vertex[source])
    level = tree.field[top] - tree.field.max()
    peak = top.copy()
    for row in reversed(range(1, len(source))):
        up = parent[row]
        ours, theirs = peak[row], peak[up]
        if theirs == top[up] or (-tree.field[ours], ours) < (-tree.field[theirs], theirs):
            peak[up] = ours
    mean, covariance = total.normalized(points[peak])
    basin_mean, basin_covariance = basin.normalized(points[peak])
    return LevelSetTree(
        id=source + 1,
        parent=parent,
        level=level,
        persistence=_persistence(level, parent, peak),
        mass=total.mass / total.mass[0],
        volume=total.volume,
        mean=mean,
        covariance=covariance,
        betti=betti,
        peak=points[peak],
        basin_mass=basin.mass / max(basin.mass[0], 1e-300),
        basin_mean=basin_mean,
        basin_covariance=basin_covariance,
        holes=holes,
    )


def _persistence(level: np.ndarray, parent: np.ndarray, peak: np.ndarray) -> np.ndarray:
    """A leaf's height above the first ancestor with a higher peak, or the root; else above the parent."""
    persistence = np.where(parent < 0, 0.0, level - level[parent])
    for leaf in np.setdiff1d(np.arange(len(level)), parent):
        row = leaf
        while parent[row] >= 0 and peak[row] == peak[leaf]:
            row = parent[row]
        persistence[leaf] = level[leaf] - level[row]
    return persistence
