"""Weight matching finds the units of a permuted copy again, and says which networks it cannot merge."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from core.baselines.rebasin import Permutations, along, apply, interpolate, weight_matching
from core.errors import InputError

NETWORKS = {
    "mlp": lambda: nn.Sequential(
        nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 40), nn.Tanh(), nn.Linear(40, 32), nn.GELU(), nn.Linear(32, 5)
    ),
    "norms": lambda: nn.Sequential(
        nn.Linear(16, 48), nn.BatchNorm1d(48), nn.PReLU(48), nn.Linear(48, 40), nn.LayerNorm(40), nn.ReLU(),
        nn.Dropout(0.5), nn.Linear(40, 5), nn.LogSoftmax(1),
    ),
    "convolutions": lambda: nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 24, 3), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Conv2d(24, 32, 2, bias=False), nn.LayerNorm([32, 2, 2]), nn.ReLU(), nn.Flatten(),
        nn.Linear(128, 40), nn.BatchNorm1d(40, affine=False), nn.ReLU(), nn.Linear(40, 5),
    ),
    "one layer": lambda: nn.Sequential(nn.Flatten(), nn.Linear(16, 5)),
}  # fmt: skip


def made(name, seed):
    """A network whose norms have statistics and scales of their own, and inputs for it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = NETWORKS[name]()
        shape = (64, 1, 8, 8) if name == "convolutions" else (64, 16)
        inputs = torch.randn(shape)
        network(inputs)
        for layer in network.modules():
            if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.PReLU)):
                for value in layer.parameters():
                    value.data += 0.3 * torch.randn(value.shape)
    return network.eval(), inputs


def shuffled(network, seed):
    """A copy with every hidden layer in another order."""
    rng = np.random.default_rng(seed)
    orders = weight_matching(network, network).orders
    return apply(Permutations({group: rng.permutation(len(order)) for group, order in orders.items()}), network)


def inner_product(a, b):
    with torch.no_grad():
        return sum(float((x * y).sum()) for x, y in zip(a.parameters(), b.parameters(), strict=True))


@pytest.mark.parametrize("name", NETWORKS)
def test_another_order_of_the_units_computes_the_same(name):
    """Ainsworth et al. 2023, section 2: the symmetry that all rests on."""
    network, inputs = made(name, 0)
    other = shuffled(network, 1)
    with torch.no_grad():
        assert torch.allclose(network(inputs), other(inputs), atol=1e-5)
    different = [not torch.equal(x, y) for x, y in zip(network.parameters(), other.parameters(), strict=True)]
    assert any(different) == (name != "one layer")


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_permuted_copy_is_matched_back_exactly(name, seed):
    """Ainsworth et al. 2023, section 3.2: where a permutation carries one network onto the other it is found, so that
    the network halfway is the network itself."""
    network, inputs = made(name, seed)
    copy = shuffled(network, seed + 10)
    back = apply(weight_matching(network, copy, seed), copy)
    for key, value in network.state_dict().items():
        assert torch.equal(value, back.state_dict()[key])
    halfway = interpolate(network, back, 0.5)
    with torch.no_grad():
        assert torch.allclose(network(inputs), halfway(inputs), atol=1e-6)
        if name != "one layer":
            assert not torch.allclose(network(inputs), interpolate(network, copy, 0.5)(inputs), atol=1e-3)


def test_matching_never_does_worse_than_leaving_the_units_where_they_are():
    """Every step of the descent raises the inner product of the weights."""
    a, b = made("norms", 0)[0], made("norms", 1)[0]
    same = inner_product(a, b)
    found = weight_matching(a, b)
    matched = apply(found, b)
    after = inner_product(a, matched)
    assert found.similarity == pytest.approx(after, rel=1e-4)
    assert after > same
    again = weight_matching(a, matched)
    assert again.similarity >= found.similarity - 1e-6


def test_a_seed_decides_the_matching():
    a, b = made("mlp", 0)[0], made("mlp", 1)[0]
    one, two = (weight_matching(a, b, seed=3) for _ in range(2))
    assert one.orders.keys() == {"0", "2", "4"}
    assert all(np.array_equal(one.orders[group], two.orders[group]) for group in one.orders)


def test_no_network_is_changed():
    a, b = made("convolutions", 0)[0], made("convolutions", 1)[0]
    before = [value.clone() for network in (a, b) for value in network.state_dict().values()]
    apply(weight_matching(a, b), b)
    interpolate(a, b, 0.3)
    after = [value for network in (a, b) for value in network.state_dict().values()]
    assert all(torch.equal(x, y) for x, y in zip(before, after, strict=True))


def test_the_way_begins_and_ends_at_the_networks():
    a, b = made("norms", 0)[0], made("norms", 1)[0]
    inputs = made("norms", 2)[1].numpy()
    with torch.no_grad():
        labels = a(torch.from_numpy(inputs)).argmax(1).numpy()
        agree = float((b(torch.from_numpy(inputs)).argmax(1).numpy() == labels).mean())
    way = along(a, b, inputs, labels, 5)
    assert way.steps == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert (way.accuracies[0], way.accuracies[-1]) == (1, pytest.approx(agree))
    assert way.barrier >= 0
    assert way.drop == pytest.approx((1 + agree) / 2 - way.accuracies[2])
    still = along(a, a, inputs, labels, 3)
    assert still.barrier == pytest.approx(0, abs=1e-6)
    assert still.drop == 0


class Residual(nn.Sequential):
    def forward(self, input):
        return input + super().forward(input)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Linear(3, 2), "torch.nn.Sequential, got Linear"),
        (lambda: Residual(nn.Linear(3, 3)), "torch.nn.Sequential, got Residual"),
        (lambda: nn.Sequential(nn.Linear(3, 3), Residual(nn.Linear(3, 3)), nn.Linear(3, 2)), "layer 1 (Residual)"),
        (lambda: nn.Sequential(nn.Sequential(nn.LSTM(3, 3)), nn.Linear(3, 2)), "layer 0.0 (LSTM)"),
        (lambda: nn.Sequential(nn.Conv2d(4, 4, 3, groups=2), nn.Flatten(), nn.Linear(4, 2)), "layer 0 (Conv2d)"),
        (lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.Linear(4, 2)), "layer 1 (Linear)"),
        (lambda: nn.Sequential(nn.Linear(3, 4), nn.Linear(6, 2)), "layer 1 (Linear)"),
        (lambda: nn.Sequential(nn.Linear(3, 4), nn.MaxPool2d(2), nn.Linear(2, 2)), "layer 1 (MaxPool2d)"),
        (lambda: nn.Sequential(nn.Linear(3, 4), nn.LayerNorm([5, 4]), nn.Linear(4, 2)), "layer 1 (LayerNorm)"),
        (lambda: nn.Sequential(nn.Linear(3, 4), nn.Flatten(2), nn.Linear(4, 2)), "layer 1 (Flatten)"),
        (lambda: nn.Sequential(nn.ReLU()), "linear or convolutional"),
        (lambda: nn.Sequential(*[nn.Linear(3, 3)] * 2), "layer 1 (Linear) is layer 0 again"),
    ],
)
def test_what_cannot_be_merged_is_told_with_its_layer(make, words):
    network = make()
    with pytest.raises(InputError) as caught:
        weight_matching(network, network)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def mlp(*widths):
    return nn.Sequential(*(nn.Linear(a, b) for a, b in itertools.pairwise(widths)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: weight_matching(mlp(4, 6, 2), mlp(4, 8, 2)), "layer 0 is Linear"),
        (lambda: weight_matching(mlp(4, 6, 2), mlp(4, 6, 6, 2)), "2 layers"),
        (lambda: interpolate(mlp(4, 6, 2), mlp(4, 8, 2), 0.5), "layer 0"),
        (lambda: interpolate(mlp(4, 6, 2), mlp(4, 6, 2), 1.5), "`t`"),
        (lambda: apply(Permutations({"1": np.arange(2)}), mlp(4, 6, 2)), "permutations"),
        (lambda: apply(Permutations({"0": np.zeros(6, int)}), mlp(4, 6, 2)), "order of 6 units in layer 0"),
        (lambda: along(mlp(4, 6, 2), mlp(4, 6, 2), np.zeros((3, 4)), np.zeros(2, int)), "labels"),
        (lambda: along(mlp(4, 6, 2), mlp(4, 6, 2), np.zeros((3, 4)), np.arange(3)), "from 0 to 1"),
        (lambda: along(mlp(4, 6, 2), mlp(4, 6, 2), np.zeros((0, 4)), np.zeros(0, int)), "inputs"),
        (lambda: along(mlp(4, 6, 2), mlp(4, 6, 2), np.zeros((3, 4)), np.zeros(3, int), 1), "points"),
    ],
)
def test_bad_input_is_one_line(call, words):
    with pytest.raises(InputError) as caught:
        call()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
