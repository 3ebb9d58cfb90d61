"""Additive couplings between orthogonal mixings: |det J| = 1 by construction, with an exact inverse.

Block:  y = x Q;  (a, b) = split(y);  (a, b) -> (a, b + f(a)).  The Jacobian of the second step is unit triangular and
Q is orthogonal, so every block keeps volume whatever the network f is.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import silu

__all__ = ["CouplingFlow"]


class CouplingFlow(nn.Module):
    """A volume-preserving map of R^d made of `blocks` additive couplings; the identity up to a rotation at the start.

    Two thirds of the dimensions move the rest: a function of more of them bends more than a function of few. Each f is
    a smooth perceptron with two hidden layers of `width` units (SiLU over-fits less than leaky ReLU) whose last layer
    is zero at the start. Weights of all blocks lie in one tensor a layer, block after block.

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
        moved = max(dim // 3, 1)
        self.kept = dim - moved
        generator = torch.Generator().manual_seed(seed)

        def drawn(*shape: int, inputs: int) -> nn.Parameter:
            uniform = torch.rand(*shape, generator=generator) * 2 - 1
            return nn.Parameter(uniform / max(inputs, 1) ** 0.5)

        self.first = drawn(blocks, self.kept, width, inputs=self.kept)
        self.first_bias = drawn(blocks, width, inputs=self.kept)
        self.hidden = drawn(blocks, width, width, inputs=width)
        self.hidden_bias = drawn(blocks, width, inputs=width)
        self.last = nn.Parameter(torch.zeros(blocks, width, moved))
        self.last_bias = nn.Parameter(torch.zeros(blocks, moved))

    @property
    def matrices(self) -> list[nn.Parameter]:
        """The square weights, which are best trained as the linear maps they are."""
        return [self.hidden]

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, d) of points (n, d)."""
        return self.transported(x)[0]

    def transported(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (n, d) of points (n, d), and the energy of their way (n,): the squared lengths of all steps times
        their number, as if each took an equal share of a unit of time."""
        *mixings, back = self.mixings.to(x.dtype)
        energy = torch.zeros(len(x), dtype=x.dtype, device=x.device)
        for mixing, network in zip(mixings, self._networks(), strict=True):
            kept, moved = (x @ mixing).tensor_split((self.kept,), dim=-1)
            step = _applied(network, kept)
            energy = energy + step.square().sum(1)
            x = torch.cat((kept, moved + step), dim=-1)
        return x @ back, len(mixings) * energy

    def trajectory(self, x: Tensor) -> Tensor:
        """The way (blocks + 1, n, d) of points (n, d): at the start and after each block, all in the frame of `x`, so
        that only what a block adds moves a point. Between two states the way is straight: a share of a block's step is
        a volume-preserving map as well."""
        *mixings, _ = self.mixings.to(x.dtype)
        frame = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
        states = [x]
        for mixing, network in zip(mixings, self._networks(), strict=True):
            frame = frame @ mixing
            kept, moved = (x @ mixing).tensor_split((self.kept,), dim=-1)
            x = torch.cat((kept, moved + _applied(network, kept)), dim=-1)
            states.append(x @ frame.T)
        return torch.stack(states)

    def inverse(self, y: Tensor) -> Tensor:
        """The points (n, d) whose images are `y` (n, d)."""
        *mixings, back = self.mixings.to(y.dtype)
        y = y @ back.T
        for mixing, network in reversed(list(zip(mixings, self._networks(), strict=True))):
            kept, moved = y.tensor_split((self.kept,), dim=-1)
            y = torch.cat((kept, moved - _applied(network, kept)), dim=-1) @ mixing.T
        return y

    def tighten(self, x: Tensor) -> None:
        """Nothing to do: volume is kept whatever the networks are."""

    def refine(self) -> None:
        """Nothing to do: there are no steps to make finer."""

    def _networks(self) -> list[tuple[Tensor, ...]]:
        layers = (self.first, self.first_bias, self.hidden, self.hidden_bias, self.last, self.last_bias)
        return list(zip(*(layer.unbind() for layer in layers), strict=True))


def _applied(network: tuple[Tensor, ...], x: Tensor) -> Tensor:
    first, first_bias, hidden, hidden_bias, last, last_bias = network
    inner = silu(torch.addmm(first_bias, x, first))
    return torch.addmm(last_bias, silu(torch.addmm(hidden_bias, inner, hidden)), last)
