"""One phrasing for every fault of the user's: which argument, what was expected, what came, what to do."""

import importlib

__all__ = ["InputError", "invalid", "need"]

# The packages that only some uses need: what pip calls them, and the extra of topoviz that brings them.
_OPTIONAL = {
    "distributed": ("distributed", "dask"),
    "h5py": ("h5py", "h5ad"),
    "optuna": ("optuna", "search"),
    "ot": ("pot", "compare"),
}


class InputError(ValueError):
    """The user's input is at fault. Its text is one clear line, fit to be shown as it is."""


def invalid(argument: str, expected: str, got: object, remedy: str) -> InputError:
    """The error for `argument`, in the one phrasing; the caller raises it.

    >>> str(invalid("latent_dim", "from 1 to 16", 40, "choose a smaller one"))
    '`latent_dim` must be from 1 to 16, got 40; choose a smaller one.'
    """
    text = " ".join(str(got).split())
    if len(text) > 120:
        text = text[:117] + "..."
    return InputError(f"`{argument}` must be {expected}, got {text}; {remedy}.")


def need(module: str, what: str, extra: str | None = None) -> None:
    """Import an optional module that `what` needs and `extra` installs, by default the extra that is known for it.

    Raises `InputError` in one line where it is not installed.
    """
    try:
        importlib.import_module(module)
    except ImportError:
        package, known = _OPTIONAL.get(module, (module, module))
        remedy = f"install it with `pip install 'topoviz[{extra or known}]'`"
        raise InputError(f"`{what}` needs {package}; {remedy}.") from None
