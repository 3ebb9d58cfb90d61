"""Descent for square weights: steps that turn every direction of a matrix alike."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

__all__ = ["Muon"]

# The quintic whose iterates bring singular values from (0, 1] near 1 in five rounds.
_QUINTIC = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5
# So scaled, one learning rate serves Adam's parameters and these.
_SIZE = 0.8


# Not `torch.optim.Muon`: it needs torch 2.9 (our floor is 2.6) and takes only 2-D parameters; ours are stacks of them.
class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal, for tensors (..., m, n) of matrices: the step is the nearest semi-orthogonal matrix to
    the momentum, so directions that the gradient seldom takes count as much as those that it takes always. A strong
    tangle is learned in half the steps that Adam needs.

    References: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"; Bernstein and Newhouse
    2024, "Old optimizer, new norm" (arXiv 2409.20325).
    """

    def __init__(
        self, matrices: Iterable[Tensor] | Iterable[dict[str, Any]], lr: float, momentum: float = 0.95
    ) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One step for every matrix that has a gradient."""
        for group in self.param_groups:
            for matrices in group["params"]:
                if matrices.grad is None:
                    continue
                state = self.state[matrices]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(matrices)
                momentum = state["momentum"]
                momentum.mul_(group["momentum"]).add_(matrices.grad)
                ahead = matrices.grad.add(momentum, alpha=group["momentum"])
                size = _SIZE * max(matrices.shape[-2:]) ** 0.5
                matrices.add_(_orthogonal(ahead), alpha=-group["lr"] * size)


def _orthogonal(x: Tensor) -> Tensor:
    """Matrices (..., m, n) with the singular vectors of `x` and singular values near 1 (Newton-Schulz rounds)."""
    wide = x.shape[-2] <= x.shape[-1]
    x = x if wide else x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = _QUINTIC
    for _ in range(_ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x if wide else x.mT
