"""Data sets: planted ones with known topology and entropy, and readers for files."""

from core.data.dataset import Dataset, Topology
from core.data.readers import write_points
from core.data.registry import DatasetInfo, Planted, dataset_info, dataset_names, load_dataset, planted

__all__ = [
    "Dataset", "DatasetInfo", "Planted", "Topology", "dataset_info", "dataset_names", "load_dataset", "planted",
    "write_points",
]  # fmt: skip
