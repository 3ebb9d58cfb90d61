"""One phrasing for every fault of the user's: which argument, what was expected, what came, what to do."""

__all__ = ["InputError", "invalid"]


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
