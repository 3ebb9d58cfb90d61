"""Files of points: what is written is read back, and whatever is wrong with a file is said in one line."""

import io
import pickle
import zipfile

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

from core.data.dataset import Dataset
from core.data.formats import SUFFIXES
from core.data.readers import read_dataset, write_points
from core.errors import InputError
from zoo import outcome

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(40, 3)).astype(np.float32)
LABELS = np.arange(40) % 3

tables = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5).map(lambda shape: (31 + shape[0], shape[1])),
    elements=st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False),
)
reused_folder = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def as_columns(points):
    return pa.table({f"x{index}": column for index, column in enumerate(points.T)})


def savez(path, points):
    np.savez(path, points=points)


def h5ad(path, points):
    with h5py.File(path, "w") as file:
        file["X"] = points


WRITERS = {
    ".npy": np.save,
    ".npz": savez,
    ".csv": lambda path, points: pyarrow.csv.write_csv(as_columns(points), path),
    ".parquet": lambda path, points: pq.write_table(as_columns(points), path, row_group_size=16),
    ".safetensors": lambda path, points: save_file({"points": np.ascontiguousarray(points)}, path),
    ".h5ad": h5ad,
}


def member(array):
    """The bytes of an .npy member."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=array.dtype.hasobject)
    return stream.getvalue()


def declared(shape, descr="'<f4'"):
    """An .npy header that declares any shape, with nothing behind it."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00v\x00" + text


def archive(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return stream.getvalue()


def bomb():
    """An archive whose directory says that its few bytes unpack to 3.75 GiB."""
    content = bytearray(archive(points=declared((100_000_000, 8))))
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = (0xF0000000).to_bytes(4, "little")
    return bytes(content)


def parquet(**columns):
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def safetensors(tmp_path, **tensors):
    save_torch(tensors, tmp_path / "tensors.safetensors")
    return tmp_path / "tensors.safetensors"


def test_every_suffix_has_a_law():
    assert set(WRITERS) == set(SUFFIXES)


@pytest.mark.parametrize("suffix", SUFFIXES)
@reused_folder
@given(points=tables)
def test_points_come_back_as_written(tmp_path, suffix, points):
    path = tmp_path / f"cloud{suffix}"
    WRITERS[suffix](path, points)
    read = read_dataset(path)
    assert read.name == "cloud"
    assert read.points.dtype == np.float32
    np.testing.assert_array_equal(read.points, points)


@pytest.mark.parametrize("labels", [None, LABELS])
@pytest.mark.parametrize("latent", [None, POINTS[:, :2]])
@pytest.mark.parametrize("entropy", [None, 1.25])
def test_written_points_are_read_back_whole(tmp_path, labels, latent, entropy):
    before = Dataset("cloud", POINTS, labels, latent, entropy)
    write_points(tmp_path / "cloud.npz", before)
    after = read_dataset(tmp_path / "cloud.npz")
    assert (after.name, after.entropy, after.notes) == ("cloud", entropy, ())
    for name in ("points", "labels", "latent"):
        expected, got = getattr(before, name), getattr(after, name)
        assert (expected is None) == (got is None)
        if got is not None:
            np.testing.assert_array_equal(got, expected)
            assert got.dtype == (np.int64 if name == "labels" else np.float32)
    assert [path.name for path in tmp_path.iterdir()] == ["cloud.npz"]


@pytest.mark.parametrize("place", ["cloud.npy", "none/cloud.npz"])
def test_points_are_written_to_no_wrong_place(tmp_path, place):
    with pytest.raises(InputError):
        write_points(tmp_path / place, Dataset("cloud", POINTS))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dtype", ["?", "u1", "<i8", ">i4", "<f2", "<f8", ">f8", "g"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_every_real_type_and_order_is_read(tmp_path, dtype, order, suffix):
    points = np.asarray(RNG.integers(0, 2, size=(40, 3)), dtype=dtype, order=order)
    WRITERS[suffix](tmp_path / f"cloud{suffix}", points)
    np.testing.assert_array_equal(read_dataset(tmp_path / f"cloud{suffix}").points, points.astype(np.float32))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.int32, torch.uint8, torch.bool])
def test_every_real_tensor_is_read(tmp_path, dtype):
    points = torch.from_numpy(POINTS).abs().to(dtype)
    path = safetensors(tmp_path, activations=points, labels=torch.from_numpy(LABELS), step=torch.tensor(3))
    read = read_dataset(path)
    np.testing.assert_array_equal(read.points, points.float().numpy())
    np.testing.assert_array_equal(read.labels, LABELS)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("header", ["", "x{0}y{0}z\n", "0{0}1{0}2\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_csv_with_and_without_header(tmp_path, delimiter, header, end, mark):
    lines = "".join(delimiter.join(map(repr, row)) + "\n" for row in POINTS.tolist())
    content = header.format(delimiter) + lines
    (tmp_path / "cloud.csv").write_bytes(mark + content.replace("\n", end).encode())
    read = read_dataset(tmp_path / "cloud.csv")
    np.testing.assert_array_equal(read.points, POINTS)
    assert read.columns == tuple(header.strip().format(delimiter).split(delimiter) if header else ())


def test_csv_keeps_numbers_and_says_what_it_left_out(tmp_path):
    rows = "".join(f'{i},{i / 7},"a, b",{"ham" if i % 2 else "eggs"},{i % 5}\n' for i in range(40))
    (tmp_path / "cloud.csv").write_text(",x,name,Class,y\n" + rows)
    read = read_dataset(tmp_path / "cloud.csv")
    assert read.columns == ("x", "y")
    np.testing.assert_array_equal(read.labels, np.arange(40) % 2)
    assert any("eggs, ham" in note for note in read.notes)
    assert any("name" in note for note in read.notes)
    assert any("row numbers" in note for note in read.notes)


def test_csv_without_header_drops_its_text(tmp_path):
    (tmp_path / "iris.csv").write_text("5.1,3.5,setosa\n4.9,3.0,virginica\n" * 20)
    read = read_dataset(tmp_path / "iris.csv")
    assert read.points.shape == (40, 2)
    assert read.notes


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float32(), 3)])
def test_parquet_lists_become_columns(tmp_path, kind):
    lists = pa.array(POINTS.tolist(), kind)
    labels = pa.array(["b" if i % 2 else None for i in range(40)])
    table = pa.table({"id": pa.array(map(str, range(40))), "v": lists, "label": labels, "w": np.arange(40)})
    pq.write_table(table, tmp_path / "cloud.parquet", row_group_size=16)
    read = read_dataset(tmp_path / "cloud.parquet")
    np.testing.assert_array_equal(read.points[:, :3], POINTS)
    np.testing.assert_array_equal(read.points[:, 3], np.arange(40))
    np.testing.assert_array_equal(read.labels, np.where(np.arange(40) % 2, 0, -1))
    assert read.columns == ("v[0]", "v[1]", "v[2]", "w")


def test_missing_lists_are_missing_rows(tmp_path):
    lists = pa.array([None, *POINTS.tolist()], pa.list_(pa.float32(), 3))
    (tmp_path / "cloud.parquet").write_bytes(parquet(v=lists))
    np.testing.assert_array_equal(read_dataset(tmp_path / "cloud.parquet").points, POINTS)


@given(bad=st.sets(st.integers(0, 39), min_size=1, max_size=8), value=st.sampled_from([np.nan, np.inf, -np.inf]))
@reused_folder
def test_rows_that_are_not_finite_are_dropped_with_their_labels(tmp_path, bad, value):
    points = POINTS.astype(np.float64)
    points[list(bad), 1] = value
    np.savez(tmp_path / "cloud.npz", points=points, labels=LABELS, latent=POINTS)
    keep = np.isfinite(points).all(axis=1)
    read = read_dataset(tmp_path / "cloud.npz")
    np.testing.assert_array_equal(read.points, POINTS[keep])
    np.testing.assert_array_equal(read.labels, LABELS[keep])
    np.testing.assert_array_equal(read.latent, POINTS[keep])
    assert f"{len(bad)} rows" in read.notes[0]


def test_text_and_fractions_become_classes(tmp_path):
    for labels in (np.array(["b", "a"] * 20), np.array([0.5, 0.25] * 20)):
        np.savez(tmp_path / "cloud.npz", points=POINTS, labels=labels)
        read = read_dataset(tmp_path / "cloud.npz")
        np.testing.assert_array_equal(read.labels, [1, 0] * 20)
        assert len(read.notes) == 1


def test_constant_and_repeated_columns_are_only_noted(tmp_path):
    np.save(tmp_path / "cloud.npy", np.column_stack((POINTS, np.ones(40), POINTS[:, 0])))
    read = read_dataset(tmp_path / "cloud.npy")
    assert read.points.shape == (40, 5)
    assert read.notes == ("Columns that are constant: number 4.", "Columns that repeat another column: number 5.")


SOUND = {
    ".npy": member(POINTS),
    ".npz": archive(points=member(POINTS), labels=member(LABELS)),
    ".csv": ("x,y\n" + "1.5,2\n" * 40).encode(),
    ".parquet": parquet(x=POINTS[:, 0], y=POINTS[:, 1]),
}
OBJECTS = member(np.array([{"x": 1}] * 40, dtype=object))
HOSTILE = {
    **{f"empty{suffix}": b"" for suffix in SUFFIXES},
    **{f"junk{suffix}": bytes(range(256)) * 20 for suffix in SUFFIXES},
    **{f"words{suffix}": b"all work and no play\n" * 50 for suffix in SUFFIXES},
    **{f"pickle{suffix}": pickle.dumps([1, 2]) for suffix in SUFFIXES},
    **{f"cut{suffix}": SOUND[suffix][: len(SOUND[suffix]) // 2] for suffix in (".npy", ".npz", ".parquet")},
    "noheader.npy": SOUND[".npy"][:20],
    "objects.npy": OBJECTS,
    "objects.npz": archive(points=OBJECTS),
    "labels.npz": archive(points=member(POINTS), labels=OBJECTS),
    "few-labels.npz": archive(points=member(POINTS), labels=member(LABELS[:9])),
    "flat-latent.npz": archive(points=member(POINTS), latent=member(LABELS)),
    "entropies.npz": archive(points=member(POINTS), entropy=member(LABELS)),
    "two.npz": archive(a=member(POINTS), b=member(POINTS)),
    "none.npz": archive(),
    "many.npz": archive(**{f"a{index}": member(POINTS) for index in range(65)}),
    "declared.npz": archive(points=declared((10_000_000, 8)) + bytes(1000)),
    "bomb.npz": bomb(),
    "huge.npy": declared((1_000_000_000, 8)),
    "wide.npy": declared((40, 70_000)),
    "heavy.npy": declared((20_000_000, 60_000)),
    "long.npy": declared("(" + "9" * 60 + ", 2)"),
    "negative.npy": declared((-40, 2)),
    "short.npy": declared((40, 3)) + bytes(100),
    "records.npy": declared((40,), "[('x', '<f4')]"),
    "kind.npy": declared((40, 2), "'<f7'"),
    "length.npy": b"\x93NUMPY\x02\x00" + b"\xff\xff\xff\x7f" + bytes(100),
    "flat.npy": member(POINTS[:, 0]),
    "cube.npy": member(POINTS[:, :, None]),
    "scalar.npy": member(np.array(3.0)),
    "no-columns.npy": member(POINTS[:, :0]),
    "few.npy": member(POINTS[:31]),
    "nan.npy": member(np.where(np.arange(40)[:, None] % 4, np.nan, POINTS)),
    "overflow.npy": member(np.full((40, 2), 1e300)),
    "complex.npy": member(POINTS.astype(complex)),
    "text.npy": member(POINTS.astype(str)),
    "dates.npy": member(np.zeros((40, 2), "M8[s]")),
    "ragged.csv": b"1,2\n3\n4,5,6\n" * 50,
    "names.csv": b"x,y\n",
    "blank.csv": b"\n\n\n",
    "nul.csv": bytes(500),
    "quote.csv": b'1,"2\n' * 50,
    "wide.csv": b"1," * 70_000 + b"1\n",
    "gap.csv": b"1,\n,2\n" * 50,
    "sixteen.csv": ("x,y\n" + "1,2\n" * 50).encode("utf-16"),
    "ragged.parquet": parquet(v=pa.array([[1.0], [1.0, 2.0]] * 20)),
    "void.parquet": parquet(v=pa.array([None] * 40, pa.list_(pa.float64()))),
    "text.parquet": parquet(v=pa.array(["a"] * 40)),
    "nested.parquet": parquet(v=pa.array([[[1.0]]] * 40), label=pa.array([{"a": 1}] * 40)),
    "length.safetensors": b"\xff" * 8 + b"{}",
    "lie.safetensors": (64).to_bytes(8, "little") + b'{"points":{"dtype":"F32","shape":[40,2],"data_offsets":[0,320]}}',
    "points.txt": b"1 2\n",
    "points": b"1 2\n",
    "na\nme\x1b.npy": b"junk",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_one_line_with_its_name(tmp_path, name):
    (tmp_path / name).write_bytes(HOSTILE[name])
    assert_refused(tmp_path / name)


@pytest.mark.parametrize("suffix", SOUND)
@settings(reused_folder, max_examples=60)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path, suffix, data):
    content = bytearray(SOUND[suffix])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / f"cloud{suffix}"
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    assert (text := outcome(path)) == "" or ("cloud" in text and text.isprintable())


def assert_refused(path):
    text = outcome(path)
    assert " ".join(path.name.replace("\x1b", "?").split()) in text
    assert text.isprintable()
    assert len(text) < 400


@pytest.mark.parametrize("name", ["folder.npy", "missing.npy", "missing", "nul\0.npy", "long" * 100 + ".npy"])
def test_what_is_no_file_is_refused(tmp_path, name):
    (tmp_path / "folder.npy").mkdir()
    text = outcome(tmp_path / name)
    assert name[:3] in text
    assert text.isprintable()


def test_tensors_that_are_no_table_are_refused(tmp_path):
    wrong = torch.zeros(40, 3, dtype=torch.complex64), torch.zeros(40), torch.zeros(3, 4, 5), torch.zeros(5, 2)
    for points in wrong:
        assert_refused(safetensors(tmp_path, points=points))
    assert_refused(safetensors(tmp_path, a=torch.zeros(40, 2), b=torch.zeros(40, 2)))
    assert_refused(safetensors(tmp_path, points=torch.zeros(40, 2), labels=torch.zeros(39)))
    assert_refused(safetensors(tmp_path, points=torch.full((40, 2), torch.nan)))


def test_a_locked_archive_is_refused(tmp_path):
    content = SOUND[".npz"].replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\x01\0")
    assert content != SOUND[".npz"]
    (tmp_path / "locked.npz").write_bytes(content)
    assert "encrypted" in outcome(tmp_path / "locked.npz")
