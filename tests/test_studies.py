"""Studies: what is read of them, what is refused, which models they lend their names to, and how they are shown."""

import json
import math
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from topoviz.app.panels.study.chart import axis_options, chart, legend, parallel, summary
from topoviz.app.panels.study.trials import COLUMNS, card, table
from topoviz.app.server import create_app
from topoviz.app.views.families import strip
from topoviz.figures.study import AXES, available, lines, rails, scatter
from topoviz.figures.theme import THEMES
from topoviz.figures.thumbnail import thumbnail
from topoviz.session.address import from_query, to_query
from topoviz.session.analysis import analyze
from topoviz.session.families import Family, chose, families
from topoviz.session.library import Library
from topoviz.session.settings import Settings
from topoviz.session.state import Session
from topoviz.session.studies import read_study
from zoo import STUDIED, study, trial, write_study


@pytest.fixture(scope="module")
def root(models_folder, tmp_path_factory):
    """A user's folder: a model, a study of three models, and a file that is no study."""
    root = tmp_path_factory.mktemp("user")
    three = [models_folder / name for name in ("three-a", "three-b")]
    write_study(root / "search", study(*STUDIED, best=1, trials_wanted=8), three)
    write_study(root / "odd", study(trial(0, model=None, nll="low")), three)
    (root / "plain").symlink_to(root / "search" / "trials" / "0000")
    return root


@pytest.fixture(scope="module")
def own(root):
    return Library(Settings(models=root))


@pytest.fixture(scope="module")
def found(own):
    return next(study for study in own.studies() if study.name == "search")


def read(tmp_path, document):
    text = document if isinstance(document, str) else json.dumps(document)
    (tmp_path / "study.json").write_text(text)
    return read_study("search", tmp_path, "", 0.0)


def test_a_study_is_read_as_it_was_written(found):
    assert (found.data, found.points, found.dim, found.planted, found.wanted) == ("islands-a", 3000, 3, True, 8)
    assert [found.count(state) for state in ("complete", "pruned", "failed", "running")] == [3, 1, 1, 1]
    one = found.trial(1)
    assert (one.critic_loss, one.nll, one.model, one.seed) == (0.1, 3.21, "search/0001", 1)
    assert one.families == (Family("ring", 0.81), Family("blobs", 0.19))
    assert one.params == (("width", 64.0), ("warm_start", "pca"))
    assert found.trial(3).error == "the loss is not finite"


HOSTILE = {
    "not JSON": "{",
    "a list": "[]",
    "another schema": study() | {"schema": 2},
    "no trials": study() | {"trials": None},
    "trials that are none": study() | {"trials": [3]},
    "a number twice": study(trial(1), trial(1)),
    "a negative number": study(trial(0) | {"number": -1}),
    "an unknown state": study(trial(0) | {"state": "won"}),
    "a word for a figure": study(trial(0, nll="low")),
    "a truth for a figure": study(trial(0, critic_loss=True)),
    "not a number": json.dumps(study(trial(0, nll=math.nan))),
    "beyond all floats": study(trial(0, nll=10**400)),
    "a count with a point": study(trial(0, leaves=2.5)),
    "a model elsewhere": study(trial(0, model="../../three-a")),
    "a model by its root": study(trial(0, model="/etc")),
    "another trial's model": study(trial(0, model="trials/0001")),
    "a model within": study(trial(0, model="trials/0000/../0001")),
    "families that are too heavy": study(trial(0, families={"ring": 3})),
    "families with a strange name": study(trial(0, families={"ri\nng": 1})),
    "deep nesting": "[" * 100_000,
    "too many parameters": study(trial(0, params={str(at): at for at in range(100)})),
    "data that are none": study(data=3),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_study_has_one_line_for_a_problem(tmp_path, name):
    got = read(tmp_path, HOSTILE[name])
    assert got.problem
    assert got.trials == ()
    assert got.problem.isprintable()
    assert len(got.problem) < 400


def test_texts_are_cleaned_and_cut(tmp_path):
    (one,) = read(tmp_path, study(trial(0, prior="mix\u202e\nture \ud800" + 900 * "x"))).trials
    assert one.prior.startswith("mix ture x")
    assert len(one.prior) <= 300
    assert one.prior.isprintable()


def test_a_study_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("topoviz.session.studies._BYTES", 100)
    assert "larger" in read(tmp_path, study(trial(0))).problem


def test_studies_are_no_models_and_their_trials_are(own, root):
    assert [study.name for study in own.studies()] == ["odd", "search"]
    names = {entry.name for entry in own.entries() if entry.source == "yours"}
    assert names == {"plain"}
    entry = own.entry("search/0001")
    assert (entry.name, entry.title, entry.problem) == ("search/0001", "trial 1 · search", None)
    assert entry.folder == root / "search" / "trials" / "0001"
    assert own.model("search/0001").prior
    assert [entry.name for entry in own.listed("plain", "search/0001", "search/0001", "x/../0001", 3)][-2:] == [
        "plain",
        "search/0001",
    ]


def test_the_user_s_folder_may_itself_be_a_study(root):
    library = Library(Settings(models=root / "search"))
    assert [study.name for study in library.studies()] == ["search"]
    assert [entry for entry in library.entries() if entry.source == "yours"] == []
    assert library.entry("search/0000").folder == root / "search" / "trials" / "0000"


STRANGE = (
    "search/0002", "search/1", "search/00001", "search/0009", "search/../0001", "search/trials/0001", "/0001",
    "search/", "other/0001", "odd/0000", "plain/0001", "search/0001/", "search\\0001", "../user/0001",
    "search/0001\n", "search/٠٠٠١",
)  # fmt: skip


@pytest.mark.parametrize("name", STRANGE)
def test_names_reach_no_other_folder(own, name):
    with pytest.raises(InputError):
        own.entry(name)


def test_links_out_of_a_study_are_not_followed(models_folder, tmp_path):
    user = tmp_path / "user"
    folder = write_study(user / "search", study(trial(0), trial(1)), [models_folder / "three-a"])
    (folder / "trials" / "0001" / "metrics.json").unlink()
    (folder / "trials" / "0001" / "metrics.json").symlink_to(models_folder / "three-b" / "metrics.json")
    moved = (folder / "trials" / "0000").rename(tmp_path / "elsewhere")
    (folder / "trials" / "0000").symlink_to(moved)
    (user / "linked").mkdir()
    (user / "linked" / "study.json").symlink_to(folder / "study.json")
    library = Library(Settings(models=user))
    assert [study.name for study in library.studies()] == ["search"]
    for name in ("search/0000", "search/0001"):
        with pytest.raises(InputError, match="study's folder"):
            library.model(name)


def test_a_study_that_goes_on_is_read_anew(models_folder, tmp_path):
    folder = write_study(tmp_path / "search", study(trial(0)), [models_folder / "three-a"])
    library = Library(Settings(models=tmp_path))
    assert len(library.studies()[0].trials) == 1
    assert library.studies()[0] is library.studies()[0]
    (folder / "study.json").write_text(json.dumps(study(trial(0), trial(1, model=None))))
    assert len(library.studies()[0].trials) == 2


def test_a_session_of_trials_can_be_written_and_analyzed(own):
    session = Session(model_a="search/0000", model_b="search/0001")
    assert Session.from_json(json.dumps(session.to_json())) == session
    assert from_query(to_query(session)) == session
    assert analyze(own, session).matching.leaf_pairs


def test_the_drawing_of_a_tree_is_served_and_nothing_else(root):
    client = create_app(Settings(models=root)).server.test_client()
    answer = client.get("/trial-tree/search/0001.svg?theme=dark&of=1")
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert answer.text.startswith("<svg")
    assert THEMES["dark"].accent in answer.text
    for path in ("search/0001.svg?theme=pink", "search/0002.svg", "plain/0001.svg", "odd/0.svg"):
        answer = client.get(f"/trial-tree/{path}")
        assert answer.status_code == 400
        assert answer.json["error"]
    assert client.get("/trial-tree/..%2Fuser/0001.svg").mimetype != "image/svg+xml"


# ---------------------------------------------------------------- charts
def test_points_stand_where_their_figures_are(found):
    drawn = scatter(found, "critic_loss", "nll")
    assert {point.trial.number for point in drawn.points} == {0, 1, 4}
    for point in drawn.points:
        assert drawn.x.low + point.x * (drawn.x.high - drawn.x.low) == pytest.approx(point.trial.critic_loss)
        assert drawn.y.low + point.y * (drawn.y.high - drawn.y.low) == pytest.approx(point.trial.nll)
        assert point.error_y * (drawn.y.high - drawn.y.low) == pytest.approx(point.trial.nll_error)
    assert scatter(found, "critic_loss", "tree_stability").missing == 1


finite = st.floats(-1e9, 1e9)


@given(st.lists(finite, min_size=1, max_size=30))
def test_every_value_finds_its_place_between_round_ticks(values):
    trials = json.loads(json.dumps([trial(at, nll=value, nll_error=None) for at, value in enumerate(values)]))
    drawn = scatter(_study(trials), "nll", "seconds")
    assert len(drawn.points) == len(values)
    assert all(0 < point.x < 1 and 0 < point.y < 1 for point in drawn.points)
    shares = [share for share, _ in drawn.x.ticks]
    assert 1 <= len(shares) <= 8
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


@pytest.mark.parametrize(("value", "low", "high"), [(0.9, 0, 1), (0.0, 0, 1), (5.0, 2.5, 7.5)])
def test_equal_values_stand_within_the_limits_of_their_figure_if_they_keep_them(value, low, high):
    trials = [trial(at, tree_stability=value) for at in range(2)]
    axis = scatter(_study(trials), "tree_stability", "seconds").x
    pad = 0.07 * (high - low)
    assert (axis.low, axis.high) == pytest.approx((low - pad, high + pad))


def test_lines_cross_the_rails_at_their_values(found):
    axes, drawn = rails(found)
    labels = [axis.label for axis in axes]
    assert labels[0] == "prior"
    assert labels[-3:] == ["Critic loss", "Held-out NLL", "Tree stability"]
    assert [axis.result for axis in axes] == [False] * (len(axes) - 3) + [True] * 3
    by_loss = {line.trial.number: line.heights[labels.index("Critic loss")] for line in drawn}
    assert (by_loss[0], by_loss[1]) == (1.0, 0.0)
    assert 0 < by_loss[4] < 1
    four = next(line for line in drawn if line.trial.number == 4)
    assert four.heights[-1] is None
    assert len(lines(four.heights).split()) == sum(height is not None for height in four.heights)


def test_a_parameter_of_many_magnitudes_is_drawn_by_its_logarithm():
    trials = [trial(at, params={"learning_rate": rate}) for at, rate in enumerate((1e-4, 1e-3, 1e-2))]
    axes, drawn = rails(_study(trials))
    at = [axis.label for axis in axes].index("learning rate")
    assert [line.heights[at] for line in drawn] == pytest.approx([0, 0.5, 1])


def test_a_tree_is_drawn_with_a_mark_a_leaf(own):
    tree = analyze(own, Session(model_a="search/0000", model_b="search/0001")).tree("a")
    for theme in THEMES.values():
        drawn = thumbnail(tree, theme)
        parser = HTMLParser()
        parser.feed(drawn)
        assert drawn.count("<circle") == len(tree.leaves) + len(set(tree.holes.node.tolist()))
        assert drawn.count("<path") == len(tree)
        assert theme.accent in drawn


# ---------------------------------------------------------------- views
def words(parts):
    """All text of some components, attributes that are read out included."""
    if parts is None:
        return ""
    if isinstance(parts, str | int | float):
        return str(parts)
    if isinstance(parts, list | tuple):
        return " ".join(map(words, parts))
    said = [getattr(parts, name, None) for name in ("aria-label", "alt", "title")]
    return " ".join(filter(None, (*said, words(getattr(parts, "children", None)))))


def components(parts):
    """All components, depth first."""
    if isinstance(parts, list | tuple):
        return [found for part in parts for found in components(part)]
    if not hasattr(parts, "to_plotly_json"):
        return []
    return [parts, *components(getattr(parts, "children", None))]


def test_the_summary_counts_and_says_that_it_goes_on(found):
    said = words(summary(found, found.changed + 1))
    assert "Still running: 5 of 8 (3 complete, 1 pruned, 1 failed)" in " ".join(said.split()).replace(" )", ")")
    assert "last written 2 h ago" in words(summary(found, found.changed + 7200))
    ended = replace(found, trials=found.trials[:5], wanted=5)
    assert "5 trials: 3 complete" in words(summary(ended, 0.0))


def test_what_is_missing_or_broken_is_said(own, found):
    odd = next(study for study in own.studies() if study.name == "odd")
    assert "trial 0: `nll` must be" in words(summary(odd, 0.0))
    assert "topoviz search" in words(summary(None, 0.0))
    fresh = replace(found, trials=found.trials[5:])
    assert "No trial has come to its end yet" in words(chart(fresh, "nll", "seconds", "light"))
    assert "No trial came to its end" in words(parallel(replace(found, trials=found.trials[2:4]), "light"))
    assert words(table(replace(found, trials=()), "nll", False, {}, "light")) == ""


def test_every_point_is_a_button_that_says_its_figures_and_one_is_in_the_tab_order(found):
    buttons = [
        part for part in components(chart(found, "critic_loss", "nll", "light")) if type(part).__name__ == "Button"
    ]
    assert {getattr(button, "data-trial") for button in buttons} == {"0", "1", "4"}
    assert [button.tabIndex for button in buttons].count(0) == 1
    best = next(button for button in buttons if button.tabIndex == 0)
    assert "Best: Trial 1, superposition: critic loss 0.100, held-out nll 3.210 ± 0.020" in words(best)
    assert getattr(best, "data-model") == "search/0001"
    drawn = chart(found, "critic_loss", "tree_stability", "light")
    assert "1 trial without one of these figures not shown" in words(drawn)


def test_priors_differ_by_shape_and_color(found):
    for theme in THEMES:
        marks = {part.src for part in components(legend(found, True, theme)) if hasattr(part, "src")}
        assert len(marks) == 3
    said = words(legend(found, True, "light"))
    assert " ".join(said.split()) == "mixture superposition adversarial hollow: did not converge"


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("key", COLUMNS)
def test_the_table_holds_every_trial_in_order(found, key, down):
    (drawn,) = table(found, key, down, {"a": "search/0001", "b": ""}, "light")
    head, body = drawn.children
    order = [int(getattr(row, "data-trial")) for row in body.children]
    assert sorted(order) == [0, 1, 2, 3, 4, 5]
    values = [COLUMNS[key].of(found.trial(number)) for number in order]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=down)
    assert values[: len(known)] == known
    sorted_by = [th for th in components(head) if getattr(th, "aria-sort", None)]
    assert [getattr(th, "aria-sort") for th in sorted_by] == ["descending" if down else "ascending"]


def test_a_row_without_a_model_opens_nothing_and_says_why(found):
    (drawn,) = table(found, "number", False, {"a": "search/0001", "b": ""}, "light")
    rows = drawn.children[1].children
    assert "failed: the loss is not finite" in words(rows[3])
    assert "pruned at step 600 of 3,500" in words(rows[2])
    for row in rows:
        opens = [part for part in components(row) if getattr(part, "data-open", None)]
        assert len(opens) == (2 if getattr(row, "data-model") else 0)
    marks = [part for part in components(rows) if getattr(part, "className", "") == "in-use"]
    assert words(marks) == "A"


def test_the_card_says_all_that_is_known(found):
    said = words(card(found, found.trial(1), "dark"))
    for text in (
        "Trial 1",
        "best",
        "chose a ring (81 %)",
        "weighted sum",
        "Open as A",
        "6 leaves",
        "every planted leaf",
    ):
        assert text in said
    assert "volume changes" in words(card(found, found.trial(0), "light"))
    assert "Failed: the loss is not finite" in words(card(found, found.trial(3), "light"))
    assert "Point at a trial" in words(card(found, None, "light"))


def test_axes_without_values_are_not_offered(found):
    assert set(available(found)) == set(AXES)
    bare = replace(found, trials=tuple(replace(trial, tree_error=None) for trial in found.trials))
    assert "tree_error" not in [axis["value"] for axis in axis_options(bare)]


@pytest.mark.parametrize(
    "value",
    [None, 3, [], {}, {"ring": "much"}, {"ring": -1}, {"ring": math.nan}, {"ring": 10**400}, {3: 1.0}, {"\n": 1.0}],
)
def test_a_model_without_proper_families_shows_none(value):
    assert families({"families": value}) == ()
    assert strip((), "light") == []


def test_the_strip_names_the_choice_and_every_heavy_family():
    found = families({"families": {"blobs": 0.19, "ring": 0.81}})
    assert [family.name for family in found] == ["ring", "blobs"]
    said = words(strip(found, "dark"))
    assert "chose a ring (81 %)" in said
    assert "blobs 19 %" in " ".join(said.split())
    assert chose((Family("blobs", 1.0),)) == "chose blobs (100 %)"


def _study(trials):
    with TemporaryDirectory() as folder:
        return read(Path(folder), study(*trials))
