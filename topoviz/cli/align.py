"""Two files of activations in; models, trees, match, map, session and report out."""

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import core
from core.activations.prepare import save_preparation
from core.aligner import Follow
from core.data import Dataset
from core.data.arrays import named_array
from core.errors import invalid
from core.match.anchors import anchor_rows
from core.model.autoencoder import FlowAutoencoder
from topoviz import resource
from topoviz.cli.common import need_folder, say
from topoviz.cli.sidecars import read_sidecars
from topoviz.report.align_report import report, summary
from topoviz.report.tables import match_document
from topoviz.session.analysis import Analysis, Fitted, fit
from topoviz.session.state import Session
from topoviz.vocabulary import counted, verdict_lines

__all__ = ["align"]


def align(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train a model on each file, match them, and write a folder that tells how they compare."""
    from core.documents import save_match
    from core.files import write_file, write_json

    began = time.perf_counter()
    datasets = [core.load_dataset(path, key=arguments.key) for path in (arguments.a, arguments.b)]
    given = (
        read_sidecars(datasets[0], arguments.labels_a, arguments.examples_a, "-a"),
        read_sidecars(datasets[1], arguments.labels_b, arguments.examples_b, "-b"),
    )
    anchors = None if arguments.anchors is None else _anchors(arguments.anchors, datasets)
    names = _names(arguments.a, arguments.b)
    folder = need_folder(arguments.out)
    aligner = core.TopologyAligner(
        k=arguments.latent_dim or "auto", steps=arguments.steps, seed=arguments.seed, follow=_followed(names)
    ).fit(datasets[0].points, datasets[1].points)
    if anchors is not None:
        aligner.rematch(*anchors)
    models = _of(aligner.model_a_, datasets[0], names[0]), _of(aligner.model_b_, datasets[1], names[1])
    preparations = aligner.preparation_a_, aligner.preparation_b_
    for name, model, preparation, sidecars in zip(names, models, preparations, given, strict=True):
        place = folder / "models" / name
        core.save_model(model, place)
        save_preparation(preparation, place)
        sidecars.write(place)
        for reason in preparation.reasons:
            say(f"{name}: {reason}")
    pins = () if aligner.anchors_ is None else aligner.anchors_.pins
    session = Session(model_a=names[0], model_b=names[1], pins=pins, family=aligner.family)
    analysis = _analysis(aligner, models)
    measured = None if anchors is None else _measured(aligner, *anchors)
    metrics = {name: model.metrics for name, model in zip(names, models, strict=True)}
    found = summary(analysis, time.perf_counter() - began)
    save_match(match_document(analysis, session), folder / "match.json")
    write_json(session.to_json(), folder / "session.json")
    write_json(found, folder / "report.json")
    write_file(report(session, analysis, metrics, measured), folder / "report.html")
    for line in verdict_lines(analysis.verdict):
        say(line)
    say(f"{counted(len(analysis.matching.leaf_pairs), 'matched leaf')}; the report is {folder / 'report.html'}")
    say(f"see it: topoviz serve --models {folder / 'models'} --session {folder / 'session.json'}")
    return {"out": str(folder), "models": list(names), "anchors": measured, **found}


def _analysis(aligner: core.TopologyAligner, models: tuple[FlowAutoencoder, FlowAutoencoder]) -> Analysis:
    """What the aligner found, as every report reads it."""
    matching, found = aligner.matching_, aligner.map_
    fitted = fit(matching, aligner.family) if found is None else Fitted.of(found, matching)
    sets = aligner.level_sets_a_, aligner.level_sets_b_
    return Analysis.of(sets, models, matching, fitted, known=aligner.verdict_)


def _followed(names: tuple[str, str]) -> Follow:
    from topoviz.jobs.progress import follow

    called = dict(zip("AB", names, strict=True))
    return lambda training, side: follow(training, f"training {called[side]}")


def _of(model: FlowAutoencoder, dataset: Dataset, name: str) -> FlowAutoencoder:
    """The model as one of the file that the coordinates were made from: its name, labels and rows."""
    sample = model.sample
    if sample is not None and sample.rows is not None and dataset.labels is not None:
        sample = replace(sample, labels=dataset.labels[sample.rows])
    axes = [f"axis {number}" for number in range(1, model.data_dim + 1)]
    metrics = {**model.metrics, "dataset": name, "columns": axes}
    return replace(model, sample=sample, metrics=metrics)


def _names(a: str, b: str) -> tuple[str, str]:
    """Names for the two models, after their files; no shipped model's, which a session would open instead."""
    first, second = Path(a).stem, Path(b).stem
    taken = {path.name for path in (resource("sample_data") / "models").iterdir()}
    names = (first, second) if first != second else (f"{first}-a", f"{second}-b")
    first, second = (f"{name}-aligned" if name in taken else name for name in names)
    return first, second


def _anchors(path: Path, datasets: list[Dataset]) -> tuple[np.ndarray, np.ndarray]:
    """Activations of the same inputs on both sides, from a .npz of `a` and `b`: rows of numbers, or numbers of rows."""
    a, b = (named_array(path, key) for key in ("a", "b"))
    if a.ndim == b.ndim == 1 and a.dtype.kind in "iu" and b.dtype.kind in "iu" and len(a) == len(b):
        rows = anchor_rows(np.stack((a, b), axis=1), *map(len, datasets))
        return datasets[0].points[rows[:, 0]], datasets[1].points[rows[:, 1]]
    if a.ndim != 2 or b.ndim != 2 or len(a) != len(b):
        raise invalid("anchors", "two tables of as many rows", f"shapes {a.shape} and {b.shape}", "pair the rows")
    for side, table, dataset in zip("ab", (a, b), datasets, strict=True):
        if table.shape[1] != dataset.dim:
            raise invalid(f"anchors `{side}`", f"{dataset.dim} columns wide", table.shape[1], "give the same units")
    return a, b


def _measured(aligner: core.TopologyAligner, a: np.ndarray, b: np.ndarray) -> dict[str, float] | None:
    """How well the map carries anchors of A onto theirs in B: explained variance, and the share of rows whose nearest
    anchor is their own; how many agree with the leaves they pin."""
    if aligner.map_ is None or aligner.anchors_ is None:
        return None
    from scipy.spatial import KDTree

    mapped, target = aligner.map_(aligner.encode_a(a)), aligner.encode_b(b)
    nearest = KDTree(target).query(mapped)[1]
    return {
        "explained variance": aligner.score(a, b) if len(a) > 1 else float("nan"),
        "nearest is own": float(np.mean(nearest == np.arange(len(a)))),
        "leaves pinned": float(len(aligner.anchors_.pins)),
        "anchors that agree": float(aligner.anchors_.agree),
    }
