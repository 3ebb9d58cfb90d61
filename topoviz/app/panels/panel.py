"""What a panel is: one row of the table in `topoviz.app.panels`, made from one module and one script of `assets`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from dash import Dash

from topoviz.jobs.queue import Jobs
from topoviz.session.library import Library
from topoviz.session.settings import Settings

__all__ = ["Context", "Layout", "Panel", "Place"]


class Place(Enum):
    """Where on the page a part of a panel stands; within a place the parts stand in the order of the table."""

    HEADER = "the line of controls at the top"
    COLUMN_A = "the column of model A"
    CENTER = "the middle column, from the story to the trees"
    DETAILS = "the blocks under the trees"
    TABS = "a tab of the last of these blocks, under the panel's title"
    COLUMN_B = "the column of model B"
    DIALOGS = "the end of the page: dialogs, and stores that show nothing"


@dataclass(frozen=True)
class Context:
    """What layouts and callbacks may read: the settings, the models at hand and the training jobs."""

    settings: Settings
    library: Library
    jobs: Jobs


Layout = Callable[[Context], Any]


@dataclass(frozen=True)
class Panel:
    """A row of the table.

    The panel's `name` (of a tab also its component id), its `title` (of a tab what it shows), its `keys` for the list
    of keys as (key, what it does), the `layout` of its part in each place, what registers its callbacks and addresses.
    """

    name: str
    title: str
    keys: tuple[tuple[str, str], ...]
    layout: Mapping[Place, Layout]
    register: Callable[[Dash, Context], None] | None = None
