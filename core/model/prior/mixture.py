"""The Gaussian mixture as a prior, in torch: its components are learned with the flow, then pruned."""

import numpy as np
import torch
from torch import Tensor, nn

from core.gaussians.mixture import GaussianMixture
from core.model.prior.learned import LOG_2PI, LearnedPrior
from core.model.prior.merge import pruned, shortest

__all__ = ["MixtureModule"]

# The logit of a component that was removed.
_REMOVED = -30.0
# Descents to the shortest description; some end with two modes in one component and another mode in two.
_STARTS = 8


class MixtureModule(LearnedPrior):
    """Gaussians with precision factors P (lower triangular, positive diagonal): log N = log|P| - |P^T (z - m)|^2 / 2
    - k log(2 pi) / 2.

    Of more components than the data need, some fade.
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

    def score(self, z: Tensor) -> Tensor:
        """The gradient of log q at latents (n, k), (n, k)."""
        factors = self.factors()
        terms, whitened = self._terms(z, factors)
        return -torch.einsum("nc,ckj,ncj->nk", terms.softmax(1), factors, whitened)

    def prune(self, z: Tensor, points: int) -> None:
        """Remove the components that latents (n, k), a sample of `points` points, do not support."""
        self._become(pruned(self.export(), z.double().cpu().numpy(), points))

    @classmethod
    def shortest(
        cls, z: np.ndarray, components: int, rng: np.random.Generator, starts: int = _STARTS
    ) -> "MixtureModule":
        """The mixture of at most `components` Gaussians that describes latents (n, k) shortest, the best of `starts`
        descents."""
        density = shortest([cls(z, components, rng).export() for _ in range(starts)], z)
        module = cls(z, len(density.weights), rng)
        module._become(density)
        return module

    def _become(self, kept: GaussianMixture) -> None:
        precision, count = np.linalg.cholesky(np.linalg.inv(kept.covariances)), len(kept.weights)
        with torch.no_grad():
            self.logits.fill_(_REMOVED)
            self.logits[:count] = torch.from_numpy(np.log(kept.weights))
            self.means[:count] = torch.from_numpy(kept.means).float()
            self.log_diagonal[:count] = torch.from_numpy(np.log(np.diagonal(precision, axis1=1, axis2=2))).float()
            self.lower[:count] = torch.from_numpy(precision).float()

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
