"""The tutorial runs from its first cell to its last, and what it says comes out."""

import ast
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from IPython.core.formatters import DisplayFormatter

import core
import topoviz

pytestmark = pytest.mark.slow

TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorial.ipynb"
CLAIMED = ("aligner", "alone", "matched", "label_score", "carried", "stitched", "before", "after", "rows_b")


def cells():
    notebook = json.loads(TUTORIAL.read_text("utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run(source, namespace):
    """Run a cell as a notebook does: what its last line gives is returned."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, str(TUTORIAL), "exec"), namespace)
    return None if last is None else eval(compile(ast.Expression(last.value), str(TUTORIAL), "eval"), namespace)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The namespace after the last cell, the folder that it ran in, and what was shown."""
    folder = tmp_path_factory.mktemp("tutorial")
    ipython = SimpleNamespace(display_formatter=DisplayFormatter())
    topoviz.load_ipython_extension(ipython)
    namespace, shown = {"__name__": "tutorial"}, []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for source in cells():
            value = run(source, namespace)
            if value is not None:
                shown.append(ipython.display_formatter.format(value)[0])
    return SimpleNamespace(folder=folder, shown=shown, **{name: namespace[name] for name in CLAIMED})


def test_no_outputs_are_stored():
    notebook = json.loads(TUTORIAL.read_text("utf-8"))
    assert not any(cell.get("outputs") for cell in notebook["cells"])


def test_the_evidence_singles_the_match_out(ran):
    assert core.assess(ran.alone).determined


def test_ten_classes_are_matched(ran):
    assert ran.matched == {(digit, digit) for digit in range(10)}


def test_labels_arrive(ran):
    assert ran.label_score.accuracy * ran.label_score.rows / len(ran.rows_b) >= 0.9
    assert ran.carried.agreement >= 0.9


def test_the_stitched_network_reads(ran):
    assert ran.stitched >= 0.9


def test_anchors_confirm_the_match(ran):
    assert len(ran.aligner.anchors_.pins) == 3
    assert ran.aligner.anchors_.contradict == 0
    assert ran.after == ran.before


def test_the_figure_is_there(ran):
    assert (ran.folder / "figure.pdf").read_bytes().startswith(b"%PDF")
    assert (ran.folder / "figure.pdf").stat().st_size > 10_000
    assert "</svg>" in (ran.folder / "figure.svg").read_text("utf-8")


def test_the_comparison_shows_itself(ran):
    assert any("<iframe" in shown.get("text/html", "") for shown in ran.shown)
