"""Collecting activations: what comes out is what the network gave, row for row, whatever stops a run on the way."""

import json
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import core
from core.activations import Collecting, stores
from core.errors import InputError

ROWS = 23


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(8, 3))


def inputs(*shape):
    return torch.randn(ROWS, *shape, generator=torch.Generator().manual_seed(1))


def batches(x, size=5):
    return list(x.split(size))


class Transformer(nn.Module):
    """Takes tokens by keyword and gives what libraries of transformers give."""

    def __init__(self, wrapped=dict):
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.wrapped = wrapped

    def forward(self, input_ids, attention_mask=None, labels=None):
        return self.wrapped(other=3, last_hidden_state=self.block(self.embed(input_ids)))


class Sharing(nn.Module):
    """One activation function runs twice, one layer never."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.unused, self.relu = nn.Linear(6, 6), nn.Linear(6, 4), nn.Linear(1, 1), nn.ReLU()

    def forward(self, x):
        return self.relu(self.second(self.relu(self.first(x))))


def text(call):
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("place", [None, "acts"])
def test_rows_are_those_of_the_layers_in_evaluation(tmp_path, place):
    module, x = mlp(), inputs(6)
    collected = core.collect(module, ["1", "2", ""], batches(x), place and tmp_path / place)
    module.eval()
    with torch.no_grad():
        normed = module[1](module[0](x)).numpy()
        np.testing.assert_allclose(collected["1"], normed, atol=1e-6)
        np.testing.assert_allclose(collected["2"], np.maximum(normed, 0), atol=1e-6)
        np.testing.assert_allclose(collected[""], module(x).numpy(), atol=1e-6)
    assert list(collected) == ["1", "2", ""]
    assert {array.dtype for array in collected.values()} == {np.dtype(np.float32)}
    assert (collected.rows, collected.labels, collected.notes) == (ROWS, None, ())


def test_files_are_plain_and_read_by_the_readers(tmp_path):
    collected = core.collect(mlp(), ["0", "4"], batches(inputs(6)), tmp_path / "new" / "acts")
    assert sorted(collected.paths) == ["0", "4"]
    for layer, path in collected.paths.items():
        assert isinstance(collected[layer], np.memmap)
        np.testing.assert_array_equal(np.load(path, mmap_mode="r"), collected[layer])
    many = core.collect(mlp(), "0", batches(inputs(6).repeat(2, 1)), tmp_path / "many")
    assert core.load_dataset(many.paths["0"]).points.shape == (2 * ROWS, 8)
    assert many.dataset("0").points.shape == (2 * ROWS, 8)


def test_the_module_is_left_as_it_was():
    module = mlp().train()
    module[3].eval()
    modes = [part.training for part in module.modules()]
    before = {key: value.clone() for key, value in module.state_dict().items()}
    core.collect(module, ["0", "2"], batches(inputs(6)))
    with pytest.raises(ZeroDivisionError):
        core.collect(module, ["0"], (x / (1 // at) for at, x in enumerate(batches(inputs(6)))))
    with pytest.raises(InputError):
        core.collect(module, "0", [torch.full((2, 6), torch.nan)])
    assert [part.training for part in module.modules()] == modes
    assert not any(part._forward_hooks for part in module.modules())
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert module(inputs(6)).requires_grad


@pytest.mark.parametrize("place", [None, "acts"])
def test_labels_come_along(tmp_path, place):
    labels = torch.arange(ROWS) % 4
    loader = DataLoader(TensorDataset(inputs(6), labels), batch_size=7)
    np.testing.assert_array_equal(core.collect(mlp(), "0", loader, place and tmp_path / "a").labels, labels)
    mixed = [[inputs(6)[:3], labels[:3]], inputs(6)[:2], (inputs(6)[:2], torch.zeros(2, 5))]
    found = core.collect(mlp(), "0", mixed, place and tmp_path / "b")
    np.testing.assert_array_equal(found.labels, [0, 1, 2, -1, -1, -1, -1])
    assert found.dataset("0").labels is found.labels


REDUCED = {
    "mean": lambda table: table.mean(1),
    "first": lambda table: table[:, 0],
    "last": lambda table: table[:, -1],
}


@pytest.mark.parametrize("reduce", REDUCED)
@pytest.mark.parametrize(
    ("layer", "shape"),
    [(nn.Conv1d(3, 5, 2), (3, 7)), (nn.Conv2d(3, 5, 2), (3, 7, 6)), (nn.Conv3d(3, 5, 2), (3, 4, 5, 6))],
)
def test_convolutions_have_a_column_for_every_channel(layer, shape, reduce):
    x = inputs(*shape)
    with torch.no_grad():
        expected = REDUCED[reduce](layer(x).flatten(2).transpose(1, 2)).numpy()
    found = core.collect(nn.Sequential(layer), "0", batches(x), reduce=reduce)["0"]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("wrapped", [dict, SimpleNamespace])
@pytest.mark.parametrize("reduce", REDUCED)
def test_transformers_have_a_column_for_every_feature_and_padding_is_left_out(reduce, wrapped):
    module = Transformer(wrapped).eval()
    tokens = torch.randint(0, 11, (ROWS, 6), generator=torch.Generator().manual_seed(0))
    starts, ends = torch.arange(ROWS) % 3, 4 + torch.arange(ROWS) % 3
    mask = ((torch.arange(6) >= starts[:, None]) & (torch.arange(6) < ends[:, None])).long()
    with torch.no_grad():
        hidden = module.block(module.embed(tokens))
    whole = core.collect(module, "", [{"input_ids": part} for part in batches(tokens)], reduce=reduce)[""]
    np.testing.assert_allclose(whole, REDUCED[reduce](hidden), atol=1e-5)
    loader = [{"input_ids": tokens, "attention_mask": mask, "labels": starts}]
    found = core.collect(module, ["", "block"], loader, reduce=reduce)
    expected = [REDUCED[reduce](hidden[i : i + 1, starts[i] : ends[i]])[0].numpy() for i in range(ROWS)]
    np.testing.assert_allclose(found[""], expected, atol=1e-5)
    np.testing.assert_array_equal(found[""], found["block"])
    np.testing.assert_array_equal(found.labels, starts)


def test_flattening_keeps_all_numbers_and_an_axis_may_be_named():
    x = inputs(3, 4, 5)
    identity = nn.Sequential(nn.Identity())
    np.testing.assert_array_equal(core.collect(identity, "0", [x], reduce="flatten")["0"], x.flatten(1))
    for axis in (1, 2, 3, -1, -3):
        others = [at for at in (1, 2, 3) if at != axis % 4]
        np.testing.assert_allclose(core.collect(identity, "0", [x], axis=axis)["0"], x.mean(others), atol=1e-6)


def test_the_first_tensor_of_a_tuple_counts():
    module = nn.Sequential(nn.LSTM(4, 5, batch_first=True)).eval()
    x = inputs(7, 4)
    with torch.no_grad():
        np.testing.assert_allclose(core.collect(module, "0", [x])["0"], module(x)[0].mean(1), atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_every_precision_becomes_float32(dtype):
    x = inputs(6).to(dtype)
    found = core.collect(nn.Sequential(nn.Identity()), "0", [x])["0"]
    np.testing.assert_array_equal(found, x.float().numpy())


def test_a_layer_that_runs_twice_keeps_its_last_output_and_is_noted():
    module, x = Sharing(), inputs(6)
    found = core.collect(module, ["relu", "first"], batches(x))
    np.testing.assert_allclose(found["relu"], module(x).detach(), atol=1e-6)
    assert found.notes == ("The layer `relu` ran up to 2 times in a forward pass; its last output was kept.",)


def test_progress_is_told():
    told = []
    core.collect(mlp(), "0", batches(inputs(6), 10), progress=told.append)
    assert told == [Collecting(1, 3, 10), Collecting(2, 3, 20), Collecting(3, 3, 23)]


X = inputs(6)
WRONG = {
    "a near name": (lambda: core.collect(Sharing(), "frist", [X]), "`first`"),
    "no near name": (lambda: core.collect(mlp(), "encoder", [X]), "try `0` or"),
    "no name": (lambda: core.collect(mlp(), [], [X]), "one or more"),
    "a name twice": (lambda: core.collect(mlp(), ["0", "0"], [X]), "each once"),
    "no such reduction": (lambda: core.collect(mlp(), "0", [X], reduce="sum"), "mean, first"),
    "no such axis": (lambda: core.collect(nn.Sequential(nn.Identity()), "0", [inputs(2, 2)], axis=3), "axis"),
    "the axis of rows": (lambda: core.collect(nn.Sequential(nn.Identity()), "0", [inputs(2, 2)], axis=0), "axis"),
    "no batch": (lambda: core.collect(mlp(), "0", []), "loader"),
    "no tensor": (lambda: core.collect(mlp(), "0", ["text"]), "str in batch 1"),
    "an empty tuple": (lambda: core.collect(mlp(), "0", [()]), "batch 1"),
    "no tensor in a dict": (lambda: core.collect(mlp(), "0", [{"a": 1}]), "batch 1"),
    "nan": (lambda: core.collect(mlp(), ["0", "4"], [X, X / 0]), "`0` gave NaN or infinity in batch 2"),
    "a layer that never runs": (lambda: core.collect(Sharing(), "unused", [X]), "unused` must be a layer that runs"),
    "other rows": (lambda: core.collect(nn.Sequential(nn.Flatten(0)), "0", [X]), "a row per input"),
    "complex": (lambda: core.collect(nn.Sequential(nn.Identity()), "0", [X.to(torch.complex64)]), "complex"),
    "padding alone": (
        lambda: core.collect(
            Transformer(), "", [{"input_ids": torch.ones(2, 3).long(), "attention_mask": torch.zeros(2, 3)}]
        ),
        "padding alone in batch 1",
    ),
    "another width": (
        lambda: core.collect(nn.Sequential(nn.Identity()), "0", [inputs(2, 2), inputs(2, 3)], reduce="flatten"),
        "4 units wide, got 6 in batch 2",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(case):
    call, expected = WRONG[case]
    assert expected in text(call)


def test_names_that_are_no_file_names_get_one_each(tmp_path):
    names = ["a/b", "a_b", "A_b", "labels", "ü", "x" * 300]
    module = nn.ModuleDict({name: nn.Identity() for name in names})
    module.forward = lambda x: [part(x) for part in module.values()]
    collected = core.collect(module, ["", *names], [inputs(2)], tmp_path / "acts")
    files = [path.name.lower() for path in collected.paths.values()]
    assert len(set(files)) == len(names) + 1
    assert "labels.npy" not in files
    assert all(path.parent == tmp_path / "acts" for path in collected.paths.values())


# -------------------------------------------------------------------- going on


class Stop(Exception):
    pass


def stopping(parts, after):
    for number, part in enumerate(parts):
        if number == after:
            raise Stop
        yield part


@pytest.mark.parametrize("after", [0, 1, 3, 4])
def test_a_run_that_was_stopped_goes_on(tmp_path, after):
    parts = [(x, torch.arange(len(x))) for x in batches(inputs(6))]
    whole = core.collect(mlp(), ["0", "4"], parts)
    with pytest.raises(Stop):
        core.collect(mlp(), ["0", "4"], stopping(parts, after), tmp_path)
    module, ran = mlp(), []
    module.register_forward_hook(lambda *_: ran.append(1))
    resumed = core.collect(module, ["0", "4"], parts, tmp_path)
    assert len(ran) == len(parts) - after
    for layer, array in whole.items():
        np.testing.assert_array_equal(resumed[layer], array)
    np.testing.assert_array_equal(resumed.labels, whole.labels)
    assert len(core.collect(module, ["0", "4"], parts, tmp_path)["0"]) == ROWS
    assert len(ran) == len(parts) - after
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


KILLED = """
import os, signal, sys, torch
from core.activations import stores
import core
stores._SECONDS_BETWEEN_RECORDS = float(sys.argv[2])
torch.manual_seed(0)
module = torch.nn.Sequential(torch.nn.Linear(6, 8))
x = torch.randn(23, 6, generator=torch.Generator().manual_seed(1))
def loader():
    for number, part in enumerate(x.split(5)):
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        yield part
core.collect(module, "0", loader(), sys.argv[1])
"""


@pytest.mark.parametrize(("between", "kept"), [(0, 3), (1000, 0)])
def test_a_run_that_was_killed_goes_on_from_its_record(tmp_path, between, kept):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(between)], check=False)
    assert done.returncode == -signal.SIGKILL
    record = json.loads((tmp_path / "collected.json").read_text())
    assert (record["batches"], record["rows"], record["finished"]) == (kept, 5 * kept, False)
    if kept:
        assert np.load(tmp_path / "0.npy").shape == (15, 8)
    torch.manual_seed(0)
    module, ran = nn.Sequential(nn.Linear(6, 8)), []
    module.register_forward_hook(lambda *_: ran.append(1))
    resumed = core.collect(module, "0", batches(inputs(6)), tmp_path)
    assert len(ran) == 5 - kept
    np.testing.assert_array_equal(resumed["0"], core.collect(module, "0", batches(inputs(6)))["0"])


def test_rows_beyond_the_record_are_cut_off(tmp_path):
    parts = batches(inputs(6))
    with pytest.raises(Stop):
        core.collect(mlp(), "0", stopping(parts, 2), tmp_path)
    with (tmp_path / "0.npy").open("ab") as stream:
        stream.write(b"junk" * 13)
    np.testing.assert_array_equal(core.collect(mlp(), "0", parts, tmp_path)["0"], core.collect(mlp(), "0", parts)["0"])


def other():
    module = mlp()
    with torch.no_grad():
        module[0].weight += 1
    return module


PARTS = batches(inputs(6))
OTHER_RUNS = {
    "another module": (lambda out: core.collect(other(), "0", PARTS, out), "another module"),
    "other layers": (lambda out: core.collect(mlp(), "1", PARTS, out), "other layers"),
    "another reduction": (lambda out: core.collect(mlp(), "0", PARTS, out, reduce="last"), "another `reduce`"),
    "other batches": (lambda out: core.collect(mlp(), "0", PARTS[::-1], out), "do not shuffle"),
    "fewer batches": (lambda out: core.collect(mlp(), "0", PARTS[:1], out), "at least the 2 batches"),
}


@pytest.mark.parametrize("case", OTHER_RUNS)
def test_the_folder_of_another_run_is_refused_and_left_alone(tmp_path, case):
    with pytest.raises(Stop):
        core.collect(mlp(), "0", stopping(PARTS, 2), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    call, expected = OTHER_RUNS[case]
    assert expected in text(lambda: call(tmp_path))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def damaged_record(**changes):
    def damage(folder):
        path = folder / "collected.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return damage


DAMAGES = {
    "no json": lambda folder: (folder / "collected.json").write_text("{"),
    "a list": lambda folder: (folder / "collected.json").write_text("[]"),
    "another key": damaged_record(other=1),
    "a text": damaged_record(rows="10"),
    "negative": damaged_record(rows=-1),
    "a width": damaged_record(widths={"0": "8"}),
    "another width": damaged_record(widths={"0": 9}),
    "another layer": damaged_record(widths={"other": 8}),
    "more rows": damaged_record(rows=1000),
    "a cut file": lambda folder: (folder / "0.npy").write_bytes((folder / "0.npy").read_bytes()[:200]),
    "an empty file": lambda folder: (folder / "0.npy").write_bytes(b""),
    "no file": lambda folder: (folder / "0.npy").unlink(),
    "another table": lambda folder: np.save(folder / "0.npy", np.zeros((10, 8))),
}


@pytest.mark.parametrize("case", DAMAGES)
@pytest.mark.parametrize("done", [PARTS[:2], PARTS])
def test_a_damaged_folder_is_refused_in_one_line(tmp_path, case, done):
    core.collect(mlp(), "0", done, tmp_path)
    DAMAGES[case](tmp_path)
    text(lambda: core.collect(mlp(), "0", PARTS, tmp_path))


def test_a_longer_loader_adds_to_what_is_there(tmp_path):
    core.collect(mlp(), "0", PARTS[:2], tmp_path)
    np.testing.assert_array_equal(core.collect(mlp(), "0", PARTS, tmp_path)["0"], core.collect(mlp(), "0", PARTS)["0"])


def test_files_of_somebody_are_not_written_over(tmp_path):
    np.save(tmp_path / "0.npy", np.zeros(3))
    assert "without such files" in text(lambda: core.collect(mlp(), "0", PARTS, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["0.npy"]


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    assert "`file`" in text(lambda: core.collect(mlp(), "0", PARTS, tmp_path / "file"))


def test_no_more_than_a_batch_is_held(tmp_path, monkeypatch):
    held = []
    append = stores.GrowingArray.append
    monkeypatch.setattr(stores.GrowingArray, "append", lambda self, rows: held.append(len(rows)) or append(self, rows))
    core.collect(mlp(), "0", batches(inputs(6)), tmp_path)
    assert max(held) == 5
