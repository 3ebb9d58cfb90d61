"""The activations of a person's own network, layer by layer, from a loader to the disk: never more than a batch in
memory, and a run that is stopped goes on where it was.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.activations.batches import taken
from core.activations.layers import Taps, layers_of
from core.activations.stores import FolderStore, MemoryStore
from core.data.dataset import Dataset
from core.errors import invalid

__all__ = ["Collected", "Collecting", "collect"]

_SAMPLED = 1024


@dataclass(frozen=True)
class Collecting:
    """Where a collection stands: `batch` of `batches` (None where the loader does not say), `rows` on the way out."""

    batch: int
    batches: int | None
    rows: int


@dataclass(frozen=True, eq=False)
class Collected(Mapping[str, np.ndarray]):
    """Activations (rows, d) float32 by layer; of a folder, read-only memory maps of the files at `paths`.

    `labels` (rows,) int64 where the loader gave any, -1 where it did not. `notes` says in sentences what a person
    should know of the run.
    """

    tables: Mapping[str, np.ndarray] = field(repr=False)
    rows: int
    labels: np.ndarray | None = field(default=None, repr=False)
    paths: Mapping[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __getitem__(self, layer: str) -> np.ndarray:
        return self.tables[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def dataset(self, layer: str) -> Dataset:
        """The activations of a layer as a data set to train on, with the labels beside them."""
        return Dataset(layer or "module", self.tables[layer], self.labels, notes=self.notes)


def collect(
    module: nn.Module,
    layers: str | Sequence[str],
    loader: Iterable[object],
    out: Path | str | None = None,
    *,
    reduce: str = "mean",
    axis: int | None = None,
    progress: Callable[[Collecting], None] | None = None,
) -> Collected:
    """Run `module` over all batches of `loader` and keep what `layers` give, one row for each input.

    `layers` are names as in `module.named_modules()`, '' for the module itself. The loader yields tensors, tuples whose
    first is the input (and whose second are labels, where they are whole numbers (n,)), or dicts of keyword arguments
    (`labels` among them likewise). The module runs in evaluation mode without gradients, on the device of its
    parameters, and is left as it was. Of an output that is a tuple the first tensor counts, of a dict or an object what
    it calls `last_hidden_state`. Of a layer that runs several times in a forward pass the last output counts, and the
    notes say so; one that never runs is refused.

    Outputs of more than two dimensions: units lie along `axis`, by default the second of (n, c, h, w) and of what
    one-dimensional convolutions give, (n, c, l), and the last of (n, tokens, d); all other axes are positions. (What
    lies between one-dimensional convolutions needs `axis=1`, images with channels last `axis=-1`.) `reduce` makes a row
    of them: 'mean' over positions, the 'first', the 'last', or 'flatten', which keeps all numbers. Where a
    dict has an `attention_mask` (n, tokens), padding is left out of the first three.

    With `out`, a folder, each layer is an .npy file that grows by a batch at a time. Called again with the same
    arguments after it was stopped, it passes over the batches on record; a loader must then yield the same ones in the
    same order, which is checked. Without `out` all is held in memory.

    Raises `InputError` on a name that is no layer, on NaN or infinity, on outputs without a row for each input or of
    changing width, on an empty loader, and on a folder of another run.

    >>> import torch
    >>> network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU())
    >>> collect(network, "1", [torch.zeros(3, 4), torch.zeros(2, 4)])["1"].shape
    (5, 8)
    """
    found = layers_of(module, layers)
    taps = Taps(module, found, reduce, axis)
    store = MemoryStore(found) if out is None else FolderStore(Path(out), found, _mark(module, found, reduce, axis))
    device = next((tensor.device for tensor in _tensors(module)), torch.device("cpu"))
    batches = len(loader) if isinstance(loader, Sized) else None
    with ExitStack() as stack:
        stack.enter_context(closing(store))
        stack.enter_context(_evaluating(module))
        stack.enter_context(taps)
        for number, item in enumerate(loader, start=1):
            batch = taken(number, item)
            if isinstance(store, FolderStore) and number <= store.done:
                store.skip(batch)
                continue
            store.add(batch, taps.of(batch, device), taps.times)
            if progress is not None:
                progress(Collecting(number, batches, store.rows))
        if not store.rows:
            raise invalid("loader", "one that yields batches with rows", "none", "check the data, or make it anew")
        tables, labels = store.finish()
    paths = store.paths if isinstance(store, FolderStore) else {}
    return Collected(tables, store.rows, labels, paths, _notes(store.times))


def _notes(times: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(
        f"The layer `{name}` ran up to {count} times in a forward pass; its last output was kept."
        for name, count in times.items()
        if count > 1
    )


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards every part is in the mode in which it was."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        module.eval()
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    return chain(module.parameters(), module.buffers())


def _mark(module: nn.Module, layers: Iterable[str], reduce: str, axis: int | None) -> str:
    """What tells one run from another: the layers, how they are reduced, and some numbers of every parameter."""
    mark = hashlib.blake2b(json.dumps([list(layers), reduce, axis]).encode(), digest_size=16)
    for name, tensor in chain(module.named_parameters(), module.named_buffers()):
        mark.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        flat = tensor.detach().reshape(-1)
        sampled = flat[:: max(1, len(flat) // _SAMPLED)].cpu().contiguous()
        mark.update(sampled.view(torch.uint8).numpy().data)
    return mark.hexdigest()
