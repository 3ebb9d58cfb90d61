"""The app around `core`: one session, linked views of two models, and a command line."""

from importlib.resources import files
from pathlib import Path

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
    # Imported here: a foreign `core` must not stop `topoviz` from being imported, so that it can say so.
    from core.errors import InputError

    raise InputError(f"the folder `{name}` is missing beside the package; install topoviz again.")
