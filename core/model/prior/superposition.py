"""A superposition of families of different topology: blobs, a line, a ring, a figure-eight ...

Every family but the blobs is a skeleton, thickened by a Gaussian of its own width and moved by an affine pose of its
own, all of it learned with the flow. The families' weights say which topology the data chose.
"""

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from core.gaussians.mixture import GaussianMixture
from core.model.prior.learned import LOG_2PI, LearnedPrior
from core.model.prior.mixture import MixtureModule
from core.model.prior.skeletons import Skeleton, skeletons

__all__ = ["SuperpositionModule"]

# Widths in units of a skeleton's deviation: the first, and the one that none reaches. Wider ones would fill the holes,
# and a ring pressed flat pass for a line.
_WIDTH, _MOST_WIDTH = 0.15, 0.3
_IN_USE = 0.01
_SPARSE = 0.01
_FEWEST = 100


class _Family(LearnedPrior):
    """A thickened skeleton: q(z) = |W| sum_i share_i N(W (z - b); t_i, S_i), where S_i has deviation reach_i along the
    skeleton and `width` across it."""

    places: Tensor
    normal: Tensor
    reach: Tensor
    shares: Tensor

    def __init__(self, skeleton: Skeleton, z: np.ndarray) -> None:
        super().__init__()
        k, j = z.shape[1], skeleton.dim
        values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(z.T)))
        values, vectors = values[::-1], vectors[:, ::-1]
        variance = np.full(k, _WIDTH**2)
        variance[:j] += skeleton.shares @ skeleton.places**2
        pose = np.sqrt(variance / np.maximum(values, 1e-6))[:, None] * vectors.T
        self.pose = nn.Parameter(torch.from_numpy(pose).float())
        self.center = nn.Parameter(torch.from_numpy(z.mean(0)).float())
        self.opened = nn.Parameter(torch.tensor(float(np.log(_WIDTH / (_MOST_WIDTH - _WIDTH)))))
        self.filled = skeleton.filled
        for name in ("places", "normal", "reach", "shares"):
            self.register_buffer(name, torch.from_numpy(getattr(skeleton, name)).float(), persistent=False)

    @property
    def log_width(self) -> Tensor:
        """The logarithm of the deviation across the skeleton."""
        return logsigmoid(self.opened) + float(np.log(_MOST_WIDTH))

    def forward(self, z: Tensor) -> Tensor:
        """log q(z) (n,) for latents (n, k)."""
        return self._terms(z)[0].logsumexp(1)

    def _terms(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The logarithm of every summand (n, m), u = W (z - b) (n, k), and how far across the skeleton it is (n, m)."""
        u = (z - self.center) @ self.pose.T
        k, j = u.shape[1], self.places.shape[1]
        inner, rest = u[:, :j], u[:, j:]
        across = inner @ self.normal.T - (self.places * self.normal).sum(1)
        square = inner.square().sum(1, keepdim=True) - 2 * inner @ self.places.T + self.places.square().sum(1)
        thin, fine = (-2 * self.log_width).exp(), self.reach**-2
        exponent = fine * square + (thin - fine) * across.square() + thin * rest.square().sum(1, keepdim=True)
        size = torch.linalg.slogdet(self.pose)[1] - (k - self.filled) * self.log_width - self.filled * self.reach.log()
        return self.shares.log() + size - 0.5 * (exponent + k * LOG_2PI), u, across

    def score(self, z: Tensor) -> Tensor:
        """The gradient of log q (n, k)."""
        terms, u, across = self._terms(z)
        j = self.places.shape[1]
        thin, fine = (-2 * self.log_width).exp(), self.reach**-2
        share = terms.softmax(1)
        weight = share * fine
        inner = weight.sum(1, keepdim=True) * u[:, :j] - weight @ self.places
        inner = inner + (share * (thin - fine) * across) @ self.normal
        return -torch.cat((inner, thin * u[:, j:]), dim=1) @ self.pose

    def export(self) -> GaussianMixture:
        """The same density in numpy."""
        inverse = np.linalg.inv(self.pose.detach().double().numpy())
        places, normal, reach, shares = (
            getattr(self, name).double().numpy() for name in ("places", "normal", "reach", "shares")
        )
        (m, j), k, width = places.shape, len(inverse), self.log_width.detach().double().exp().item()
        shape = np.tile(width**2 * np.eye(k), (m, 1, 1))
        shape[:, :j, :j] = reach[:, None, None] ** 2 * np.eye(j)
        shape[:, :j, :j] += (width**2 - reach**2)[:, None, None] * normal[:, :, None] * normal[:, None]
        means = self.center.detach().double().numpy() + places @ inverse[:, :j].T
        return GaussianMixture(shares, means, inverse @ shape @ inverse.T)


class SuperpositionModule(LearnedPrior):
    """q = sum_f weight_f q_f over the families that there is room for; the blobs are a mixture of `components`."""

    kept: Tensor

    def __init__(self, z: np.ndarray, components: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.blobs = MixtureModule(z, components, rng)
        self.shaped = nn.ModuleDict({name: _Family(skeleton, z) for name, skeleton in skeletons(z.shape[1]).items()})
        self.logits = nn.Parameter(torch.zeros(1 + len(self.shaped)))
        self.register_buffer("kept", torch.ones(1 + len(self.shaped), dtype=torch.bool))

    @property
    def shapes(self) -> dict[str, LearnedPrior]:
        """All families by name, the blobs first."""
        return {"blobs": self.blobs} | {name: cast(LearnedPrior, shape) for name, shape in self.shaped.items()}

    def _log_weights(self) -> Tensor:
        return self.logits.masked_fill(~self.kept, -torch.inf).log_softmax(0)

    def _families(self) -> list[tuple[LearnedPrior, Tensor]]:
        """Every family that is still kept, and the logarithm of its weight."""
        rows = zip(self.shapes.values(), self.kept.tolist(), self._log_weights(), strict=True)
        return [(shape, weight) for shape, kept, weight in rows if kept]

    def _parts(self, z: Tensor) -> Tensor:
        """log(weight_f q_f(z)) (n, f) of the families kept."""
        return torch.stack([weight + shape(z) for shape, weight in self._families()], dim=1)

    def forward(self, z: Tensor) -> Tensor:
        """log q(z) (n,) for latents (n, k)."""
        return self._parts(z).logsumexp(1)

    def score(self, z: Tensor) -> Tensor:
        """The gradient of log q at latents (n, k), (n, k)."""
        scores = torch.stack([shape.score(z) for shape, _ in self._families()], dim=1)
        return torch.einsum("nf,nfk->nk", self._parts(z).softmax(1), scores)

    def cost(self, z: Tensor, points: int) -> Tensor:
        """The entropy of the families' weights: of two families that do alike the lighter one fades.

        References: Brand 1999, "Structure learning in conditional probability models via an entropic prior and
        parameter extinction".
        """
        log_weights = self._log_weights()[self.kept]
        return -_SPARSE * log_weights.exp() @ log_weights

    def prune(self, z: Tensor, points: int) -> None:
        """Remove families that weigh next to nothing, and blobs that their share of latents (n, k), those that blobs
        explain best, does not support."""
        with torch.no_grad():
            self.kept &= self._log_weights().exp() > _IN_USE
            own = z[self._parts(z).argmax(1) == 0] if self.kept[0] else z[:0]
        if len(own) > _FEWEST:
            self.blobs.prune(own, int(points * len(own) / len(z)))

    def families(self) -> dict[str, float]:
        """The weight of each family that is still in use, the largest first."""
        named = zip(self.shapes, self._log_weights().detach().double().exp().tolist(), strict=True)
        return dict(sorted((item for item in named if item[1] > 0), key=lambda item: -item[1]))

    def export(self) -> GaussianMixture:
        """The same density in numpy."""
        parts = [(shape.export(), weight.detach().double().exp().item()) for shape, weight in self._families()]
        weights = np.concatenate([weight * part.weights for part, weight in parts])
        means, covariances = (np.concatenate([getattr(p, name) for p, _ in parts]) for name in ("means", "covariances"))
        return GaussianMixture(weights / weights.sum(), means, covariances)
