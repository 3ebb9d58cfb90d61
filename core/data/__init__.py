"""Data sets, and readers for files."""

from core.data.dataset import Dataset, Topology
from core.data.readers import write_points

__all__ = ["Dataset", "Topology", "write_points"]
