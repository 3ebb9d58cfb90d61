"""The recipe of a file format: a module and a row, and everything that opens, accepts or lists files knows it."""

import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

import topoviz
from topoviz import resource

MODULE = '''"""Points and sidecars in .toy files: a line of numbers for each row."""

from pathlib import Path

import numpy as np

from core.data.bounds import RawTable
from core.data.columns import Column, array_column

__all__ = ["read_toy", "toy_columns"]


def read_toy(path: Path) -> RawTable:
    """The table of a .toy file. Raises `ValueError` on anything but numbers."""
    return RawTable(np.loadtxt(path, ndmin=2))


def toy_columns(path: Path, lengths: set[int]) -> list[Column]:
    """The first number of each line."""
    return [array_column("", np.loadtxt(path, ndmin=2)[:, 0])]
'''
ROW = '    Format(".toy", "toy table", "toy:read_toy", "toy:toy_columns"),\n'
CHECK = """
import sys
from pathlib import Path

import numpy as np
import pytest

import core
import topoviz
from core.data.sidecars import read_columns
from topoviz.__main__ import main
from topoviz.app.panels.training.form import form
from topoviz.jobs.uploads import Uploads

home = Path(sys.argv[1])
assert Path(core.__file__).is_relative_to(home)
assert Path(topoviz.__file__).is_relative_to(home)

table = np.arange(120).reshape(40, 3) % 7
np.savetxt("a.toy", table)
Path("bad.toy").write_text("no numbers at all")
Path("a.txt").write_text("1")
dataset = core.load_dataset("a.toy")
np.testing.assert_array_equal(dataset.points, table)
(column,) = read_columns(Path("a.toy"), dataset, "--labels")
np.testing.assert_array_equal(column.values, table[:, 0])

def refused(read, *words):
    with pytest.raises(core.InputError) as told:
        read()
    assert "\\n" not in str(told.value)
    assert all(word in str(told.value) for word in words), told.value

refused(lambda: core.load_dataset("bad.toy"), "`bad.toy`", "sound .toy file (toy table)")
refused(lambda: core.load_dataset("a.txt"), ".npy", ".toy")
refused(lambda: read_columns(Path("a.txt"), dataset, "--labels"), ".json", ".toy")

uploads = Uploads(Path("uploads"))
assert uploads.begin("mine.toy", 9)
refused(lambda: uploads.begin("mine.pkl", 9), ".npy", ".toy")
page = str(form(["blob"], ["coupling"], ["mixture"]))
assert "data-accept='.npy" in page
assert page.count(".toy") == 2

with pytest.raises(SystemExit):
    main(["train", "--help"])
"""


def copied(home):
    """The packages as they are shipped, without what Python keeps for itself."""
    source = Path(topoviz.__file__).parents[1]
    leave = shutil.ignore_patterns("__pycache__", "assets", "sample_data")
    for name in ("core", "topoviz"):
        shutil.copytree(source / name, home / name, ignore=leave)
    shutil.copytree(resource("assets"), home / "assets", ignore=leave)
    (home / "sample_data").symlink_to(resource("sample_data"))
    return home


def changed(before, after):
    """The files in one of two folders, or other in one than in the other."""
    names = {path.relative_to(home) for home in (before, after) for path in home.rglob("*") if path.is_file()}
    same = filecmp.cmpfiles(before, after, map(str, names), shallow=False)[0]
    return sorted(names - set(map(Path, same)))


def test_a_format_is_a_module_and_a_row(tmp_path):
    before, home, place = copied(tmp_path / "before"), copied(tmp_path / "after"), tmp_path / "place"
    (home / "core/data/toy.py").write_text(MODULE)
    rows = home / "core/data/formats.py"
    text = rows.read_text()
    last = text.index('    Format(".json"')
    rows.write_text(text[:last] + ROW + text[last:])
    assert changed(before, home) == [Path("core/data/formats.py"), Path("core/data/toy.py")]

    place.mkdir()
    environment = os.environ | {"PYTHONPATH": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    told = subprocess.run(
        [sys.executable, "-c", CHECK, str(home)],
        cwd=place, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    help_text = " ".join(told.stdout.split())
    assert help_text.count(".toy") == 3
