"""Laws of the address that writes the session: it answers every event, refuses in one line, keeps nothing."""

import json

import pytest

from topoviz.app.server import create_app
from topoviz.session.history import History
from topoviz.session.settings import Settings

QUERY = "?a=islands-a&b=islands-b"


@pytest.fixture(scope="module")
def client():
    return create_app(Settings(open_browser=False)).server.test_client()


def ask(client, **asked):
    answer = client.post("/edit", json={"event": None, "stored": None, "theme": "light", "query": QUERY} | asked)
    return answer.get_json()


@pytest.fixture(scope="module")
def opened(client):
    return ask(client)


def test_a_visit_opens_the_address(opened):
    now = History.from_json(opened["stored"]["history"]).now
    assert (now.model_a, now.model_b) == ("islands-a", "islands-b")
    assert opened["trees"]["models"] == ["islands-a", "islands-b"]


def test_an_edit_is_a_step_of_the_history_that_it_came_with(client, opened):
    link = opened["trees"]["links"][0]
    event = {"type": "link", "a": link["a"], "b": link["b"]}
    answers = [ask(client, event=event, stored=opened["stored"]) for _ in range(2)]
    assert answers[0] == answers[1]
    history = History.from_json(answers[0]["stored"]["history"])
    assert history.now.pins == ((link["a"], link["b"]),)
    assert history.undo().now == History.from_json(opened["stored"]["history"]).now


def test_what_an_edit_leaves_alone_is_not_sent_again(client, opened):
    answer = ask(client, event={"type": "set-level", "level": 0.5}, stored=opened["stored"])
    assert answer["trees"] is None


def test_another_theme_brings_its_colors(client, opened):
    answer = ask(client, event={"type": "show"}, theme="dark", stored=opened["stored"])
    assert answer["stored"]["theme"] == "dark"
    assert answer["trees"]


@pytest.mark.parametrize(
    "asked",
    [
        {"event": {"type": "no such event"}},
        {"event": {"type": "link", "a": "x", "b": None}},
        {"event": {"type": "choose-models", "a": "gone", "b": "islands-b"}},
        {"stored": {"theme": "light", "history": {"now": 3}}},
        {"stored": {"theme": "pink", "history": {}}},
        {"stored": [1, 2]},
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(client, opened, asked):
    answer = ask(client, **{"stored": opened["stored"]} | asked)
    assert list(answer) == ["error"]
    assert answer["error"]
    assert "\n" not in answer["error"]


@pytest.mark.parametrize("body", ["", "[]", "3", "null", "{", "[" * 100_000])
def test_what_is_no_object_is_refused(client, body):
    answer = client.post("/edit", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert list(answer.get_json()) == ["error"]


def test_an_address_that_cannot_be_opened_is_told(client):
    answer = ask(client, query="?a=gone&b=islands-b")
    assert "gone" in answer["notice"]
    assert answer["stored"]


def test_a_foreign_page_cannot_edit(client, opened):
    body = json.dumps({"event": {"type": "undo"}, "stored": opened["stored"]})
    headers = {"Origin": "http://evil.example"}
    assert client.post("/edit", data=body, content_type="application/json", headers=headers).status_code == 403
