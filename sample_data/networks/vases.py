"""One world, seen and heard: a network that sees vases and a network that hears them, never the same one.

A vase is of one of seven kinds, which says about how wide its belly and its neck are; no two of a kind are quite alike.
To the eye it is a silhouette in 16 x 16 noisy pixels. Blown across, it sounds: the wider the belly, the darker (the
faster its loudness falls with pitch), and the wider the neck, the higher. One auto-encoder learned pictures, another
spectra, of other vases; each has a bottleneck of two units, as many as a vase has measures. With three, the thin third
one is curved, which costs the match its evidence.
"""

import numpy as np
import torch
from kit import Pair, Side, Training, autoencoder, bottleneck, make

import core

__all__ = ["KINDS", "draw", "pair", "rendered", "sounded", "spectra"]

# Belly and neck, in about the deviations of a kind; the share of all vases; the spreads and their correlation.
_KINDS = {
    "bottle": (-5.0, -3.4, 0.24, 0.9, 0.7, 0.3),
    "jug": (-1.6, -4.6, 0.14, 0.7, 0.8, 0.0),
    "tube": (-4.2, 0.6, 0.09, 0.7, 0.8, -0.3),
    "flask": (4.2, -2.6, 0.17, 0.9, 0.7, 0.0),
    "cup": (-3.0, 5.0, 0.13, 0.8, 0.8, -0.4),
    "urn": (0.6, 3.2, 0.07, 0.7, 0.7, 0.0),
    "bowl": (4.6, 5.0, 0.16, 0.8, 0.9, 0.4),
}
KINDS = tuple(_KINDS)
_SIDE, _SAMPLES, _RATE, _PITCH = 16, 512, 8000.0, 340.0
_POINTS, _SAME, _UNITS = 4000, 1000, 2
# Half a belly and half a neck in pixels, and what a unit adds.
_WIDTHS, _SLOPES = (4.2, 3.8), (0.35, 0.35)


def draw(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Belly and neck (n, 2) of vases and the number of their kinds (n,)."""
    table = np.array(list(_KINDS.values()))
    kinds = rng.choice(len(table), count, p=table[:, 2] / table[:, 2].sum())
    x, y, _, wide, high, tilt = table[kinds].T
    a, b = rng.normal(size=(2, count))
    return np.stack((x + wide * a, y + high * (tilt * a + np.sqrt(1 - tilt**2) * b)), axis=1), kinds


def rendered(vases: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pictures (n, 16, 16) in [0, 1] of vases: soft silhouettes, with noise."""
    y, x = np.mgrid[:_SIDE, :_SIDE] - (_SIDE - 1) / 2
    low = 1 / (1 + np.exp(-y))
    belly, neck = (
        (base + slope * part)[:, None, None] for base, slope, part in zip(_WIDTHS, _SLOPES, vases.T, strict=True)
    )
    body = 1 / (1 + np.exp((np.abs(x) - low * belly - (1 - low) * neck) / 1.0))
    return np.clip(body + 0.12 * rng.normal(size=body.shape), 0, 1)


def sounded(vases: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sounds (n, 512) of vases: overtones in random phase that die down, with noise."""
    time = np.arange(_SAMPLES) / _RATE
    higher = np.exp(0.045 * vases[:, 1])[:, None]
    dark = (1.2 + 0.08 * vases[:, 0])[:, None]
    phase = rng.uniform(size=(8, len(vases), 1))
    sound = sum(
        (n * higher) ** -dark * np.sin(2 * np.pi * (n * _PITCH * higher * time + phase[n - 1])) for n in range(1, 9)
    )
    return sound * np.exp(-20 * time) + 0.03 * rng.normal(size=sound.shape)


def spectra(sounds: np.ndarray) -> np.ndarray:
    """Loudness (n, 48) of sounds in bands whose widths grow with pitch, about between -2 and 2."""
    power = np.abs(np.fft.rfft(sounds * np.hanning(_SAMPLES), axis=1)) ** 2
    pitch = np.fft.rfftfreq(_SAMPLES, 1 / _RATE)
    centers = np.geomspace(220, 3000, 48)
    bands = np.exp(-0.5 * (np.log(np.maximum(pitch, 1) / centers[:, None]) / 0.3) ** 2)
    loud = np.log(power @ bands.T + 0.3)
    return (loud - 8.0) / 2.0


def _eye(seed: int) -> tuple[torch.nn.Module, torch.nn.Module]:
    nn = torch.nn
    encoder = nn.Sequential(
        nn.Conv2d(1, 8, 3, 2, 1), nn.SiLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.SiLU(), nn.Flatten(), nn.Linear(256, _UNITS)
    )
    decoder = nn.Sequential(nn.Linear(_UNITS, 96), nn.SiLU(), nn.Linear(96, 256), nn.Unflatten(1, (1, 16, 16)))
    return encoder, decoder


def _ear(seed: int) -> tuple[torch.nn.Module, torch.nn.Module]:
    nn = torch.nn
    encoder = nn.Sequential(nn.Linear(48, 96), nn.SiLU(), nn.Linear(96, 48), nn.SiLU(), nn.Linear(48, _UNITS))
    decoder = nn.Sequential(nn.Linear(_UNITS, 48), nn.SiLU(), nn.Linear(48, 96), nn.SiLU(), nn.Linear(96, 48))
    return encoder, decoder


def pair(seed: int) -> Pair:
    """The network that sees and the network that hears."""
    config = core.FlowAutoencoderConfig(steps=1500)
    vases, kinds, pictures, shown = _seen(_POINTS, np.random.default_rng([seed, 1]))
    eye = autoencoder(shown, _eye, 2 * seed, Training(noise=0.05))
    a = Side(
        "vases-seen", "vases, seen", bottleneck(eye, shown), kinds, KINDS, "kind", "image",
        (255 * pictures).round().astype(np.uint8), config, vases,
    )  # fmt: skip
    vases, kinds, heard = _heard(_POINTS, np.random.default_rng([seed, 2]))
    ear = autoencoder(heard, _ear, 2 * seed + 1, Training(noise=0.05))
    b = Side(
        "vases-heard", "vases, heard", bottleneck(ear, heard), kinds, KINDS, "kind", "image", _drawn(heard), config,
        vases,
    )  # fmt: skip
    same = (_seen(_SAME, np.random.default_rng([seed, 3]))[3], _heard(_SAME, np.random.default_rng([seed, 3]))[2])
    return Pair("vases", a, b, (bottleneck(eye, same[0]), bottleneck(ear, same[1])))


def _seen(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vases, their kinds, their pictures, and these as the network takes them."""
    vases, kinds = draw(count, rng)
    pictures = rendered(vases, rng)
    return vases, kinds, pictures, (4 * (pictures - 0.4))[:, None]


def _heard(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vases, their kinds, and the spectra of their sounds."""
    vases, kinds = draw(count, rng)
    return vases, kinds, spectra(sounded(vases, rng))


def _drawn(heard: np.ndarray) -> np.ndarray:
    """Spectra as pictures (n, 12, 12) uint8: a bar for every fourth band."""
    low, high = heard.min(), heard.max()
    tall = np.round(12 * (heard[:, None, ::4] - low) / (high - low))
    return np.where(np.arange(12)[::-1, None] < tall, 255, 0).astype(np.uint8)


if __name__ == "__main__":
    make(pair, "Train the network that sees, the network that hears, and a model of each.")
