"""Two files of activations in; models, trees, match, map, session and report out."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import core
from core.errors import invalid
from topoviz.commands.beside import read_beside
from topoviz.commands.common import need_folder, read_array, say
from topoviz.library import Library
from topoviz.report import report
from topoviz.results import Analysis, analyse
from topoviz.session import Session
from topoviz.settings import Settings
from topoviz.tables import match_document

__all__ = ["align"]


def align(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train a model on each file, match them, and write a folder that tells how they compare."""
    from core.documents import save_match
    from core.files import write_json

    anchors = None if arguments.anchors is None else _anchors(arguments.anchors)
    datasets = [core.load_dataset(path) for path in (arguments.a, arguments.b)]
    given = (
        read_beside(datasets[0], arguments.labels_a, arguments.examples_a, "-a"),
        read_beside(datasets[1], arguments.labels_b, arguments.examples_b, "-b"),
    )
    names = _names(arguments.a, arguments.b)
    folder = need_folder(arguments.out)
    for name, dataset, beside in zip(names, datasets, given, strict=True):
        _train(arguments, dataset, name, folder / "models" / name)
        beside.write(folder / "models" / name)
    library = Library(Settings(models=folder / "models"))
    session = Session(model_a=names[0], model_b=names[1])
    analysis = analyse(library, session)
    measured = None if anchors is None else _measured(library, session, analysis, *anchors)
    models = {name: library.model(name).metrics for name in names}
    save_match(match_document(analysis, session), folder / "match.json")
    write_json(session.to_json(), folder / "session.json")
    (folder / "report.html").write_text(report(session, analysis, models, measured), "utf-8")
    matching = analysis.matching
    verdict = "determined" if matching.determined else "not determined"
    say(f"{len(matching.leaf_pairs)} matched leaves, {verdict}; the report is {folder / 'report.html'}")
    say(f"see it: topoviz serve --models {folder / 'models'} --session {folder / 'session.json'}")
    return {
        "out": str(folder),
        "models": list(names),
        "matched_leaves": len(matching.leaf_pairs),
        "determined": matching.determined,
        "score": analysis.score,
        "anchors": measured,
    }


def _train(arguments: argparse.Namespace, dataset: Any, name: str, path: Path) -> None:
    from core.training import train
    from topoviz.progress import follow

    flags = {"latent_dim": arguments.latent_dim, "steps": arguments.steps}
    config = core.FlowAutoencoderConfig.from_json({k: v for k, v in flags.items() if v is not None})
    model = follow(train(dataset, config, seed=arguments.seed), f"training {name}")
    core.save_model(model, path)
    say(f"{name}: held-out NLL {model.metrics['nll']:.3f} nats, {model.metrics['seconds']:.0f} s")


def _names(a: str, b: str) -> tuple[str, str]:
    """Names for the two models, after their files."""
    first, second = Path(a).stem, Path(b).stem
    return (first, second) if first != second else (f"{first}-a", f"{second}-b")


def _anchors(path: Path) -> tuple[np.ndarray, np.ndarray]:
    a, b = (read_array(path, key) for key in ("a", "b"))
    if a.ndim != 2 or b.ndim != 2 or len(a) != len(b):
        raise invalid("anchors", "two tables of as many rows", f"shapes {a.shape} and {b.shape}", "pair the rows")
    return a, b


def _measured(
    library: Library, session: Session, analysis: Analysis, a: np.ndarray, b: np.ndarray
) -> dict[str, float] | None:
    """How well the map carries anchors of A onto theirs in B: explained variance, and the share of rows whose nearest
    anchor is their own."""
    if analysis.map is None:
        return None
    carried = analysis.map(library.model(session.model_a).encode(a)[0])
    target = library.model(session.model_b).encode(b)[0]
    explained = 1 - ((carried - target) ** 2).sum() / ((target - target.mean(0)) ** 2).sum()
    from scipy.spatial import KDTree

    nearest = KDTree(target).query(carried)[1]
    return {"explained variance": float(explained), "nearest is own": float(np.mean(nearest == np.arange(len(a))))}
