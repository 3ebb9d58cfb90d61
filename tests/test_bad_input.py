"""Bad input of every kind: one clear line on stderr, exit status 2, nothing on stdout, nothing written."""

import json
import pickle
import socket
import zipfile
from pathlib import Path

import numpy as np
import pytest

from topoviz.__main__ import main
from zoo import blobs

BOMB = (
    b"\x93NUMPY\x01\x00v\x00"
    + b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 8), }".ljust(117)
    + b"\n"
)


@pytest.fixture
def place(models_folder, tmp_path, monkeypatch):
    """A folder full of things that went wrong, beside sound models a and b and sound data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    points = blobs(1, n=300).points
    for name in ("a", "b"):
        Path(name).symlink_to(models_folder / f"three-{name}")
    np.save("data.npy", points)
    Path("truncated.npy").write_bytes(Path("data.npy").read_bytes()[:500])
    np.save("pickled.npy", np.array([{"x": 1}], dtype=object), allow_pickle=True)
    Path("pickle.npy").write_bytes(pickle.dumps([1, 2]))
    Path("huge.npy").write_bytes(BOMB)
    np.save("flat.npy", points[:, 0])
    np.save("cube.npy", points.reshape(-1, 3, 1))
    np.save("nan.npy", np.where(points > 0, np.nan, points))
    np.save("text.npy", np.array([["a", "b"]] * 200))
    np.save("constant.npy", np.ones((300, 3), np.float32))
    np.save("few.npy", points[:5])
    np.save("wide.npy", np.ones((300, 7), np.float32))
    Path("empty.csv").write_text("")
    Path("ragged.csv").write_text("1,2\n3\n4,5,6\n" * 50)
    Path("words.csv").write_text("a,b\nx,y\n" * 100)
    for suffix in ("parquet", "safetensors", "npz", "npy", "csv"):
        Path(f"junk.{suffix}").write_bytes(bytes(range(256)) * 20)
    with zipfile.ZipFile("bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("points.npy", BOMB + bytes(10_000_000))
        archive.writestr("latent.npy", BOMB + bytes(10_000_000))
    np.savez("other.npz", other=points)
    np.savez("wide.npz", latent=points)
    np.savez("nan.npz", latent=np.full((4, 2), np.nan))
    with zipfile.ZipFile("pickled.npz", "w") as archive:
        archive.write("pickled.npy", "latent.npy")
    damaged_models(models_folder / "three-a")
    for name, document in JSON_FILES.items():
        Path(name).write_text(document if isinstance(document, str) else json.dumps(document))
    Path("file").write_text("")
    return tmp_path


def damaged_models(sound):
    files = {path.name: path.read_bytes() for path in sound.iterdir()}
    config = json.loads(files["config.json"])
    changes = {
        "half": {"model.safetensors": files["model.safetensors"][:200]},
        "other-k": {"config.json": json.dumps(config | {"latent_dim": 3}).encode()},
        "strange-key": {"config.json": json.dumps(config | {"code": "import os"}).encode()},
        "no-json": {"config.json": b"{"},
        "list-metrics": {"metrics.json": b"[]"},
        "pickled": {"model.safetensors": pickle.dumps({})},
    }
    for name, change in changes.items():
        Path(name).mkdir()
        for file, content in (files | change).items():
            (Path(name) / file).write_bytes(content)


JSON_FILES = {
    "key.json": {"latent_dim": 2, "color": 1},
    "nan.json": '{"learning_rate": NaN}',
    "list.json": [],
    "cut.json": '{"steps": ',
    "future-match.json": {"schema": 99},
    "list-match.json": [1],
    "empty-match.json": {},
    "session-key.json": {"version": 1, "color": 1},
    "session-future.json": {"version": 99},
    "session-lost.json": {"version": 1, "model_a": "nowhere", "model_b": "nowhere"},
    "session-up.json": {"version": 1, "model_a": "../a", "model_b": "b"},
    "deep.json": "[" * 100_000,
}

TRAIN = ("--steps", "5", "--out", "m")
CASES = {
    "no such command": ("trian",),
    "no such key": ("train", "other.npz", "--key", "points", "--steps", "5", "--out", "m"),
    "a key of a plain array": ("train", "data.npy", "--key", "points", "--steps", "5", "--out", "m"),
    "a key of a built-in set": ("train", "blob", "--key", "points", "--steps", "5", "--out", "m"),
    "no arguments": ("train",),
    "unknown flag": ("info", "a", "--loud"),
    "unknown set": ("sample", "nothing", "--out", "o.npz"),
    "a file as built-in set": ("sample", "data.npy", "--out", "o.npz"),
    "no points": ("sample", "islands", "--n", "0", "--out", "o.npz"),
    "negative points": ("sample", "islands", "--n", "-5", "--out", "o.npz"),
    "negative seed": ("sample", "islands", "--seed", "-1", "--out", "o.npz"),
    "seed in words": ("sample", "islands", "--seed", "x", "--out", "o.npz"),
    "missing file": ("train", "missing.npy", *TRAIN),
    "a folder as data": ("train", "a", *TRAIN),
    "unknown ending": ("train", "file", *TRAIN),
    **{
        f"data in {name}": ("train", name, *TRAIN)
        for name in (
            "truncated.npy", "pickled.npy", "pickle.npy", "huge.npy", "flat.npy", "cube.npy", "nan.npy", "text.npy",
            "constant.npy", "few.npy", "empty.csv", "ragged.csv", "words.csv", "junk.parquet", "junk.safetensors",
            "junk.npz", "junk.npy", "junk.csv", "bomb.npz", "pickled.npz",
        )
    },
    "latent dimension too high": ("train", "data.npy", "--latent-dim", "40", *TRAIN),
    "latent dimension above the data's": ("train", "data.npy", "--latent-dim", "9", *TRAIN),
    "negative pad": ("train", "data.npy", "--pad", "-1", *TRAIN),
    "unknown flow": ("train", "data.npy", "--flow", "magic", *TRAIN),
    "unknown prior": ("train", "data.npy", "--prior", "magic", *TRAIN),
    "minutes NaN": ("train", "data.npy", "--minutes", "nan", *TRAIN),
    "no steps": ("train", "data.npy", "--steps", "0", "--out", "m"),
    **{
        f"configuration in {name}": ("train", "data.npy", "--config", name, *TRAIN)
        for name in ("key.json", "nan.json", "list.json", "cut.json", "deep.json", "none.json", "data.npy")
    },
    "model over a file": ("train", "data.npy", "--steps", "5", "--out", "file"),
    "missing model": ("info", "nowhere"),
    "missing model folder": ("info", "no/where"),
    "traversal": ("info", "../../etc/passwd"),
    "a file as model": ("info", "data.npy"),
    **{
        f"model {name}": ("info", name)
        for name in ("half", "other-k", "strange-key", "no-json", "list-metrics", "pickled")
    },
    "encode another width": ("encode", "a", "wide.npy", "--out", "o.npz"),
    "encode into no folder": ("encode", "a", "data.npy", "--out", "none/o.npz"),
    **{
        f"decode {name}": ("decode", "a", name, "--out", "o.npz")
        for name in ("wide.npz", "other.npz", "nan.npz", "pickled.npz", "bomb.npz", "junk.npz", "no.npz", "data.npy")
    },
    "tree into no folder": ("tree", "a", "--out", "none/tree.json"),
    "simplify NaN": ("tree", "a", "--simplify", "nan", "--out", "o.json"),
    "pin of no node": ("match", "a", "b", "--pin", "999:1", "--out", "o.json"),
    "pin in words": ("match", "a", "b", "--pin", "x:y", "--out", "o.json"),
    "pin and ban": ("match", "a", "b", "--pin", "1:1", "--ban", "1:1", "--out", "o.json"),
    "two pins of a node": ("match", "a", "b", "--pin", "1:1", "--pin", "1:3", "--out", "o.json"),
    "unknown family": ("match", "a", "b", "--family", "magic", "--out", "o.json"),
    **{
        f"translate by {name}": ("translate", name, "wide.npz", "--out", "o.npz")
        for name in ("future-match.json", "list-match.json", "empty-match.json", "cut.json", "no.json", "deep.json")
    },
    **{
        f"export {name}": ("export", name, "--out", "o")
        for name in (
            "session-key.json", "session-future.json", "session-lost.json", "session-up.json", "list.json",
            "cut.json", "deep.json", "missing.json", "data.npy",
        )
    },
    **{
        f"serve {name}": ("serve", "--no-browser", "--session", name)
        for name in ("session-key.json", "session-future.json", "session-up.json", "deep.json", "data.npy", "none.json")
    },
    "port too high": ("serve", "--port", "99999"),
    "port in words": ("serve", "--port", "x"),
    "open to others": ("serve", "--host", "0.0.0.0"),
    "no such host": ("serve", "--host", "no such host", "--allow-remote"),
    "models in a file": ("serve", "--models", "file"),
    "align nothing": ("align", "missing.npy", "data.npy", "--out", "o"),
}  # fmt: skip


@pytest.mark.parametrize("argv", CASES.values(), ids=CASES)
def test_bad_input_gets_one_line_and_status_2(place, argv, capsys):
    before = set(place.iterdir())
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("topoviz: ")
    assert err.count("\n") == 1
    assert len(err) < 500
    assert set(place.iterdir()) == before


def test_a_taken_port_gets_one_line(capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert main(["serve", "--no-browser", "--port", str(other.getsockname()[1])]) == 2
    assert capsys.readouterr().err.count("\n") == 1
