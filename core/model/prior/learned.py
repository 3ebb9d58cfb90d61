"""The protocol of a prior that training moves, in torch.

Whatever is learned ends as a `GaussianMixture`: closed-form, normalized, in any dimension.
"""

from typing import Any, ClassVar

import numpy as np
from torch import Tensor, nn

from core.gaussians.mixture import GaussianMixture

__all__ = ["LOG_2PI", "LearnedPrior"]

LOG_2PI = float(np.log(2 * np.pi))


class LearnedPrior(nn.Module):
    """A density over latents that descent can move.

    `stops` says whether the likelihood of held-out points shows when there is nothing more to learn. `flow_pace`
    multiplies the learning rate of the flow.
    """

    stops: ClassVar[bool] = True
    flow_pace: ClassVar[float] = 1.0

    def groups(self) -> list[dict[str, Any]]:
        """The parameters as an optimizer's groups."""
        return [{"params": list(self.parameters())}]

    def forward(self, z: Tensor) -> Tensor:
        """log q(z) (n,) for latents (n, k)."""
        raise NotImplementedError

    def score(self, z: Tensor) -> Tensor:
        """The gradient of log q at latents (n, k), (n, k)."""
        raise NotImplementedError

    def cost(self, z: Tensor, points: int) -> Tensor:
        """What is added to the negative log-likelihood of latents (n, k) of a set of `points` points, in nats a
        point."""
        del points
        return z.new_zeros(())

    def prune(self, z: Tensor, points: int) -> None:
        """Remove what latents (n, k), a sample of `points` points, do not support."""

    @classmethod
    def shortest(cls, z: np.ndarray, components: int, rng: np.random.Generator) -> "LearnedPrior":
        """The prior of at most `components` components that describes latents (n, k) shortest; only for families whose
        row in `core.model.prior` says that they have it."""
        raise NotImplementedError

    def export(self) -> GaussianMixture:
        """The same density in numpy."""
        raise NotImplementedError

    def families(self) -> dict[str, float] | None:
        """The weight of each family that the prior is a superposition of, the largest first; None where it is none."""
        return None

    def unevenness(self, z: Tensor) -> Tensor:
        """log of E|grad log q|^2 / k times the mean variance of latents (n, k): at least 0, as for one round Gaussian.

        The Fisher information of a density does not change under shifts; times the variance it does not under scaling
        either, and it asks nothing of the data space. Among the encodings of one world, which all have the same
        likelihood, it is least for the one whose level sets are round and lie close: a choice that any two encodings
        would share.
        """
        return (self.score(z).square().mean() * z.var(0).mean()).log()
