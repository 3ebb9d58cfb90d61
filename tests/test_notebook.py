"""In a notebook: the linked figure without a server, and results that show themselves."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
from IPython.core.formatters import DisplayFormatter

import core
import topoviz
from core.errors import InputError
from topoviz.notebook.show import formatters


@pytest.fixture(scope="module")
def display():
    ipython = SimpleNamespace(display_formatter=DisplayFormatter())
    topoviz.load_ipython_extension(ipython)
    return lambda shown: ipython.display_formatter.format(shown)[0]


@pytest.fixture(scope="module")
def pair(trained):
    return trained["three-a"], trained["three-b"]


def test_a_comparison_shows_the_linked_figure(display, pair):
    shown = display(topoviz.show(*pair))
    assert shown["text/html"].startswith('<iframe sandbox="allow-scripts"')
    assert "mark-a-1" in shown["text/html"]
    assert "<script" not in shown["text/html"]
    assert "3 matched leaves" in shown["text/plain"]


def test_a_matching_of_ones_own_is_shown(pair):
    trees = [core.level_set_tree(model) for model in pair]
    matching = core.match_trees(*trees, pins=[(1, 3)])
    assert topoviz.show(*pair, matching=matching).analysis.matching is matching


def test_a_matching_of_other_trees_is_refused(pair):
    model = core.load_model(topoviz.resource("sample_data") / "models" / "islands-a")
    tree = core.level_set_tree(model)
    with pytest.raises(InputError, match="matching"):
        topoviz.show(*pair, matching=core.match_trees(tree, tree))


def test_what_is_no_model_is_refused():
    with pytest.raises(InputError):
        topoviz.show(3, "islands-a")


def test_results_show_themselves(display, pair):
    trees = [core.level_set_tree(model) for model in pair]
    matching = core.match_trees(*trees)
    fitted = core.fit_map(matching, "affine")
    bent = core.fit_map(matching, "tree")
    verdict = core.assess(matching, fitted, *pair)
    for shown in (pair[0], trees[0], matching, fitted, bent, verdict):
        bundle = display(shown)
        assert "<table" in bundle["text/html"], shown
        assert len(bundle["text/plain"]) < 1200
        assert "array(" not in bundle["text/plain"]
    assert "<svg" in display(trees[0])["text/html"]


def test_every_formatter_is_for_a_type_that_there_is():
    for module, name in formatters():
        assert hasattr(__import__(module, fromlist=[name]), name)


def test_a_file_of_the_comparison(pair, tmp_path):
    shown = topoviz.show(*pair)
    for name, head in (("f.html", b"<!doctype html>"), ("f.svg", b"<?xml"), ("f.pdf", b"%PDF")):
        shown.save(tmp_path / name, dpi=60)
        assert (tmp_path / name).read_bytes().startswith(head)
    with pytest.raises(InputError):
        shown.save(tmp_path / "f.gif")


def test_the_import_is_light():
    code = "import sys, topoviz; print(sorted({'torch', 'matplotlib', 'dash', 'numpy', 'core'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
