"""Classifiers of the 8 x 8 digits that scikit-learn ships, trained on disjoint halves, and strangers to them.

Penultimate layers of 64 units after a ReLU; plain cross-entropy, since label smoothing rubs out what classes have in
common (Müller, Kornblith & Hinton 2019, "When does label smoothing help?").
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2] / "sample_data" / "networks"))
from classifiers import EPOCHS, learned

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


def trained(kind: str, half: int, seed: int, targets: np.ndarray | None = None, epochs: int = EPOCHS) -> Network:
    """A network trained on one half, on the digits or other `targets` (1797,); with no epochs one at random."""
    rows = halves(seed)[half]
    classes = (labels() if targets is None else targets)[rows]
    network = learned(kind, 1000 * seed + {"mlp": 0, "cnn": 10}[kind] + half, images()[rows], classes, epochs)
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
