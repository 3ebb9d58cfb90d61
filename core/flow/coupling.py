"""Additive couplings between orthogonal mixings: |det J| = 1 by construction, with an exact inverse.

Block:  y = x Q;  (a, b) = split(y);  (a, b) -> (a, b + f(a)).  The Jacobian of the second step is unit triangular and
Q is orthogonal, so every block keeps volume whatever the network f is.
"""

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["CouplingFlow"]


class CouplingFlow(nn.Module):
    """A volume-preserving map of R^d made of `blocks` additive couplings; the identity up to a rotation at the start.

    References: Dinh, Krueger, Bengio 2014 (arXiv 1410.8516); Zhu et al. 2021 (arXiv 2106.10911) for the density of
    additive couplings among measure-preserving maps of dimension two and up.
    """

    mixings: Tensor

    def __init__(self, dim: int, blocks: int, width: int, seed: int) -> None:
        super().__init__()
        rng = np.random.default_rng(seed)
        mixings = [np.linalg.qr(rng.normal(size=(dim, dim)))[0] for _ in range(blocks)]
        mixings.append(np.linalg.multi_dot([np.eye(dim), *mixings, np.eye(dim)]).T)
        self.register_buffer("mixings", torch.from_numpy(np.stack(mixings)))
        self.kept = max(dim // 2, 1) if dim > 1 else 0
        generator = torch.Generator().manual_seed(seed)
        self.networks = nn.ModuleList(_network(self.kept, dim - self.kept, width, generator) for _ in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, d) of points (n, d)."""
        mixings = self.mixings.to(x.dtype)
        for mixing, network in zip(mixings, self.networks, strict=False):
            kept, moved = (x @ mixing).tensor_split((self.kept,), dim=-1)
            x = torch.cat((kept, moved + network(kept)), dim=-1)
        return x @ mixings[-1]

    def inverse(self, y: Tensor) -> Tensor:
        """The points (n, d) whose images are `y` (n, d)."""
        mixings = self.mixings.to(y.dtype)
        y = y @ mixings[-1].T
        for mixing, network in reversed(list(zip(mixings, self.networks, strict=False))):
            kept, moved = y.tensor_split((self.kept,), dim=-1)
            y = torch.cat((kept, moved - network(kept)), dim=-1) @ mixing.T
        return y

    def tighten(self, x: Tensor) -> None:
        """Nothing to do: volume is kept whatever the networks are."""


def _network(inputs: int, outputs: int, width: int, generator: torch.Generator) -> nn.Sequential:
    """A smooth multilayer perceptron whose last layer is zero. SiLU: smoothness over-fits less than leaky ReLU."""
    network = nn.Sequential(
        nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, outputs)
    )
    with torch.no_grad():
        for layer in network:
            if isinstance(layer, nn.Linear):
                bound = 1 / max(layer.in_features, 1) ** 0.5
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.uniform_(-bound, bound, generator=generator)
        last = network[-1]
        assert isinstance(last, nn.Linear)
        last.weight.zero_()
        last.bias.zero_()
    return network
