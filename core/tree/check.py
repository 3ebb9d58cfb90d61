"""A check that the topology is the same on both sides: a model's level-set tree in data space against the latent one.

The flow preserves volume, so p(x) = q(z) N(n), and p is highest over each latent point at n = 0. The superlevel sets of
p in data space therefore have the components and holes of those of q, at the same heights below the peak. A grid shows
this up to its resolution. It need not hold if pads are integrated out or data are projected.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import invalid
from core.tree.fields.grid import Grid
from core.tree.levelsets import MIN_MASS, SIMPLIFY, LevelSets, level_sets, node_of, tree_with_regions
from core.tree.regime import Regime, regime_of

if TYPE_CHECKING:
    from core.model.autoencoder import FlowAutoencoder

__all__ = ["TopologyCheck", "check_topology"]

# The resolution holds for this share of the probability. Holes in this share of the tails do not count, because thin
# sheets break up there.
_SEEN, _TAIL = 0.9, 0.03


@dataclass(frozen=True)
class TopologyCheck:
    """The agreement of the data's tree and the latent one, above a persistence of `resolution` nats.

    `pairs` are the node ids (input, latent) of leaves that share most of each other's probability; `input_only` and
    `latent_only` are the ids of the others. `input_betti` and `latent_betti` are the number of components and the
    largest number of holes of a node; None if they cannot be compared, for projected data and beyond three latent
    dimensions. `agrees` says whether every leaf has a partner and the numbers of holes are equal; `sentence` states the
    result in words.
    """

    pairs: tuple[tuple[int, int], ...]
    input_only: tuple[int, ...]
    latent_only: tuple[int, ...]
    input_betti: tuple[int, int] | None
    latent_betti: tuple[int, int] | None
    resolution: float
    agrees: bool
    sentence: str


def check_topology(model: "FlowAutoencoder", latent: LevelSets | None = None) -> TopologyCheck:
    """Compare the level-set tree of the model's input density on its grid with its latent tree, or with `latent`.

    Leaves are paired by the latents of the grid's vertices. Leaves and holes whose persistence is below the grid's
    resolution do not count. Data of more than three dimensions are projected, so that parts may cover each other and
    the trees may differ although the topology is preserved. Raises `InputError` if the model has no input grid.
    """
    if model.input_field is None:
        raise invalid("model", "one with its input density on a grid", "none", "train it again with this version")
    field = model.input_field
    first, second, third = (axis.astype(np.float64) for axis in field.axes)
    grid = Grid((first, second, third), field.log_density.astype(np.float64))
    resolution = max(SIMPLIFY, grid_resolution(grid))
    own = level_sets(grid, simplify=resolution)
    latent = (tree_with_regions(model) if latent is None else latent).simplified(resolution)
    shared = _shared(own, latent, field.latent.reshape(grid.log_density.size, -1).astype(np.float64))
    pairs = _mutual(own, latent, shared)
    missing = [
        tuple(node for node in sets.tree.ids(sets.tree.leaves) if node not in {pair[side] for pair in pairs})
        for side, sets in enumerate((own, latent))
    ]
    comparable = regime_of(model.data_dim, model.latent_dim) is Regime.PLANE
    betti = [_betti(sets, resolution) if comparable else None for sets in (own, latent)]
    agrees = not any(missing) and betti[0] == betti[1]
    counts = len(own.tree.leaves), len(latent.tree.leaves), len(pairs)
    sentence = _sentence(counts, betti, resolution, agrees, model.data_dim)
    return TopologyCheck(pairs, missing[0], missing[1], betti[0], betti[1], resolution, agrees, sentence)


def grid_resolution(grid: Grid) -> float:
    """The nats by which the field may rise between the grid's vertices, over 90 % of the probability.

    A peak between vertices is at most half a step away from the nearest one. To second order it is higher by at most
    an eighth of the second difference along each axis.
    """
    field, rise = grid.log_density, np.zeros(grid.log_density.shape)
    for axis in range(grid.dim):
        along, risen = np.moveaxis(field, axis, 0), np.moveaxis(rise, axis, 0)
        risen[1:-1] += np.maximum(2 * along[1:-1] - along[:-2] - along[2:], 0.0) / 8
    order = np.argsort(rise.ravel())
    mass = np.cumsum(np.exp(grid.relative.ravel()[order]))
    return float(rise.ravel()[order][np.searchsorted(mass, _SEEN * mass[-1])])


def _shared(own: LevelSets, latent: LevelSets, place: np.ndarray) -> np.ndarray:
    """(leaves, leaves): the mass of the vertices that lie in the regions of both leaves, given their latents (n, k)."""
    mass = np.exp(own.grid.relative.ravel())
    there = node_of(latent, place)
    here = own.region.ravel()
    shared = np.zeros((len(own.tree), len(latent.tree)))
    np.add.at(shared, (here, there), mass)
    return shared[np.ix_(own.tree.leaves, latent.tree.leaves)]


def _mutual(own: LevelSets, latent: LevelSets, shared: np.ndarray) -> tuple[tuple[int, int], ...]:
    """The ids of leaves that share the most mass with each other."""
    best = shared.argmax(axis=1)
    kept = [i for i, j in enumerate(best.tolist()) if shared[i, j] > 0 and shared[:, j].argmax() == i]
    return tuple((int(own.tree.id[own.tree.leaves[i]]), int(latent.tree.id[latent.tree.leaves[best[i]]])) for i in kept)


def _betti(sets: LevelSets, persistence: float) -> tuple[int, int]:
    """The components of the root, and the largest number of holes of a node, without those in the tails."""
    holes = sets.simplified(persistence, max(MIN_MASS, _TAIL)).tree.betti[:, 1]
    return int(sets.tree.betti[0, 0]), int(holes.max())


def _sentence(
    leaves: tuple[int, int, int],
    betti: list[tuple[int, int] | None],
    resolution: float,
    agrees: bool,
    dim: int,
) -> str:
    """The result in one sentence."""
    whole = regime_of(dim) is Regime.PLANE
    seen = "the data's own density" if whole else f"the data's density, seen in 3 of {dim} dimensions,"
    holes = "" if betti[0] is None or betti[1] is None else f", and {betti[0][1]} and {betti[1][1]} holes"
    verb = "agree" if agrees else "differ"
    return (
        f"The trees of {seen} and of the latent density {verb}: {leaves[0]} and {leaves[1]} leaves, {leaves[2]} of "
        f"them the same{holes}, above the {resolution:.2f} nats that the grid resolves."
    )
