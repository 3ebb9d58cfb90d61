"""Figures for the paper: the same bytes every time, text that is text, sizes to the millimeter, names of any kind."""

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import core
from core.errors import InputError
from core.gaussians.mixture import GaussianMixture
from core.tree import tree_with_regions
from core.tree.fields import Surface
from topoviz.__main__ import main
from topoviz.app.panels.composer import _composition, values
from topoviz.report.citation import bibtex, data_hash, methods
from topoviz.report.figure.composed import FORMATS, figure
from topoviz.report.figure.linked import linked_html
from topoviz.report.figure.panels import panel
from topoviz.report.figure.rendering import render
from topoviz.report.figure.scene import Scene
from topoviz.report.figure.sheet import Box, Sheet, typesetting
from topoviz.report.latex import escape, match_tex, transform_tex
from topoviz.session.analysis import Analysis, analyze, fit
from topoviz.session.composition import PANELS, PRESETS, Camera, Composition
from topoviz.session.state import SIDES, Name, Session

SVG = "{http://www.w3.org/2000/svg}"
NAMES = {
    "markup": '<b>&amp; "bold"</b><script>alert(1)</script>',
    "latex": r"50% of $x_1^2$ & \input{x} #~{",
    "long": "an extraordinarily long name that goes on and on and on until it ends at eighty",
    "right to left": "שלום עולם",
    "emoji": "😀 naïve 中文",
}


@pytest.fixture(scope="module")
def session():
    return Session(model_a="three-a", model_b="three-b")


@pytest.fixture(scope="module")
def analysis(library, session):
    return analyze(library, session)


def named(analysis, session, text):
    return session.with_name("a", analysis.matching.leaf_pairs[0].a, Name(text))


def texts(svg):
    return ["".join(found.itertext()) for found in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def world(count, seed=0):
    """A density of so many separate modes in the plane, as a model without data."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(count)))
    means = np.stack(np.divmod(np.arange(count), side), axis=1) * 5.0 + rng.normal(size=(count, 2)) * 0.5
    weights = rng.dirichlet(np.full(count, 8.0))
    prior = GaussianMixture(weights, means, np.tile(0.6 * np.eye(2), (count, 1, 1)))
    return SimpleNamespace(prior=prior, sample=None, input_field=None, metrics={}, latent_dim=2, name="modes")


def compared(count):
    """The analysis of such a world with itself."""
    model = world(count)
    sets = tree_with_regions(model.prior).simplified(0.1)
    matching = core.match_trees(sets.tree, sets.tree, pins=[(i, i) for i in sets.tree.ids(sets.tree.leaves)])
    return Analysis.of((sets, sets), (model, model), matching, fit(matching, "affine"))


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(models_folder, session, analysis, tmp_path):
    pair = analysis.matching.leaf_pairs[0]
    kept = replace(
        session.with_name("a", pair.a, Name("north")),
        figure=Composition(panels=("input-a", "latent-b", "trees", "transform"), width=120.0, columns=2),
    )
    (tmp_path / "s.json").write_text(json.dumps(kept.to_json()))
    models = ("--models", str(models_folder))
    runs = [
        ["export", str(tmp_path / "s.json"), "--figure", str(tmp_path / f"far.{kind}"), *models] for kind in FORMATS
    ]
    code = f"import sys\nfrom topoviz.__main__ import main\nsys.exit(max(main(run) for run in {runs!r}))"
    env = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", code], check=True, env=env, cwd=tmp_path)
    for kind in FORMATS:
        near = tmp_path / f"near.{kind}"
        assert main(["export", str(tmp_path / "s.json"), "--figure", str(near), *models]) == 0
        assert near.read_bytes() == (tmp_path / f"far.{kind}").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_text_in_the_drawing(analysis, session, name):
    text = NAMES[name]
    composition = Composition(panels=("trees", "latent-b"))
    svg = figure(analysis, named(analysis, session, text), composition, "svg", 72)
    assert text in texts(svg)
    assert b"<script" not in svg


def test_text_in_a_pdf_can_be_selected(analysis, session):
    shown = named(analysis, session, "north island")
    page = pypdf.PdfReader(io.BytesIO(figure(analysis, shown, Composition(), "pdf", 72))).pages[0]
    said = page.extract_text()
    assert "north island" in said
    assert "Level-set trees" in said
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    kinds = {font["/Subtype"] for font in fonts}
    assert kinds <= {"/Type0", "/TrueType", "/Type42"} or "/Type3" not in kinds
    assert all("+" in font["/BaseFont"] for font in fonts)


def test_an_svg_names_its_fonts_and_draws_no_letters(analysis, session):
    root = ElementTree.fromstring(figure(analysis, session, Composition(font="Times New Roman", size=9.0), "svg", 72))
    looks = {found.get("style", "") for found in root.iter(f"{SVG}text")}
    assert all("Times New Roman" in look for look in looks)
    assert not [found for found in root.iter(f"{SVG}use") if "DejaVu" in str(found.attrib)]


@pytest.mark.parametrize("width", [85.0, 174.0, 63.5])
def test_sizes_are_exact(analysis, session, width):
    composition = Composition(panels=("latent-a", "latent-b"), columns=2, width=width, height=60.0, legend=False)
    root = ElementTree.fromstring(figure(analysis, session, composition, "svg", 72))
    assert (root.get("width"), root.get("height")) == (f"{width:g}mm", "60mm")
    box = pypdf.PdfReader(io.BytesIO(figure(analysis, session, composition, "pdf", 72))).pages[0].mediabox
    assert np.allclose([float(box.width), float(box.height)], [width / 25.4 * 72, 60 / 25.4 * 72], atol=1e-3)
    image = Image.open(io.BytesIO(figure(analysis, session, composition, "png", 300)))
    assert np.abs(np.array(image.size) - np.array([width, 60]) / 25.4 * 300).max() < 1
    assert np.allclose(image.info["dpi"], 300, atol=0.1)


@pytest.mark.parametrize("count", [3, 12, 60])
def test_names_beside_the_trees_do_not_overlap(count):
    analysis, session = compared(count), Session(model_a="a", model_b="b")
    assert len(analysis.tree("a").leaves) == count
    scene = Scene(analysis, session, Composition())
    with typesetting():
        sheet = Sheet(174, 250, "Arial", 7, 150)
        shown = panel("trees", scene)
        height = shown.height(sheet, 85)
        shown.draw(Box(sheet, 1, 1, 85, height))
        drawn = sheet.figure.canvas.get_renderer()
        boxes = [t.get_window_extent(drawn) for t in sheet.axes.texts if str(t.get_gid()).startswith("name-")]
    assert len(boxes) == 2 * count
    meets = [(one, other) for at, one in enumerate(boxes) for other in boxes[:at] if _overlap(one, other) > 1]
    assert meets == []


def _overlap(one, other):
    """Pixels by which two boxes overlap, in the direction in which they do less; fonts leave room above letters."""
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0) - 0.25 * min(one.height, other.height)
    return min(across, down)


@pytest.mark.parametrize("name", PANELS)
def test_every_panel_can_stand_alone(analysis, session, name):
    svg = figure(analysis, session, Composition(panels=(name,), width=85.0, columns=1), "svg", 72)
    assert len(texts(svg)) > 1


def test_a_figure_without_match_or_map_is_drawn():
    single, three = world(1), world(3)
    sets = [tree_with_regions(model.prior).simplified(0.1) for model in (single, three)]
    matching = core.match_trees(sets[0].tree, sets[1].tree)
    analysis = Analysis(*sets, matching, None, "Too few.", {}, (), single, three)
    assert "Too few." in texts(figure(analysis, Session(model_a="a", model_b="b"), Composition(), "svg", 72))


@given(
    st.builds(
        Composition,
        panels=st.lists(st.sampled_from(tuple(PANELS)), min_size=1, unique=True).map(tuple),
        columns=st.integers(1, 6),
        width=st.floats(40, 400),
        height=st.none() | st.floats(20, 500),
        size=st.floats(4, 24),
        letters=st.booleans(),
        cameras=st.tuples(st.none() | st.just(Camera(eye=(0.0, 2.0, 1.0))), st.none()),
    )
)
def test_a_composition_survives_its_json_and_the_form(composition):
    assert Composition.from_json(json.loads(json.dumps(composition.to_json()))) == composition
    session = Session(model_a="a", model_b="b", figure=composition)
    assert Session.from_json(json.dumps(session.to_json())) == session
    view = {"cameras": [None if camera is None else camera.to_json() for camera in composition.cameras]}
    assert _composition(values(composition), view) == composition


@pytest.mark.parametrize(
    "change",
    [
        {"panels": []}, {"panels": ["moon"]}, {"panels": ["trees", "trees"]}, {"panels": "trees"}, {"columns": 0},
        {"width": 39}, {"width": "wide"}, {"height": 1e9}, {"font": "Comic Sans"}, {"size": 0}, {"letters": 1},
        {"cameras": [None]}, {"cameras": [{"eye": [0, 0]}, None]}, {"cameras": [{"eye": [0, 0, 0]}, None]},
        {"cameras": [{"eye": {"x": float("nan"), "y": 0, "z": 1}}, None]}, {"colour": "red"},
    ],
)  # fmt: skip
def test_a_composition_that_is_none_is_refused(change):
    with pytest.raises(InputError):
        Composition.from_json(change)


def test_the_camera_turns_the_picture(analysis, session):
    seen = {
        figure(analysis, session, Composition(panels=("input-a",), cameras=(camera, None)), "png", 60)
        for camera in (None, Camera(), Camera(eye=(-1.4, 1.0, 0.3)), Camera(eye=(0.0, 0.0, 2.0)))
    }
    assert len(seen) == 3


def test_what_stands_in_front_is_what_is_seen():
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 1]], dtype=float)
    found = Surface(corners, np.array([[0, 1, 2], [3, 4, 5]]))
    colors = {1: "#ff0000", 2: "#0000ff"}
    owner = lambda latent: np.where(latent[:, 0] > 0.5, 2, 1)  # noqa: E731
    for height, front in ((3.0, 2), (-3.0, 1)):
        camera = Camera(eye=(0.3, 0.3, height), center=(0.0, 0.0, 0.0), up=(0.0, 1.0, 0.0))
        drawn = render(found, corners[:, 2:], owner, colors, (40, 40), camera)
        middle = drawn.owner[drawn.owner >= 0]
        assert (middle == front).mean() > 0.6
        assert drawn.pixels.min() >= 0
        assert drawn.pixels.max() <= 1


@pytest.mark.parametrize("name", PRESETS)
def test_presets_and_flags_come_on_top(models_folder, session, tmp_path, name):
    (tmp_path / "s.json").write_text(json.dumps(session.to_json()))
    flags = ["--width", name, "--panels", "latent-a", "--models", str(models_folder), "--dpi", "60"]
    assert main(["export", str(tmp_path / "s.json"), "--figure", str(tmp_path / "f.png"), *flags]) == 0
    with Image.open(tmp_path / "f.png") as image:
        assert abs(image.width - PRESETS[name][0] / 25.4 * 60) < 1


@pytest.mark.parametrize("flags", [["--figure", "f.gif"], ["--figure", "f.svg", "--width", "wide"], []])
def test_a_figure_that_cannot_be_is_said_in_one_line(models_folder, session, tmp_path, monkeypatch, capsys, flags):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.json").write_text(json.dumps(session.to_json()))
    assert main(["export", "s.json", "--models", str(models_folder), *flags]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


_ESCAPED = re.compile(r"\\(?:text[a-z]+\{\}|[{}$&#%_])|\{[`'\[\]]+\}|\$-\$|-\{\}(?=-)")


@given(st.text(max_size=80))
def test_no_name_can_say_anything_to_latex(text):
    rest = _ESCAPED.sub("", escape(text))
    assert not set(rest) & set('\\{}$&#%_^~<>"')
    assert "\n" not in rest


@pytest.mark.parametrize("name", NAMES)
def test_tables_keep_their_columns(analysis, session, name):
    table = match_tex(analysis, named(analysis, session, NAMES[name]))
    body = table.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == len(analysis.matching.leaf_pairs) + len(analysis.matching.unmatched_a) + len(
        analysis.matching.unmatched_b
    )
    assert all(len(re.findall(r"(?<!\\)&", line)) == 6 and line.endswith(r"\\") for line in body)
    assert _balanced(table)
    assert _balanced(transform_tex(analysis.map, analysis))


def _balanced(tex):
    bare = re.sub(r"\\[{}]", "", tex)
    begins, ends = re.findall(r"\\begin\{(\w+)\}", tex), re.findall(r"\\end\{(\w+)\}", tex)
    return bare.count("{") == bare.count("}") and sorted(begins) == sorted(ends)


def test_the_matrix_in_latex_is_the_transform(analysis):
    tex = transform_tex(analysis.map, analysis)
    first = tex.split(r"\begin{bmatrix}")[1].split(r"\end{bmatrix}")[0]
    read = [[float(cell) for cell in row.split("&")] for row in first.split(r"\\")]
    assert np.allclose(read, analysis.map.matrix, atol=6e-4)


def test_references_and_methods_tell_the_true_numbers(analysis, session):
    entries = bibtex(analysis, session)
    keys = re.findall(r"^@\w+\{([\w-]+),$", entries, re.M)
    assert len(keys) == len(set(keys)) == 4
    assert entries.count("{") == entries.count("}")
    assert data_hash(analysis.model_a) in entries
    assert analysis.model_a.metrics["data_sha256"][:16] in entries
    said = methods(analysis, session)
    for model in (analysis.model_a, analysis.model_b):
        assert f"{model.metrics['nll']:.2f} nats" in said
        assert f"seed {model.metrics['seed']}" in said
    assert f"{analysis.score:.3f} nats" in said


def test_the_linked_figure_asks_nothing_of_anyone(analysis, session):
    page = linked_html(analysis, named(analysis, session, "</script><script>alert(1)</script>"), Composition())
    assert page.count("</script>") == 2
    addresses = re.findall(r"""(?:href|src)=["']([^"']{0,80})""", page)
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert len(page) < 4e6
    for side in SIDES:
        assert all(f'"mark-{side}-{node}"' in page for node in analysis.tree(side).id.tolist())
