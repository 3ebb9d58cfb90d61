"""The recipe of a panel: a module, a row and a script, and the page has it everywhere."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import core
import topoviz

MODULE = """
from dash import Dash, Input, Output, html
from flask import Response, jsonify

from topoviz.app.panels.panel import Context
from topoviz.app.views import ids

KEYS = (("T", "say how many pairs are pinned"),)


def layout(_: Context) -> html.P:
    return html.P(id="toy-words")


def register(app: Dash, context: Context) -> None:
    @app.callback(Output("toy-words", "children"), Input(ids.HISTORY, "data"), prevent_initial_call=True)
    def say(stored):
        return f"{len(stored['history']['now']['pins'])} pinned"

    @app.server.get("/toy")
    def answer() -> Response:
        return jsonify(examples=len(context.library.examples()))
"""
IMPORT = "from topoviz.app.panels import toy\n"
ROW = '    Panel("toy", "Toy", toy.KEYS, {Place.TABS: toy.layout}, toy.register),\n'
SCRIPT = """
document.addEventListener("keydown", (event) => {
  if (event.key === "t") window.topoviz.openTab("toy", true);
});
"""
# What the app says of itself, in a process that knows only the copy.
ASK = """
import json, sys
from pathlib import Path
from plotly.io.json import to_json_plotly
import topoviz
from topoviz.app.server import create_app
from topoviz.session.settings import Settings

app = create_app(Settings(models=Path("models").absolute()))
client = app.server.test_client()
stored = {"history": {"now": {"pins": [[1, 3], [5, 7]]}}}
body = {
    "output": "toy-words.children",
    "outputs": {"id": "toy-words", "property": "children"},
    "inputs": [{"id": "history", "property": "data", "value": stored}],
    "changedPropIds": ["history.data"],
}
json.dump({
    "from": topoviz.__file__,
    "layout": json.loads(to_json_plotly(app.layout())),
    "said": client.post("/_dash-update-component", json=body).get_json(),
    "answer": client.get("/toy").get_json(),
    "page": client.get("/").get_data(as_text=True),
    "script": client.get("/assets/toy.js").get_data(as_text=True),
}, sys.stdout)
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the packages and the scripts; the data are only linked to."""
    folder = tmp_path_factory.mktemp("house")
    left_out = shutil.ignore_patterns("__pycache__", "assets", "sample_data")
    for package in (core, topoviz):
        shutil.copytree(Path(package.__file__).parent, folder / package.__name__, ignore=left_out)
    shutil.copytree(topoviz.resource("assets"), folder / "assets")
    (folder / "sample_data").symlink_to(topoviz.resource("sample_data"))
    return folder


@pytest.fixture(scope="module")
def changed(house):
    """The files that were touched to add the toy."""
    before = _digests(house)
    (house / "topoviz/app/panels/toy.py").write_text(MODULE)
    (house / "assets/toy.js").write_text(SCRIPT)
    table = house / "topoviz/app/panels/__init__.py"
    text = table.read_text().rstrip()
    assert text.endswith("\n)")
    below = "from topoviz.app.panels.panel import"
    table.write_text(text.removesuffix(")").replace(below, IMPORT + below, 1) + ROW + ")\n")
    after = _digests(house)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


@pytest.fixture(scope="module")
def found(house, changed):
    """What the app with the toy says of itself."""
    done = subprocess.run([sys.executable, "-c", ASK], cwd=house, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert Path(answer["from"]).is_relative_to(house)
    return answer


def _digests(folder):
    """The content of each file, by its path."""
    names = [name for top in ("core", "topoviz", "assets") for name in (folder / top).rglob("*")]
    files = [name for name in names if name.is_file() and "__pycache__" not in name.parts]
    return {name.relative_to(folder).as_posix(): name.read_bytes() for name in files}


def _components(part):
    """Every component in a layout."""
    if isinstance(part, list):
        return [one for each in part for one in _components(each)]
    if not isinstance(part, dict):
        return []
    inside = [one for each in part.values() for one in _components(each)]
    return [part["props"], *inside] if "props" in part else inside


def _texts(part):
    """Every text in a layout."""
    return [one["children"] for one in _components(part) if isinstance(one.get("children"), str)]


def _with_id(found, name):
    return next(one for one in _components(found["layout"]) if one.get("id") == name)


def test_a_panel_takes_three_files(changed):
    assert changed == {"topoviz/app/panels/__init__.py", "topoviz/app/panels/toy.py", "assets/toy.js"}


def test_it_stands_on_the_page_under_its_tab(found):
    assert _with_id(found, "tab-toy")["children"] == "Toy"
    assert _with_id(found, "tab-toy")["aria-controls"] == "toy"
    assert [one.get("id") for one in _components(_with_id(found, "toy")["children"])] == ["toy-words"]


def test_its_keys_are_in_the_list_of_keys(found):
    texts = _texts(_with_id(found, "keys"))
    assert texts[texts.index("T") + 1] == "say how many pairs are pinned"


def test_its_callback_answers(found):
    assert found["said"]["response"] == {"toy-words": {"children": "2 pinned"}}


def test_its_address_answers_with_what_the_context_has(found):
    assert found["answer"]["examples"] > 0


def test_its_script_is_on_the_page_and_served(found):
    assert "assets/toy.js" in found["page"]
    assert found["script"] == SCRIPT
