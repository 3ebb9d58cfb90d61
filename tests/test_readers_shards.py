"""Shards of .safetensors: their rows follow one another, and nothing outside their folder is read."""

import json

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from core.data import spool
from core.data.readers import read_dataset
from core.worlds import load_dataset
from zoo import outcome

POINTS = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
LABELS = np.arange(60) % 4
reused_folder = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def shard(path, rows, labels=True, dtype=torch.float32, **others):
    tensors = {"points": torch.from_numpy(POINTS[rows]).to(dtype), **others}
    if labels:
        tensors["labels"] = torch.from_numpy(LABELS[rows])
    save_file(tensors, path)


def index(path, names):
    path.write_text(json.dumps({"metadata": {}, "weight_map": {f"tensor {at}": name for at, name in enumerate(names)}}))
    return path


def folder_of(tmp_path, cuts=(10, 35)):
    """Shards 1, 2 and 10, whose order by letters is another one."""
    ends = [0, *cuts, len(POINTS)]
    for name, start, end in zip(("part-1", "part-2", "part-10"), ends, ends[1:], strict=False):
        shard(tmp_path / f"{name}.safetensors", slice(start, end))
    return tmp_path


@reused_folder
@given(cuts=st.lists(st.integers(1, 59), min_size=2, max_size=2, unique=True).map(sorted))
def test_rows_follow_one_another_in_natural_order(tmp_path, cuts):
    folder_of(tmp_path, cuts)
    read = read_dataset(tmp_path)
    np.testing.assert_array_equal(read.points, POINTS)
    np.testing.assert_array_equal(read.labels, LABELS)
    assert read.name == tmp_path.stem


def test_an_index_names_its_shards(tmp_path):
    folder_of(tmp_path)
    shard(tmp_path / "other.safetensors", slice(0, 40))
    path = index(tmp_path / "model.safetensors.index.json", [f"part-{at}.safetensors" for at in (10, 1, 2)])
    np.testing.assert_array_equal(load_dataset(path).points, POINTS)


def test_of_an_index_those_count_that_hold_the_table(tmp_path):
    shard(tmp_path / "a.safetensors", slice(0, 40))
    save_file({"weight": torch.zeros(5)}, tmp_path / "b.safetensors")
    path = index(tmp_path / "x.safetensors.index.json", ["a.safetensors", "b.safetensors"])
    np.testing.assert_array_equal(read_dataset(path).points, POINTS[:40])
    assert "`points` in each, got none in b.safetensors" in outcome(tmp_path)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_large_shards_are_mapped(tmp_path, monkeypatch, dtype):
    for name, rows in (("a", slice(0, 33)), ("b", slice(33, 60))):
        shard(tmp_path / f"{name}.safetensors", rows, dtype=dtype if name == "a" else torch.float64)
    small = read_dataset(tmp_path)
    monkeypatch.setattr(spool, "LARGE_BYTES", 100)
    monkeypatch.setattr(spool, "BLOCK_BYTES", 100)
    large = read_dataset(tmp_path)
    assert isinstance(large.points, np.memmap)
    np.testing.assert_array_equal(large.points, small.points)
    np.testing.assert_array_equal(large.labels, LABELS)


def test_a_key_chooses_the_table(tmp_path):
    shard(tmp_path / "a.safetensors", slice(0, 40), hidden=torch.from_numpy(2 * POINTS[:40]))
    for path in (tmp_path, tmp_path / "a.safetensors"):
        np.testing.assert_array_equal(load_dataset(path, key="hidden").points, 2 * POINTS[:40])
        np.testing.assert_array_equal(load_dataset(path, key="hidden").labels, LABELS[:40])
        assert "hidden, labels, points" in outcome(path, "none")


def test_a_key_chooses_among_arrays_and_is_refused_elsewhere(tmp_path):
    np.savez(tmp_path / "a.npz", points=POINTS, hidden=2 * POINTS)
    np.testing.assert_array_equal(load_dataset(tmp_path / "a.npz", key="hidden").points, 2 * POINTS)
    np.save(tmp_path / "a.npy", POINTS)
    assert "leave it out" in outcome(tmp_path / "a.npy", "hidden")


def wide(folder):
    save_file({"points": torch.zeros(40, 4)}, folder / "part-2.safetensors")


WRONG = {
    "another width": (wide, "3 columns wide, got 4 in part-2.safetensors"),
    "some labels": (lambda folder: shard(folder / "part-2.safetensors", slice(0, 40), labels=False), "`labels`"),
    "a cut shard": (lambda folder: (folder / "part-2.safetensors").write_bytes(b"\xff" * 40), "sound .safetensors"),
    "an empty shard": (lambda folder: (folder / "part-2.safetensors").write_bytes(b""), "sound .safetensors"),
    "a folder as shard": (lambda folder: (folder / "x.safetensors").mkdir(), "no file x.safetensors"),
    "complex": (
        lambda folder: save_file({"points": torch.zeros(40, 3, dtype=torch.complex64)}, folder / "part-2.safetensors"),
        "real numbers",
    ),
    "flat": (lambda folder: save_file({"points": torch.zeros(40)}, folder / "part-2.safetensors"), "table"),
}


@pytest.mark.parametrize("case", WRONG)
def test_shards_that_do_not_fit_are_refused_in_one_line(tmp_path, case):
    folder_of(tmp_path)
    change, expected = WRONG[case]
    change(tmp_path)
    text = outcome(tmp_path)
    assert expected in text
    assert text.isprintable()


INDICES = {
    "up": {"weight_map": {"a": "../secret.safetensors"}},
    "absolute": {"weight_map": {"a": "/secret.safetensors"}},
    "backslash": {"weight_map": {"a": "..\\secret.safetensors"}},
    "another kind": {"weight_map": {"a": "a.npy"}},
    "a number": {"weight_map": {"a": 3}},
    "missing": {"weight_map": {"a": "missing.safetensors"}},
    "nul": {"weight_map": {"a": "nul\0.safetensors"}},
    "nothing": {"weight_map": {}},
    "no map": {"metadata": {}},
    "a list": [],
    "many": {"weight_map": {str(at): f"{at}.safetensors" for at in range(5000)}},
}


@pytest.mark.parametrize("case", INDICES)
def test_a_hostile_index_is_refused_in_one_line(tmp_path, case):
    shard(tmp_path / "secret.safetensors", slice(0, 40))
    (tmp_path / "inner").mkdir()
    path = tmp_path / "inner" / "x.safetensors.index.json"
    path.write_text(json.dumps(INDICES[case]))
    text = outcome(path)
    assert "x.safetensors.index.json" in text
    assert text.isprintable()


def test_a_folder_without_shards_is_refused(tmp_path):
    (tmp_path / "notes.txt").touch()
    assert "without any" in outcome(tmp_path)
