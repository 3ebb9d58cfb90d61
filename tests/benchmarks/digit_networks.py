"""Classifiers of the 8 x 8 digits that scikit-learn ships, trained on disjoint halves, and strangers to them.

Penultimate layers of 64 units after a ReLU; plain cross-entropy, since label smoothing rubs out what classes have in
common (Müller, Kornblith & Hinton 2019, "When does label smoothing help?").
"""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

WIDTH, EPOCHS, BATCH, RATE = 64, 100, 64, 3e-3
KINDS = (("mlp", 0), ("mlp", 1), ("cnn", 0), ("cnn", 1))


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network: `front` up to its penultimate layer, `back` from there on, the `rows` it learned from."""

    name: str
    front: nn.Module
    back: nn.Module
    rows: np.ndarray

    def activations(self, rows: np.ndarray) -> np.ndarray:
        """(n, 64) of the penultimate layer."""
        with torch.no_grad():
            return self.front(torch.from_numpy(images()[rows])).numpy()

    def classes(self, activations: np.ndarray) -> np.ndarray:
        """(n,): what the rest of the network makes of activations (n, 64)."""
        with torch.no_grad():
            return self.back(torch.from_numpy(np.asarray(activations, np.float32))).argmax(1).numpy()


def images() -> np.ndarray:
    """(1797, 8, 8) in [0, 1]."""
    return (load_digits().images / 16).astype(np.float32)


def labels() -> np.ndarray:
    """(1797,)."""
    return load_digits().target


def halves(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of two disjoint halves."""
    order = np.random.default_rng(seed).permutation(len(labels()))
    return np.sort(order[:898]), np.sort(order[898:])


def built(kind: str) -> nn.Sequential:
    """An untrained network; all but the last layer are its front."""
    if kind == "mlp":
        layers = [nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, WIDTH)]
    else:
        layers = [nn.Unflatten(1, (1, 8)), nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.2)]
        layers += [nn.Linear(512, WIDTH)]
    return nn.Sequential(*layers, nn.ReLU(), nn.Linear(WIDTH, 10))


def trained(kind: str, half: int, seed: int, targets: np.ndarray | None = None, epochs: int = EPOCHS) -> Network:
    """A network trained on one half, on the digits or other `targets` (1797,); with no epochs one at random."""
    rows = halves(seed)[half]
    torch.manual_seed(1000 * seed + {"mlp": 0, "cnn": 10}[kind] + half)
    x, y = torch.from_numpy(images()[rows]), torch.from_numpy((labels() if targets is None else targets)[rows])
    network = built(kind)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-3)
    steps = max(epochs * (len(rows) // BATCH + 1), 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    network.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(rows)).split(BATCH):
            noisy = x[batch] + 0.1 * torch.randn_like(x[batch])
            loss = nn.functional.cross_entropy(network(noisy), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    network.eval()
    return Network(f"{kind}-{half}", network[:-1], network[-1:], rows)


def pair(seed: int, i: int, j: int) -> tuple[Network, Network]:
    """Two of the four networks of a seed (`KINDS`)."""
    return trained(*KINDS[i], seed), trained(*KINDS[j], seed)


STRANGERS = tuple((task, kind) for kind in ("mlp", "cnn") for task in ("shuffled", "ink", "modulo", "random"))


def stranger(seed: int, number: int) -> Network:
    """A network of another task: classes at random, the ink of the left half in eight steps, digits modulo 5, none."""
    rng, y = np.random.default_rng(seed), labels()
    ink = images()[:, :, :4].sum((1, 2))
    targets = {
        "shuffled": rng.permutation(y),
        "ink": np.digitize(ink, np.quantile(ink, np.arange(0.125, 1, 0.125))),
        "modulo": y % 5,
        "random": y,
    }
    task, kind = STRANGERS[number]
    found = trained(kind, number % 2, seed, targets[task], 0 if task == "random" else EPOCHS)
    return Network(f"{task}-{kind}", found.front, found.back, found.rows)
