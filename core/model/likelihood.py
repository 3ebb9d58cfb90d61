"""What is trained, in torch: the flow, the noise deviations and the prior, and the likelihood they give together."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from core.model.flow import CouplingFlow, RidgeFlow
from core.model.prior.adversarial import AdversarialModule
from core.model.prior.learned import LOG_2PI, LearnedPrior, MixtureModule
from core.model.prior.superposition import SuperpositionModule

__all__ = ["LOG_2PI", "PRIORS", "Likelihood"]

PRIORS: dict[str, Callable[[np.ndarray, int, np.random.Generator], LearnedPrior]] = {
    "mixture": MixtureModule,
    "superposition": SuperpositionModule,
    "adversarial": AdversarialModule,
}
"""The families of priors by name."""
SPARSE: dict[str, Callable[[np.ndarray, int, np.random.Generator], LearnedPrior]] = {"mixture": MixtureModule.shortest}


class Likelihood(nn.Module):
    """What is trained: the flow, the noise deviations and the prior."""

    def __init__(self, flow: CouplingFlow | RidgeFlow, latent_dim: int, noise_dim: int) -> None:
        super().__init__()
        self.flow = flow
        self.latent_dim = latent_dim
        self.log_noise = nn.Parameter(torch.full((noise_dim,), -2.0))
        self.prior: LearnedPrior | None = None

    def start_prior(
        self, x: Tensor, name: str, components: int, rng: np.random.Generator, sparse: bool = False
    ) -> LearnedPrior:
        """Begin the prior of that name and the noise deviations at what the flow makes of `x` (n, d+p) now; where
        points are `sparse` in the latent space with no more components than they call for."""
        with torch.no_grad():
            y = self.flow(x)
            if len(self.log_noise):
                self.log_noise.copy_(y[:, self.latent_dim :].std(0).clamp_min(0.02).log().clamp_max(-0.5))
        start = SPARSE.get(name, PRIORS[name]) if sparse else PRIORS[name]
        self.prior = start(y[:, : self.latent_dim].double().cpu().numpy(), components, rng).to(x.device)
        return self.prior

    def forward(self, x: Tensor) -> Tensor:
        """log p (n,) of standardized, rotated points with pads (n, d+p)."""
        return self.of_images(self.flow(x))

    def unevenness(self, y: Tensor) -> Tensor:
        """That of the latents of images `y` (n, d+p) under their prior."""
        assert self.prior is not None
        return self.prior.unevenness(y[:, : self.latent_dim])

    def cost(self, y: Tensor, points: int) -> Tensor:
        """What the prior asks beside the likelihood of images `y` (n, d+p), as `LearnedPrior.cost` does."""
        assert self.prior is not None
        return self.prior.cost(y[:, : self.latent_dim], points)

    def condense(self, x: Tensor, points: int) -> None:
        """Let the prior go of what `x` (n, d+p), a sample of so many `points`, does not call for."""
        assert self.prior is not None
        with torch.no_grad():
            z = self.flow(x)[:, : self.latent_dim]
        self.prior.condense(z, points)

    def of_images(self, y: Tensor) -> Tensor:
        """log p (n,) of the points whose images under the flow are `y` (n, d+p)."""
        assert self.prior is not None
        n = y[:, self.latent_dim :] * (-self.log_noise).exp()
        return (
            self.prior(y[:, : self.latent_dim])
            - 0.5 * n.square().sum(1)
            - self.log_noise.sum()
            - 0.5 * n.shape[1] * LOG_2PI
        )
