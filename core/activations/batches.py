"""What a loader yields, made ready for a module: its input, labels beside it, and which positions are no padding."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import invalid

__all__ = ["Batch", "chained", "taken"]

_REMEDY = "yield a tensor, (input, labels) or a dict of keyword arguments"


@dataclass(frozen=True, eq=False)
class Batch:
    """The arguments of one forward pass, how many `rows` go in, their `labels` (rows,) int64 where there are any, and
    `mask` (rows, tokens) bool, false where `attention_mask` says that a token is padding."""

    number: int
    rows: int
    arguments: tuple[Tensor, ...]
    keywords: Mapping[str, Any]
    labels: np.ndarray | None = None
    mask: Tensor | None = None

    def through(self, module: nn.Module, device: torch.device) -> None:
        """Run the module on it; what comes out is for the hooks to see."""
        keywords = {key: _moved(value, device) for key, value in self.keywords.items()}
        module(*(_moved(value, device) for value in self.arguments), **keywords)


def taken(number: int, batch: object) -> Batch:
    """The batch that a loader yielded as its `number`-th. Raises `InputError` on what is none."""
    if isinstance(batch, Mapping):
        first = next((value for value in batch.values() if isinstance(value, Tensor) and value.ndim), None)
        if first is None:
            raise invalid("loader", "batches with a tensor in them", f"none in batch {number}", _REMEDY)
        keywords = {str(key): value for key, value in batch.items()}
        rows = len(first)
        return Batch(number, rows, (), keywords, _labels(keywords.get("labels"), rows), _mask(keywords, rows, number))
    parts = batch if isinstance(batch, list | tuple) else [batch]
    if not parts or not isinstance(parts[0], Tensor) or not parts[0].ndim:
        got = f"{type(parts[0] if parts else batch).__name__} in batch {number}"
        raise invalid("loader", "batches of tensors", got, _REMEDY)
    rows = len(parts[0])
    return Batch(number, rows, (parts[0],), {}, _labels(parts[1], rows) if len(parts) > 1 else None)


def chained(digest: str, batch: Batch) -> str:
    """The digest of a batch and all that came before it, given theirs."""
    chain = hashlib.blake2b(digest.encode(), digest_size=16)
    named = [*enumerate(batch.arguments), *sorted(batch.keywords.items())]
    for name, value in named:
        if isinstance(value, Tensor):
            chain.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
            chain.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return chain.hexdigest()


def _labels(value: object, rows: int) -> np.ndarray | None:
    """Labels as numbers where they are whole and one for each row."""
    if isinstance(value, Tensor | np.ndarray | list | tuple):
        found = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
        if found.shape == (rows,) and found.dtype.kind in "iu":
            return found.astype(np.int64)
    return None


def _mask(keywords: Mapping[str, Any], rows: int, number: int) -> Tensor | None:
    value = keywords.get("attention_mask")
    if not isinstance(value, Tensor) or value.ndim != 2 or len(value) != rows:
        return None
    mask = value.detach().cpu() != 0
    if not bool(mask.any(1).all()):
        got = f"a row of padding alone in batch {number}"
        raise invalid("attention_mask", "true somewhere in each row", got, "leave that row out")
    return mask


def _moved(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, Tensor) else value
