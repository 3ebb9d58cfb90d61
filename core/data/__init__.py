"""Data sets, and readers for files. Names load on first use: the table of formats is read before anything is."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.data.dataset import Dataset, Topology
    from core.data.readers import write_points

__all__ = ["Dataset", "Topology", "write_points"]

_HOMES = {"Dataset": "dataset", "Topology": "dataset", "write_points": "readers"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'core.data' has no attribute {name!r}")
    return getattr(importlib.import_module(f"core.data.{_HOMES[name]}"), name)
