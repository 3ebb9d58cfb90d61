"""Stitching: the first layers of one network, a map, the last layers of another; how well the chimera does its task.

A map that is trained on the task itself, from the same inputs through both networks, is the upper bound of what affine
translators can do; and any translator of latents can take its place. Activations of images (n, c, h, w) are carried
place by place, as a convolution of size one does.
"""

import copy
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from core.baselines.affine import least_squares
from core.baselines.types import Translator, class_numbers
from core.errors import InputError, invalid
from core.maps.affine import AffineMap

__all__ = ["activations", "stitch_on_activations", "stitch_on_task", "stitched_accuracy"]

_STEPS, _BATCH, _RATE = 600, 256, 1e-3
_ROWS = 4096


def activations(front: nn.Module, inputs: np.ndarray) -> np.ndarray:
    """What a network's first layers make of `inputs` (n, ...), as rows: (n, k), or (n h w, c) of images.

    Raises `InputError` where that is neither, and for no inputs.
    """
    if not len(inputs):
        raise invalid("inputs", "one or more", 0, "give some")
    return np.concatenate([_rows(out).double().numpy() for out in _through(front, inputs)])


def stitched_accuracy(
    front: nn.Module, carry: Translator, back: nn.Module, inputs: np.ndarray, labels: np.ndarray
) -> float:
    """The share of `inputs` (n, ...) that the first layers of A, a map of their activations, and the last layers of B
    give their class of `labels` (n,).

    Raises `InputError` where the labels are not one for each input, and where the map does not lead to where `back`
    begins.
    """
    labels = class_numbers(labels, inputs)
    back = _still(back)
    right, at = 0, 0
    with torch.no_grad():
        for out in _through(front, inputs):
            images = torch.as_tensor(carry(_rows(out).double().numpy())).to(_kind(back))
            chosen = _answered(back, _shaped(images, out)).argmax(1).numpy()
            right += int((chosen == labels[at : at + len(out)]).sum())
            at += len(out)
    return right / len(labels)


def stitch_on_activations(front_a: nn.Module, front_b: nn.Module, inputs: np.ndarray) -> AffineMap:
    """The affine map of least squared error from A's activations to B's, of the same `inputs` (n, ...).

    Raises `InputError` where A and B have other numbers of places.
    """
    a, b = activations(front_a, inputs), activations(front_b, inputs)
    if len(a) != len(b):
        raise InputError(
            f"the networks see {len(inputs)} inputs at {len(a)} and {len(b)} places; cut them where they see as many."
        )
    return least_squares(a, b)


def stitch_on_task(
    front_a: nn.Module,
    front_b: nn.Module,
    back_b: nn.Module,
    inputs: np.ndarray,
    labels: np.ndarray,
    seed: int = 0,
    steps: int = _STEPS,
) -> AffineMap:
    """The affine map under which the stitched network has the least cross-entropy on `inputs` (n, ...) with classes
    `labels` (n,): descended to from the least squares map, and never worse than it on these inputs.

    Both networks stay as they are. Raises `InputError` where the labels are not one for each input, and where A and B
    have other numbers of places.

    References: Lenc and Vedaldi 2015, "Understanding image representations by measuring their equivariance and
    equivalence", arXiv 1411.5908; Bansal, Nakkiran and Barak 2021, "Revisiting model stitching to compare neural
    representations", arXiv 2106.07682.
    """
    labels = class_numbers(labels, inputs)
    start = stitch_on_activations(front_a, front_b, inputs)
    back = _still(back_b)
    seen = torch.cat(list(_through(front_a, inputs))).to(_kind(back))
    parameters = [torch.tensor(part).to(seen).requires_grad_() for part in (start.matrix, start.offset)]

    def answers(rows: Tensor) -> Tensor:
        matrix, offset = parameters
        out = seen[rows]
        return _answered(back, _shaped(_rows(out) @ matrix.T + offset, out))

    def loss(rows: Tensor) -> Tensor:
        return cross_entropy(answers(rows), truth[rows])

    everything = torch.arange(len(seen))
    with torch.no_grad():
        truth = torch.from_numpy(class_numbers(labels, inputs, answers(everything[:1]).shape[1]))
        before = float(loss(everything))
    optimizer = torch.optim.Adam(parameters, lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(steps, 1))
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(torch.randint(len(seen), (min(_BATCH, len(seen)),), generator=generator)).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        worse = float(loss(everything)) > before
    matrix, offset = (part.detach().double().numpy() for part in parameters)
    return start if worse else AffineMap(matrix, offset)


def _through(front: nn.Module, inputs: np.ndarray) -> Iterator[Tensor]:
    """Activations of the inputs, some thousands at a time."""
    front = _still(front)
    kind = _kind(front)
    for at in range(0, len(inputs), _ROWS):
        with torch.no_grad():
            yield front(torch.as_tensor(inputs[at : at + _ROWS]).to(kind))


def _rows(out: Tensor) -> Tensor:
    """(n, k) as it is; (n, c, h, w) as (n h w, c)."""
    if out.ndim not in (2, 4):
        raise invalid("front", "a network with outputs (n, k) or (n, c, h, w)", tuple(out.shape), "cut it elsewhere")
    return out if out.ndim == 2 else out.movedim(1, -1).reshape(-1, out.shape[1])


def _shaped(rows: Tensor, like: Tensor) -> Tensor:
    """The inverse of `_rows`, for activations of another width."""
    return rows if like.ndim == 2 else rows.reshape(len(like), *like.shape[2:], rows.shape[1]).movedim(-1, 1)


def _answered(back: nn.Module, carried: Tensor) -> Tensor:
    """What the last layers make of carried activations. Raises `InputError` where these are of the wrong shape."""
    try:
        return back(carried)
    except RuntimeError as error:
        shape = tuple(carried.shape[1:])
        raise invalid("carry", "a map to where `back` begins", f"{shape}: {error}", "stitch where they fit") from None


def _still(network: nn.Module) -> nn.Module:
    """A copy that is not trained: norms use what they know, dropout does nothing."""
    return copy.deepcopy(network).eval().requires_grad_(False)


def _kind(network: nn.Module) -> torch.dtype:
    return next((value.dtype for value in network.parameters()), torch.float32)
