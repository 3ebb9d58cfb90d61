"""The trees of a study's trials as small drawings, made when they are first looked at. The models are not kept: a study
has many, and those that are compared must stay at hand."""

from collections import OrderedDict
from threading import Lock

import core
from core.tree import LevelSetTree
from topoviz.figures.theme import THEMES
from topoviz.figures.thumbnail import thumbnail
from topoviz.session.library import Library

__all__ = ["Thumbnails"]

_KEPT = 1000


class Thumbnails:
    """Drawings of trees by the models' names. Thread-safe; one tree at a time, so that the page keeps a processor."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._trees: OrderedDict[tuple[str, str], LevelSetTree] = OrderedDict()
        self._lock = Lock()

    def svg(self, name: str, theme: str) -> str:
        """The drawing of a model's tree. Raises `InputError` where there is no such model, or it is broken."""
        entry = self._library.entry(name)
        key = (name, entry.stamp)
        with self._lock:
            if key not in self._trees:
                self._trees[key] = core.level_set_tree(core.load_model(entry.folder))
                while len(self._trees) > _KEPT:
                    self._trees.popitem(last=False)
            return thumbnail(self._trees[key], THEMES[theme])
