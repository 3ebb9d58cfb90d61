"""Model folders, trees and matches on disk: safetensors and JSON, never pickle, written whole or not at all.

A folder is written under a temporary name and renamed; a file likewise. Readers trust nothing: sizes, shapes, keys and
values are checked against the configuration before a model is built.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from core.config import FlowAutoencoderConfig
from core.errors import InputError, invalid
from core.files import atomic_folder, read_json, write_json
from core.gaussians.mixture import GaussianMixture
from core.model.autoencoder import FlowAutoencoder, InputField, ModelSample
from core.model.flow import FLOWS

__all__ = ["load_model", "save_model"]

_MODEL_BYTES = 512 * 2**20
_SAMPLE_KEYS = ("points", "latent", "log_density", "labels", "truth", "rows")


def save_model(model: FlowAutoencoder, path: Path | str) -> None:
    """Write a model folder: model.safetensors, sample.safetensors, config.json, metrics.json. An older model folder at
    `path` is replaced; anything else there is left alone with an `InputError`."""
    path = Path(path)
    if path.exists() and not (path / "model.safetensors").is_file() and (not path.is_dir() or any(path.iterdir())):
        raise invalid("out", "a new folder or a model folder", path, "choose another place")
    with atomic_folder(path) as temporary:
        save_file(_parameters(model), temporary / "model.safetensors")
        save_file(_extras(model), temporary / "sample.safetensors")
        write_json(model.config.to_json(), temporary / "config.json")
        write_json(model.metrics, temporary / "metrics.json")


def _half(values: np.ndarray) -> np.ndarray:
    """In half precision. What lies beyond it, as the density far off a thin sheet does, is as far as that goes."""
    most = np.finfo(np.float16).max
    return np.clip(values, -most, most).astype(np.float16)


def load_model(path: Path | str) -> FlowAutoencoder:
    """The model in a folder. Raises `InputError` on a folder that is not one, or is damaged."""
    path = Path(path)
    if not (path / "model.safetensors").is_file():
        raise InputError(f"`{path.name or path}` is not a model folder (it has no model.safetensors); train one.")
    config = FlowAutoencoderConfig.from_json(read_json(path / "config.json"))
    metrics = read_json(path / "metrics.json")
    if not isinstance(metrics, dict):
        raise InputError(f"`{path.name}/metrics.json` is not a JSON object; train the model anew.")
    arrays = _arrays(path / "model.safetensors")
    extras = _arrays(path / "sample.safetensors") if (path / "sample.safetensors").is_file() else {}
    try:
        return _assembled(config, arrays, extras, metrics)
    except (KeyError, ValueError, RuntimeError, np.linalg.LinAlgError) as error:
        raise InputError(
            f"`{path.name}` does not hold the model its config.json describes ({_one_line(error)}); train it anew."
        ) from None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160]


def _arrays(path: Path) -> dict[str, np.ndarray]:
    label = f"{path.parent.name}/{path.name}"
    if path.stat().st_size > _MODEL_BYTES:
        raise InputError(f"`{label}` is larger than {_MODEL_BYTES >> 20} MiB; this is no model of topoviz.")
    try:
        arrays = load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"`{label}` is damaged ({_one_line(error)}); copy or train it again.") from None
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(f"`{label}` holds NaN or infinity in {name}; train the model anew.")
    return arrays


def _parameters(model: FlowAutoencoder) -> dict[str, np.ndarray]:
    arrays = {f"flow.{key}": value.numpy() for key, value in model.flow.state_dict().items()}
    arrays |= {
        "shift": model.shift,
        "scale": np.array([model.scale]),
        "basis": model.basis,
        "latent_head": model.latent_head,
        "latent_shift": model.latent_shift,
        "noise_head": model.noise_head,
        "noise_scale": np.array([model.noise_scale]),
        "prior.weights": model.prior.weights,
        "prior.means": model.prior.means,
        "prior.covariances": model.prior.covariances,
    }
    return {key: np.ascontiguousarray(value) for key, value in arrays.items()}


def _extras(model: FlowAutoencoder) -> dict[str, np.ndarray]:
    arrays = {}
    if model.sample is not None:
        arrays |= {f"sample.{key}": getattr(model.sample, key) for key in _SAMPLE_KEYS}
    if model.input_field is not None:
        shown = model.input_field
        arrays |= {f"field.axis{i}": axis for i, axis in enumerate(shown.axes)}
        arrays |= {
            "field.log_density": _half(shown.log_density),
            "field.latent": _half(shown.latent),
            "field.frame": shown.frame,
            "field.center": shown.center,
        }
    return {key: np.ascontiguousarray(value) for key, value in arrays.items() if value is not None}


def _assembled(
    config: FlowAutoencoderConfig, arrays: dict[str, np.ndarray], extras: dict[str, np.ndarray], metrics: dict[str, Any]
) -> FlowAutoencoder:
    d, k = len(arrays["shift"]), int(config.latent_dim)
    total = d + int(config.pad)
    shapes = {
        "basis": (total, total),
        "latent_head": (k, k),
        "latent_shift": (k,),
        "scale": (1,),
        "noise_scale": (1,),
        "noise_head": (total - k, total - k),
        "prior.means": (len(arrays["prior.weights"]), k),
        "prior.covariances": (len(arrays["prior.weights"]), k, k),
    }
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}, not {shape}")
    flow = FLOWS[config.flow](total, config.blocks, config.width, seed=0)
    flow.load_state_dict(
        {key[5:]: torch.from_numpy(value) for key, value in arrays.items() if key.startswith("flow.")}, strict=True
    )
    prior = GaussianMixture(arrays["prior.weights"], arrays["prior.means"], arrays["prior.covariances"])
    np.linalg.cholesky(prior.covariances)
    sample = shown = None
    if "sample.points" in extras:
        sample = ModelSample(**{key: extras.get(f"sample.{key}") for key in _SAMPLE_KEYS})  # type: ignore[arg-type]
        if sample.points.shape[1:] != (d,) or sample.latent.shape != (len(sample.points), k):
            raise ValueError("its sample has another width")
        if sample.rows is not None and (sample.rows.shape, sample.rows.dtype) != ((len(sample.points),), np.int64):
            raise ValueError("its sample has rows of another shape or kind")
    if "field.log_density" in extras:
        shown = InputField(
            axes=(extras["field.axis0"], extras["field.axis1"], extras["field.axis2"]),
            log_density=extras["field.log_density"].astype(np.float32),
            latent=extras["field.latent"].astype(np.float32),
            frame=extras["field.frame"],
            center=extras["field.center"],
        )
    return FlowAutoencoder(
        config=config,
        shift=arrays["shift"],
        scale=float(arrays["scale"][0]),
        basis=arrays["basis"],
        flow=flow.eval().requires_grad_(False),
        latent_head=arrays["latent_head"],
        latent_shift=arrays["latent_shift"],
        noise_head=arrays["noise_head"],
        noise_scale=float(arrays["noise_scale"][0]),
        prior=prior,
        sample=sample,
        input_field=shown,
        metrics=metrics,
    )
