"""Write the figures, meshes and tables of a session or a match into a folder, or one composed figure."""

import argparse
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError, invalid
from topoviz.cli.common import need_folder, read_session, say
from topoviz.session.composition import PRESETS, Composition
from topoviz.session.library import Library
from topoviz.session.log import Log
from topoviz.session.settings import Settings
from topoviz.session.state import Session

if TYPE_CHECKING:
    from topoviz.session.analysis import Analysis

__all__ = ["export"]

_KINDS = ("svg", "pdf", "png", "html")


def export(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the composed figure, then every file, one by one as it is ready."""
    from core.files import write_file
    from topoviz.report import export as exporter
    from topoviz.report.record import record_files
    from topoviz.session.analysis import analyze

    if arguments.figure is None and arguments.out is None:
        raise InputError("nowhere to write to; give --out DIR, --figure FILE or both.")
    composed = None if arguments.figure is None else _kind(arguments.figure)
    formats = tuple(name.strip() for name in arguments.formats.split(",") if name.strip())
    library, session, log = _opened(arguments)
    analysis = analyze(library, session)
    exporter.check_formats(formats)
    done: dict[str, Any] = {}
    if composed is not None:
        done["figure"] = str(_write_figure(arguments, analysis, session, composed))
    if arguments.out is None:
        return done
    folder = need_folder(arguments.out)
    written = []
    files = exporter.export(library, session, analysis, formats, arguments.theme)
    for name, content in chain(files, record_files(library, session, analysis, log)):
        write_file(content, folder / name)
        written.append(name)
        say(f"{folder / name}")
    if analysis.map_problem:
        say(f"no transform: {analysis.map_problem}")
    return {"out": str(folder), "files": written, **done}


def _kind(path: Path) -> str:
    """The format that a figure's name asks for."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in _KINDS:
        raise invalid("figure", "a file that ends in ." + ", .".join(_KINDS), repr(path.name), "name it so")
    return kind


def _write_figure(arguments: argparse.Namespace, analysis: "Analysis", session: Session, kind: str) -> Path:
    from core.files import write_file
    from topoviz.report.figure.composed import figure
    from topoviz.report.figure.linked import linked_html

    composition = _composition(arguments, session)
    if kind == "html":
        content = linked_html(analysis, session, composition).encode()
    else:
        content = figure(analysis, session, composition, kind, arguments.dpi)
    write_file(content, arguments.figure)
    say(f"{arguments.figure} ({len(content) / 1e6:.2f} MB)")
    return arguments.figure


def _composition(arguments: argparse.Namespace, session: Session) -> Composition:
    """The session's composition, or the usual one, with what the flags change."""
    composition = session.figure or Composition()
    changes: dict[str, Any] = {}
    if arguments.width is not None:
        width, columns = PRESETS.get(arguments.width, (None, composition.columns))
        changes = {"width": _millimeters(arguments.width) if width is None else width, "columns": columns}
    if arguments.panels is not None:
        changes["panels"] = tuple(name.strip() for name in arguments.panels.split(",") if name.strip())
    given = {"height": arguments.height, "columns": arguments.columns, "font": arguments.font}
    given["size"] = arguments.font_size
    return replace(composition, **(changes | {key: value for key, value in given.items() if value is not None}))


def _millimeters(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise invalid("width", f"millimeters, or one of {', '.join(PRESETS)}", repr(text[:40]), "give one") from None


def _opened(arguments: argparse.Namespace) -> tuple[Library, Session, Log]:
    """The session in the file with its log, or that of a match, with a library that has its models."""
    settings = Settings() if arguments.models is None else Settings(models=arguments.models)
    from core.files import read_json

    document = read_json(arguments.source)
    if not isinstance(document, dict) or "pairs" not in document:
        return Library(settings), *read_session(arguments.source)
    return *_from_match(arguments.source, settings), Log()


def _from_match(path: Path, settings: Settings) -> tuple[Library, Session]:
    """A session with the pairs of a match.json as its pins."""
    from core.documents import load_match

    match = load_match(path)
    others: dict[str, Path] = {}
    names = []
    for side, model in (("a", match.model_a), ("b", match.model_b)):
        folder = Path(model)
        name = folder.name if folder.name not in others else f"{folder.name} ({side})"
        if folder.is_dir():
            others[name] = folder
        names.append(name)
    if not all(names):
        raise InputError(f"`{path.name}` does not name its models; write it again with `topoviz match`.")
    session = Session(
        model_a=names[0],
        model_b=names[1],
        pins=tuple((pair.a, pair.b) for pair in match.pairs),
        family="tree" if match.map is None else match.map.family,
        complete=not (match.unmatched_a and match.unmatched_b),
    )
    return Library(settings, others), session
