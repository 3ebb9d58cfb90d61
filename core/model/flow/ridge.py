"""A continuous flow whose field is divergence-free by construction: a sum of ridge functions.

    dx/dt = sum_j u_j f(w_j . x + b_j + c_j t),   u_j orthogonal to w_j,
has the divergence sum_j (u_j . w_j) f'(...) = 0 term by term, so the exact flow keeps volume and no trace need be
estimated. Time is cut into pieces with parameters of their own. A coarse integrator does not keep volume, and training
finds the leak: what it leaks is measured, and its steps are chosen by that.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchdiffeq import odeint

from core.model.flow.jacobian import jacobians

__all__ = ["RidgeFlow"]

_MOST_STEPS = 16
# The fields want a larger step of descent than couplings do: so scaled, one learning rate serves both.
_GAIN = 3.0


class RidgeFlow(nn.Module):
    """A volume-preserving flow of R^d in `blocks` / 2 pieces of time with `width` ridge functions each.

    While training it takes `steps` fourth-order Runge-Kutta steps a piece; `tighten` raises them where volume leaks.
    Evaluation integrates adaptively to `tolerance`, which `refine` brings from single to double precision.

    References: Chen et al. 2018, "Neural ordinary differential equations" (arXiv 1806.07366).
    """

    steps: Tensor

    def __init__(self, dim: int, blocks: int, width: int, seed: int, tolerance: float = 1e-6) -> None:
        super().__init__()
        rng = np.random.default_rng(seed)
        self.pieces, self.tolerance = max(blocks // 2, 1), tolerance
        self.register_buffer("steps", torch.tensor(1))

        def drawn(scale: float, *shape: int) -> nn.Parameter:
            return nn.Parameter(torch.from_numpy(scale * rng.normal(size=shape)).float())

        self.direction = drawn(1.0, self.pieces, width, dim)
        self.offset = drawn(1.0, self.pieces, width)
        self.drift = drawn(0.3, self.pieces, width)
        self.push = drawn(0.01, self.pieces, width, dim)

    @property
    def matrices(self) -> list[nn.Parameter]:
        """None: no square weights here."""
        return []

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, d) of points (n, d)."""
        for piece in range(self.pieces):
            x = self._integrated(x, piece, 0.0, 1.0)
        return x

    def transported(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (n, d) of points (n, d), and the energy of their way (n,): the squared lengths of the pieces' ways
        times their number, as if each took an equal share of a unit of time."""
        energy = torch.zeros(len(x), dtype=x.dtype, device=x.device)
        for piece in range(self.pieces):
            start, x = x, self._integrated(x, piece, 0.0, 1.0)
            energy = energy + (x - start).square().sum(1)
        return x, self.pieces * energy

    def trajectory(self, x: Tensor, moments: int = 12) -> Tensor:
        """The way (s, n, d) of points (n, d): at the start and at equal steps of time, at least `moments` of them."""
        steps = -(-moments // self.pieces)
        states = [x]
        for piece in range(self.pieces):
            for step in range(steps):
                states.append(self._integrated(states[-1], piece, step / steps, (step + 1) / steps))
        return torch.stack(states)

    def inverse(self, y: Tensor) -> Tensor:
        """The points (n, d) whose images are `y` (n, d)."""
        for piece in reversed(range(self.pieces)):
            y = self._integrated(y, piece, 1.0, 0.0)
        return y

    def tighten(self, x: Tensor, bound: float = 1e-3) -> None:
        """Double the training steps while the volume defect max |log |det J|| at `x` (n, d) exceeds `bound`."""
        while int(self.steps) < _MOST_STEPS:
            defect = torch.linalg.slogdet(jacobians(self, x).double())[1].abs().max()
            if float(defect) <= bound:
                return
            self.steps.mul_(2)

    def refine(self) -> None:
        """Integrate from now on as precisely as double precision allows."""
        self.tolerance *= 1e-4

    def _integrated(self, x: Tensor, piece: int, start: float, end: float) -> Tensor:
        direction, push = self.direction[piece].to(x.dtype), self.push[piece].to(x.dtype)
        offset, drift = self.offset[piece].to(x.dtype), self.drift[piece].to(x.dtype)
        square = direction.square().sum(1, keepdim=True)
        push = _GAIN * push
        push = push - (push * direction).sum(1, keepdim=True) / square * direction

        def field(t: Tensor, state: Tensor) -> Tensor:
            return torch.tanh(state @ direction.T + (offset + drift * t)) @ push

        if self.training:
            return _runge_kutta(field, x, start, end, int(self.steps))
        times = torch.tensor([start, end], dtype=x.dtype, device=x.device)
        return odeint(field, x, times, method="dopri5", rtol=self.tolerance, atol=self.tolerance)[-1]  # type: ignore[index]


def _runge_kutta(field: Any, x: Tensor, start: float, end: float, steps: int) -> Tensor:
    """Classical fourth-order steps. (The library's own fixed-step solvers spend as long again on bookkeeping.)"""
    h = (end - start) / steps
    for step in range(steps):
        t = torch.tensor(start + step * h, dtype=x.dtype, device=x.device)
        k1 = field(t, x)
        k2 = field(t + h / 2, x + h / 2 * k1)
        k3 = field(t + h / 2, x + h / 2 * k2)
        k4 = field(t + h, x + h * k3)
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x
