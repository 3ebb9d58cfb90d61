"""The app around `core`: one session, linked views of two models, and a command line. In a notebook, `topoviz.show`."""

import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from topoviz.notebook.show import show

__all__ = ["__version__", "load_ipython_extension", "resource", "show"]

__version__ = "0.1.0"


def _refuse_foreign_core() -> None:
    """Raise `ImportError` where Python finds another `core` than the one next to this package. It is not run.

    A command (`python -m topoviz`, `topoviz`) prints the same line and ends with exit status 2.
    """
    spec = find_spec("core")
    ours = Path(__file__).resolve().parent.parent / "core" / "__init__.py"
    if spec is not None and spec.origin and Path(spec.origin).resolve() == ours:
        return
    found = "none at all"
    if spec is not None:
        found = spec.origin or str(next(iter(spec.submodule_search_locations or ()), "unknown"))
    line = (
        f"topoviz: another package called `core` stands before ours ({found}); "
        "start from another folder, or with `python -P`."
    )
    if (sys.argv[:1] == ["-m"] and "topoviz" in sys.orig_argv) or Path(sys.argv[0]).stem == "topoviz":
        print(line, file=sys.stderr)
        raise SystemExit(2)
    raise ImportError(line)


_refuse_foreign_core()


def resource(name: str) -> Path:
    """The folder `assets` or `sample_data`: inside an installed wheel, or next to the packages in a checkout.

    Raises `InputError` where there is neither.
    """
    inside = Path(str(files("topoviz"))) / name
    for folder in (inside, inside.parent.parent / name):
        if folder.is_dir():
            return folder.resolve()
    from core.errors import InputError

    raise InputError(f"the folder `{name}` is missing next to the package; install topoviz again.")


def load_ipython_extension(ipython: Any) -> None:
    """Show core's results as small tables and drawings: `%load_ext topoviz`."""
    from topoviz.notebook.show import load_ipython_extension

    load_ipython_extension(ipython)


def __getattr__(name: str) -> Any:
    # Loaded on first use, so that `import topoviz` stays fast.
    if name == "show":
        from topoviz.notebook.show import show

        return show
    raise AttributeError(f"module 'topoviz' has no attribute {name!r}")


def _greet_notebook() -> None:
    """Load the extension where IPython runs; do nothing elsewhere."""
    running = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if running is not None:
        load_ipython_extension(running)


_greet_notebook()
