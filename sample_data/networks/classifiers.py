"""Two classifiers of the 8 x 8 digits that scikit-learn ships: a perceptron and a convolutional network, trained on
disjoint halves. What their penultimate layers of 64 units do on their own half is aligned by `topoviz align`.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from topoviz import resource

WIDTH, EPOCHS, BATCH, RATE, SEED = 64, 100, 64, 3e-3, 0


def main() -> None:
    images, labels = (load_digits().images / 16).astype(np.float32), load_digits().target
    order = np.random.default_rng(SEED).permutation(len(labels))
    halves = {"digits-mlp": np.sort(order[:898]), "digits-cnn": np.sort(order[898:])}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, rows in halves.items():
            network = learned(name.removeprefix("digits-"), SEED, images[rows], labels[rows])
            with torch.no_grad():
                np.save(folder / f"{name}.npy", network[:-1](torch.from_numpy(images[rows])).numpy())
            np.save(folder / f"{name}-labels.npy", labels[rows])
            np.save(folder / f"{name}-images.npy", (255 * images[rows]).astype(np.uint8))
        command = [sys.executable, "-m", "topoviz", "align", *(f"{folder / name}.npy" for name in halves)]
        for side, name in zip("ab", halves, strict=True):
            command += [f"--labels-{side}", f"{folder / name}-labels.npy"]
            command += [f"--examples-{side}", f"{folder / name}-images.npy"]
        subprocess.run([*command, "--out", str(folder / "aligned")], check=True)
        for name in halves:
            target = resource("sample_data") / "models" / name
            shutil.rmtree(target, ignore_errors=True)
            (aligned,) = (folder / "aligned" / "models").glob(f"{name}*")
            shutil.copytree(aligned, target)


def built(kind: str) -> nn.Sequential:
    """An untrained 'mlp' or 'cnn'; all but its last layer end in the 64 units that are looked at."""
    if kind == "mlp":
        layers = [nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, WIDTH)]
    else:
        layers = [nn.Unflatten(1, (1, 8)), nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.2)]
        layers += [nn.Linear(512, WIDTH)]
    return nn.Sequential(*layers, nn.ReLU(), nn.Linear(WIDTH, 10))


def learned(kind: str, seed: int, images: np.ndarray, labels: np.ndarray, epochs: int = EPOCHS) -> nn.Sequential:
    """A network that learned the classes `labels` (n,) of images (n, 8, 8); with no epochs one at random."""
    torch.manual_seed(seed)
    network = built(kind)
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-3)
    steps = max(epochs * (len(images) // BATCH + 1), 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(BATCH):
            noisy = x[batch] + 0.1 * torch.randn_like(x[batch])
            loss = nn.functional.cross_entropy(network(noisy), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


if __name__ == "__main__":
    main()
