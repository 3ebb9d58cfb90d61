"""Instances with known answers that several tests share."""

import numpy as np

from core.data.dataset import Dataset

BLOBS = np.array([[0.0, 0.0, 0.0], [6.0, 0.0, 0.0], [0.0, 8.0, 0.0]])
SHARES = np.array([0.5, 0.3, 0.2])


def blobs(seed, n=3000, dim=3):
    """A data set of three blobs of different mass, turned at random by `seed`."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, size=n, p=SHARES)
    points = np.zeros((n, dim))
    points[:, :3] = BLOBS[labels]
    points[:, :2] += 0.7 * rng.normal(size=(n, 2))
    points[:, 2:] += 0.15 * rng.normal(size=(n, dim - 2))
    turn = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
    return Dataset("three blobs", (points @ turn).astype(np.float32), labels=labels.astype(np.int64))
