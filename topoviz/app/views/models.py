"""The models at hand as the pickers list them."""

from collections.abc import Iterable
from typing import Any

from topoviz.session.library import Entry

__all__ = ["options"]


def options(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """One option a model; a broken one cannot be chosen."""
    return [{"value": e.name, "label": e.title, "disabled": e.problem is not None} for e in entries]
