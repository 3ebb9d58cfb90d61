"""`python -m topoviz` and the console script `topoviz`."""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 done, 2 the input is at fault, 1 anything else."""
    stranger = _foreign_core()
    if stranger:
        print(
            f"topoviz: another package called `core` stands before ours ({stranger}); "
            "start from another folder, or with `python -P -m topoviz`.",
            file=sys.stderr,
        )
        return 2
    from topoviz.cli.parser import run

    return run(sys.argv[1:] if argv is None else argv)


def _foreign_core() -> str | None:
    """Where Python finds a `core` that is not the one beside this package, found without running it."""
    spec = find_spec("core")
    ours = Path(__file__).resolve().parent.parent / "core" / "__init__.py"
    if spec is not None and spec.origin and Path(spec.origin).resolve() == ours:
        return None
    if spec is None:
        return "none at all"
    return spec.origin or str(next(iter(spec.submodule_search_locations or ()), "unknown"))


if __name__ == "__main__":
    sys.exit(main())
