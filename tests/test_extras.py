"""What only some uses need may be missing: one line names the extra, and everything else works without it."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import core
import topoviz
from core.baselines import Latents, translate
from core.baselines.merits import sliced_wasserstein
from core.errors import InputError, need
from core.match.published import gromov_wasserstein
from topoviz.__main__ import main

ROOT = Path(topoviz.__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OPTIONAL = {"distributed": "dask", "h5py": "h5ad", "optuna": "search", "ot": "compare"}
CLOUD = np.random.default_rng(0).normal(size=(60, 2))


def named(requirements):
    """The names of packages, ours with the extras asked for."""
    return {re.split(r"[<>=]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("module", OPTIONAL)
def test_the_line_names_an_extra_that_brings_what_is_missing(module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError) as caught:
        need(module, "this")
    package, extra = re.fullmatch(
        r"`this` needs (\w+); install it with `pip install 'topoviz\[(\w+)\]'`\.", str(caught.value)
    ).groups()
    assert extra == OPTIONAL[module]
    assert package in named(PROJECT["optional-dependencies"][extra])
    assert package not in named(PROJECT["dependencies"])


@pytest.mark.parametrize("module", OPTIONAL)
def test_what_is_there_is_let_through(module):
    assert need(module, "this") is None


def test_all_and_test_bring_every_extra():
    extras = PROJECT["optional-dependencies"]
    assert named(extras["all"]) == {
        f"topoviz[{','.join(name for name in extras if name not in ('all', 'test', 'lint'))}]"
    }
    assert "topoviz[all]" in extras["test"]


@pytest.mark.parametrize(
    ("missing", "argv", "line"),
    [
        ("optuna", ["search", "islands-a"], "`search` needs optuna; install it with `pip install 'topoviz[search]'`."),
        (
            "ot",
            ["compare", "islands-a", "islands-b"],
            "`compare` needs pot; install it with `pip install 'topoviz[compare]'`.",
        ),
        (
            "distributed",
            ["search", "islands-a", "--scheduler", "tcp://127.0.0.1:1"],
            "`scheduler` needs distributed; install it with `pip install 'topoviz[dask]'`.",
        ),
    ],
    ids=["search", "compare", "scheduler"],
)
def test_a_command_without_its_extra_is_one_line(missing, argv, line, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, missing, None)
    assert main([*argv, "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr() == ("", f"topoviz: {line}\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "use",
    [
        lambda: translate("optimal-transport", Latents(CLOUD), Latents(CLOUD)),
        lambda: translate("gromov-wasserstein", Latents(CLOUD), Latents(CLOUD)),
        lambda: translate("wasserstein-procrustes", Latents(CLOUD), Latents(CLOUD)),
        lambda: sliced_wasserstein(CLOUD, CLOUD),
        lambda: gromov_wasserstein(CLOUD, np.arange(60) % 3, CLOUD, np.arange(60) % 3),
    ],
)
def test_what_is_solved_by_pot_is_one_line_without_it(use, monkeypatch):
    monkeypatch.setitem(sys.modules, "ot", None)
    with pytest.raises(
        InputError, match=r"^`[\w -]+` needs pot; install it with `pip install 'topoviz\[compare\]'`\.$"
    ):
        use()


def test_the_page_works_without_any_extra():
    code = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({[*OPTIONAL, 'dask']!r}))\n"
        "from topoviz.app.server import create_app\n"
        "from topoviz.session.analysis import analyze\n"
        "from topoviz.session.library import Library\n"
        "from topoviz.session.settings import Settings\n"
        "from topoviz.session.state import Session\n"
        "from core.match.methods import METHODS\n"
        "client = create_app(Settings(open_browser=False)).server.test_client()\n"
        "print(*(client.get(path).status_code for path in ('/healthz', '/', '/_dash-layout')))\n"
        "library = Library(Settings(open_browser=False))\n"
        "for method in METHODS:\n"
        "    session = Session(model_a='islands-a', model_b='islands-b', method=method)\n"
        "    assert analyze(library, session).matching.pairs\n"
        "print('every method')\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (0, "200 200 200\nevery method\n"), done.stderr


@pytest.mark.parametrize("package", ["core", "topoviz"])
def test_a_type_checker_may_read_our_annotations(package):
    assert (files(package) / "py.typed").is_file()


def test_core_names_load_without_any_extra():
    code = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({[*OPTIONAL, 'dask']!r}))\n"
        "import core\n"
        "print(all(getattr(core, name) is not None for name in core.__all__))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
    assert core.__all__
