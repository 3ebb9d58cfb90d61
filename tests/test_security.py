"""Who the server answers, and with which headers."""

import pytest
from flask import Flask, request

from core.errors import InputError
from topoviz.app.web.security import secure
from topoviz.session.settings import Settings


def client(**settings):
    server = Flask("test")
    secure(server, Settings(**settings), ["'sha256-abc'"], {"x.y"})
    server.testing = True
    server.add_url_rule("/", "page", lambda: "page")
    server.add_url_rule("/_dash-update-component", "update", lambda: request.get_json(), methods=["POST"])

    @server.get("/wrong")
    def wrong():
        raise InputError("`level` must be less.")

    return server.test_client()


UPDATE = {"output": "x.y", "inputs": []}


@pytest.mark.parametrize("host", ["127.0.0.1:8050", "localhost:9000", "localhost", "[::1]:8050", "LOCALHOST:1"])
def test_this_machine_is_answered(host):
    answer = client().get("/healthz", headers={"Host": host})
    assert answer.status_code == 200
    assert answer.json["status"] == "ok"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8050",
        "127.0.0.1.evil.example",
        "localhost.evil",
        "[::2]:8050",
        "127.1.1.1:1",
    ],
)
@pytest.mark.parametrize("path", ["/", "/healthz", "/nothing"])
def test_a_foreign_host_is_refused(host, path):
    answer = client().get(path, headers={"Host": host})
    assert answer.status_code == 400
    assert "\n" not in answer.json["error"]


def test_an_allowed_host_is_answered():
    assert client(allowed_hosts=("lab.example",)).get("/", headers={"Host": "lab.example:80"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {"Origin": "file://"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_a_foreign_page_cannot_post(headers):
    answer = client().post("/_dash-update-component", json=UPDATE, headers=headers)
    assert answer.status_code == 403


def test_the_page_itself_can_post_and_a_link_can_be_followed():
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert client().post("/_dash-update-component", json=UPDATE, headers=own).status_code == 200
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client().get("/", headers=link).status_code == 200
    assert client().get("/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}).status_code == 403


@pytest.mark.parametrize(
    "body",
    ["[]", "{", "null", "1", '{"output": 1}', '{"output": "no.such"}', '{"output": "x.y", "inputs": 3}', "[" * 100_000],
)
def test_what_is_no_callback_request_is_refused(body):
    answer = client().post("/_dash-update-component", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert "\n" not in answer.json["error"]


def test_errors_are_one_line_of_json():
    for path, code in (("/nothing", 404), ("/wrong", 400)):
        answer = client().get(path)
        assert answer.status_code == code
        assert "\n" not in answer.json["error"]
    assert client().post("/_dash-update-component", data="x").status_code == 415
    assert client().post("/").status_code == 405


def test_a_body_too_large_is_refused():
    answer = client(max_upload=1000).post("/_dash-update-component", json=UPDATE | {"x": "y" * 2000})
    assert answer.status_code == 413


def test_the_page_may_load_nothing_from_elsewhere():
    headers = client().get("/").headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self' 'sha256-abc';" in policy
    assert "unsafe-eval" not in policy
    assert "http:" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers


def test_other_machines_need_leave_and_a_token():
    with pytest.raises(InputError):
        Settings(host="0.0.0.0")
    settings = Settings(host="0.0.0.0", allow_remote=True)
    assert settings.token


def test_the_token_becomes_a_cookie_and_leaves_the_address():
    remote = client(host="192.0.2.1", allow_remote=True, token="secret")
    base = {"base_url": "http://192.0.2.1"}
    assert remote.get("/healthz", **base).status_code == 200
    assert remote.get("/", **base).status_code == 401
    assert remote.get("/?token=wrong", **base).status_code == 401
    entered = remote.get("/?a=x&token=secret", **base)
    assert (entered.status_code, entered.location) == (302, "/?a=x")
    assert "HttpOnly" in entered.headers["Set-Cookie"]
    assert remote.get("/", **base).status_code == 200
