"""What the app tells of a node and of carried labels: both sides, in names, and refusals in one line."""

import json
from dataclasses import replace

import numpy as np
import pytest

from topoviz.app.panels.meaning.node import meaning
from topoviz.app.panels.points.labels import mapped_labels
from topoviz.app.server import create_app
from topoviz.session.analysis import analyze
from topoviz.session.labels import Labels, write_labels
from topoviz.session.library import Library
from topoviz.session.settings import Settings
from topoviz.session.state import Session
from zoo import gallery

SESSION = Session(model_a="shown-a", model_b="shown-b")


@pytest.fixture
def shown(trained, tmp_path):
    """Settings with two models of pictures and labels."""
    gallery(tmp_path, {"shown-a": trained["three-a"], "shown-b": trained["three-b"]})
    return Settings(models=tmp_path, open_browser=False)


@pytest.fixture
def at_hand(shown):
    return Library(shown)


def test_matched_nodes_are_told_with_examples_of_one_kind(at_hand):
    pairs = analyze(at_hand, SESSION).matching.leaf_pairs
    assert len(pairs) == 3
    for pair in pairs:
        told = {side: meaning(at_hand, SESSION, side, getattr(pair, side)) for side in ("a", "b")}
        assert told["a"]["labels"]["name"] == told["b"]["labels"]["name"]
        assert told["a"]["labels"]["share"] > 0.98
        for one in told.values():
            images = one["examples"]["images"]
            assert len(images) == 12
            assert all(image["src"].startswith("data:image/png;base64,") for image in images)
            assert {image["said"] for image in images} == {f"blob {one['labels']['name']}"}
            assert one["separates"] is None


def test_an_inner_node_is_told_with_what_it_separates(at_hand):
    tree = analyze(at_hand, SESSION).tree("a")
    told = meaning(at_hand, SESSION, "a", int(tree.id[0]))["separates"]
    assert told["auc"] > 0.99
    assert set(told["branches"]) <= set(tree.ids(range(len(tree))))
    assert len(told["counts"]) == 2
    assert len(told["features"]) == 3
    assert {"first", "second", "difference"} == set(told["pictures"])
    json.dumps(told)


def test_a_merged_branch_is_told_as_the_leaf_that_it_is(at_hand):
    root = int(analyze(at_hand, SESSION).tree("a").id[0])
    merged = replace(SESSION, merged_a=(root,))
    node = int(analyze(at_hand, merged).tree("a").id[0])
    told = meaning(at_hand, merged, "a", node)
    assert told["held"] == 3000
    assert told["labels"]["share"] < 0.6


@pytest.mark.parametrize("side", ["a", "b"])
def test_a_name_crosses_the_match_into_every_table_and_figure(at_hand, side):
    from topoviz.figures import latent, trees
    from topoviz.report.align_report import report
    from topoviz.report.figure.composed import figure
    from topoviz.report.latex import match_tex
    from topoviz.report.tables import match_table
    from topoviz.session.composition import Composition

    matching = analyze(at_hand, SESSION).matching
    leaf, inner = matching.leaf_pairs[0], next(pair for pair in matching.pairs if pair not in matching.leaf_pairs)
    given = {str(getattr(leaf, side)): {"text": "loop"}, str(getattr(inner, side)): {"text": "trunk"}}
    session = Session.from_json(SESSION.to_json() | {f"names_{side}": given})
    analysis = analyze(at_hand, session)
    for line in match_table(analysis, session).splitlines():
        cells = line.split(",")
        if cells[0] == str(leaf.a):
            assert (cells[1], cells[3]) == ("loop", "loop")
        if cells[0] == str(inner.a):
            assert (cells[1], cells[3]) == ("trunk", "trunk")
    assert match_tex(analysis, session).count("loop") == 2
    models = {name: at_hand.model(name).metrics for name in (session.model_a, session.model_b)}
    assert report(session, analysis, models, None).count("<td>loop</td>") == 2
    drawn = json.dumps(trees.facts(analysis, session, "light")["nodes"])
    assert (drawn.count('"loop"'), drawn.count('"trunk"')) == (2, 2)
    for shown in ("a", "b"):
        assert "loop" in str(latent.spec(analysis, session, shown, "light")["layout"]["annotations"])
    svg = figure(analysis, session, Composition(panels=("trees",)), "svg", 100).decode()
    assert svg.count(">loop<") >= 2
    assert svg.count(">trunk<") >= 2


def test_damaged_examples_are_a_line_and_hide_nothing_else(at_hand, shown):
    (shown.models / "shown-a" / "examples.safetensors").write_bytes(b"no pictures")
    told = meaning(at_hand, SESSION, "a", 1)
    assert "cannot be shown" in told["problem"]
    assert told["labels"]
    assert told["held"] > 100
    assert meaning(at_hand, SESSION, "b", 1)["examples"]


@pytest.mark.parametrize(("source", "there"), [("a", "B"), ("b", "A")])
def test_labels_are_carried_both_ways(at_hand, source, there):
    told = mapped_labels(at_hand, SESSION, source)
    assert told["sentence"].startswith(f"Labels carried from {source.upper()} agree with {there}'s own on 100 % of ")
    assert told["names"] == ("ann", "bob", "cyd")
    assert min(told["right"]) > 0.97
    own = analyze(at_hand, SESSION).model("b" if source == "a" else "a").sample.labels
    assert np.mean(np.array(told["values"]) == own) > 0.98


def test_classes_go_by_their_names_not_by_their_numbers(at_hand, shown):
    own = analyze(at_hand, SESSION).model_b.sample.labels
    names = ("zoe", "cyd", "bob", "ann")
    write_labels(shown.models / "shown-b", Labels("blob", names, tuple(3 - int(label) for label in own)))
    assert "on 100 % of" in mapped_labels(at_hand, SESSION, "a")["sentence"]
    write_labels(shown.models / "shown-b", Labels("blob", ("x", "y", "z"), tuple(map(int, own))))
    assert "on 0 % of" in mapped_labels(at_hand, SESSION, "a")["sentence"]


def test_without_labels_of_its_own_the_two_ways_are_set_beside_each_other(at_hand, shown):
    (shown.models / "shown-b" / "labels.json").unlink()
    told = mapped_labels(at_hand, SESSION, "a")
    assert told["sentence"].startswith("Node and map agree on ")
    assert told["right"] is None


def test_the_addresses_answer_and_refuse_in_one_line(shown):
    client = create_app(shown).server.test_client()
    session = SESSION.to_json()
    asked = {"session": session, "side": "a", "node": 1}
    assert client.post("/meaning", json=asked).get_json()["examples"]
    assert client.post("/carried", json={"session": session, "side": "b"}).get_json()["values"]
    wrong = ({"node": 999}, {"node": "1"}, {"side": "c"}, {"session": 3}, {"session": None})
    for change in wrong:
        answer = client.post("/meaning", json=asked | change)
        assert answer.status_code == 400, change
        assert "\n" not in answer.get_json()["error"]
    assert client.post("/meaning", data="x").status_code in (400, 415)
    assert client.post("/meaning", json=asked, headers={"Origin": "http://evil.example"}).status_code == 403
    (shown.models / "shown-a" / "labels.json").unlink()
    assert client.post("/carried", json={"session": session, "side": "a"}).status_code == 400
