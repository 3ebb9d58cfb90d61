"""What is trained, in torch: the flow, the noise deviations and the mixture, and the likelihood they give together."""

import numpy as np
import torch
from torch import Tensor, nn

from core.flow import CouplingFlow, RidgeFlow
from core.prior.mixture import GaussianMixture

__all__ = ["LOG_2PI", "Likelihood", "MixtureModule"]

LOG_2PI = float(np.log(2 * np.pi))


class MixtureModule(nn.Module):
    """Gaussians with precision factors P (lower triangular, positive diagonal): log N = log|P| - |P^T (z - m)|^2 / 2
    - k log(2 pi) / 2.
    """

    def __init__(self, z: np.ndarray, components: int, rng: np.random.Generator) -> None:
        super().__init__()
        k = z.shape[1]
        spread = np.sqrt(np.maximum(np.diagonal(np.atleast_2d(np.cov(z.T))), 1e-6))
        width = spread * components ** (-1 / k)
        self.logits = nn.Parameter(torch.zeros(components))
        self.means = nn.Parameter(torch.from_numpy(_spread_out(z, components, rng)).float())
        self.log_diagonal = nn.Parameter(torch.from_numpy(-np.log(width)).float().repeat(components, 1))
        self.lower = nn.Parameter(torch.zeros(components, k, k))

    def factors(self) -> Tensor:
        """The precision factors P (c, k, k)."""
        return torch.tril(self.lower, -1) + torch.diag_embed(self.log_diagonal.exp())

    def forward(self, z: Tensor) -> Tensor:
        """log q(z) (n,) for latents (n, k)."""
        return self._terms(z, self.factors())[0].logsumexp(1)

    def unevenness(self, z: Tensor) -> Tensor:
        """log of E|grad log q|^2 / k times the mean variance of latents (n, k): at least 0, as for one round Gaussian.

        The Fisher information of a density does not change under shifts; times the variance it does not under scaling
        either, and it asks nothing of the data space. Among the encodings of one world, which all have the same
        likelihood, it is least for the one whose level sets are round and lie close: a choice that any two encodings
        would share.
        """
        factors = self.factors()
        terms, whitened = self._terms(z, factors)
        slope = torch.einsum("nc,ckj,ncj->nk", terms.softmax(1), factors, whitened)
        return (slope.square().mean() * z.var(0).mean()).log()

    def _terms(self, z: Tensor, factors: Tensor) -> tuple[Tensor, Tensor]:
        """log(weight N(z; c)) (n, c) and P^T (z - m) (n, c, k)."""
        whitened = torch.einsum("nk,ckj->ncj", z, factors) - torch.einsum("ck,ckj->cj", self.means, factors)
        constant = self.logits.log_softmax(0) + self.log_diagonal.sum(1) - 0.5 * z.shape[1] * LOG_2PI
        return constant - 0.5 * whitened.square().sum(-1), whitened

    def export(self) -> GaussianMixture:
        """The same density in numpy."""
        inverse = np.linalg.inv(self.factors().detach().double().numpy())
        return GaussianMixture(
            weights=self.logits.detach().double().softmax(0).numpy(),
            means=self.means.detach().double().numpy(),
            covariances=np.swapaxes(inverse, 1, 2) @ inverse,
        )


def _spread_out(z: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of the points `z`, each drawn far from those before it (the seeding of k-means++)."""
    z = z[rng.permutation(len(z))[:4000]]
    chosen = [int(rng.integers(len(z)))]
    nearest = ((z - z[chosen[0]]) ** 2).sum(1)
    while len(chosen) < count:
        total = nearest.sum()
        pick = int(rng.choice(len(z), p=nearest / total)) if total > 0 else int(rng.integers(len(z)))
        chosen.append(pick)
        nearest = np.minimum(nearest, ((z - z[pick]) ** 2).sum(1))
    return z[chosen]


class Likelihood(nn.Module):
    """What is trained: the flow, the noise deviations and the mixture."""

    def __init__(self, flow: CouplingFlow | RidgeFlow, latent_dim: int, noise_dim: int) -> None:
        super().__init__()
        self.flow = flow
        self.latent_dim = latent_dim
        self.log_noise = nn.Parameter(torch.full((noise_dim,), -2.0))
        self.mixture: MixtureModule | None = None

    def start_mixture(self, x: Tensor, components: int, rng: np.random.Generator) -> None:
        """Begin the mixture and the noise deviations at what the flow makes of `x` (n, d+p) now."""
        with torch.no_grad():
            y = self.flow(x)
            if len(self.log_noise):
                self.log_noise.copy_(y[:, self.latent_dim :].std(0).clamp_min(0.02).log().clamp_max(-0.5))
        self.mixture = MixtureModule(y[:, : self.latent_dim].double().cpu().numpy(), components, rng).to(x.device)

    def forward(self, x: Tensor) -> Tensor:
        """log p (n,) of standardised, rotated points with pads (n, d+p)."""
        return self.of_images(self.flow(x))

    def unevenness(self, y: Tensor) -> Tensor:
        """That of the latents of images `y` (n, d+p) under their mixture."""
        assert self.mixture is not None
        return self.mixture.unevenness(y[:, : self.latent_dim])

    def of_images(self, y: Tensor) -> Tensor:
        """log p (n,) of the points whose images under the flow are `y` (n, d+p)."""
        assert self.mixture is not None
        n = y[:, self.latent_dim :] * (-self.log_noise).exp()
        return (
            self.mixture(y[:, : self.latent_dim])
            - 0.5 * n.square().sum(1)
            - self.log_noise.sum()
            - 0.5 * n.shape[1] * LOG_2PI
        )
