"""Which units of a sequential network may change places: every axis of every tensor that has to follow when they do.

The outputs of each layer with weights but the last are a group of units. Reordering a group reorders the rows of its
layer, whatever stands for each unit in the layers after it, and the columns of the next layer with weights; what the
network computes stays the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from core.errors import InputError, invalid

__all__ = ["Architecture", "Axis", "architecture", "same_architecture"]

# What treats every unit alike.
_ALIKE = (
    nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Hardtanh, nn.ReLU6,
    nn.Softmax, nn.LogSoftmax, nn.Identity, nn.Dropout, nn.Dropout2d,
)  # fmt: skip


@dataclass(frozen=True)
class Axis:
    """Axis `axis` of the tensor `tensor` follows a group of units, each of which stands for `block` neighbors on it."""

    tensor: str
    axis: int
    group: str
    block: int = 1


@dataclass(frozen=True)
class Architecture:
    """`widths`: the number of units of each group, by the name of its layer; `axes`: all that follows a group;
    `learned`: the names of the tensors that are parameters, not statistics."""

    widths: dict[str, int]
    axes: tuple[Axis, ...]
    learned: frozenset[str]

    def of_group(self, group: str) -> tuple[Axis, ...]:
        """The axes of parameters that follow a group."""
        return tuple(axis for axis in self.axes if axis.group == group and axis.tensor in self.learned)

    def of_tensor(self, tensor: str) -> tuple[Axis, ...]:
        """The axes of one tensor."""
        return tuple(axis for axis in self.axes if axis.tensor == tensor)


@dataclass
class _Walk:
    """What is known on the way through the layers: the group that comes in, whether its units are channels of an
    image, and the name of the last layer with weights, whose units stay."""

    last: str
    group: str | None = None
    image: bool = False
    widths: dict[str, int] = field(default_factory=dict)
    axes: list[Axis] = field(default_factory=list)

    def follow(self, tensor: str, axis: int, block: int = 1) -> None:
        if self.group is not None:
            self.axes.append(Axis(tensor, axis, self.group, block))

    def leave(self, name: str, layer: nn.Linear | nn.Conv2d, width: int) -> None:
        self.group = None if name == self.last else name
        if self.group is not None:
            self.widths[name] = width
        self.follow(f"{name}.weight", 0)
        if layer.bias is not None:
            self.follow(f"{name}.bias", 0)


def architecture(network: nn.Sequential) -> Architecture:
    """The groups of a sequential network of linear and convolutional layers, with activations, norms, pooling between.

    Raises `InputError`, with the layer's name, for whatever else there is: then it is not known what has to follow.
    """
    layers = _layers(network)
    weighty = [name for name, layer in layers if type(layer) in (nn.Linear, nn.Conv2d)]
    if not weighty:
        raise invalid("network", "of linear or convolutional layers", "none of these", "give one that has weights")
    walk = _Walk(last=weighty[-1])
    for name, layer in layers:
        if type(layer) not in _ALIKE:
            if type(layer) not in _STEPS:
                raise _unknown(name, layer, "is of a kind whose units cannot be followed")
            _STEPS[type(layer)](walk, name, layer)
    return Architecture(walk.widths, tuple(walk.axes), frozenset(name for name, _ in network.named_parameters()))


def same_architecture(a: nn.Sequential, b: nn.Sequential) -> Architecture:
    """The one architecture of two networks. Raises `InputError`, with the layer's name, where they differ."""
    found = architecture(a)
    architecture(b)
    layers_a, layers_b = _layers(a), _layers(b)
    if len(layers_a) != len(layers_b):
        raise invalid("b", f"a network of {len(layers_a)} layers, as `a` is", len(layers_b), "merge like with like")
    for (name, one), (_, other) in zip(layers_a, layers_b, strict=True):
        if repr(one) != repr(other):
            raise InputError(f"layer {name} is {one!r} in `a` and {other!r} in `b`; only like networks merge.")
    return found


def _layers(network: nn.Sequential) -> Sequence[tuple[str, nn.Module]]:
    """The names and layers of a network, those of sequences within it too. Raises `InputError` where it is none, and
    where a layer with parameters is used twice."""
    if type(network) is not nn.Sequential:
        raise invalid("network", "a torch.nn.Sequential", type(network).__name__, "only sequences of layers merge")
    found: list[tuple[str, nn.Module]] = []
    for name, layer in network._modules.items():
        if type(layer) is nn.Sequential:
            found += [(f"{name}.{inner}", each) for inner, each in _layers(layer)]
        elif layer is not None:
            found.append((name, layer))
    seen: dict[int, str] = {}
    for name, layer in found:
        if any(True for _ in layer.parameters()) and seen.setdefault(id(layer), name) != name:
            raise _unknown(name, layer, f"is layer {seen[id(layer)]} again")
    return found


def _linear(walk: _Walk, name: str, layer: nn.Linear) -> None:
    if walk.image:
        raise _unknown(name, layer, "acts on the rows of an image and not on its channels")
    walk.follow(f"{name}.weight", 1, _block(walk, name, layer, layer.in_features))
    walk.leave(name, layer, layer.out_features)


def _convolution(walk: _Walk, name: str, layer: nn.Conv2d) -> None:
    if layer.groups != 1:
        raise _unknown(name, layer, "has groups of channels, which tie units to each other")
    _pooling(walk, name, layer)
    walk.follow(f"{name}.weight", 1, _block(walk, name, layer, layer.in_channels))
    walk.image = True
    walk.leave(name, layer, layer.out_channels)


def _batch_norm(walk: _Walk, name: str, layer: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
    tensors = {"weight": layer.weight, "bias": layer.bias}
    tensors |= {"running_mean": layer.running_mean, "running_var": layer.running_var}
    _vectors(walk, name, layer, tensors)


def _layer_norm(walk: _Walk, name: str, layer: nn.LayerNorm) -> None:
    if not walk.image and len(layer.normalized_shape) > 1:
        raise _unknown(name, layer, "is over more than the units")
    # Over places alone the channels are treated alike.
    if not walk.image or len(layer.normalized_shape) == 3:
        _vectors(walk, name, layer, {"weight": layer.weight, "bias": layer.bias})


def _pooling(walk: _Walk, name: str, layer: nn.Module) -> None:
    if walk.group is not None and not walk.image:
        raise _unknown(name, layer, "takes units for places of an image")


def _slopes(walk: _Walk, name: str, layer: nn.PReLU) -> None:
    if layer.num_parameters > 1:
        _vectors(walk, name, layer, {"weight": layer.weight})


def _flatten(walk: _Walk, name: str, layer: nn.Flatten) -> None:
    if (layer.start_dim, layer.end_dim) != (1, -1):
        raise _unknown(name, layer, "does not flatten all but the rows")
    walk.image = False


def _vectors(walk: _Walk, name: str, layer: nn.Module, tensors: dict[str, Tensor | None]) -> None:
    """Tensors whose first axis goes with the units."""
    for key, tensor in tensors.items():
        if tensor is not None:
            walk.follow(f"{name}.{key}", 0, _block(walk, name, layer, len(tensor)))


def _block(walk: _Walk, name: str, layer: nn.Module, size: int) -> int:
    """How many neighbors on an axis of a size each unit stands for."""
    width = 1 if walk.group is None else walk.widths[walk.group]
    if size % width:
        raise _unknown(name, layer, f"does not fit the {width} units before it")
    return size // width


_STEPS: dict[type[nn.Module], Callable[[_Walk, str, torch.nn.Module], None]] = {
    nn.Linear: _linear,
    nn.Conv2d: _convolution,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.LayerNorm: _layer_norm,
    nn.PReLU: _slopes,
    nn.Flatten: _flatten,
    **dict.fromkeys((nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d), _pooling),
}  # pyright: ignore[reportAssignmentType]


def _unknown(name: str, layer: nn.Module, why: str) -> InputError:
    return InputError(f"layer {name} ({type(layer).__name__}) {why}; networks with such a layer are not merged.")
