"""Jacobians of a map of R^d that treats every point by itself."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["jacobians"]


def jacobians(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """(n, e, d): the derivative of each of the e outputs of `function` by each coordinate at points (n, d)."""
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_(True)
        y = function(x)
        rows = [torch.autograd.grad(column.sum(), x, retain_graph=True)[0] for column in y.T]
    return torch.stack(rows, dim=1)
