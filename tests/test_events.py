"""Laws of the events: what each does, and that nothing a browser sends can break the session."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from topoviz.session.event_json import parse_event
from topoviz.session.events import (
    Adopt,
    Ban,
    ChooseModels,
    ClearEdits,
    ConfirmName,
    Hide,
    Link,
    LoadSession,
    Merge,
    Rename,
    ShowAll,
    Split,
    Unban,
    Unlink,
    reduce,
)  # fmt: skip
from topoviz.session.state import Name, Selection, Session

ids = st.integers(0, 4)
ends = st.fixed_dictionaries({"a": ids, "b": ids})
side = st.sampled_from("ab")
documents = st.one_of(
    st.builds(lambda kind, pair: {"type": kind, **pair}, st.sampled_from(["link", "unlink", "ban", "unban"]), ends),
    st.builds(
        lambda kind, s, n: {"type": kind, "side": s, "node": n},
        st.sampled_from(["select", "merge", "split", "hide"]),
        side,
        ids,
    ),
    st.builds(
        lambda s, n, t: {"type": "rename", "side": s, "node": n, "text": t},
        side,
        ids,
        st.sampled_from(["", "x"]),
    ),
    st.builds(lambda v: {"type": "set-level", "level": v}, st.floats(0, 1)),
    st.builds(lambda a, b: {"type": "choose-models", "a": a, "b": b}, st.sampled_from("xy"), st.sampled_from("xy")),
    st.builds(lambda v: {"type": "choose-alternative", "alternative": v}, ids),
    st.builds(
        lambda left, right: {"type": "adopt", "pairs": list(zip(left, right, strict=False)), "bans": [[0, 0]]},
        st.permutations(range(4)),
        st.permutations(range(3)),
    ),
    st.sampled_from(
        [
            {"type": "clear-edits"},
            {"type": "show-all"},
            {"type": "clear-selection"},
            {"type": "set-complete", "complete": False},
        ]
    ),
)


@given(st.lists(documents, max_size=30))
def test_every_run_of_events_leaves_a_valid_session(run):
    session = Session()
    for document in run:
        session = reduce(session, parse_event(document))
    assert Session.from_json(session.to_json()) == session


@given(st.lists(documents, max_size=10), ids, ids)
def test_linking_pins_the_pair_and_frees_its_ends(run, a, b):
    session = Session()
    for document in run:
        session = reduce(session, parse_event(document))
    linked = reduce(session, Link(a, b))
    assert [pin for pin in linked.pins if a == pin[0] or b == pin[1]] == [(a, b)]
    assert (a, b) not in linked.bans
    assert reduce(linked, Link(a, b)) == linked


def test_a_ban_takes_the_pin_and_a_link_lifts_the_ban():
    session = reduce(Session(pins=((1, 1),)), Ban(1, 1))
    assert (session.pins, session.bans) == ((), ((1, 1),))
    assert reduce(session, Unban(1, 1)) == Session()
    assert reduce(session, Link(1, 1)) == Session(pins=((1, 1),))


@given(st.lists(documents, max_size=10), st.permutations(range(5)), st.integers(0, 4))
def test_adopting_pins_every_pair_and_bans_what_would_come_back(run, partners, count):
    session = Session()
    for document in run:
        session = reduce(session, parse_event(document))
    pairs = tuple(zip(range(count), partners, strict=False))
    adopted = reduce(session, Adopt(pairs, ((7, 7),)))
    assert set(pairs) <= set(adopted.pins)
    assert set(adopted.pins) <= set(pairs) | set(session.pins)
    assert (7, 7) in adopted.bans
    assert adopted.alternative == 0


def test_unlinking_what_is_not_linked_changes_nothing():
    session = Session(pins=((1, 1),))
    assert reduce(session, Unlink(1, 2)) is session


def test_the_same_models_keep_the_edits_and_others_drop_them():
    session = Session(model_a="x", model_b="y", pins=((1, 1),), names_a=((1, Name("left")),))
    assert reduce(session, ChooseModels("x", "y")) is session
    other = reduce(session, ChooseModels("x", "z"))
    assert (other.pins, other.names_a) == ((), session.names_a)


def test_names_are_given_taken_and_confirmed():
    named = reduce(Session(), Rename("a", 3, " left "))
    assert named.names_a == ((3, Name("left")),)
    assert reduce(named, Rename("a", 3, "")).names_a == ()
    carried = Session(names_b=((2, Name("left", confirmed=False)),))
    assert reduce(carried, ConfirmName("b", 2, "left")).names_b == ((2, Name("left")),)


def test_clearing_keeps_names():
    session = Session(pins=((1, 1),), bans=((2, 2),), names_a=((1, Name("x")),))
    assert reduce(session, ClearEdits()) == Session(names_a=((1, Name("x")),))


def test_loading_replaces_everything():
    assert reduce(Session(pins=((1, 1),)), LoadSession(Session(model_a="x"))) == Session(model_a="x")
    assert parse_event({"type": "load-session", "session": '{"model_a": "x"}'}) == LoadSession(Session(model_a="x"))


@pytest.mark.parametrize(
    "document",
    [
        None, [], {}, {"type": "explode"}, {"type": ["link"]}, {"type": "link"}, {"type": "link", "a": 1},
        {"type": "link", "a": 1, "b": 2, "c": 3}, {"type": "link", "a": "1", "b": 2},
        {"type": "link", "a": -1, "b": 2},
        {"type": "select", "side": "c", "node": 1},
        {"type": "rename", "side": "a", "node": 1, "text": "x" * 500},
        {"type": "set-level", "level": "high"}, {"type": "set-level", "level": float("nan")},
        {"type": "set-complete", "complete": "yes"}, {"type": "set-family", "family": "magic"},
        {"type": "choose-models", "a": "../x", "b": "y"}, {"type": "load-session", "session": "{"},
        {"type": "choose-alternative", "alternative": -1}, {"type": "adopt", "pairs": [[1, 2]]},
        {"type": "adopt", "pairs": [[1, 2], [1, 3]], "bans": []}, {"type": "adopt", "pairs": [1], "bans": []},
        {"type": "adopt", "pairs": [], "bans": [["1", 2]]}, {"type": "set-method", "method": "<script>"},
    ],
)  # fmt: skip
def test_junk_is_refused_in_one_line(document):
    with pytest.raises(InputError) as caught:
        parse_event(document)
    assert "\n" not in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.dictionaries(st.sampled_from(["type", "a", "b", "side"]), inner) | st.lists(inner),
    )
)
def test_any_json_is_an_event_or_refused(document):
    try:
        parse_event(document)
    except InputError:
        return


@given(st.lists(documents, max_size=10), side, ids)
def test_splitting_takes_a_merging_back_and_showing_all_a_hiding(run, side, node):
    session = Session()
    for document in run:
        session = reduce(session, parse_event(document))
    free = replace(session, alternative=0, hidden_a=(), hidden_b=(), **{f"merged_{side}": ()})
    assert reduce(reduce(free, Merge(side, node)), Split(side, node)) == free
    hidden = reduce(free, Hide(side, node))
    assert hidden.selection != Selection(side, node)
    assert replace(reduce(hidden, ShowAll()), selection=free.selection) == free


def test_what_is_done_by_hand_to_a_tree_goes_with_its_model():
    session = Session(model_a="x", model_b="y", hidden_a=(3,), merged_b=(2,), split_b=(5,))
    other = reduce(session, ChooseModels("x", "z"))
    assert (other.hidden_a, other.merged_b, other.split_b) == ((3,), (), ())
