"""The app around `core`: one session, linked views of two models, and a command line. In a notebook, `topoviz.show`."""

import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from topoviz.notebook.show import show

__all__ = ["__version__", "load_ipython_extension", "resource", "show"]

__version__ = "0.1.0"


def resource(name: str) -> Path:
    """The folder `assets` or `sample_data`: inside an installed wheel, or beside the packages in a checkout.

    Raises `InputError` where neither is there.
    """
    inside = Path(str(files("topoviz"))) / name
    for folder in (inside, inside.parent.parent / name):
        if folder.is_dir():
            return folder.resolve()
    # Imported here: a foreign `core` must not stop `topoviz` from being imported, so that it can say so.
    from core.errors import InputError

    raise InputError(f"the folder `{name}` is missing beside the package; install topoviz again.")


def load_ipython_extension(ipython: Any) -> None:
    """Let core's results show themselves as small tables and drawings: `%load_ext topoviz`."""
    from topoviz.notebook.show import load_ipython_extension

    load_ipython_extension(ipython)


def __getattr__(name: str) -> Any:
    # Loaded when first asked for: the import of topoviz stays light.
    if name == "show":
        from topoviz.notebook.show import show

        return show
    raise AttributeError(f"module 'topoviz' has no attribute {name!r}")


def _greet_notebook() -> None:
    """In IPython, what is imported shows itself without being told to; elsewhere nothing happens."""
    running = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if running is not None:
        load_ipython_extension(running)


_greet_notebook()
