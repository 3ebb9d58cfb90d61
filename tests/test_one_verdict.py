"""One verdict: every surface prints the same word for the same pair, and none has words of its own for it."""

import html
import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from IPython.core.formatters import DisplayFormatter

import core
import topoviz
from core.documents import load_match
from core.verdict.verdict import WORDS
from topoviz.__main__ import main
from topoviz.app.callbacks.show import _judged
from topoviz.app.panels.details.blocks import trust
from topoviz.figures.style import node_styles
from topoviz.figures.theme import THEMES
from topoviz.notebook.show import Comparison
from topoviz.report.align_report import report, summary
from topoviz.report.citation import methods
from topoviz.report.figure.composed import figure
from topoviz.report.figure.linked import linked_html
from topoviz.report.latex import match_tex
from topoviz.report.record import record_files
from topoviz.report.tables import match_document
from topoviz.session.analysis import analyze, fit
from topoviz.session.composition import Composition
from topoviz.session.library import Library
from topoviz.session.log import Log
from topoviz.session.settings import Settings
from topoviz.vocabulary import NO_VERDICT, VERDICTS

LIBRARY = Library(Settings())
EXAMPLES = {example.id: example.session for example in LIBRARY.examples()}
PUBLISHED = replace(EXAMPLES["islands"], method="path-mapping")
WORD = re.compile(r"not determined|undetermined|determined|ambiguous")
PANEL = Composition(panels=("trust",), width=120.0, columns=1, font="DejaVu Sans")


def words(text):
    """The words for a verdict in a text, its lines joined."""
    return set(WORD.findall(" ".join(html.unescape(text).lower().split())))


def figure_words(analysis, session):
    svg = ElementTree.fromstring(figure(analysis, session, PANEL, "svg", 72))
    return " ".join("".join(found.itertext()) for found in svg.iter("{http://www.w3.org/2000/svg}text"))


def page(analysis, session):
    return str(trust(analysis, session, {side: node_styles(analysis, session, side, THEMES["light"]) for side in "ab"}))


def metrics(analysis, session):
    return {session.model(side): analysis.model(side).metrics for side in "ab"}


SAYING = {
    "the badge": page,
    "report.html": lambda a, s: report(s, a, metrics(a, s)),
    "record.md": lambda a, s: dict(record_files(LIBRARY, s, a, Log()))["record.md"].decode(),
    "LaTeX": match_tex,
    "methods.txt": methods,
    "the composed figure": figure_words,
    "the linked figure": lambda a, s: linked_html(a, s, PANEL),
    "the notebook": lambda a, s: repr(Comparison(a, s)),
}
HOLDING = {
    "report.json": lambda a, s: summary(a, 1.0)["verdict"],
    "record.json": lambda a, s: json.loads(dict(record_files(LIBRARY, s, a, Log()))["record.json"])["outcome"][
        "verdict"
    ],
    "match.json of a session": lambda a, s: match_document(a, s).to_json()["verdict"],
}


@pytest.fixture(params=EXAMPLES, scope="module")
def example(request):
    """The session of an example and its analysis."""
    session = EXAMPLES[request.param]
    return session, analyze(LIBRARY, session)


def test_every_word_has_a_look_and_there_are_no_others():
    assert tuple(VERDICTS) == WORDS
    for name in ("label", "kind", "ink", "glyph", "marker"):
        assert len({getattr(look, name) for look in VERDICTS.values()}) == len(WORDS)
    assert all(look.label.lower() == look.word for look in VERDICTS.values())


def test_the_session_says_what_core_says(example):
    session, analysis = example
    trees = [core.level_set_tree(LIBRARY.model(session.model(side)), simplify=session.simplify) for side in "ab"]
    matching = core.match_trees(*trees)
    fitted = fit(matching, session.family).map
    assert analysis.verdict == core.assess(matching, fitted, analysis.model_a, analysis.model_b)


@pytest.mark.parametrize("surface", SAYING)
def test_what_is_printed_says_the_word_and_no_other(example, surface):
    session, analysis = example
    assert words(SAYING[surface](analysis, session)) == {analysis.verdict.word}


@pytest.mark.parametrize("surface", HOLDING)
def test_what_is_written_holds_the_verdict(example, surface):
    session, analysis = example
    assert HOLDING[surface](analysis, session) == analysis.verdict.to_json()


def test_the_page_and_its_log_get_one_word(example):
    session, analysis = example
    shown, _, said = _judged(analysis, session, "light")
    assert words(str(shown)) == {said["word"]} == {analysis.verdict.word}
    assert said["score"] == analysis.verdict.score


def test_a_verdict_shows_itself_in_a_notebook(example):
    formatter = DisplayFormatter()
    formatter.active_types = ["text/html"]
    topoviz.load_ipython_extension(type("Shell", (), {"display_formatter": formatter}))
    shown = formatter.format(example[1].verdict)[0]["text/html"]
    assert words(shown) == {example[1].verdict.word}


def test_the_command_line_says_it_too(example, tmp_path, capsys):
    session, analysis = example
    out = tmp_path / "match.json"
    simplify = ("--simplify", str(session.simplify))
    assert main(["match", session.model_a, session.model_b, *simplify, "--out", str(out), "--json"]) == 0
    printed, told = capsys.readouterr()
    assert json.loads(printed)["verdict"] == analysis.verdict.to_json()
    assert words(told) == {analysis.verdict.word}
    kept = load_match(out)
    assert kept.verdict.word == analysis.verdict.word
    assert kept.verdict.sentence == analysis.verdict.sentence


def test_the_table_of_translators_says_it_too(example, capsys):
    session = replace(example[0], simplify=0.1)
    verdict = analyze(LIBRARY, session).verdict
    assert main(["compare", session.model_a, session.model_b, "--methods", "ours", "--json"]) == 0
    printed, told = capsys.readouterr()
    document = json.loads(printed)
    assert document["verdict"] == verdict.to_json()
    assert {row["verdict"] for row in document["methods"] if row["status"] == "done"} <= {verdict.word}
    assert words(told) == {verdict.word}


@pytest.mark.parametrize("surface", SAYING)
def test_a_published_method_is_said_to_give_none(surface):
    said = SAYING[surface](analyze(LIBRARY, PUBLISHED), PUBLISHED)
    assert NO_VERDICT in html.unescape(said)
    assert words(said) == set()


@pytest.mark.parametrize("surface", HOLDING)
def test_of_a_published_method_nothing_is_written(surface):
    assert HOLDING[surface](analyze(LIBRARY, PUBLISHED), PUBLISHED) is None
