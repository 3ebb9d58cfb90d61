"""Two auto-encoders that never saw the same digit: one of dense layers, one of convolutions, a half of the data each.

The data are the zeros, threes, fours, sixes and sevens among the handwritten digits of 8 x 8 pixels that scikit-learn
ships: those that lie apart in the pixels, where ones, twos, fives, eights and nines run together. Each is shown a
few times, a little turned and shifted, one class more often than another, so that their masses differ. No label is ever
learned from.
"""

import numpy as np
import torch
from kit import Pair, Side, Training, autoencoder, bottleneck, make
from scipy.ndimage import affine_transform
from sklearn.datasets import load_digits

__all__ = ["moved", "pair"]

# How often an image of a class is shown.
_TIMES = {0: 9, 3: 7, 4: 4, 6: 5, 7: 3}
_UNITS = 8
_SHIFT, _DEGREES = 0.5, 10.0


def moved(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each image (n, 8, 8) a little turned and shifted."""
    middle = (np.array(images.shape[1:]) - 1) / 2
    found = np.empty_like(images)
    for at, image in enumerate(images):
        angle, shift = np.radians(rng.uniform(-_DEGREES, _DEGREES)), rng.uniform(-_SHIFT, _SHIFT, 2)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        found[at] = affine_transform(image, turn, middle - turn @ (middle + shift), order=1)
    return found


def _dense(seed: int) -> tuple[torch.nn.Module, torch.nn.Module]:
    nn = torch.nn
    encoder = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 128), nn.SiLU(), nn.Linear(128, 64), nn.SiLU(), nn.Linear(64, _UNITS)
    )
    decoder = nn.Sequential(
        nn.Linear(_UNITS, 64), nn.SiLU(), nn.Linear(64, 128), nn.SiLU(), nn.Linear(128, 64), nn.Unflatten(1, (1, 8, 8))
    )
    return encoder, decoder


def _convolutional(seed: int) -> tuple[torch.nn.Module, torch.nn.Module]:
    nn = torch.nn
    encoder = nn.Sequential(
        nn.Conv2d(1, 16, 3, 1, 1),
        nn.SiLU(),
        nn.Conv2d(16, 24, 3, 2, 1),
        nn.SiLU(),
        nn.Flatten(),
        nn.Linear(384, _UNITS),
    )
    decoder = nn.Sequential(
        nn.Linear(_UNITS, 384), nn.SiLU(), nn.Unflatten(1, (24, 4, 4)), nn.ConvTranspose2d(24, 16, 4, 2, 1), nn.SiLU(),
        nn.Conv2d(16, 1, 3, 1, 1),
    )  # fmt: skip
    return encoder, decoder


def pair(seed: int) -> Pair:
    """The two networks' bottlenecks, each over its own half; both over all of the images as they are."""
    digits = load_digits()
    chosen = np.isin(digits.target, list(_TIMES))
    images, target = digits.images[chosen] / 16, digits.target[chosen]
    halves = np.array_split(np.random.default_rng(seed).permutation(len(images)), 2)
    sides, same = [], []
    for at, (name, build, half) in enumerate(
        zip(("dense", "convolved"), (_dense, _convolutional), halves, strict=True)
    ):
        rng = np.random.default_rng([seed, at])
        rows = np.repeat(half, [_TIMES[label] for label in target[half].tolist()])
        shown = np.clip(moved(images[rows], rng), 0, 1)[:, None]
        encoder = autoencoder(2 * shown, build, 2 * seed + at, Training(steps=2000, noise=0.2))
        side = Side(
            f"digits-{name}", f"digits, {name}", bottleneck(encoder, 2 * shown), target[rows],
            tuple("0123456789"), "digit", "image", (255 * shown[:, 0]).round().astype(np.uint8),
        )  # fmt: skip
        sides.append(side)
        same.append(bottleneck(encoder, 2 * images[:, None]))
    return Pair("digits", sides[0], sides[1], (same[0], same[1])).prepared()


if __name__ == "__main__":
    make(pair, "Train two auto-encoders of digits, and a model of each.")
