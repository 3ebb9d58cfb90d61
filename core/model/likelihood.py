"""What is trained, in torch: the flow, the noise deviations and the prior, and the likelihood they give together."""

import numpy as np
import torch
from torch import Tensor, nn

from core.model.flow import CouplingFlow, RidgeFlow
from core.model.prior import PRIORS
from core.model.prior.learned import LOG_2PI, LearnedPrior

__all__ = ["LOG_2PI", "Likelihood"]


class Likelihood(nn.Module):
    """What is trained: the flow, the noise deviations and the prior."""

    def __init__(self, flow: CouplingFlow | RidgeFlow, latent_dim: int, noise_dim: int) -> None:
        super().__init__()
        self.flow = flow
        self.latent_dim = latent_dim
        self.log_noise = nn.Parameter(torch.full((noise_dim,), -2.0))
        self.prior: LearnedPrior | None = None

    def start_prior(
        self, x: Tensor, name: str, components: int, rng: np.random.Generator, shortest: bool = False
    ) -> LearnedPrior:
        """Start the prior of that name and the noise deviations from the images of `x` (n, d+p) under the flow; with
        `shortest` the prior of the shortest description, where the family has one."""
        with torch.no_grad():
            y = self.flow(x)
            if len(self.log_noise):
                self.log_noise.copy_(y[:, self.latent_dim :].std(0).clamp_min(0.02).log().clamp_max(-0.5))
        z = y[:, : self.latent_dim].double().cpu().numpy()
        self.prior = PRIORS[name].start(z, components, rng, shortest).to(x.device)
        return self.prior

    def forward(self, x: Tensor) -> Tensor:
        """log p (n,) of standardized, rotated points with pads (n, d+p)."""
        return self.of_images(self.flow(x))

    def unevenness(self, y: Tensor) -> Tensor:
        """That of the latents of images `y` (n, d+p) under their prior."""
        assert self.prior is not None
        return self.prior.unevenness(y[:, : self.latent_dim])

    def cost(self, y: Tensor, points: int) -> Tensor:
        """What the prior adds to the negative log-likelihood of images `y` (n, d+p); see `LearnedPrior.cost`."""
        assert self.prior is not None
        return self.prior.cost(y[:, : self.latent_dim], points)

    def prune(self, x: Tensor, points: int) -> None:
        """Remove from the prior what `x` (n, d+p), a sample of `points` points, does not support."""
        assert self.prior is not None
        with torch.no_grad():
            z = self.flow(x)[:, : self.latent_dim]
        self.prior.prune(z, points)

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
