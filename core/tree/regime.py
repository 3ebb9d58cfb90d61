"""The regime of a latent space, decided here once and passed on: is its density read on a grid, or from samples?

Up to three dimensions a grid holds all level sets: every hole is seen, and pairs of leaves single a matching out.
Beyond, level sets are read from modes, ridges and samples: trees have no holes, points lie far apart, and only one map
that has to carry all leaves singles a matching out.
"""

from enum import StrEnum

__all__ = ["SPACE", "Regime", "regime_of"]

SPACE = 3
"""The dimensions of space: what can be gridded, drawn and seen whole."""


class Regime(StrEnum):
    """How the level sets of a latent density are read."""

    PLANE = "plane"
    SAMPLED = "sampled"


def regime_of(*dims: int) -> Regime:
    """The regime of a latent dimension, or of several spaces that are compared: the greatest decides.

    >>> regime_of(2), regime_of(2, 9)
    (<Regime.PLANE: 'plane'>, <Regime.SAMPLED: 'sampled'>)
    """
    return Regime.SAMPLED if max(dims) > SPACE else Regime.PLANE
