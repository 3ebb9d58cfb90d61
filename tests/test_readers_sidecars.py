"""Sidecars and given arrays: read by the readers of data sets, within the same bounds, refused in the same one line."""

import io
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data import Dataset, arrays, delimited, parquet
from core.data import npy as numpy_files
from core.data.arrays import array_names, named_array
from core.data.formats import FORMATS, SIDECARS
from core.data.names import LABEL_NAMES
from core.data.opening import reader
from core.data.readers import read_dataset
from core.data.sidecars import read_columns
from core.documents import MatchDocument, save_match
from core.errors import InputError
from core.files import atomic_folder, read_json, write_file
from core.maps import AffineMap
from topoviz.__main__ import main
from topoviz.session.labels import given_labels
from zoo import blobs

ROWS = 300
POINTS = Dataset("points", np.random.default_rng(0).normal(size=(ROWS, 3)).astype(np.float32))


def refusal(read, *arguments):
    with pytest.raises(InputError) as told:
        read(*arguments)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 400
    return str(told.value)


# -------------------------------------------------------------------- archives that mean harm


def member(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def headed(text):
    """An .npy member with such a header."""
    header = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


def archive(content, method=zipfile.ZIP_DEFLATED):
    """An archive in which every array that anyone asks for is `content`."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name in ("points", "latent", "a", "b", "latent_a", "latent_b", "labels"):
            file.writestr(f"{name}.npy", content)
    return bytearray(stream.getvalue())


def patched(content, local, central, value):
    """An archive with two bytes of every local header and of every entry of its directory set to a value."""
    for mark, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        at = -1
        while (at := content.find(mark, at + 1)) >= 0:
            content[at + offset : at + offset + 2] = struct.pack("<H", value)
    return content


def spoiled(method):
    """An archive whose members do not unpack: behind the head of each are zeros."""
    content = archive(member(np.random.default_rng(0).normal(size=(ROWS, 3))), method)
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        for info in file.infolist():
            start = info.header_offset + 30 + len(info.filename)
            content[start + 14 : start + 60] = bytes(46)
    return content


SOUND = member(np.zeros((ROWS, 3), np.float32))
ARCHIVES = {
    "locked.npz": patched(archive(SOUND), 6, 8, 1),
    "method.npz": patched(archive(SOUND), 8, 10, 99),
    "lzma.npz": spoiled(zipfile.ZIP_LZMA),
    "bzip2.npz": spoiled(zipfile.ZIP_BZIP2),
    "deep.npz": archive(headed("{'descr': " + "[" * 9000 + ", 'fortran_order': False, 'shape': (300, 3), }")),
    "true.npz": archive(headed("{'descr': '<f4', 'fortran_order': False, 'shape': (True, True), }") + bytes(4)),
    "cut.npz": archive(headed("{'descr': '<f4', 'fortran_order': False, 'shape': (300, 3), }") + bytes(7)),
    "objects.npz": archive(headed("{'descr': '|O', 'fortran_order': False, 'shape': (300, 3), }") + bytes(4000)),
    "none.npz": b"PK\x05\x06" + bytes(18),
    "no.npz": b"no archive",
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_every_reader_refuses_a_hostile_archive_in_one_line(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(ARCHIVES[name])
    for read, arguments in ((read_dataset, ()), (read_columns, (POINTS, "--labels")), (named_array, ("latent",))):
        assert f"`{name}`" in refusal(read, path, *arguments)


@pytest.fixture
def place(models_folder, tmp_path, monkeypatch):
    """A folder with models a and b, a match of theirs, data, and archives that mean harm."""
    monkeypatch.chdir(tmp_path)
    for side in ("a", "b"):
        Path(side).symlink_to(models_folder / f"three-{side}")
    np.save("data.npy", blobs(1, n=ROWS).points)
    fitted = AffineMap(np.eye(2), np.zeros(2), "affine")
    save_match(MatchDocument("a", "b", (), (), (), 0.0, 0.0, map=fitted), "match.json")
    for name, content in ARCHIVES.items():
        Path(name).write_bytes(content)
    os.mkfifo("pipe.npz")
    return tmp_path


@pytest.mark.parametrize("name", [*ARCHIVES, "pipe.npz"])
def test_every_command_refuses_a_hostile_archive_in_one_line(place, name, capsys):
    before = set(place.iterdir())
    for argv in (
        ("decode", "a", name, "--out", "o.npz"),
        ("translate", "match.json", name, "--out", "o.npz"),
        ("align", "data.npy", "data.npy", "--anchors", name, "--out", "o"),
        ("compare", "a", "b", "--pairs", name),
        ("train", "data.npy", "--labels", name, "--steps", "5", "--out", "m"),
        ("train", "data.npy", "--examples", name, "--steps", "5", "--out", "m"),
    ):
        assert main(argv) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("topoviz: ")
        assert err.count("\n") == 1
    assert set(place.iterdir()) == before


def test_a_sound_archive_is_read_by_every_reader(tmp_path):
    (tmp_path / "sound.npz").write_bytes(archive(SOUND))
    assert "latent" in array_names(tmp_path / "sound.npz")
    assert named_array(tmp_path / "sound.npz", "latent").shape == (ROWS, 3)
    assert len(read_columns(tmp_path / "sound.npz", POINTS, "--labels")) == 7
    assert "no array `x`" in refusal(named_array, tmp_path / "sound.npz", "x")


# -------------------------------------------------------------------- memory

LONG = "A" * 1_000_000
SHARED = {
    "text": pa.array([LONG] * ROWS),
    "large text": pa.array([LONG] * ROWS, pa.large_string()),
    "bytes": pa.array([LONG.encode()] * ROWS),
    "lists of text": pa.array([[LONG]] * ROWS),
    "records": pa.array([{"a": LONG}] * ROWS),
    "maps": pa.array([[("a", LONG)]] * ROWS, pa.map_(pa.string(), pa.string())),
}


@pytest.mark.parametrize("kind", SHARED)
def test_rows_that_share_one_long_text_hold_it_once(tmp_path, kind):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"label": SHARED[kind]}), path, compression="zstd")
    assert path.stat().st_size < 10_000
    arrow = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        column = given_labels(read_columns(path, POINTS, "--labels"))
        assert len(column) == ROWS
        assert tracemalloc.get_traced_memory()[1] < 30 * len(LONG)
    finally:
        tracemalloc.stop()
    assert pa.total_allocated_bytes() - arrow < 30 * len(LONG)
    assert "AAAA" in column.values[ROWS - 1]


@pytest.mark.parametrize("kind", SHARED)
def test_what_is_written_out_is_bounded_before_it_is(tmp_path, monkeypatch, kind):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"label": SHARED[kind]}), path, compression="zstd")
    monkeypatch.setattr(parquet, "SIDECAR_BYTES", 200 * 2**20)
    assert "at most 200 MiB of text, got 286.1 MiB" in refusal(read_columns, path, POINTS, "--labels")


def test_what_a_sidecar_may_hold_is_bounded(tmp_path, monkeypatch):
    most = 10_000
    monkeypatch.setattr(parquet, "SIDECAR_BYTES", most)
    monkeypatch.setattr(arrays, "SIDECAR_BYTES", most)
    monkeypatch.setattr(arrays, "_GIVEN_BYTES", most)
    monkeypatch.setattr(delimited, "_SIDECAR_TEXT", most)
    wide = np.zeros((ROWS, 9))
    np.savez_compressed(tmp_path / "a.npz", latent=wide)
    (tmp_path / "a.csv").write_text("label\n" + "a word of forty letters, in quotes at all\n" * ROWS)
    pq.write_table(pa.table({"label": list(wide)}), tmp_path / "lists.parquet")
    pq.write_table(pa.table({f"x{at}": column for at, column in enumerate(wide.T)}), tmp_path / "wide.parquet")
    pq.write_table(pa.table({"label": pa.array([b"x" * 99] * ROWS, pa.binary(99))}), tmp_path / "fixed.parquet")
    for name in ("a.npz", "a.csv", "lists.parquet", "wide.parquet", "fixed.parquet"):
        assert "at most" in refusal(read_columns, tmp_path / name, POINTS, "--labels"), name
    assert "at most" in refusal(named_array, tmp_path / "a.npz", "latent")


def test_more_rows_or_columns_than_fit_are_refused_unread(tmp_path):
    pq.write_table(pa.table({"x": np.zeros(ROWS + 1)}), tmp_path / "long.parquet")
    pq.write_table(pa.table({f"x{at}": np.zeros(ROWS) for at in range(257)}), tmp_path / "wide.parquet")
    (tmp_path / "wide.csv").write_text(",".join(map(str, range(257))) + "\n")
    for name in ("long.parquet", "wide.parquet", "wide.csv"):
        assert "at most" in refusal(read_columns, tmp_path / name, POINTS, "--labels")


def test_a_bomb_is_refused_by_the_size_it_says(tmp_path, monkeypatch):
    monkeypatch.setattr(numpy_files, "_BOMB_BYTES", 10_000)
    np.savez_compressed(tmp_path / "a.npz", label=np.zeros((ROWS, 100, 100)))
    for read, arguments in ((read_columns, (POINTS, "--labels")), (named_array, ("label",))):
        assert "unpacked" in refusal(read, tmp_path / "a.npz", *arguments)


# -------------------------------------------------------------------- what is read


def test_every_reader_of_the_table_is_there():
    for row in FORMATS:
        for name in filter(None, (row.points, row.columns)):
            assert callable(reader(Path(f"a{row.suffix}"), row, name))
    assert set(SIDECARS) == {".npy", ".npz", ".csv", ".parquet", ".json"}


def test_cells_are_numbers_where_all_are_and_text_else(tmp_path):
    cells = {"n": ["1", " 2.5 ", "NA", "-1e3"], "t": ["1", "1_2", "", "NA"], "none": ["", "n/a", "null", "NaN"]}
    lines = [",".join(row) for row in zip(*cells.values(), strict=True)] * 75
    (tmp_path / "a.csv").write_text(",".join(cells) + "\n" + "\n".join(lines) + "\n")
    number, text, none = read_columns(tmp_path / "a.csv", POINTS, "--labels")
    np.testing.assert_array_equal(number.values[:4], [1, 2.5, np.nan, -1000])
    assert list(text.values[:4]) == ["1", "1_2", None, "NA"]
    assert list(none.values[:4]) == [None] * 4


def test_columns_of_every_kind_of_value_are_read(tmp_path):
    kinds = {
        "whole": (pa.array([1, None, 3] * 100), "1.0"),
        "half": (pa.array(np.full(ROWS, 0.5, np.float16)), "0.5"),
        "true": (pa.array([True] * ROWS), "1.0"),
        "coded": (pa.array([7, None, 7] * 100).dictionary_encode(), "7.0"),
        "named": (pa.array(["a", None, "b"] * 100).dictionary_encode(), "a"),
        "day": (pa.array([0] * ROWS, pa.date32()), "1970-01-01"),
        "list": (pa.array([[1.5, 2.0]] * ROWS), "[1.5, 2.0]"),
        "void": (pa.nulls(ROWS), "None"),
    }
    pq.write_table(pa.table({name: values for name, (values, _) in kinds.items()}), tmp_path / "a.parquet")
    columns = read_columns(tmp_path / "a.parquet", POINTS, "--examples")
    assert [(column.name, str(column.values[0])) for column in columns] == [
        (name, spelled) for name, (_, spelled) in kinds.items()
    ]


@pytest.mark.parametrize("text", ["\ud800", "\U0010ffff"])
def test_text_that_is_no_text_is_refused_where_it_is_read(tmp_path, text):
    content = bytearray(member(np.array([text] * ROWS)))
    content[-4:] = b"\xff\xff\xff\x7f"
    (tmp_path / "a.npy").write_bytes(content)
    assert "do not exist" in refusal(read_columns, tmp_path / "a.npy", POINTS, "--labels")
    pq.write_table(pa.table({"a": pa.array([b"\xff\xfe"] * ROWS).view(pa.string())}), tmp_path / "a.parquet")
    assert "`a.parquet`" in refusal(read_columns, tmp_path / "a.parquet", POINTS, "--labels")


@pytest.mark.parametrize("name", LABEL_NAMES)
def test_labels_have_the_same_names_in_data_and_in_sidecars(tmp_path, name):
    rows = "".join(f"{at}.5,{at % 2},{at * 7}\n" for at in range(ROWS))
    (tmp_path / "a.csv").write_text(f"x,{name.title()},z\n{rows}")
    read = read_dataset(tmp_path / "a.csv")
    assert read.columns == ("x", "z")
    np.testing.assert_array_equal(read.labels, np.arange(ROWS) % 2)
    chosen = given_labels(read_columns(tmp_path / "a.csv", POINTS, "--labels"))
    np.testing.assert_array_equal(chosen.values, np.arange(ROWS) % 2)


# -------------------------------------------------------------------- what is written


def test_a_file_or_a_folder_is_written_whole_or_not_at_all(tmp_path):
    write_file("one", tmp_path / "a.txt")
    with pytest.raises(InputError):
        write_file(b"two", tmp_path / "none" / "a.txt")
    write_file(b"two", tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "two"
    for content in ("old", "new"):
        with atomic_folder(tmp_path / "folder") as folder:
            write_file(content, folder / "a.txt")
    with pytest.raises(InputError), atomic_folder(tmp_path / "folder") as folder:
        write_file("half", folder / "none" / "a.txt")
    assert (tmp_path / "folder" / "a.txt").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "folder"]


def test_a_json_document_is_a_file_of_bounded_size(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    write_file("[" + "1," * 100 + "1]", tmp_path / "a.json")
    assert len(read_json(tmp_path / "a.json")) == 101
    for path in (tmp_path / "pipe.json", tmp_path):
        assert "cannot be read" in refusal(read_json, path)
    assert "larger" in refusal(read_json, tmp_path / "a.json", 50)
