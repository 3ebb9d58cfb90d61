"""Git Re-Basin: the order of B's hidden units that brings its weights nearest to A's, so that the two can be averaged.

    max over permutations P of sum over tensors of <A, P B>,
one group of units after another in random order: with the others held, the best order of a group is a linear
assignment. Every step raises the sum, so the rounds end; where they end depends on the order, and is a local optimum.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from core.baselines.architecture import Architecture, Axis, architecture, same_architecture
from core.baselines.types import class_numbers
from core.errors import invalid

__all__ = ["Interpolation", "Permutations", "along", "apply", "interpolate", "weight_matching"]

_ROUNDS = 100
_GAIN = 1e-10
_ROWS = 4096


@dataclass(frozen=True, eq=False)
class Permutations:
    """`orders`: for each hidden layer, by its name in the sequence, the unit (width,) of B that stands where each of
    A's does. `rounds` is how many went by until nothing changed, `similarity` the sum of inner products at the end."""

    orders: Mapping[str, np.ndarray]
    rounds: int = 0
    similarity: float = 0.0


@dataclass(frozen=True, eq=False)
class Interpolation:
    """Accuracies (n,) and mean cross-entropies (n,) in nats of the networks at `steps` (n,) of the way from A to B."""

    steps: np.ndarray
    accuracies: np.ndarray
    losses: np.ndarray

    @property
    def barrier(self) -> float:
        """How far the loss rises above the straight line between its ends, at most, in nats.

        References: Frankle, Dziugaite, Roy and Carbin 2020, "Linear mode connectivity and the lottery ticket
        hypothesis", arXiv 1912.05671.
        """
        return float((self.losses - (1 - self.steps) * self.losses[0] - self.steps * self.losses[-1]).max())

    @property
    def drop(self) -> float:
        """By how much the accuracy halfway is less than the mean of the two ends', as a share."""
        halfway = float(np.interp(0.5, self.steps, self.accuracies))
        return float(self.accuracies[[0, -1]].mean()) - halfway


def weight_matching(a: nn.Sequential, b: nn.Sequential, seed: int = 0) -> Permutations:
    """The orders of B's hidden units under which its weights and biases agree best with A's, up to a local optimum.

    The networks are sequences of one architecture, of `Linear` and `Conv2d` layers with activations, norms, pooling and
    `Flatten` between. No data is needed. Raises `InputError`, with the layer's name, for networks that do not merge.

    References: Ainsworth, Hayase and Srinivasa 2023, "Git Re-Basin: merging models modulo permutation symmetries",
    arXiv 2209.04836, algorithm 1.

    >>> net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    >>> shuffled = apply(Permutations({"0": np.arange(16)[::-1]}), net)
    >>> back = apply(weight_matching(net, shuffled), shuffled)
    >>> all(torch.equal(x, y) for x, y in zip(net.parameters(), back.parameters()))
    True
    """
    found = same_architecture(a, b)
    ours, theirs = _tensors(a), _tensors(b)
    orders = {group: np.arange(width) for group, width in found.widths.items()}
    rng = np.random.default_rng(seed)
    groups, rounds, changed = list(orders), 0, True
    size = sum(float((tensor**2).sum()) for tensor in ours.values())
    while changed and rounds < _ROUNDS:
        changed, rounds = False, rounds + 1
        for at in rng.permutation(len(groups)):
            group = groups[at]
            gains = _gains(found, group, orders, ours, theirs)
            order = linear_sum_assignment(gains, maximize=True)[1]
            places = np.arange(len(order))
            if gains[places, order].sum() > gains[places, orders[group]].sum() + _GAIN * size:
                orders[group], changed = order, True
    same = sum(float((ours[name] * _ordered(found, name, theirs[name], orders)).sum()) for name in found.learned)
    return Permutations(orders, rounds, same)


def apply(permutations: Permutations, network: nn.Sequential) -> nn.Sequential:
    """A copy of a network with its hidden units in another order: it computes the same.

    Raises `InputError` where the orders are none of its hidden units.
    """
    found = architecture(network)
    for group, order in permutations.orders.items():
        width = found.widths.get(group)
        if width is None:
            raise invalid("permutations", f"of the layers {', '.join(found.widths)}", group, "match these networks")
        if not np.array_equal(np.sort(order), np.arange(width)):
            raise invalid("permutations", f"an order of {width} units in layer {group}", np.shape(order), "match again")
    changed = copy.deepcopy(network)
    state = changed.state_dict()
    changed.load_state_dict({key: _ordered(found, key, value, permutations.orders) for key, value in state.items()})
    return changed


def interpolate(a: nn.Sequential, b: nn.Sequential, t: float) -> nn.Sequential:
    """The network whose weights lie at the share t of the way from A's to B's; numbers that count are A's.

    The statistics of batch norms lie between too, although those of the new network are others (Jordan et al. 2023,
    arXiv 2211.08403). Raises `InputError` for networks that differ and for a t that is not from 0 to 1.
    """
    if not 0 <= t <= 1:
        raise invalid("t", "from 0 to 1", t, "choose a share of the way")
    same_architecture(a, b)
    between, there = copy.deepcopy(a), b.state_dict()
    state = {
        key: torch.lerp(here, there[key].to(here), t) if here.is_floating_point() else here
        for key, here in between.state_dict().items()
    }
    between.load_state_dict(state)
    return between


def along(
    a: nn.Sequential, b: nn.Sequential, inputs: np.ndarray, labels: np.ndarray, points: int = 11
) -> Interpolation:
    """What becomes of accuracy and loss on the straight way from A's weights to B's, on `inputs` (n, ...) with classes
    `labels` (n,). Match B first and look at `apply(weight_matching(a, b), b)` in its place.

    Raises `InputError` for networks that differ, fewer than two points, and labels that are not one class per input.
    """
    if points < 2:
        raise invalid("points", "2 or more", points, "look at both ends")
    labels = class_numbers(labels, inputs)
    steps = np.linspace(0, 1, points)
    figures = np.array([_judged(interpolate(a, b, float(t)), inputs, labels) for t in steps])
    return Interpolation(steps, figures[:, 0], figures[:, 1])


def _judged(network: nn.Sequential, inputs: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Accuracy and mean cross-entropy, in nats."""
    weights = next(network.parameters())
    network.eval()
    with torch.no_grad():
        parts = [network(torch.as_tensor(inputs[at : at + _ROWS]).to(weights)) for at in range(0, len(inputs), _ROWS)]
    logits = torch.cat(parts).cpu()
    truth = torch.from_numpy(class_numbers(labels, inputs, logits.shape[1]))
    return float((logits.argmax(1) == truth).float().mean()), float(cross_entropy(logits, truth))


def _gains(
    found: Architecture,
    group: str,
    orders: Mapping[str, np.ndarray],
    ours: Mapping[str, Tensor],
    theirs: Mapping[str, Tensor],
) -> np.ndarray:
    """(width, width): what the sum gains from B's unit j in the place of A's unit i, all other groups held."""
    others = {name: order for name, order in orders.items() if name != group}
    total = torch.zeros(found.widths[group], found.widths[group], dtype=torch.float64)
    for axis in found.of_group(group):
        a = _units(ours[axis.tensor], axis)
        b = _units(_ordered(found, axis.tensor, theirs[axis.tensor], others), axis)
        total += a @ b.T
    return total.numpy()


def _units(tensor: Tensor, axis: Axis) -> Tensor:
    """(width, ...): all that a tensor holds of each unit, as one row."""
    front = tensor.movedim(axis.axis, 0)
    return front.reshape(len(front) // axis.block, -1)


def _ordered(found: Architecture, name: str, tensor: Tensor, orders: Mapping[str, np.ndarray]) -> Tensor:
    """A tensor with its axes in the order of their groups' units."""
    for axis in found.of_tensor(name):
        if axis.group in orders:
            order = np.asarray(orders[axis.group])
            index = (order[:, None] * axis.block + np.arange(axis.block)).ravel()
            tensor = tensor.index_select(axis.axis, torch.as_tensor(index, device=tensor.device))
    return tensor


def _tensors(network: nn.Sequential) -> dict[str, Tensor]:
    return {name: value.detach().to("cpu", torch.float64) for name, value in network.named_parameters()}
