"""Planted and knotted worlds of known topology and entropy, and one call that loads a name or a file."""

from core.worlds.registry import DatasetInfo, Planted, dataset_info, dataset_names, load_dataset, planted

__all__ = ["DatasetInfo", "Planted", "dataset_info", "dataset_names", "load_dataset", "planted"]
