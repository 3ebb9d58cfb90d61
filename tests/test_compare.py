"""`topoviz compare`: one table for every translator, the same in JSON, CSV and the figure."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

import topoviz.report.export
from core.baselines import TRANSLATORS, latent_translation
from core.errors import InputError
from core.maps import map_from_dict
from topoviz.__main__ import main
from topoviz.figures.compare import spec
from topoviz.figures.theme import THEMES
from zoo import blobs

QUICK = ("--methods", "ours,ours-tree,gaussian-transport,optimal-transport", "affine", "procrustes")


@pytest.fixture
def place(models_folder, tmp_path, monkeypatch):
    """A folder with the models a and b, a model of one latent dimension, and pairs of several kinds."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        Path(name).symlink_to(models_folder / f"three-{name}")
    data = blobs(1, n=300)
    z = np.random.default_rng(0).normal(size=(60, 2))
    np.savez("points.npz", a=data.points, b=data.points, labels=data.labels)
    np.savez("latents.npz", latent_a=z, latent_b=z)
    np.savez("short.npz", latent_a=z, latent_b=z[:-1])
    np.savez("few.npz", latent_a=z[:4], latent_b=z[:4])
    np.savez("wide.npz", latent_a=z, latent_b=np.ones((60, 3)))
    np.savez("flat.npz", latent_a=z[:, 0], latent_b=z)
    np.savez("nan.npz", latent_a=z, latent_b=np.full((60, 2), np.nan))
    np.savez("half.npz", latent_a=z)
    np.savez("other.npz", x=z)
    np.savez("labels.npz", latent_a=z, latent_b=z, labels=np.zeros(3))
    np.savez("thin.npz", a=data.points[:, :2], b=data.points)
    Path("junk.npz").write_bytes(bytes(range(256)) * 20)
    return tmp_path


@pytest.fixture
def command(place, capsys):
    """Runs `compare` and returns its JSON document and what it told a person."""

    def run(*argv):
        assert main(["compare", *map(str, argv), "--json"]) == 0
        out, err = capsys.readouterr()
        return json.loads(out), err

    return run


def by_name(document):
    return {row["method"]: row for row in document["methods"]}


def test_without_pairs_those_that_need_them_do_not_apply(command):
    document, told = command("a", "b", *QUICK)
    rows = by_name(document)
    assert document["pairs"] is None
    assert {name for name, row in rows.items() if row["status"] == "not applicable"} == {"affine", "procrustes"}
    assert "procrustes" in told
    assert "not applicable: needs pairs" in told
    assert all(row["r2"] is None for row in rows.values())
    scores = [row["score"] for row in document["methods"] if row["score"] is not None]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert rows["ours"]["verdict"] == rows["ours-tree"]["verdict"] == document["verdict"]["word"]
    assert rows["gaussian-transport"]["verdict"] is None
    marked = {line.split()[1] for line in told.splitlines() if line.startswith("* ours")}
    assert marked == {"ours", "ours-tree"}


def test_points_are_encoded_by_either_model_and_judge_every_method(command):
    document, _ = command("a", "a", "--pairs", "points.npz", *QUICK)
    rows = by_name(document)
    assert document["pairs"] == {"from": "points.npz", "fitted": 150, "judged": 150}
    for name in ("ours", "affine", "procrustes", "gaussian-transport"):
        assert rows[name]["r2"] > 0.99
        assert rows[name]["label_accuracy"] > 0.9
        assert rows[name]["retrieval"] > 0.5
    r2 = [row["r2"] for row in document["methods"]]
    assert r2 == sorted(r2, reverse=True)


def test_latents_are_taken_as_they_are_and_the_map_comes_along(command):
    document, _ = command("a", "b", "--pairs", "latents.npz", "--methods", "procrustes")
    (row,) = document["methods"]
    assert row["r2"] == pytest.approx(1)
    assert row["label_accuracy"] is None
    z = np.random.default_rng(1).normal(size=(5, 2))
    assert map_from_dict(row["map"])(z) == pytest.approx(z, abs=1e-6)


def test_classes_of_pairs_serve_a_method_that_needs_no_pairs(command, monkeypatch):
    monkeypatch.setattr(latent_translation, "_STEPS", 5)
    names = ("--methods", "latent-translation", "relative-like")
    document, told = command("a", "b", "--pairs", "points.npz", *names)
    row = by_name(document)["latent-translation"]
    assert (row["status"], row["uses_pairs"], row["uses_labels"]) == ("done", False, True)
    assert "labels" in next(line for line in told.splitlines() if line.startswith("  latent-translation"))
    rows = by_name(command("a", "b", "--pairs", "latents.npz", *names)[0])
    assert rows["latent-translation"]["reason"] == "needs classes of points on both sides"
    assert rows["relative-like"]["r2"] == pytest.approx(1)


def test_models_of_different_dimensions_are_compared_where_that_makes_sense(command, capsys):
    np.save("data.npy", blobs(1, n=300).points)
    assert main(["train", "data.npy", "--steps", "20", "--latent-dim", "1", "--out", "line"]) == 0
    capsys.readouterr()
    rows = by_name(command("a", "line", *QUICK)[0])
    for name in ("ours-tree", "gaussian-transport", "optimal-transport"):
        assert rows[name]["status"] == "not applicable"
        assert "these have 2 and 1" in rows[name]["reason"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--methods", "ours,best"), "methods"),
        (("--seed", "-1"), "seed"),
        (("--pairs", "missing.npz"), "missing.npz"),
        (("--pairs", "junk.npz"), "junk.npz"),
        (("--pairs", "short.npz"), "60 and 59"),
        (("--pairs", "few.npz"), "8 or more"),
        (("--pairs", "wide.npz"), "latent_b"),
        (("--pairs", "flat.npz"), "latent_a"),
        (("--pairs", "nan.npz"), "finite"),
        (("--pairs", "half.npz"), "latent_b"),
        (("--pairs", "other.npz"), "latent_a"),
        (("--pairs", "labels.npz"), "labels"),
        (("--pairs", "thin.npz"), "(n, 3)"),
        (("--out", "latents.npz"), "out"),
    ],
)
def test_bad_input_is_one_line(place, capsys, argv, words):
    assert main(["compare", "a", "b", *argv, "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert words in err


def test_the_folder_holds_the_same_table_thrice(command, monkeypatch):
    def drawn(figure, name):
        return b"<html></html>" if name == "html" else name.encode()

    monkeypatch.setattr(topoviz.report.export, "figure_file", drawn)
    document, _ = command("a", "b", "--pairs", "latents.npz", *QUICK, "--out", "out")
    assert set(document["files"]) == {path.name for path in Path("out").iterdir()}
    assert Path("out/compare.pdf").read_bytes() == b"pdf"
    written = json.loads(Path("out/compare.json").read_text())
    assert written["methods"] == document["methods"]
    rows = list(csv.DictReader(Path("out/compare.csv").read_text().splitlines()))
    assert [row["method"] for row in rows] == [row["method"] for row in document["methods"]]
    for row, same in zip(rows, document["methods"], strict=True):
        assert float(row["r2"]) == same["r2"]
        assert row["ours"] == str(int(TRANSLATORS[row["method"]].ours))


def test_without_a_browser_to_draw_with_the_rest_is_written(command, monkeypatch):
    def undrawn(figure, name):
        if name == "html":
            return b"<html></html>"
        raise InputError(f"{name} needs Chrome.")

    monkeypatch.setattr(topoviz.report.export, "figure_file", undrawn)
    document, told = command("a", "b", "--methods", "gaussian-transport", "--out", "out")
    assert set(document["files"]) == {"compare.json", "compare.csv", "compare.html"}
    assert set(document["files"]) == {path.name for path in Path("out").iterdir()}
    assert "svg needs Chrome." in told


@pytest.mark.skipif(not (shutil.which("chromium") or shutil.which("google-chrome")), reason="no Chrome to draw with")
def test_the_drawings_are_what_they_say(command):
    command("a", "b", "--methods", "gaussian-transport", "--out", "out")
    for name, head in (("svg", b"<svg"), ("pdf", b"%PDF")):
        assert Path(f"out/compare.{name}").read_bytes().startswith(head)
    assert 'src="http' not in Path("out/compare.html").read_text()


def row(method, **figures):
    """A record of a method that came to an end."""
    known = {"r2": None, "label_accuracy": None, "retrieval": None, "score": None, "sliced_wasserstein": 0.1}
    about = TRANSLATORS[method]
    return {"method": method, "status": "done", "ours": about.ours, "uses_pairs": about.pairs, **known, **figures}


@pytest.mark.parametrize("theme", THEMES)
def test_the_figure_marks_ours_and_those_that_use_pairs(theme):
    methods = [row("ours", r2=0.97), row("procrustes", r2=0.95), row("optimal-transport", r2=-2.5)]
    methods.append({"method": "affine", "status": "not applicable"})
    drawn = spec({"model_a": "<a>", "model_b": "b", "methods": methods}, theme)
    assert json.loads(json.dumps(drawn, allow_nan=False)) == drawn
    figure = go.Figure(drawn)
    assert len(figure.data) == 2
    assert "<a>" not in figure.layout.title.text
    first, colors = figure.data[0], THEMES[theme]
    assert list(first.y) == ["<b>ours</b>", "procrustes", "optimal-transport"]
    assert list(first.x) == [0.97, 0.95, 0.0]
    assert list(first.text) == ["0.970", "0.950", "-2.500"]
    assert list(first.marker.color) == [colors.accent, colors.paper, colors.unmatched]


def test_at_most_three_panels_and_the_distance_always():
    rows = [row("ours", r2=0.9, label_accuracy=0.8, retrieval=0.1, score=-0.2)]
    figure = go.Figure(spec({"model_a": "a", "model_b": "b", "methods": rows}, "light"))
    assert [trace.x[0] for trace in figure.data] == [0.9, 0.8, 0.1]
    empty = spec({"model_a": "a", "model_b": "b", "methods": []}, "light")
    assert go.Figure(empty).data == ()
