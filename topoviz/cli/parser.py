"""The command line: one parser, one table of commands. Each command's code loads only when it runs."""

import argparse
import contextlib
import difflib
import importlib
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from core.data.formats import SIDECARS, SUFFIXES, in_words
from core.errors import InputError
from topoviz import __version__

__all__ = ["run"]

_MODEL = "a model folder, or the name of a model at hand"
_DATA = f"a built-in set's name, or a {in_words(SUFFIXES)} file, or a folder of shards"
# Whose fault it is when the operating system refuses a path.
_USERS_FAULT = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)


class _Parser(argparse.ArgumentParser):
    """Argparse with one line per error."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see `{self.prog} --help`.")


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit status: 0 done, 2 the input is at fault, 1 anything else."""
    try:
        arguments = _parse(list(argv))
        command = _COMMANDS[arguments.command]
        document = _loaded(command.home)(arguments)
        if arguments.json:
            print(json.dumps(document))
        sys.stdout.flush()
    except InputError as error:
        return _fail(str(error), 2)
    except _USERS_FAULT as error:
        return _fail(f"{error.filename or 'a file'}: {error.strerror}.", 2)
    except BrokenPipeError:
        # The reader has gone; without this, Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return _fail("stopped.", 1)
    return 0


def _fail(text: str, status: int) -> int:
    print("topoviz: " + " ".join(text.split()), file=sys.stderr)
    return status


def _loaded(home: str) -> Callable[[argparse.Namespace], Any]:
    module, _, name = home.partition(":")
    return getattr(importlib.import_module(f"topoviz.cli.{module}"), name)


def _parse(argv: list[str]) -> argparse.Namespace:
    """The arguments, with `serve` put in where no command is named."""
    first = argv[0] if argv else "serve"
    if first.startswith("-") and first not in ("-h", "--help", "--version"):
        argv = ["serve", *argv]
    elif not argv:
        argv = ["serve"]
    elif not first.startswith("-") and first not in _COMMANDS:
        near = difflib.get_close_matches(first, _COMMANDS, 1)
        hint = f"did you mean `{near[0]}`?" if near else f"the commands are {', '.join(_COMMANDS)}."
        raise InputError(f"there is no command `{first}`; {hint}")
    return _parser(argv[0]).parse_args(argv)


def _parser(chosen: str) -> argparse.ArgumentParser:
    """The parser; of the commands only the chosen one knows its arguments, some of which list what `core` has."""
    parser = _Parser(
        prog="topoviz",
        description="See whether two neural networks represent the world alike, and translate between them.",
        epilog="Without a command the app starts. Each command has its own --help.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"topoviz {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for name, command in _COMMANDS.items():
        sub = commands.add_parser(name, help=command.help, description=command.help, allow_abbrev=False)
        if name == chosen:
            command.arguments(sub)
        sub.add_argument("--json", action="store_true", help="print one JSON document to stdout")
    return parser


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=_whole, help="the port (default: 8050, or the next free one)")
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.add_argument("--models", type=Path, metavar="DIR", help="a folder of your own models")
    parser.add_argument("--session", type=Path, metavar="FILE", help="a saved session to open")
    parser.add_argument("--allow-remote", action="store_true", help="let other machines in, with a token")
    parser.add_argument(
        "--allowed-hosts",
        action="append",
        default=[],
        metavar="NAME",
        help="one more name this app is called by",
    )


def _datasets(_: argparse.ArgumentParser) -> None:
    """No arguments."""


def _sample(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the name of a built-in set")
    parser.add_argument("--n", type=_whole, help="how many points")
    parser.add_argument("--seed", type=_whole, default=0)
    _out(parser, "FILE.npz")


def _train(parser: argparse.ArgumentParser) -> None:
    from topoviz.vocabulary import prior_list

    parser.add_argument("data", help=_DATA)
    parser.add_argument("--key", metavar="NAME", help="which table of a file that holds several")
    parser.add_argument("--seed", type=_whole, default=0)
    parser.add_argument("--n", type=_whole, help="how many points to train on")
    parser.add_argument("--latent-dim", type=_whole_or_word, metavar="K", help="latent dimension, or auto")
    parser.add_argument(
        "--pad", type=_whole_or_word, metavar="P", help="Gaussian dimensions added to the data, or auto"
    )
    parser.add_argument("--flow", help="the family of the flow: coupling or cnf")
    parser.add_argument("--prior", help=f"the family of the prior: {prior_list().replace('%', '%%')}")
    parser.add_argument("--steps", type=_whole, help="training steps")
    parser.add_argument("--minutes", type=_decimal, help="the longest that training may take")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a configuration as JSON; flags come on top")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint of a run that was stopped")
    _sidecars(parser)
    _out(parser, "MODEL")


def _info(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help=_MODEL)


def _encode(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help=_MODEL)
    parser.add_argument("data", help=_DATA)
    parser.add_argument("--key", metavar="NAME", help="which table of a file that holds several")
    parser.add_argument("--seed", type=_whole, default=0, help="for the pads")
    _out(parser, "FILE.npz")


def _decode(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help=_MODEL)
    parser.add_argument("file", type=Path, metavar="FILE.npz", help="holds `latent` (n, k)")
    parser.add_argument("--sample-noise", action="store_true", help="draw the noise instead of taking its mean")
    parser.add_argument("--seed", type=_whole, default=0, help="for the noise")
    _out(parser, "FILE.npz")


def _tree(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help=_MODEL)
    parser.add_argument("--simplify", type=_decimal, default=0.1, help="least persistence in nats (default: 0.1)")
    _out(parser, "FILE", says="where to write: FILE.json, or FILE.graphml for other programs")


def _match(parser: argparse.ArgumentParser) -> None:
    from topoviz.vocabulary import families

    parser.add_argument("model_a", help=_MODEL)
    parser.add_argument("model_b", help=_MODEL)
    parser.add_argument("--pin", type=_pair, action="append", default=[], metavar="A:B", help="nodes that match")
    parser.add_argument("--ban", type=_pair, action="append", default=[], metavar="A:B", help="nodes that do not")
    parser.add_argument(
        "--family", default="tree", help=f"the family of the transform: {', '.join(families())} (default: tree)"
    )
    parser.add_argument("--simplify", type=_decimal, default=0.1, help="least persistence in nats (default: 0.1)")
    _out(parser, "FILE.json")


def _translate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("match", type=Path, metavar="match.json", help="written by `topoviz match`")
    parser.add_argument("file", type=Path, metavar="FILE.npz", help="holds `latent` (n, k) of A")
    _out(parser, "FILE.npz")


def _export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, metavar="SESSION_OR_MATCH", help="a session file or a match.json")
    parser.add_argument("--formats", default="svg,html", help="some of svg,png,pdf,html,gltf,vtp,ply,graphml,json")
    parser.add_argument("--models", type=Path, metavar="DIR", help="a folder of your own models")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    _figure(parser)
    _out(parser, "DIR", required=False)


def _figure(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "a composed figure", "As the session's composer left it; what is given here comes on top."
    )
    group.add_argument("--figure", type=Path, metavar="FILE", help="write it as .svg, .pdf, .png or a linked .html")
    group.add_argument("--panels", metavar="NAMES", help="some of input-a,input-b,latent-a,latent-b,trees,transform,"
                       "residuals,trust")  # fmt: skip
    group.add_argument("--width", metavar="MM", help="millimeters, or single (85) or double (174)")
    group.add_argument("--height", type=_decimal, metavar="MM", help="millimeters (default: what the panels want)")
    group.add_argument("--columns", type=_whole, metavar="N", help="panels beside each other")
    group.add_argument("--font", metavar="NAME", help="Arial, Helvetica, Times New Roman, STIX, DejaVu Sans or DejaVu "
                       "Serif")  # fmt: skip
    group.add_argument("--font-size", type=_decimal, metavar="PT", help="points (default: 7)")
    group.add_argument("--dpi", type=_decimal, default=300, help="of pictures and .png (default: 300)")


def _align(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", help="the first file of activations, one row per input")
    parser.add_argument("b", help="the second one; its rows may be of other inputs")
    parser.add_argument("--key", metavar="NAME", help="which table of files that hold several")
    parser.add_argument("--anchors", type=Path, metavar="FILE", help="a .npz of `a` and `b`: rows of the same input")
    for side in ("-a", "-b"):
        _sidecars(parser, side)
    parser.add_argument("--latent-dim", type=_whole_or_word, metavar="K", help="latent dimension, or auto")
    parser.add_argument("--steps", type=_whole, help="training steps")
    parser.add_argument("--seed", type=_whole, default=0)
    _out(parser, "DIR")


def _compare(parser: argparse.ArgumentParser) -> None:
    from topoviz.vocabulary import translator_list

    parser.formatter_class, parser.epilog = argparse.RawDescriptionHelpFormatter, translator_list()
    parser.add_argument("model_a", help=_MODEL)
    parser.add_argument("model_b", help=_MODEL)
    parser.add_argument(
        "--pairs",
        type=Path,
        metavar="FILE.npz",
        help="latents of the same inputs, `latent_a` and `latent_b`, or the points `a` and `b`; `labels` if you like",
    )
    parser.add_argument(
        "--methods", nargs="+", default=[], metavar="NAME", help="some of the translators below (default: all)"
    )
    parser.add_argument("--seed", type=_whole, default=0)
    _out(parser, "DIR", required=False)


def _search(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", help=_DATA)
    parser.add_argument("--key", metavar="NAME", help="which table of a file that holds several")
    parser.add_argument("--trials", type=_whole, metavar="N", help="how many trials (default: 40)")
    parser.add_argument(
        "--scheduler",
        metavar="tcp://HOST:PORT",
        help="a Dask scheduler whose workers train; name only one that you trust: it and its workers run what they "
        "are sent, and send back what this process unpacks",
    )
    parser.add_argument(
        "--workers", type=_whole, metavar="W", help="processes on this machine (default: one less than processors)"
    )
    parser.add_argument("--steps", type=_whole, metavar="S", help="steps of a whole training (default: 3500)")
    parser.add_argument("--seed", type=_whole, help="of the data, the proposals and all trainings (default: 0)")
    parser.add_argument("--n", type=_whole, help="how many points to train on")
    parser.add_argument("--flows", metavar="NAMES", help="coupling (default), cnf, or coupling,cnf; cnf is slower")
    parser.add_argument("--criterion", help="what the best trial is best in: likelihood (default) or critic")
    parser.add_argument(
        "--space", type=Path, metavar="FILE", help='ranges to search as JSON, such as {"latent_dim": [2, 3]}'
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the study in DIR; that is done anyway where there is one"
    )
    _out(parser, "DIR")


def _sidecars(parser: argparse.ArgumentParser, side: str = "") -> None:
    """What may be given for each row of the data; `side` is what the flags end in."""
    of = f" of {side[1:].upper()}" if side else ""
    parser.add_argument(
        f"--labels{side}", type=Path, metavar="FILE",
        help=f"a label for each row{of}: {in_words(SIDECARS)}",
    )  # fmt: skip
    parser.add_argument(
        f"--examples{side}", type=Path, metavar="FILE",
        help=f"the input behind each row{of}: pictures (n, h, w[, 3]), texts or a table, as {in_words(SIDECARS)}",
    )  # fmt: skip


def _out(
    parser: argparse.ArgumentParser, metavar: str, required: bool = True, says: str = "where to write"
) -> None:
    parser.add_argument("--out", type=Path, required=required, metavar=metavar, help=says)


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, got {text[:40]!r}") from None


def _whole_or_word(text: str) -> int | str:
    return int(text) if text.removeprefix("-").isdigit() and text.isascii() else text


def _decimal(text: str) -> float:
    with contextlib.suppress(ValueError):
        if math.isfinite(value := float(text)):
            return value
    raise argparse.ArgumentTypeError(f"must be a finite number, got {text[:40]!r}")


def _pair(text: str) -> tuple[int, int]:
    a, _, b = text.partition(":")
    if not (a.isdecimal() and b.isdecimal() and len(text) < 20):
        raise argparse.ArgumentTypeError(f"must be two node ids like 1:3, got {text[:40]!r}")
    return int(a), int(b)


@dataclass(frozen=True)
class _Command:
    """A line of the table: what it does, what it takes, and the function ('module:name') that does it."""

    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    home: str


_COMMANDS = {
    "serve": _Command("start the app and open the browser", _serve, "serve:serve"),
    "datasets": _Command("list the built-in data sets", _datasets, "data:datasets"),
    "sample": _Command("write a built-in data set", _sample, "data:sample"),
    "train": _Command("train a model", _train, "models:train"),
    "info": _Command("describe a model", _info, "models:info"),
    "encode": _Command("carry data into a model's latent space", _encode, "models:encode"),
    "decode": _Command("carry latents back to data", _decode, "models:decode"),
    "tree": _Command("write a model's level-set tree", _tree, "matches:tree"),
    "match": _Command("match two models' trees and fit the transform", _match, "matches:match"),
    "translate": _Command("carry latents of A into B", _translate, "matches:translate"),
    "compare": _Command("set ours beside the other translators", _compare, "compare:compare"),
    "export": _Command("write figures, meshes and tables", _export, "export:export"),
    "search": _Command("search priors, flows and settings for a data set", _search, "search:search"),
    "align": _Command("from two files of activations to a map and a report", _align, "align:align"),
}
