"""What comes out is what is in: tables, transforms, meshes, figures."""

import csv
import io
import json
import shutil

import numpy as np
import pytest
import pyvista

from core.documents import MatchDocument, tree_from_json, tree_to_json
from core.errors import InputError
from core.maps import map_from_dict
from topoviz.__main__ import main
from topoviz.figures import trees
from topoviz.report.export import check_formats, export, figure_file, mesh_file, renderer
from topoviz.report.tables import match_document, match_table, snippet, transform_json, transform_npz
from topoviz.session.analysis import analyze, mapped_names
from topoviz.session.state import Name, Session

POINTS = np.random.default_rng(0).normal(size=(50, 2))


@pytest.fixture(scope="module")
def session():
    return Session(model_a="three-a", model_b="three-b")


@pytest.fixture(scope="module")
def analysis(library, session):
    return analyze(library, session)


def test_the_table_holds_every_match(analysis, session):
    rows = list(csv.DictReader(io.StringIO(match_table(analysis, session))))
    found = {(int(row["a"]), int(row["b"])) for row in rows if row["a"] and row["b"]}
    assert found == {(pair.a, pair.b) for pair in analysis.matching.pairs}


def test_names_cross_the_match_and_never_become_formulas(analysis, session):
    pair = analysis.matching.leaf_pairs[0]
    named = session.with_name("a", pair.a, Name("=1+1"))
    assert mapped_names(analysis, named)[1][pair.b] == Name("=1+1", confirmed=False)
    row = next(csv.DictReader(io.StringIO(match_table(analysis, named))))
    assert (row["name_a"], row["name_b"]) == ("'=1+1", "'=1+1")


def test_the_transform_survives_its_json(analysis, session):
    document = json.loads(transform_json(analysis.map, session))
    assert np.allclose(map_from_dict(document["map"])(POINTS), analysis.map(POINTS))


@pytest.mark.parametrize("family", ["affine", "tree"])
def test_the_snippet_runs_and_agrees(library, session, family, tmp_path, monkeypatch):
    fitted = analyze(library, Session(model_a=session.model_a, model_b=session.model_b, family=family)).map
    monkeypatch.chdir(tmp_path)
    (tmp_path / "transform.npz").write_bytes(transform_npz(fitted))
    (tmp_path / "transform.json").write_bytes(transform_json(fitted, session))
    names = {}
    exec(compile(snippet(fitted), "transform.py", "exec"), names)
    assert np.allclose(names["translate"](POINTS), fitted(POINTS))


def test_a_match_survives_its_json(analysis, session):
    document = match_document(analysis, session)
    again = MatchDocument.from_json(json.loads(json.dumps(document.to_json())))
    assert again.pairs == document.pairs
    assert again.residuals == document.residuals
    assert np.allclose(again.map(POINTS), analysis.map(POINTS))


def test_a_tree_survives_its_json(analysis):
    tree = analysis.tree("a")
    again = tree_from_json(json.loads(json.dumps(tree_to_json(tree))))
    for name in ("id", "parent", "level", "persistence", "mass", "volume", "mean", "covariance", "betti", "peak"):
        assert np.array_equal(getattr(again, name), getattr(tree, name))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda nodes: nodes.clear(),
        lambda nodes: nodes[1].update(parent=99),
        lambda nodes: nodes[1].update(mean=[1]),
        lambda nodes: nodes[1].update(level="x"),
        lambda nodes: nodes[1].update(parent=None),
        lambda nodes: nodes[1].update(id=nodes[0]["id"]),
        lambda nodes: nodes.reverse(),
        lambda nodes: nodes[1].pop("mass"),
    ],
)
def test_a_damaged_tree_is_refused(analysis, spoil):
    document = tree_to_json(analysis.tree("a"))
    spoil(document["nodes"])
    with pytest.raises(InputError):
        tree_from_json(document)


@pytest.mark.parametrize("kind", ["vtp", "ply", "gltf"])
def test_meshes_are_in_data_coordinates(trained, kind, tmp_path):
    model = trained["three-a"]
    (tmp_path / f"mesh.{kind}").write_bytes(mesh_file(model, -3.0, kind))
    if kind == "gltf":
        accessors = json.loads((tmp_path / "mesh.gltf").read_text())["accessors"]
        low, high = next((np.array(a["min"]), np.array(a["max"])) for a in accessors if a["type"] == "VEC3")
    else:
        mesh = pyvista.read(tmp_path / f"mesh.{kind}")
        assert mesh.n_cells > 100
        low, high = np.array(mesh.bounds[::2]), np.array(mesh.bounds[1::2])
    axes = model.input_field.axes
    assert all(low >= [axis[0] - 1e-4 for axis in axes])
    assert all(high <= [axis[-1] + 1e-4 for axis in axes])


def test_a_cut_above_the_peak_has_no_mesh(trained):
    with pytest.raises(InputError):
        mesh_file(trained["three-a"], 0.0, "ply")


def test_an_unknown_format_is_refused():
    with pytest.raises(InputError):
        check_formats(("svg", "exe"))


def test_html_figures_stand_alone(library, session, analysis):
    files = dict(export(library, session, analysis, ("html",), "light"))
    figures = [content.decode() for name, content in files.items() if name.endswith(".html")]
    assert len(figures) == 5
    assert all('src="http' not in text for text in figures)


@pytest.mark.skipif(not (shutil.which("chromium") or shutil.which("google-chrome")), reason="no Chrome to draw with")
@pytest.mark.parametrize(("kind", "head"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_a_drawn_figure_is_what_it_says(session, analysis, kind, head):
    with renderer():
        assert figure_file(trees.figure(analysis, session, "dark"), kind).startswith(head)


def test_no_browser_to_draw_with_is_said_in_one_line(session, analysis, monkeypatch):
    def missing(*_, **__):
        raise RuntimeError("Kaleido requires Google Chrome to be installed.")

    figure = trees.figure(analysis, session, "light")
    monkeypatch.setattr(type(figure), "to_image", missing)
    with pytest.raises(InputError, match="BROWSER_PATH"):
        figure_file(figure, "svg")


def test_a_session_and_a_match_can_be_exported(models_folder, session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "session.json").write_text(json.dumps(session.to_json()))
    flags = ("--formats", "ply", "--models", str(models_folder))
    assert main(["export", "session.json", *flags, "--out", "one"]) == 0
    a, b = (str(models_folder / name) for name in ("three-a", "three-b"))
    assert main(["match", a, b, "--out", "match.json"]) == 0
    assert main(["export", "match.json", "--formats", "ply", "--out", "two"]) == 0
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert names == {path.name for path in (tmp_path / "two").iterdir()}
    assert {"matches.csv", "transform.json", "transform.npz", "transform.py", "input-a.ply", "record.md"} <= names
