"""Layers of a module by name, and what they give as a table: one row an input, one column a unit.

Convolutions give (n, c, h, w), transformers (n, tokens, d); a unit is a channel or a feature, all else are positions.
"""

import difflib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.activations.batches import Batch
from core.errors import InputError, invalid

__all__ = ["REDUCTIONS", "Taps", "layers_of"]

_SHOWN = 3


def layers_of(module: nn.Module, layers: str | Sequence[str]) -> dict[str, nn.Module]:
    """The layers of those names. Raises `InputError` on a name that is none, naming the nearest."""
    known = dict(module.named_modules(remove_duplicate=False))
    names = [layers] if isinstance(layers, str) else list(layers)
    if not names or len(set(names)) != len(names):
        raise invalid("layers", "one or more names, each once", names, "see module.named_modules()")
    for name in names:
        if name not in known:
            # A few of them where none is like it.
            close = difflib.get_close_matches(str(name), known, n=_SHOWN) or [key for key in known if key][:_SHOWN]
            listed = " or ".join(f"`{key}`" for key in close) or "'', the module itself"
            raise invalid("layers", "names in module.named_modules()", repr(name), f"try {listed}")
    return {name: known[name] for name in names}


class Taps:
    """Hooks on layers for as long as a `with` block: `of(batch)` gives what each layer said of it, (rows, d) float32.

    A layer that runs several times in a forward pass says what it said last; `times` counts, by layer, the most runs in
    one. What a hook sees is copied at once, since layers after it may work in place.
    """

    def __init__(self, module: nn.Module, layers: Mapping[str, nn.Module], reduce: str, axis: int | None) -> None:
        if reduce not in REDUCTIONS:
            raise invalid("reduce", f"one of {', '.join(REDUCTIONS)}", repr(reduce), "choose one of them")
        self.times: Counter[str] = Counter()
        self._module, self._layers, self._reduce, self._axis = module, layers, reduce, axis
        self._said: dict[str, Tensor] = {}
        self._ran: Counter[str] = Counter()
        self._batch: Batch | None = None
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> "Taps":
        for name, layer in self._layers.items():
            self._handles.append(layer.register_forward_hook(self._hook(name, layer)))
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for handle in self._handles:
            handle.remove()

    def of(self, batch: Batch, device: torch.device) -> dict[str, np.ndarray]:
        """Run the module. Raises `InputError` on a layer that did not run, and on NaN or infinity."""
        self._batch = batch
        self._said.clear()
        self._ran.clear()
        batch.through(self._module, device)
        self.times |= self._ran
        return {name: self._checked(name, batch) for name in self._layers}

    def _hook(self, name: str, layer: nn.Module) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if self._batch is not None:
                self._ran[name] += 1
                self._said[name] = self._table(name, layer, output, self._batch)

        return hook

    def _table(self, name: str, layer: nn.Module, output: Any, batch: Batch) -> Tensor:
        """What the layer gave as (rows, d), on the processor and its own. Raises `InputError` where it is no such."""
        found = _tensor(output)
        if found is None or found.is_complex():
            got = type(output).__name__ if found is None else "complex numbers"
            raise invalid(
                f"layers: {name}", "a layer that gives a real tensor", got, "choose a layer inside or after it"
            )
        if not found.ndim or len(found) != batch.rows:
            got = f"shape {tuple(found.shape)} for {batch.rows} rows"
            raise invalid(f"layers: {name}", "a layer that gives a row per input", got, "choose another layer")
        found = found.detach()
        if found.ndim > 2 and self._reduce != "flatten":
            axis = _unit_axis(found.ndim, layer) if self._axis is None else self._axis
            if not (-found.ndim < axis < found.ndim and axis):
                raise invalid("axis", f"an axis of shape {tuple(found.shape)} but the first", axis, "choose another")
            found = REDUCTIONS[self._reduce](found.movedim(axis, -1).flatten(1, -2), batch.mask)
        return found.reshape(batch.rows, -1).to("cpu", torch.float32, copy=True)

    def _checked(self, name: str, batch: Batch) -> np.ndarray:
        if name not in self._said:
            got = f"none in batch {batch.number}"
            raise invalid(f"layers: {name}", "a layer that runs in every forward pass", got, "choose another layer")
        table = self._said[name].numpy()
        if not table.size:
            raise invalid(
                f"layers: {name}", "a layer that gives numbers", f"none in batch {batch.number}", "leave it out"
            )
        if not np.isfinite(table).all():
            raise InputError(
                f"the layer `{name}` gave NaN or infinity in batch {batch.number}; check its input and precision."
            )
        return table


def _tensor(output: Any) -> Tensor | None:
    """The tensor of an output: itself, the first of several, or what is called `last_hidden_state`."""
    if isinstance(output, Tensor):
        return output
    named = (
        output.get("last_hidden_state") if isinstance(output, Mapping) else getattr(output, "last_hidden_state", None)
    )
    if isinstance(named, Tensor):
        return named
    several = output.values() if isinstance(output, Mapping) else output if isinstance(output, list | tuple) else ()
    return next((value for value in several if isinstance(value, Tensor)), None)


def _unit_axis(dimensions: int, layer: nn.Module) -> int:
    """Which axis are units: the second of (n, c, h, w) and of what one-dimensional convolutions give, else the last."""
    return 1 if dimensions > 3 or type(layer).__name__.endswith("1d") else -1


def _mean(table: Tensor, mask: Tensor | None) -> Tensor:
    table = table.to(torch.promote_types(table.dtype, torch.float32))
    if (kept := _fitting(table, mask)) is None:
        return table.mean(1)
    return torch.where(kept[:, :, None], table, 0).sum(1) / kept.sum(1, keepdim=True)


def _first(table: Tensor, mask: Tensor | None) -> Tensor:
    kept = _fitting(table, mask)
    # Of several greatest, argmax takes the first.
    return table[:, 0] if kept is None else table[torch.arange(len(table)), kept.int().argmax(1)]


def _last(table: Tensor, mask: Tensor | None) -> Tensor:
    kept = _fitting(table, mask)
    return table[:, -1] if kept is None else table[torch.arange(len(table)), -1 - kept.int().flip(1).argmax(1)]


def _fitting(table: Tensor, mask: Tensor | None) -> Tensor | None:
    """The mask on the table's device where it is of these positions (n, p)."""
    return mask.to(table.device) if mask is not None and mask.shape == table.shape[:2] else None


# Each makes (n, d) of (n, positions, d) and of a mask of the positions; "flatten" keeps them all, side by side.
REDUCTIONS: dict[str, Callable[[Tensor, Tensor | None], Tensor]] = {
    "mean": _mean,
    "first": _first,
    "last": _last,
    "flatten": lambda table, _mask: table.flatten(1),
}
