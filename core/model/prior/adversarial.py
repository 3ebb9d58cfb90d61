"""A prior that is learned against a critic: a generator whose density is known in closed form.

The generator is a mixture of experts, each an affine map of simple noise: a draw is m_c + A_c e with e ~ N(0, I) and
an expert c drawn by weight. The critic learns to tell its draws from latent codes; generator and flow learn that it
cannot. The likelihood moves the flow alone: the generator hears of the data only from its critic.

References: Makhzani et al. 2015, "Adversarial autoencoders" (arXiv 1511.05644); Zhao et al. 2018, "Adversarially
regularized autoencoders" (arXiv 1706.04223) and Wang et al. 2019, "Learning priors for adversarial autoencoders" (arXiv
1909.04443), where the prior is learned; Grover et al. 2018, "Flow-GAN" (arXiv 1705.08868), on densities beside critics;
Mescheder et al. 2018 (arXiv 1801.04406), the gradient penalty; Heusel et al. 2017 (arXiv 1706.08500), two time scales;
Ganin et al. 2016 (arXiv 1505.07818), the reversed gradient.
"""

import itertools
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import softplus

from core.gaussians.mixture import GaussianMixture
from core.model.prior.learned import LearnedPrior
from core.model.prior.mixture import MixtureModule

__all__ = ["AdversarialModule"]

_WIDTH, _WAVES, _FREQUENCY = 64, 48, 2.0
_DRAWS = 2048
_PENALTY = 0.01
_PULL = 0.1


class _Reversed(torch.autograd.Function):
    """The identity, whose gradient is turned round and scaled."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: float) -> Tensor:
        ctx.scale = scale
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.scale * gradients[0], None


class _Critic(nn.Module):
    """A network on waves over the latents: without them it would learn the coarse differences alone.

    References: Tancik et al. 2020, "Fourier features let networks learn high frequency functions in low dimensional
    domains" (arXiv 2006.10739).
    """

    def __init__(self, dim: int, generator: torch.Generator) -> None:
        super().__init__()
        self.waves = nn.Parameter(_FREQUENCY * torch.randn(dim, _WAVES, generator=generator))
        sizes = (2 * _WAVES + dim, _WIDTH, _WIDTH, 1)
        layers = [nn.Linear(n, m) for n, m in itertools.pairwise(sizes)]
        for layer in layers:
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5, generator=generator)
            nn.init.zeros_(layer.bias)
        self.net = nn.Sequential(layers[0], nn.SiLU(), layers[1], nn.SiLU(), layers[2])

    def forward(self, x: Tensor) -> Tensor:
        """The log-odds (..., 1) that places (..., k) are latents."""
        phase = x @ self.waves
        return self.net(torch.cat((phase.sin(), phase.cos(), x), dim=-1))


class AdversarialModule(LearnedPrior):
    """The generator, a mixture of `components` experts, and its critic, which one descent moves together."""

    # A quick flow would make the latents fit the generator's first guess, and leave the critic nothing to say.
    stops, flow_pace = False, 0.2
    drawn: Tensor

    def __init__(self, z: np.ndarray, components: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.generator = MixtureModule(z, components, rng)
        k = z.shape[1]
        self.critic = _Critic(k, torch.Generator().manual_seed(int(rng.integers(2**31))))
        self.register_buffer("drawn", torch.zeros((), dtype=torch.long))

    def groups(self) -> list[dict[str, Any]]:
        """The generator, and its critic with less momentum."""
        critic = {"params": list(self.critic.parameters()), "betas": (0.5, 0.99)}
        return [{"params": list(self.generator.parameters())}, critic]

    def _frozen(self) -> dict[str, Tensor]:
        return {name: value.detach() for name, value in self.generator.named_parameters()}

    def forward(self, z: Tensor) -> Tensor:
        """log q(z) (n,) for latents (n, k); its gradient moves the latents alone."""
        return functional_call(self.generator, self._frozen(), (z,))

    def score(self, z: Tensor) -> Tensor:
        """The gradient of log q at latents (n, k), (n, k)."""
        return self.generator.score(z)

    def cost(self, z: Tensor, points: int) -> Tensor:
        """The critic's loss on latents (n, k) and on draws; generator and latents ascend it."""
        draws, shares = self._draws(max(_DRAWS // len(self.generator.logits), 4))
        center, spread = z.detach().mean(0), z.detach().std(0)
        real, made = (z - center) / spread, (draws - center) / spread
        loss = self._loss(_Reversed.apply(real, _PULL), _Reversed.apply(made, 1.0), _Reversed.apply(shares, 1.0))
        return loss + _PENALTY * self._steepness(real.detach())

    def _loss(self, real: Tensor, made: Tensor, shares: Tensor) -> Tensor:
        return softplus(-self.critic(real)).mean() + shares @ softplus(self.critic(made)).mean((1, 2))

    def _steepness(self, x: Tensor) -> Tensor:
        """E |grad D|^2 at codes, which keeps the game from circling."""
        x = x.requires_grad_()
        (slope,) = torch.autograd.grad(self.critic(x).sum(), x, create_graph=True)
        return slope.square().sum(1).mean()

    def _draws(self, each: int) -> tuple[Tensor, Tensor]:
        """So many draws of every expert (c, each, k), and the experts' shares (c,)."""
        generator = torch.Generator().manual_seed(int(self.drawn))
        self.drawn += 1
        experts = self.generator
        noise = torch.randn(len(experts.logits), each, experts.means.shape[1], generator=generator).to(experts.means)
        spread = torch.linalg.solve_triangular(experts.factors().mT, noise.mT, upper=True).mT
        return experts.means[:, None] + spread, experts.logits.softmax(0)

    def export(self) -> GaussianMixture:
        """The generator's density in numpy."""
        return self.generator.export()
