"""The app around `core`: one session, linked views of two models, and a command line."""

from importlib.resources import files
from pathlib import Path

from core.errors import InputError

__all__ = ["__version__", "resource"]

__version__ = "0.1.0"


def resource(name: str) -> Path:
    """The folder `assets` or `sample_data`: inside an installed wheel, or beside the packages in a checkout.

    Raises `InputError` where neither is there.
    """
    inside = Path(str(files("topoviz"))) / name
    for folder in (inside, inside.parent.parent / name):
        if folder.is_dir():
            return folder.resolve()
    raise InputError(f"the folder `{name}` is missing beside the package; install topoviz again.")
