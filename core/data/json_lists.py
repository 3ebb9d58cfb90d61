"""Sidecars in JSON: a list of values, a list of objects, or an object of lists."""

from pathlib import Path

from core.data.bounds import MOST_SIDECAR_COLUMNS
from core.data.columns import Column, listed_column
from core.files import read_json

__all__ = ["json_columns"]


def json_columns(path: Path, lengths: set[int]) -> list[Column]:
    """The columns of a .json file. Raises `InputError`, or `ValueError` and `OverflowError` on numbers beyond all
    bounds."""
    found = read_json(path)
    if isinstance(found, list) and found and all(isinstance(row, dict) for row in found):
        names = list(dict.fromkeys(key for row in found for key in row))[:MOST_SIDECAR_COLUMNS]
        return [listed_column(name, [row.get(name) for row in found]) for name in names]
    columns = found.items() if isinstance(found, dict) else [("", found)]
    lists = [(name, values) for name, values in columns if isinstance(values, list)]
    return [listed_column(name, values) for name, values in lists[:MOST_SIDECAR_COLUMNS]]
