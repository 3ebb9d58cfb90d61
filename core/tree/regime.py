"""The regime of a latent space, decided once here and passed on: a density on a grid, or from samples.

Up to three dimensions a grid contains all level sets: every hole is visible, and pairs of leaves determine a matching.
Beyond, level sets come from modes, ridges and samples: trees have no holes, points lie far apart, and only one map that
fits all leaves determines a matching.
"""

from enum import StrEnum

__all__ = ["SPACE", "Regime", "regime_of"]

SPACE = 3
"""The largest dimension that can be gridded and drawn whole."""


class Regime(StrEnum):
    """How the level sets of a latent density are computed."""

    PLANE = "plane"
    SAMPLED = "sampled"


def regime_of(*dims: int) -> Regime:
    """The regime of a latent dimension; of several spaces that are compared the largest dimension decides.

    >>> regime_of(2), regime_of(2, 9)
    (<Regime.PLANE: 'plane'>, <Regime.SAMPLED: 'sampled'>)
    """
    return Regime.SAMPLED if max(dims) > SPACE else Regime.PLANE
