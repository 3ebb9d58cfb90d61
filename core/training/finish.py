"""From what training found to a model: its convention, its sample, its metrics."""

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np

from core.config import FlowAutoencoderConfig
from core.data.dataset import Dataset
from core.model.autoencoder import FlowAutoencoder, ModelSample
from core.model.likelihood import Likelihood
from core.training.convergence import verdict
from core.tree.fields.preview import input_field

__all__ = ["finished", "measured"]

_OFF_DATA = 200
# Columns whose names a model keeps.
_MOST_NAMED = 1024


def finished(
    net: Likelihood, config: FlowAutoencoderConfig, shift: np.ndarray, scale: float, basis: np.ndarray
) -> FlowAutoencoder:
    """The model of a trained likelihood over data that were shifted, scaled and turned.

    Latents are whitened: z = W (y - E y), W = Cov(y)^(-1/2). Noise dimensions of deviation s_i become isotropic of
    deviation s. Volume is kept from the data to (z, n) if s^m = scale^(d + p) |W|^(-1) prod s_i for m noise dimensions;
    without any, nothing can take up the volume, and W is scaled instead.
    """
    if net.prior is None:
        raise ValueError("the likelihood has no prior yet")
    prior, k = net.prior.export(), net.latent_dim
    mean = prior.weights @ prior.means
    away = prior.means - mean
    covariance = np.einsum("c,cij->ij", prior.weights, prior.covariances) + away.T @ (prior.weights[:, None] * away)
    values, vectors = np.linalg.eigh(covariance)
    head = vectors @ np.diag(values**-0.5) @ vectors.T
    log_noise = net.log_noise.detach().double().numpy()
    log_volume = len(basis) * np.log(scale) + 0.5 * np.log(values).sum() + log_noise.sum()
    log_unit = log_volume / len(log_noise) if len(log_noise) else 0.0
    if not len(log_noise):
        head = head * np.exp(log_volume / k)
    return FlowAutoencoder(
        config=config,
        shift=shift,
        scale=scale,
        basis=basis,
        flow=net.flow.eval().requires_grad_(False),
        latent_head=head,
        latent_shift=-head @ mean,
        noise_head=np.diag(np.exp(log_unit - log_noise)),
        noise_scale=float(np.exp(log_unit)),
        prior=prior.transformed(head, -head @ mean),
    )


def measured(
    model: FlowAutoencoder,
    dataset: Dataset,
    heldout: np.ndarray,
    trained: np.ndarray,
    shown: np.ndarray,
    metrics: dict[str, Any],
) -> FlowAutoencoder:
    """The model with its sample (the rows `shown`), its input density, and what the rows `heldout` say of it beside
    some that it was `trained` on.

    The volume defect is the largest |log |det J|| on held-out points and off the data, in the box around them.
    """
    points, held = dataset.points[shown], dataset.points[heldout]
    sample = ModelSample(
        points=points,
        latent=model.encode(points)[0],
        log_density=model.log_density(points).astype(np.float32),
        labels=None if dataset.labels is None else dataset.labels[shown],
        truth=None if dataset.latent is None else dataset.latent[shown],
        rows=shown.astype(np.int64),
    )
    box = np.random.default_rng(0).uniform(points.min(0), points.max(0), size=(_OFF_DATA, model.data_dim))
    parts = (held[:_OFF_DATA], box.astype(np.float32))
    nll = float(model.heldout_nll(held))
    entropy = None if dataset.entropy is None else float(dataset.entropy)
    model = replace(
        model,
        sample=sample,
        metrics={
            "dataset": dataset.name,
            "points": len(dataset),
            "data_sha256": hashlib.sha256(np.ascontiguousarray(dataset.points).reshape(-1).data).hexdigest(),
            "nll": nll,
            "nll_error": float(np.std(model.log_density(held)) / np.sqrt(len(held))),
            "entropy": entropy,
            "excess": None if entropy is None else nll - entropy,
            "volume_defect": float(max(np.abs(model.log_volume_change(part)).max() for part in parts)),
            "noise_scale": model.noise_scale,
            **({"columns": list(dataset.columns)} if 0 < len(dataset.columns) <= _MOST_NAMED else {}),
            **metrics,
        },
    )
    model.metrics["verdict"] = verdict(model, held, dataset.points[trained])
    return replace(model, input_field=input_field(model))
