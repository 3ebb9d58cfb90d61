"""Ours beside the other translators on two models: one table, one figure."""

import argparse
import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from core.baselines import TRANSLATORS, Latents, Pairs, Row, matching_of, planted_pairs, ranked
from core.baselines import compare as compare_methods
from core.data.arrays import array_names, named_array
from core.errors import InputError, invalid, need
from core.maps import LatentMap
from core.verdict import assess
from topoviz.cli.common import need_folder, open_model, say
from topoviz.session.analysis import fit
from topoviz.session.checks import choice, whole
from topoviz.vocabulary import verdict_lines

if TYPE_CHECKING:
    from core.match import Matching
    from core.model.autoencoder import FlowAutoencoder
    from core.verdict import Verdict

__all__ = ["compare"]

_POINTS = 3000
_FIGURES = "r2", "label_accuracy", "retrieval", "score", "sliced_wasserstein"
_FLAGS = "ours", "uses_pairs", "uses_labels"
_COLUMNS = ("method", *_FLAGS, "status", "reason", *_FIGURES, "seconds", "verdict")
_HEAD = ("R2", "labels", "own", "score", "distance")
_LEGEND = (
    "* starts from the matched trees. On true pairs: R2, labels (of the nearest), own (is it the nearest).",
    "  Without: score, pair-free, in nats, 0 is perfect; distance, sliced Wasserstein, of the carried cloud from B's.",
    "  Seconds are of processor time.",
)
_MAX_SEED = 2**31 - 1


def compare(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run every method on two models, judge them alike, and print and write the table."""
    need("ot", "compare")
    names = _methods(arguments.methods)
    seed = whole("seed", arguments.seed, 0, _MAX_SEED)
    models = open_model(arguments.model_a), open_model(arguments.model_b)
    pairs = (
        planted_pairs(models[0], models[1], seed=seed)
        if arguments.pairs is None
        else _read_pairs(arguments.pairs, models)
    )
    fitted, judged = (None, None) if pairs is None else pairs.halves(seed)
    source, target = _latents(models[0], seed), _latents(models[1], seed)
    folder = None if arguments.out is None else need_folder(arguments.out)
    verdict = _verdict(matching_of(source, target), models)
    rows = []
    with tqdm(total=len(names), disable=None, leave=False) as bar:
        for name, row in zip(names, compare_methods(names, source, target, fitted, judged, seed), strict=True):
            bar.set_description(name)
            bar.update()
            rows.append(row)
    document = {
        "schema": 1,
        "model_a": arguments.model_a,
        "model_b": arguments.model_b,
        "seed": seed,
        "pairs": None if pairs is None else _pair_facts(arguments.pairs, fitted, judged),
        "verdict": None if verdict is None else verdict.to_json(),
        "methods": [_record(row, verdict) for row in ranked(rows)],
    }
    _say(document, verdict)
    return document if folder is None else _written(document, folder)


def _verdict(matching: "Matching", models: "tuple[FlowAutoencoder, FlowAutoencoder]") -> "Verdict | None":
    """The verdict on the matching that ours start from, and the tree-guided map that follows from it."""
    return assess(matching, fit(matching, "tree").map, *models)


def _methods(given: Sequence[str]) -> list[str]:
    """The methods asked for, separated by blanks or commas, or all of them."""
    names = [name.strip() for text in given for name in text.split(",") if name.strip()]
    return list(dict.fromkeys(choice("methods", name, TRANSLATORS) for name in names)) or list(TRANSLATORS)


def _latents(model: "FlowAutoencoder", seed: int) -> Latents:
    """The latents that the model keeps, or draws from its density."""
    kept = model.sample
    return Latents(model.prior.sample(_POINTS, seed) if kept is None else kept.latent, model)


def _read_pairs(path: Path, models: Sequence["FlowAutoencoder"]) -> Pairs:
    """The pairs in a file. Raises `InputError` where their number or their width is wrong."""
    there = array_names(path)
    if not {"latent_a", "a"} & set(there):
        raise InputError(f"`{path.name}` needs the arrays `latent_a` and `latent_b`, or the points `a` and `b`.")
    latents = []
    for side, model in zip("ab", models, strict=True):
        key, width = (f"latent_{side}", model.latent_dim) if "latent_a" in there else (side, model.data_dim)
        table = named_array(path, key)
        if table.ndim != 2 or table.shape[1] != width:
            raise invalid(key, f"of shape (n, {width})", f"shape {table.shape}", "give what this model takes")
        latents.append(table if key.startswith("latent") else model.encode(table)[0])
    return Pairs(latents[0], latents[1], named_array(path, "labels") if "labels" in there else None)


def _pair_facts(path: Path | None, fitted: Pairs | None, judged: Pairs | None) -> dict[str, Any]:
    """What the pairs are, as JSON."""
    origin = "planted" if path is None else str(path)
    return {"from": origin, "fitted": len(fitted or ()), "judged": len(judged or ())}


def _record(row: Row, verdict: "Verdict | None") -> dict[str, Any]:
    """A row as JSON."""
    word = None if verdict is None else verdict.word
    figures: dict[str, Any] = dict.fromkeys(_FIGURES) if row.merit is None else asdict(row.merit)
    return {
        "method": row.name,
        "says": row.method.says,
        "source": row.method.source,
        "ours": row.method.ours,
        "uses_pairs": row.method.pairs,
        "uses_labels": row.method.labels,
        "status": row.status,
        "reason": row.reason,
        **figures,
        "seconds": row.seconds,
        "verdict": word if row.method.ours and row.status == "done" else None,
        "map": row.carry.to_dict() if isinstance(row.carry, LatentMap) else None,
    }


def _say(document: dict[str, Any], verdict: "Verdict | None") -> None:
    """The table on stderr."""
    pairs = document["pairs"]
    judged = "no pairs to judge by" if pairs is None else f"judged by {pairs['judged']} pairs ({pairs['from']})"
    fitted = "" if pairs is None else f", {pairs['fitted']} others for the methods that use pairs"
    say(f"{document['model_a']} to {document['model_b']}: {judged}{fitted}.")
    say(f"  {'method':<28}{'pairs':>6}" + "".join(f"{name:>10}" for name in _HEAD) + f"{'seconds':>9}  verdict")
    for row in document["methods"]:
        mark, uses = "*" if row["ours"] else " ", _used(row)
        if row["status"] == "done":
            cells = "".join(f"{_number(row[key]):>10}" for key in _FIGURES)
            say(f"{mark} {row['method']:<28}{uses:>6}{cells}{row['seconds']:>9.1f}  {row['verdict'] or ''}".rstrip())
        else:
            say(f"{mark} {row['method']:<28}{uses:>6}  {row['status']}: {row['reason']}")
    for line in _LEGEND:
        say(line)
    for line in verdict_lines(verdict):
        say(f"  {line}")


def _used(row: dict[str, Any]) -> str:
    """What of the pairs a method is fitted to."""
    return "yes" if row["uses_pairs"] else "labels" if row["uses_labels"] else "no"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _written(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The document with the names of the files it was written to: table and page first, drawings where they can be."""
    import plotly.graph_objects as go

    from core.files import write_file, write_json
    from topoviz.figures.compare import spec
    from topoviz.report.export import figure_file, renderer

    files = ["compare.json", "compare.csv", "compare.html", "compare.svg", "compare.pdf"]
    figure = go.Figure(spec(document, "light"))
    write_json(document, folder / "compare.json")
    contents = {"compare.csv": _csv(document["methods"]).encode(), "compare.html": figure_file(figure, "html")}
    try:
        with renderer():
            contents |= {name: figure_file(figure, name[-3:]) for name in files[3:]}
    except InputError as error:
        say(str(error))
    for name, content in contents.items():
        write_file(content, folder / name)
    written = ["compare.json", *contents]
    say(f"{folder}: {', '.join(written)}")
    return document | {"out": str(folder), "files": written}


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    table = io.StringIO()
    writer: csv.DictWriter[str] = csv.DictWriter(
        table, _COLUMNS, extrasaction="ignore", restval="", lineterminator="\n"
    )
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, **{key: int(row[key]) for key in _FLAGS}})
    return table.getvalue()
