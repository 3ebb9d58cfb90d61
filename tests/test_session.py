"""Laws of the session: round trips, strictness, undo and redo."""

import json
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from topoviz.session import state as session_module
from topoviz.session.address import from_query, to_query
from topoviz.session.events import Adopt, reduce
from topoviz.session.history import History
from topoviz.session.state import EDIT_FIELDS, NODE_FIELDS, Name, Selection, Session
from topoviz.vocabulary import families

nodes = st.integers(0, 30)
printable = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=20)
some = st.lists(nodes, max_size=4).map(tuple)
names = st.dictionaries(nodes, st.builds(Name, printable, st.booleans()), max_size=4)


@st.composite
def sessions(draw):
    left = draw(st.lists(nodes, unique=True, max_size=5))
    right = draw(st.permutations(range(31)))
    pins = tuple(zip(left, right, strict=False))
    bans = draw(st.lists(st.tuples(nodes, nodes), max_size=5))
    return Session(
        model_a=draw(st.sampled_from(["", "islands-a", "my model (2)"])),
        model_b=draw(st.sampled_from(["", "islands-b"])),
        pins=pins,
        bans=tuple(set(bans) - set(pins)),
        names_a=tuple(draw(names).items()),
        names_b=tuple(draw(names).items()),
        level=draw(st.floats(0, 1)),
        simplify=draw(st.floats(0, 100)),
        morph=draw(st.floats(0, 1)),
        family=draw(st.sampled_from(families())),
        complete=draw(st.booleans()),
        selection=draw(st.none() | st.builds(Selection, st.sampled_from("ab"), nodes)),
        alternative=draw(st.integers(0, 9)),
        **{key: draw(some) for key in NODE_FIELDS},
    )


@given(sessions())
def test_json_goes_there_and_back(session):
    assert Session.from_json(json.dumps(session.to_json())) == session


@given(sessions())
def test_an_address_goes_there_and_back(session):
    assert from_query("?" + to_query(session)) == session


def test_a_session_from_before_trees_were_edited_still_loads():
    old = {key: value for key, value in Session(model_a="x").to_json().items() if key not in NODE_FIELDS}
    assert Session.from_json(old) == Session(model_a="x")


def test_an_address_of_the_usual_session_is_empty():
    assert to_query(Session()) == ""


BAD_DOCUMENTS = {
    "not JSON": "{",
    "a list": "[]",
    "deep": "[" * 100_000,
    "huge": " " * 2_000_000,
    "unknown key": {"color": 1},
    "newer version": {"version": 99},
    "version as text": {"version": "1"},
    "path as model": {"model_a": "../../etc"},
    "hidden model": {"model_a": ".ssh"},
    "pins not pairs": {"pins": [[1]]},
    "pins not numbers": {"pins": [["1", 2]]},
    "boolean node": {"pins": [[True, 2]]},
    "node pinned twice": {"pins": [[1, 2], [1, 3]]},
    "pinned and banned": {"pins": [[1, 2]], "bans": [[1, 2]]},
    "too many bans": {"bans": [[1, 2]] * 2000},
    "negative node": {"bans": [[-1, 2]]},
    "NaN level": '{"level": NaN}',
    "level too high": {"level": 1.5},
    "level as text": {"level": "0.5"},
    "unknown family": {"family": "magic"},
    "method with spaces": {"method": "a b"},
    "complete as number": {"complete": 1},
    "name with line break": {"names_a": {"3": {"text": "a\nb"}}},
    "empty name": {"names_a": {"3": {"text": " "}}},
    "long name": {"names_a": {"3": {"text": "a" * 100}}},
    "names as list": {"names_a": [["3", "x"]]},
    "name of no node": {"names_b": {"x": {"text": "a"}}},
    "selection elsewhere": {"selection": {"side": "c", "node": 1}},
    "hidden not a list": {"hidden_a": 3},
    "hidden not a node": {"hidden_a": ["3"]},
    "too many merged": {"merged_b": [1] * 2000},
    "selection as list": {"selection": ["a", 1]},
    "selection with more": {"selection": {"side": "a", "node": 1, "x": 2}},
}


@pytest.mark.parametrize("document", BAD_DOCUMENTS.values(), ids=BAD_DOCUMENTS)
def test_a_bad_document_is_refused_in_one_line(document):
    with pytest.raises(InputError) as caught:
        Session.from_json(document)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "query",
    [
        "a=../x", "a=x&a=y", "pins=1", "pins=1-2.1-3", "level=nan", "level=", "select=a", "select=a²",
        "na=3", "na=3:", "merged-a=", "split-b=1.x", "hidden-a=1&hidden-a=2",
        "complete=yes", "x=1", "alternative=1e3", "pins=" + "1-2." * 3000, "x" * 2_000_000,
        "&a=b" * 5000,
    ],
)  # fmt: skip
def test_a_bad_address_is_refused(query):
    with pytest.raises(InputError):
        from_query(query)


@given(st.text(max_size=60))
def test_no_address_breaks_the_reader(text):
    try:
        from_query(f"a={quote(text)}&{text}")
    except InputError:
        return


def test_older_versions_are_migrated(monkeypatch):
    def renamed(document):
        return {("level" if key == "cut" else key): value for key, value in document.items()}

    monkeypatch.setattr(session_module, "_MIGRATIONS", {0: renamed})
    assert Session.from_json({"version": 0, "cut": 0.5}).level == 0.5


@given(sessions(), sessions(), sessions())
def test_undo_then_redo_gives_back_the_edits(first, second, third):
    history = History(first).push(second).push(third)
    there_and_back = history
    for _ in history.past:
        there_and_back = there_and_back.undo()
    for _ in history.past:
        there_and_back = there_and_back.redo()
    assert _edits(there_and_back.now) == _edits(history.now)
    assert len(there_and_back.past) == len(history.past)


@given(sessions(), st.floats(0, 1), st.floats(0, 1))
def test_looks_make_no_step_and_survive_undo(session, level, morph):
    edited = replace(session, pins=(), bans=((31, 31),))
    looked = replace(edited, level=level, morph=morph)
    history = History(session).push(edited).push(looked)
    assert len(history.past) == 1
    undone = history.undo().now
    assert (undone.level, undone.morph, undone.pins) == (level, morph, session.pins)


def test_a_new_edit_ends_the_future():
    history = History(Session()).push(Session(bans=((1, 1),))).undo().push(Session(bans=((2, 2),)))
    assert history.future == ()
    assert history.redo() == history


def test_history_is_bounded():
    history = History(Session())
    for step in range(300):
        history = history.push(Session(bans=((step, step),)))
    assert len(history.past) == 100


@given(sessions(), sessions())
def test_history_goes_through_json(first, second):
    history = History(first).push(second).undo()
    assert History.from_json(json.loads(json.dumps(history.to_json()))) == history


@pytest.mark.parametrize(
    "document", [None, {}, {"now": {}, "past": 1, "future": []}, {"now": 1, "past": [], "future": []}]
)
def test_a_bad_history_is_refused(document):
    with pytest.raises(InputError):
        History.from_json(document)


def _edits(session):
    return [getattr(session, name) for name in EDIT_FIELDS]


def test_looking_at_explanations_is_no_step_and_adopting_one_is():
    start = History(Session(model_a="x", model_b="y"))
    looking = start.push(replace(start.now, alternative=1)).push(replace(start.now, alternative=2))
    assert looking.past == ()
    adopted = looking.push(reduce(looking.now, Adopt(((1, 3),), ())))
    assert adopted.undo().now == looking.now
    assert adopted.undo().redo().now.pins == ((1, 3),)
