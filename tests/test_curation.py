"""The log of edits, the record that is made of it, and two matches compared."""

import contextlib
import json
from dataclasses import replace

import numpy as np
import pytest
from dash import html
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from core.errors import InputError
from core.match import Outlook, Suggestion, outlook
from topoviz.app.panels.curation.comparison import comparison
from topoviz.app.panels.curation.suggestions import progress, suggestions
from topoviz.figures.style import node_styles
from topoviz.figures.theme import THEMES
from topoviz.report.record import markdown, record, record_files, with_record
from topoviz.session.analysis import analyze
from topoviz.session.difference import agreement, compare, same_models
from topoviz.session.event_json import parse_event
from topoviz.session.events import LoadSession
from topoviz.session.log import MAX_ENTRIES, Log, read_log, session_and_log, session_file
from topoviz.session.state import EDIT_FIELDS, Name, Session


@pytest.fixture(scope="module")
def session():
    return Session(model_a="three-a", model_b="three-b")


def entry(session, **changes):
    """An entry of a log as the browser writes it."""
    state = {key: value for key, value in session.to_json().items() if key in EDIT_FIELDS}
    usual = {
        "id": "k3-a1",
        "time": "2026-11-25T00:12:03.123Z",
        "by": "Ada",
        "kind": "edit",
        "text": "linked A1 to B2",
        "note": "both are rings",
        "effect": {"trust": ["ambiguous", "determined"], "kept": [3, 2], "score": [-0.31, -0.02]},
        "state": state,
    }
    return usual | changes


def written(session, *entries):
    return {"entries": list(entries) or [entry(session)], "dropped": 2}


def text_of(component):
    """All text in a component, in order."""
    if component is None:
        return ""
    if isinstance(component, str):
        return component
    if isinstance(component, list | tuple):
        return " ".join(map(text_of, component))
    return text_of(getattr(component, "children", None))


def buttons(component):
    """The attributes of every button in a component."""
    if isinstance(component, list | tuple):
        return [found for part in component for found in buttons(part)]
    if not hasattr(component, "children"):
        return []
    own = [component.to_plotly_json()["props"]] if isinstance(component, html.Button) else []
    return [*own, *buttons(component.children)]


# ---------------------------------------------------------------- the log in a session file
def test_a_session_file_carries_its_log_there_and_back(session):
    pinned = replace(session, pins=((1, 3),), names_a=((1, Name("left ring")),))
    text = session_file(pinned, written(pinned))
    found, log = session_and_log(text)
    assert found == pinned
    assert log.dropped == 2
    assert log.entries[0].state.pins == ((1, 3),)
    assert log.entries[0].effect.score == (-0.31, -0.02)
    assert text.count("\n") < 60
    assert Session.from_json(text) == pinned


def test_a_log_of_an_earlier_version_is_read_in_todays_words(session):
    log = read_log(written(session, entry(session, effect={"trust": ["undetermined", "ambiguous"]})))
    assert log.entries[0].effect.trust == ("not determined", "ambiguous")


def test_a_session_file_without_a_log_is_as_it_was(session):
    assert session_and_log(session_file(session)) == (session, Log())
    assert json.loads(session_file(session)) == session.to_json()


def test_a_page_that_loads_a_session_with_a_log_takes_the_session(session):
    document = session.to_json() | {"log": written(session)}
    assert parse_event({"type": "load-session", "session": document}) == LoadSession(session)


HOSTILE = {
    "no object": lambda s: [],
    "another key": lambda s: written(s) | {"more": 1},
    "too many": lambda s: written(s, *[entry(s)] * (MAX_ENTRIES + 1)),
    "entries that are none": lambda s: written(s, *["<script>"] * 3),
    "a key too few": lambda s: written(s, {k: v for k, v in entry(s).items() if k != "note"}),
    "a key too many": lambda s: written(s, entry(s, html="<b>")),
    "a time that is none": lambda s: written(s, entry(s, time="yesterday")),
    "a time with more behind it": lambda s: written(s, entry(s, time="2026-11-25T00:12:03Z\n# Title")),
    "an id that is none": lambda s: written(s, entry(s, id="../../x")),
    "an unknown kind": lambda s: written(s, entry(s, kind="eval")),
    "a long note": lambda s: written(s, entry(s, note="x" * 501)),
    "a note of two lines": lambda s: written(s, entry(s, note="one\ntwo")),
    "a note that is a number": lambda s: written(s, entry(s, note=3)),
    "an endless score": lambda s: written(s, entry(s, effect={"score": [float("nan"), 0.0]})),
    "an unknown trust": lambda s: written(s, entry(s, effect={"trust": ["perfect", "perfect"]})),
    "a count below none": lambda s: written(s, entry(s, effect={"kept": [3, -1]})),
    "three of two": lambda s: written(s, entry(s, effect={"kept": [3, 1, 2]})),
    "a state that is none": lambda s: written(s, entry(s, state=[1])),
    "a state with looks": lambda s: written(s, entry(s, state={"level": 0.5})),
    "a state of a path": lambda s: written(s, entry(s, state={"model_a": "../../etc"})),
    "a pin of no node": lambda s: written(s, entry(s, state={"pins": [["a", "b"]]})),
    "huge states": lambda s: written(s, *[entry(s, state={"pins": [[0, 0]] * 900})] * 300),
    "less than none dropped": lambda s: written(s) | {"dropped": -1},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_log_is_one_clear_line(name, session):
    document = session.to_json() | {"log": HOSTILE[name](session)}
    with pytest.raises(InputError) as told:
        session_and_log(document)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 300


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.sampled_from(["id", "time", "by", "kind", "text", "note", "effect", "state"]))
def test_whatever_an_entry_holds_it_is_read_or_refused(value, key):
    log = None
    with contextlib.suppress(InputError):
        log = read_log(written(Session(), entry(Session(), **{key: value})))
    assert log is None or len(log.entries) == 1


# ---------------------------------------------------------------- the record
def test_the_record_tells_how_the_match_was_made(library, session):
    pinned = replace(session, names_a=((1, Name("left|ring")),), bans=((1, 5),))
    log = read_log(written(pinned, entry(pinned), entry(pinned, id="k4", kind="undo", text="undid: it", note="")))
    document = record(library, pinned, analyze(library, pinned), log)
    assert document["settings"]["method"] == "leaf-distances"
    assert [edit["kind"] for edit in document["edits"]] == ["edit", "undo"]
    assert document["outcome"]["bans"] == [[1, 5]]
    assert all(len(mark) == 64 for mark in document["models"]["a"]["sha256"].values())
    assert document["models"]["a"]["sha256"] != document["models"]["b"]["sha256"]
    told = markdown(document)
    assert "Ada: linked A1 to B2 (ambiguous → determined; 2 of 3 pairs kept; score −0.31 → −0.02)" in told
    assert "> both are rings" in told
    assert "left\\|ring (1)" in told
    assert document["models"]["b"]["sha256"]["model.safetensors"] in told


def test_the_same_record_is_the_same_bytes(library, session):
    log = read_log(written(session))
    first, second = (dict(record_files(library, session, analyze(library, session), log)) for _ in range(2))
    assert first == second
    assert set(first) == {"record.md", "record.json"}
    assert json.loads(first["record.json"])["edits_dropped"] == 2


def test_an_export_ends_with_the_record_and_a_log_that_is_none_stops_it(library, session):
    files = dict(with_record([("matches.csv", b"")], library, session, written(session)))
    assert list(files) == ["matches.csv", "record.md", "record.json"]
    assert b"both are rings" in files["record.md"]
    for make in (lambda log: session_file(session, log), lambda log: list(with_record((), library, session, log))):
        with pytest.raises(InputError, match="log"):
            make({"entries": [3]})


def test_a_record_without_edits_says_so(library, session):
    told = markdown(record(library, session, analyze(library, session), Log()))
    assert "None: the match is as it was found." in told


# ---------------------------------------------------------------- two matches compared
pairings = st.builds(
    lambda order, count: list(enumerate(order))[:count], st.permutations(range(6)), st.integers(0, 6)
)  # fmt: skip


@given(pairings, pairings)
def test_agreement_is_that_of_the_textbook(here, there):
    found = agreement(here, there, range(8))
    said = [[dict(pairs).get(leaf, -1) for leaf in range(8)] for pairs in (here, there)]
    if said[0] != said[1]:
        assert found.kappa == pytest.approx(cohen_kappa_score(*said))
    assert 0 <= found.jaccard <= found.f1 <= 1
    turned = agreement(there, here, range(8))
    assert (turned.precision, turned.recall) == (found.recall, found.precision)
    assert turned.kappa == pytest.approx(found.kappa)


def test_a_match_agrees_with_itself_even_where_it_is_empty():
    for pairs in ([], [(1, 1)], [(1, 2), (2, 1)]):
        found = agreement(pairs, pairs, [1, 2, 3])
        assert (found.precision, found.recall, found.f1, found.jaccard, found.kappa) == (1, 1, 1, 1, 1)


def leaf_pairs(analysis):
    return [(pair.a, pair.b) for pair in analysis.matching.leaf_pairs]


def test_two_matches_part_into_both_here_there_and_conflict(library, session):
    first = analyze(library, session)
    (a, b), (c, d), *_ = leaf_pairs(first)
    swapped = replace(session, pins=((a, d), (c, b)), names_b=((b, Name("left")),))
    found = compare((session, first), (swapped, analyze(library, swapped)))
    assert {pair for _, pair in found.conflicts} == {(a, d), (c, b)}
    assert all(set(rivals) == {(a, b), (c, d)} for rivals, _ in found.conflicts)
    assert not set(found.both) & {(a, b), (c, d), (a, d), (c, b)}
    assert [(n.side, n.node, n.here, n.there) for n in found.names] == [("b", b, "", "left")]
    assert found.agreement.kappa < 1
    alone = replace(session, pins=((a, b),), complete=False)
    parted = compare((session, first), (alone, analyze(library, alone)))
    assert parted.both == ((a, b),)
    assert (c, d) in parted.here
    assert parted.agreement.recall == 1 > parted.agreement.precision


def test_a_match_lies_nowhere_from_itself_and_somewhere_from_another_family(library, session):
    first, shifted = analyze(library, session), replace(session, family="translation")
    own = compare((session, first), (session, first)).apart
    other = compare((session, first), (shifted, analyze(library, shifted))).apart
    assert (own.median, own.most) == (0, 0)
    assert other.most >= other.median > 0.05
    nowhere = replace(session, complete=False)
    assert compare((session, first), (nowhere, analyze(library, nowhere))).apart is None


def test_maps_lie_apart_by_deviations_of_b(library, session):
    """One that carries each point one deviation further along an axis of B is one deviation away."""
    first = analyze(library, session)
    axis = np.linalg.cholesky(np.cov(first.latent("b"), rowvar=False))[:, 0]
    moved = replace(first)
    vars(moved)["mapped"] = first.mapped + axis
    apart = compare((session, first), (session, moved)).apart
    assert (apart.median, apart.most) == (pytest.approx(1), pytest.approx(1))


def test_matches_of_other_models_are_one_clear_line(session):
    with pytest.raises(InputError, match=r"the other match is of `x` and `y`, this one of `three-a` and `three-b`"):
        same_models(session, Session(model_a="x", model_b="y"))


# ---------------------------------------------------------------- what is shown
def styles(analysis, session):
    return {side: node_styles(analysis, session, side, THEMES["light"]) for side in ("a", "b")}


def test_progress_is_one_line():
    ask = Suggestion(9, 9, 0.5, 0.69, 1.39, 2, 2)
    found = Outlook((ask, ask), pinned=(1, 2, 3), sure=(4, 5, 6, 7), left_out=(), open=(8, 9, 10, 11, 12), entropy=1.0)
    told = text_of(progress(found))
    assert "7 of 12  leaves settled: 3 pinned by hand, 4 sure; 2 suggestions left" in told


def test_where_nothing_is_open_a_sentence_says_so(library, session):
    analysis = analyze(library, session)
    pinned = replace(session, pins=tuple(leaf_pairs(analysis)))
    analysis = analyze(library, pinned)
    shown = suggestions(outlook(analysis.matching), analysis, pinned, styles(analysis, pinned))
    assert "Nothing is open" in text_of(shown)


def test_a_suggestion_asks_and_can_be_answered(library, session):
    analysis = analyze(library, session)
    (a, b), *_ = leaf_pairs(analysis)
    ask = Suggestion(a, b, 0.5, 0.69, 1.39, 4, 1)
    shown = suggestions(Outlook((ask,), (), (), (), (a,), 0.69), analysis, session, styles(analysis, session))
    label_a, label_b = (styles(analysis, session)[side][node].label for side, node in (("a", a), ("b", b)))
    assert f"{label_a} ↔ {label_b}? yes settles 4, no 1 · 50 %" in text_of(shown)
    sent = [(found.get("data-event"), found.get("data-a"), found.get("data-b")) for found in buttons(shown)]
    assert sent[:2] == [("link", str(a), str(b)), ("ban", str(a), str(b))]


def test_names_on_settled_leaves_can_be_confirmed(library, session):
    analysis = analyze(library, session)
    (a, b), *_ = leaf_pairs(analysis)
    named = replace(session, pins=((a, b),), names_a=((a, Name("left")),))
    analysis = analyze(library, named)
    shown = suggestions(outlook(analysis.matching), analysis, named, styles(analysis, named))
    confirm = next(found for found in buttons(shown) if found.get("data-event") == "confirm-name")
    assert (confirm["data-side"], confirm["data-node"], confirm["data-text"]) == ("b", str(b), "left")


def test_every_difference_can_be_taken_over(library, session):
    analysis = analyze(library, session)
    (a, b), (c, d), *_ = leaf_pairs(analysis)
    other = replace(session, pins=((a, d),), bans=((c, d), (c, b)), names_b=((b, Name("left")),))
    found = compare((session, analysis), (other, analyze(library, other)))
    shown = comparison(found, styles(analysis, session))
    sent = {(button["data-event"], button.get("data-a"), button.get("data-b")) for button in buttons(shown)}
    assert ("link", str(a), str(d)) in sent
    assert ("rename", None, None) in sent
    assert "κ" in text_of(shown)
