"""Write the figures, meshes and tables of a session or a match into a folder."""

import argparse
from pathlib import Path
from typing import Any

from core.errors import InputError
from topoviz.commands.common import need_folder, read_session, say
from topoviz.library import Library
from topoviz.session import Session
from topoviz.settings import Settings

__all__ = ["export"]


def export(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write every file, one by one as it is ready."""
    from topoviz import export as exporter
    from topoviz.results import analyse

    formats = tuple(name.strip() for name in arguments.formats.split(",") if name.strip())
    library, session = _opened(arguments)
    analysis = analyse(library, session)
    exporter.check_formats(formats)
    folder = need_folder(arguments.out)
    written = []
    for name, content in exporter.export(library, session, analysis, formats, arguments.theme):
        (folder / name).write_bytes(content)
        written.append(name)
        say(f"{folder / name}")
    if analysis.map_problem:
        say(f"no transform: {analysis.map_problem}")
    return {"out": str(folder), "files": written}


def _opened(arguments: argparse.Namespace) -> tuple[Library, Session]:
    """The session in the file, or that of a match, with a library that has its models."""
    settings = Settings() if arguments.models is None else Settings(models=arguments.models)
    from core.files import read_json

    document = read_json(arguments.source)
    if not isinstance(document, dict) or "pairs" not in document:
        return Library(settings), read_session(arguments.source)
    return _from_match(arguments.source, settings)


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
