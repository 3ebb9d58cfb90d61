"""Files larger than memory: read like small ones, block by block, with neither memory nor the disk overrun.

A lowered threshold makes small files take the way of the large ones.
"""

import errno
import io
import re
import shutil
import tempfile
import tracemalloc
import zipfile
from functools import partial
from types import SimpleNamespace

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from core.data import Dataset, annotated, bounds, parquet, spool, write_points
from core.data import npy as numpy_files
from core.data.readers import read_dataset
from core.errors import InputError
from core.worlds import load_dataset
from zoo import outcome

RNG = np.random.default_rng(0)
ROWS = 700
POINTS = RNG.normal(size=(ROWS, 4)).astype(np.float32)
# With a constant column, one that repeats another, one that does so at first, and rows that are not finite.
TABLE = np.column_stack((POINTS, np.ones(ROWS), POINTS[:, 0], np.where(np.arange(ROWS) < 650, POINTS[:, 1], 0)))
TABLE = TABLE.astype(np.float32)
TABLE[[3, 40, 698], [0, 2, 4]] = np.nan, np.inf, -np.inf


def npy(path, points, dtype="<f4", order="C"):
    np.save(path, np.asarray(points, dtype=dtype, order=order))


def npz(path, points, dtype="<f4", order="C", save=np.savez):
    latent = np.arange(2.0 * len(points)).reshape(-1, 2)
    save(path, points=np.asarray(points, dtype=dtype, order=order), labels=texts(points), latent=latent, entropy=1.5)


def columns(path, points, **others):
    named = {f"x{index}": column for index, column in enumerate(points.T)}
    pq.write_table(pa.table({**named, **others}), path, row_group_size=len(points) // 2, data_page_size=4096)


def labeled(path, points):
    """Beside the columns of numbers, row numbers, text, and labels of which some are missing."""
    labels = [None if index % 7 == 0 else text for index, text in enumerate(texts(points))]
    columns(path, points, __index_level_0__=np.arange(len(points)), name=texts(points), label=labels)


def lists(path, points, kind=None):
    """The first column, and the others as lists (of one declared length by default); the first 300 are missing."""
    values = [None] * 300 + points[300:, 1:].tolist()
    kind = kind or pa.list_(pa.float32(), points.shape[1] - 1)
    table = pa.table({"w": points[:, 0], "v": pa.array(values, kind), "Class": np.arange(len(points)) % 3})
    pq.write_table(table, path, row_group_size=len(points) // 2, data_page_size=4096, use_dictionary=False)


def safetensors(path, points, dtype=torch.float32):
    save_file({"points": torch.tensor(points).to(dtype), "labels": torch.arange(len(points)) % 3}, path)


def h5ad(path, points, dtype="<f4", **options):
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=points.astype(dtype), **options)
        label = file.create_group("obs/label")
        label["codes"], label["categories"] = np.arange(len(points)) % 3, ["b", "a", "c"]


def sparse(path, points, layout="csr"):
    """Numbers that are not finite cannot be zeros, so all are kept."""
    table = scipy.sparse.coo_array(points).asformat(layout)
    with h5py.File(path, "w") as file:
        group = file.create_group("X")
        group.attrs.update({"encoding-type": f"{layout}_matrix", "shape": points.shape})
        group["data"], group["indices"], group["indptr"] = table.data, table.indices, table.indptr


def texts(points):
    return np.array(["b", "a", "c"])[np.arange(len(points)) % 3]


WRITERS = {
    "f4.npy": npy,
    "f4-fortran.npy": partial(npy, order="F"),
    "f8.npy": partial(npy, dtype="<f8"),
    "f8-fortran.npy": partial(npy, dtype="<f8", order="F"),
    "f4-big-endian.npy": partial(npy, dtype=">f4"),
    "f2.npy": partial(npy, dtype="<f2"),
    "f4.npz": npz,
    "f8-big-endian.npz": partial(npz, dtype=">f8"),
    "f8-fortran.npz": partial(npz, dtype="<f8", order="F"),
    "packed.npz": partial(npz, save=np.savez_compressed),
    "columns.parquet": columns,
    "labels.parquet": labeled,
    "lists.parquet": partial(lists, kind=pa.list_(pa.float64())),
    "long-lists.parquet": partial(lists, kind=pa.large_list(pa.float32())),
    "equal-lists.parquet": lists,
    "f4.safetensors": safetensors,
    "f8.safetensors": partial(safetensors, dtype=torch.float64),
    "bf16.safetensors": partial(safetensors, dtype=torch.bfloat16),
    "f4.h5ad": h5ad,
    "f8-big-endian.h5ad": partial(h5ad, dtype=">f8"),
    "packed.h5ad": partial(h5ad, compression="gzip", chunks=(40, 3)),
    "rows.h5ad": sparse,
    "columns.h5ad": partial(sparse, layout="csc"),
}
IN_PLACE = ("f4.npy", "f4.safetensors", "f4.npz", "f4.h5ad")
SPOOLED = ("f8.npy", "packed.npz", "packed.h5ad", "rows.h5ad", "columns.parquet", "f8.safetensors")


@pytest.fixture
def lowered(monkeypatch):
    """Lets everything above 1000 bytes be large, and blocks be small."""
    monkeypatch.setattr(spool, "LARGE_BYTES", 1000)
    monkeypatch.setattr(spool, "BLOCK_BYTES", 2000)
    monkeypatch.setattr(numpy_files, "_CHUNK", 2000)
    monkeypatch.setattr(annotated, "_STORED", 500)


def refusal(path):
    with pytest.raises(InputError) as caught:
        read_dataset(path)
    text = str(caught.value)
    assert path.name in text
    assert text.isprintable()
    return text


def no_file(*_, **__):
    raise AssertionError("a temporary file was opened")


@pytest.mark.parametrize("name", WRITERS)
def test_a_large_file_is_read_like_a_small_one(tmp_path, request, name):
    WRITERS[name](tmp_path / name, TABLE)
    small = read_dataset(tmp_path / name)
    request.getfixturevalue("lowered")
    large = read_dataset(tmp_path / name)
    assert not isinstance(small.points, np.memmap)
    assert isinstance(large.points, np.memmap)
    assert not large.points.flags.writeable
    assert large.points.dtype == np.float32
    np.testing.assert_array_equal(large.points, small.points)
    for key in ("labels", "latent"):
        expected, got = getattr(small, key), getattr(large, key)
        assert (expected is None) == (got is None)
        if got is not None:
            np.testing.assert_array_equal(got, expected)
    assert (large.name, large.entropy, large.columns) == (small.name, small.entropy, small.columns)
    assert large.notes == small.notes
    assert any("were dropped" in note for note in large.notes)
    assert {note.split(":")[0] for note in large.notes} >= {
        "Columns that are constant",
        "Columns that repeat another column",
    }


@pytest.mark.parametrize("dtype", ["?", "u1", "<i8", ">i4", "<f2", ">f8", "g"])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.usefixtures("lowered")
def test_every_real_type_is_read(tmp_path, dtype, suffix):
    points = np.asarray(RNG.integers(0, 2, size=(ROWS, 3)), dtype=dtype)
    (np.save if suffix == ".npy" else np.savez)(tmp_path / f"a{suffix}", points)
    read = read_dataset(tmp_path / f"a{suffix}").points
    assert isinstance(read, np.memmap)
    np.testing.assert_array_equal(read, points.astype(np.float32))


@pytest.mark.parametrize("name", IN_PLACE)
@pytest.mark.usefixtures("lowered")
def test_float32_is_mapped_where_it_lies(tmp_path, monkeypatch, name):
    WRITERS[name](tmp_path / name, POINTS)
    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    read = read_dataset(tmp_path / name)
    assert isinstance(read.points, np.memmap)
    np.testing.assert_array_equal(read.points, POINTS)


@pytest.mark.parametrize(("dtype", "size"), [("<f8", 8), ("<f4", 4), ("u1", 4)])
def test_the_threshold_is_for_the_larger_of_file_and_float32(tmp_path, monkeypatch, dtype, size):
    npy(tmp_path / "a.npy", np.abs(POINTS), dtype)
    for threshold, large in ((size * POINTS.size, False), (size * POINTS.size - 1, True)):
        monkeypatch.setattr(spool, "LARGE_BYTES", threshold)
        assert isinstance(read_dataset(tmp_path / "a.npy").points, np.memmap) == large


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.usefixtures("lowered")
def test_memory_stays_far_below_the_size_of_the_points(tmp_path, monkeypatch, name):
    monkeypatch.setattr(spool, "BLOCK_BYTES", 2**16)
    monkeypatch.setattr(numpy_files, "_CHUNK", 2**16)
    points = np.tile(TABLE[:, :3], (20, 16))
    WRITERS[name](tmp_path / name, points)
    arrow, spool_table = [pa.total_allocated_bytes()], parquet.spooled_table

    def watched(path, shape, blocks):
        return spool_table(path, shape, (arrow.append(pa.total_allocated_bytes()) or block for block in blocks))

    # The first time, modules are still being imported.
    read_dataset(tmp_path / name)
    monkeypatch.setattr(parquet, "spooled_table", watched)
    tracemalloc.start()
    try:
        size = read_dataset(tmp_path / name).points.nbytes
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 2.5e6
    assert peak < size / 2
    assert max(arrow) - arrow[0] < size / 3


@pytest.mark.usefixtures("lowered")
def test_the_first_points_of_a_large_file_stay_in_it(tmp_path):
    npy(tmp_path / "a.npy", POINTS)
    head = load_dataset(tmp_path / "a.npy", n=50)
    assert isinstance(head.points, np.memmap)
    np.testing.assert_array_equal(head.points, POINTS[:50])
    write_points(tmp_path / "head.npz", head)
    np.testing.assert_array_equal(read_dataset(tmp_path / "head.npz").points, POINTS[:50])
    # More than a built-in set may have, and no fewer than a large file may.
    assert len(load_dataset(tmp_path / "a.npy", n=900_000_000)) == ROWS


@pytest.mark.usefixtures("lowered")
def test_a_data_set_counts_its_bad_rows_block_by_block():
    points = np.zeros((ROWS, 3), np.float32)
    points[[0, 1, 400, 699], [0, 1, 2, 2]] = np.nan
    points[699] = np.inf
    with pytest.raises(InputError, match="4 rows"):
        Dataset("bad", points)


@pytest.mark.parametrize("name", SPOOLED)
@pytest.mark.usefixtures("lowered")
def test_a_disk_without_room_is_refused_before_it_is_filled(tmp_path, monkeypatch, name):
    WRITERS[name](tmp_path / name, POINTS)
    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=POINTS.nbytes - 1))
    assert "free some space" in refusal(tmp_path / name)


@pytest.mark.parametrize("name", SPOOLED)
@pytest.mark.usefixtures("lowered")
def test_a_disk_that_fills_up_is_refused(tmp_path, monkeypatch, name):
    class Filling(io.FileIO):
        def __init__(self, buffering):
            super().__init__(tmp_path / "temporary", "w+")

        def write(self, content):
            if self.tell() > POINTS.nbytes / 2:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(content[:100])

    WRITERS[name](tmp_path / name, POINTS)
    monkeypatch.setattr(tempfile, "TemporaryFile", Filling)
    assert "No space left on device; free some space" in refusal(tmp_path / name)
    # What was written before went to the file whole, though each call took but a part of it.
    written = np.fromfile(tmp_path / "temporary", np.float32, 1000)
    np.testing.assert_array_equal(written, POINTS.ravel()[:1000])


@pytest.mark.usefixtures("lowered")
def test_bad_rows_of_a_mapped_file_need_room(tmp_path, monkeypatch):
    npy(tmp_path / "a.npy", TABLE)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    assert "free some space" in refusal(tmp_path / "a.npy")


@pytest.mark.usefixtures("lowered")
def test_a_temporary_folder_that_is_none_is_refused(tmp_path, monkeypatch):
    npy(tmp_path / "a.npy", POINTS, ">f4")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    assert "temporary folder" in refusal(tmp_path / "a.npy")


@pytest.mark.parametrize("pieces", [[], [3], [3, 3], [5]])
def test_neither_more_nor_less_is_spooled_than_declared(tmp_path, pieces):
    with pytest.raises(ValueError, match="than declared"):
        spool.spooled(tmp_path, 4, [np.zeros(size, np.uint8) for size in pieces])


def test_what_the_file_may_hold_is_bounded(tmp_path, monkeypatch):
    for name, write in WRITERS.items():
        write(tmp_path / name, POINTS)
        size = (tmp_path / name).stat().st_size
        for most in ((size - 1, 10**9, 2**40), (2**40, ROWS - 1, 2**40), (2**40, 10**9, POINTS.nbytes - 1)):
            monkeypatch.setattr(bounds, "_MOST_IN_BLOCKS", bounds.Most(*most))
            assert "at most" in refusal(tmp_path / name)


def test_tables_of_text_keep_to_memory(tmp_path, request):
    path = tmp_path / "a.csv"
    path.write_text("1.5,2\n" * 32 + "1,2\n" * ROWS)
    request.getfixturevalue("lowered")
    assert not isinstance(read_dataset(path).points, np.memmap)
    assert bounds.most_of(path).rows < bounds.most_of(tmp_path / "a.npy").rows


@pytest.mark.parametrize("name", ["f4.npz", "labels.parquet", "lists.parquet", "f4.safetensors", "f4.h5ad"])
@pytest.mark.usefixtures("lowered")
def test_companions_that_do_not_fit_into_memory_are_refused(tmp_path, monkeypatch, name):
    WRITERS[name](tmp_path / name, POINTS)
    for module in (annotated, bounds, parquet):
        monkeypatch.setattr(module, "MEMORY_BYTES", 8 * ROWS - 1)
    assert re.search("at most .* `?(labels|latent)", refusal(tmp_path / name))


@pytest.mark.usefixtures("lowered")
def test_lists_that_do_not_fit_into_memory_are_refused(tmp_path, monkeypatch):
    """One row may hold all the values of a row group."""
    values = [[0.0] * 50_000, *[[1.0]] * 99]
    pq.write_table(pa.table({"v": values}), tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 10_000
    assert "one length" in refusal(tmp_path / "a.parquet")
    monkeypatch.setattr(parquet, "MEMORY_BYTES", 8 * 50_000)
    assert "row group" in refusal(tmp_path / "a.parquet")


@pytest.mark.parametrize("later", [[1.0], [1.0] * 8, []])
@pytest.mark.usefixtures("lowered")
def test_lists_that_change_their_length_are_refused(tmp_path, later):
    pq.write_table(pa.table({"v": [[1.0, 2, 3, 4]] * ROWS + [later] * ROWS}), tmp_path / "a.parquet")
    assert f"lengths [4, {len(later)}]" in refusal(tmp_path / "a.parquet")


@pytest.mark.usefixtures("lowered")
def test_a_run_length_bomb_fills_no_disk(tmp_path, monkeypatch):
    pq.write_table(pa.table({"v": np.zeros(3_000_000, np.float32)}), tmp_path / "bomb.parquet")
    assert (tmp_path / "bomb.parquet").stat().st_size < 20_000
    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**7))
    assert "free some space" in refusal(tmp_path / "bomb.parquet")
    monkeypatch.setattr(bounds, "_MOST_IN_BLOCKS", bounds.Most(10**9, 10**9, 10**7))
    assert "of numbers" in refusal(tmp_path / "bomb.parquet")


@pytest.mark.parametrize("name", ["f4.npy", "f8.npy", "f4.npz", "columns.parquet", "f4.safetensors", "f8.safetensors"])
@pytest.mark.usefixtures("lowered")
def test_what_is_cut_short_is_refused_and_never_spooled(tmp_path, monkeypatch, name):
    WRITERS[name](tmp_path / name, POINTS)
    content = (tmp_path / name).read_bytes()
    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    refusal(tmp_path / name)


@pytest.mark.usefixtures("lowered")
def test_a_member_that_declares_more_than_it_holds_is_refused(tmp_path, monkeypatch):
    stream = io.BytesIO()
    np.save(stream, POINTS)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("points.npy", stream.getvalue()[:-4])
    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    assert "declared" in refusal(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["f4.npy", "columns.parquet"])
@pytest.mark.usefixtures("lowered")
def test_mostly_bad_rows_are_refused(tmp_path, name):
    WRITERS[name](tmp_path / name, np.where(np.arange(ROWS)[:, None] % 5 < 3, np.nan, POINTS))
    assert "mostly finite" in refusal(tmp_path / name)


@pytest.mark.parametrize("name", ["f8.npy", "packed.npz", "columns.parquet", "lists.parquet", "bf16.safetensors"])
@pytest.mark.usefixtures("lowered")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path, name, data):
    path = tmp_path / name
    WRITERS[name](path, TABLE)
    content = bytearray(path.read_bytes())
    ends = st.integers(0, 300) | st.integers(len(content) - 2000, len(content) - 1) | st.integers(0, len(content) - 1)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(ends)] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    assert (text := outcome(path)) == "" or (name in text and text.isprintable())
