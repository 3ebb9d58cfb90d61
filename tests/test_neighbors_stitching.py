"""Stitched networks: the map trained on the task is the upper bound, and any translator can take its place."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from core.baselines import Latents, Pairs, translate
from core.baselines.rebasin import Permutations, apply
from core.baselines.stitching import activations, stitch_on_activations, stitch_on_task, stitched_accuracy
from core.errors import InputError
from core.maps import AffineMap

IDENTITY = AffineMap(np.eye(48), np.zeros(48))


def learned(seed, x, y, width=48):
    """A perceptron of two hidden layers that learned to tell digits."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
        )
        optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
        images, digits = torch.as_tensor(x), torch.as_tensor(y)
        for _ in range(12):
            for rows in torch.randperm(len(x)).split(64):
                optimizer.zero_grad()
                nn.functional.cross_entropy(network(images[rows]), digits[rows]).backward()
                optimizer.step()
    return network.eval()


@pytest.fixture(scope="module")
def digits():
    """Images and digits to learn from, and others to be judged by."""
    known = load_digits()
    order = np.random.default_rng(0).permutation(len(known.target))
    x, y = (known.data[order] / 16).astype(np.float32), known.target[order]
    return x[:1300], y[:1300], x[1300:], y[1300:]


@pytest.fixture(scope="module")
def networks(digits):
    return tuple(learned(seed, *digits[:2]) for seed in (0, 1))


def accuracy(network, x, y):
    with torch.no_grad():
        return float((network(torch.as_tensor(x)).argmax(1).numpy() == y).mean())


def test_a_network_stitched_to_itself_is_the_network(networks, digits):
    a, (_, _, x, y) = networks[0], digits
    assert stitched_accuracy(a[:2], IDENTITY, a[2:], x, y) == pytest.approx(accuracy(a, x, y))


def test_networks_that_differ_by_seed_are_stitched_with_little_loss(networks, digits):
    """Bansal et al. 2021, section 4: networks of one kind trained from other starts stitch with a small penalty, which
    no identity in place of the trained map does (Lenc and Vedaldi 2015, table 3)."""
    a, b = networks
    known, truth, x, y = digits
    carry = stitch_on_task(a[:2], b[:2], b[2:], known, truth)
    whole = accuracy(b, x, y)
    assert whole > 0.93
    assert stitched_accuracy(a[:2], carry, b[2:], x, y) > whole - 0.03
    assert stitched_accuracy(a[:2], IDENTITY, b[2:], x, y) < 0.5


def loss(network, carry, known, truth, back):
    with torch.no_grad():
        images = torch.as_tensor(carry(activations(network, known)), dtype=torch.float32)
        return float(nn.functional.cross_entropy(back(images), torch.as_tensor(truth)))


def test_what_is_trained_on_the_task_is_no_worse_at_it_than_least_squares(networks, digits):
    """Bansal et al. 2021, section 2: the stitched loss is that of the best map of its family."""
    a, b = networks
    known, truth = digits[:2]
    squares = stitch_on_activations(a[:2], b[:2], known)
    trained = stitch_on_task(a[:2], b[:2], b[2:], known, truth)
    assert loss(a[:2], trained, known, truth, b[2:]) <= loss(a[:2], squares, known, truth, b[2:])
    still = stitch_on_task(a[:2], b[:2], b[2:], known, truth, steps=0)
    assert still.matrix == pytest.approx(squares.matrix, abs=1e-5)


def test_any_translator_can_be_stitched_in(networks, digits):
    a, b = networks
    known, _, x, y = digits
    sides = [activations(network[:2], known) for network in (a, b)]
    for name in ("affine", "procrustes", "relative-like"):
        carry = translate(name, Latents(sides[0]), Latents(sides[1]), Pairs(*sides))
        assert stitched_accuracy(a[:2], carry, b[2:], x, y) > 0.85


def test_another_order_of_the_units_costs_nothing(networks, digits):
    a, (known, _, x, y) = networks[0], digits
    other = apply(Permutations({"0": np.random.default_rng(0).permutation(48)}), a)
    carry = stitch_on_activations(a[:2], other[:2], known)
    assert stitched_accuracy(a[:2], carry, other[2:], x, y) == pytest.approx(accuracy(a, x, y), abs=0.005)


def test_images_are_carried_place_by_place():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        a = nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(216, 4))
        mix = nn.Conv2d(6, 6, 1)
        x = torch.randn(40, 1, 8, 8)
    mix.requires_grad_(False)
    a.eval()
    with torch.no_grad():
        y = a(x).argmax(1).numpy()
    matrix, offset = mix.weight[:, :, 0, 0].double().numpy(), mix.bias.double().numpy()
    mixed = nn.Sequential(a[0], a[1], a[2], mix)
    found = stitch_on_activations(a[:3], mixed, x.numpy())
    rows = activations(a[:3], x.numpy())
    assert rows.shape == (40 * 36, 6)
    assert found(rows) == pytest.approx(rows @ matrix.T + offset, abs=1e-4)
    back = AffineMap(matrix, offset).inverse()
    assert stitched_accuracy(mixed, back, a[3:], x.numpy(), y) == 1


def test_no_network_is_changed_and_a_seed_decides_the_map(networks, digits):
    a, b = networks
    known, truth = digits[0][:200], digits[1][:200]
    before = [value.clone() for network in networks for value in network.state_dict().values()]
    one, two = (stitch_on_task(a[:2], b[:2], b[2:], known, truth, seed=3, steps=20) for _ in range(2))
    assert np.array_equal(one.matrix, two.matrix)
    after = [value for network in networks for value in network.state_dict().values()]
    assert all(torch.equal(x, y) for x, y in zip(before, after, strict=True))
    assert all(value.requires_grad for value in b.parameters())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a, x, y: stitched_accuracy(a[:2], IDENTITY, a[2:], x, y[:-1]), "labels"),
        (lambda a, x, y: stitched_accuracy(a[:2], lambda z: z[:, :5], a[2:], x, y), "carry"),
        (lambda a, x, y: stitch_on_task(a[:2], a[:2], a[2:], x, y[:, None]), "labels"),
        (lambda a, x, y: stitch_on_task(a[:2], a[:2], a[2:], x, y + 5), "from 0 to 9"),
        (lambda a, x, y: stitch_on_task(a[:2], a[:2], a[2:], x, y / 2), "whole numbers"),
        (lambda a, x, y: stitched_accuracy(a[:2], IDENTITY, a[2:], x[:0], y[:0]), "inputs"),
        (lambda a, x, y: activations(nn.Unflatten(1, (8, 8)), x), "front"),
        (
            lambda a, x, y: stitch_on_activations(a[:2], nn.Unflatten(1, (1, 8, 8)), x),
            "places",
        ),
    ],
)
def test_bad_input_is_one_line(networks, digits, call, words):
    with pytest.raises(InputError) as caught:
        call(networks[0], digits[0], digits[1])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
