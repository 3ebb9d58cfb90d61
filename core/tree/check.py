"""Is the topology the same on either side? A model's level-set tree in the data space, beside the latent one.

Since the flow keeps volume, p(x) = q(z) N(n), and over every latent point p is highest where n = 0: the superlevel sets
of p in the data space have the components and holes of q's, at the same heights below the peak. A grid sees this up to
what it loses between its vertices; where pads are integrated out, or data projected, it need not hold.
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

# The share of the probability between whose vertices the grid loses at most its resolution, and the share in the tails
# in which it is not trusted with holes: a thin sheet breaks up there.
_SEEN, _TAIL = 0.9, 0.03


@dataclass(frozen=True)
class TopologyCheck:
    """What the data's tree and the latent one have in common, above a persistence of `resolution` nats.

    `pairs` holds the node ids (input, latent) of leaves that hold most of each other's probability; `input_only` and
    `latent_only` the ids of the others. `input_betti` and `latent_betti` are the components and the most holes that any
    node has, None where they cannot be compared: for data that were projected to be seen, and beyond three latent
    dimensions. `agrees` says whether every leaf has its partner and the holes are as many; `sentence` puts it in words.
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

    Leaves are paired by the latents of the grid's vertices; none of a persistence below what the grid can resolve is
    counted on either side, nor any hole. Data of more than three dimensions are seen in projection, where parts may
    cover each other: their trees may differ though the topology is kept. Raises `InputError` where the model has no
    input grid.
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
    """Nats by which the field may rise between the grid's vertices, over 90 % of the probability.

    To second order a peak between vertices stands above the nearest by at most an eighth of the second difference,
    for each axis: it is at most half a step away.
    """
    field, rise = grid.log_density, np.zeros(grid.log_density.shape)
    for axis in range(grid.dim):
        along, risen = np.moveaxis(field, axis, 0), np.moveaxis(rise, axis, 0)
        risen[1:-1] += np.maximum(2 * along[1:-1] - along[:-2] - along[2:], 0.0) / 8
    order = np.argsort(rise.ravel())
    mass = np.cumsum(np.exp(grid.relative.ravel()[order]))
    return float(rise.ravel()[order][np.searchsorted(mass, _SEEN * mass[-1])])


def _shared(own: LevelSets, latent: LevelSets, place: np.ndarray) -> np.ndarray:
    """(leaves, leaves): the mass of the vertices that lie in each two leaves' regions, given their latents (n, k)."""
    mass = np.exp(own.grid.relative.ravel())
    there = node_of(latent, place)
    here = own.region.ravel()
    shared = np.zeros((len(own.tree), len(latent.tree)))
    np.add.at(shared, (here, there), mass)
    return shared[np.ix_(own.tree.leaves, latent.tree.leaves)]


def _mutual(own: LevelSets, latent: LevelSets, shared: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Ids of leaves that share the most with each other."""
    best = shared.argmax(axis=1)
    kept = [i for i, j in enumerate(best.tolist()) if shared[i, j] > 0 and shared[:, j].argmax() == i]
    return tuple((int(own.tree.id[own.tree.leaves[i]]), int(latent.tree.id[latent.tree.leaves[best[i]]])) for i in kept)


def _betti(sets: LevelSets, persistence: float) -> tuple[int, int]:
    """Components of the root, and the most holes of any node, those of the tails left out."""
    holes = sets.simplified(persistence, max(MIN_MASS, _TAIL)).tree.betti[:, 1]
    return int(sets.tree.betti[0, 0]), int(holes.max())


def _sentence(
    leaves: tuple[int, int, int],
    betti: list[tuple[int, int] | None],
    resolution: float,
    agrees: bool,
    dim: int,
) -> str:
    """What was found, in one sentence."""
    whole = regime_of(dim) is Regime.PLANE
    seen = "the data's own density" if whole else f"the data's density, seen in 3 of {dim} dimensions,"
    holes = "" if betti[0] is None or betti[1] is None else f", and {betti[0][1]} and {betti[1][1]} holes"
    verb = "agree" if agrees else "differ"
    return (
        f"The trees of {seen} and of the latent density {verb}: {leaves[0]} and {leaves[1]} leaves, {leaves[2]} of "
        f"them the same{holes}, above the {resolution:.2f} nats that the grid resolves."
    )
