"""Data sets: planted ones with known topology and entropy, and readers for files."""

from core.data.dataset import Dataset, Topology
from core.data.readers import write_points
from core.data.registry import DatasetInfo, dataset_info, dataset_names, load_dataset

__all__ = ["Dataset", "DatasetInfo", "Topology", "dataset_info", "dataset_names", "load_dataset", "write_points"]
