"""Examples and labels in a model's folder: kept for the rows that it shows, bounded, and damage is one line."""

import json
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from core.data import Dataset
from core.data.readers import read_dataset
from core.data.sidecars import Column, read_columns, sample_rows
from core.errors import InputError
from core.model.store import load_model, save_model
from topoviz.session.examples import given_examples, read_examples, write_examples
from topoviz.session.labels import attach_labels, given_labels, read_labels
from topoviz.session.pictures import difference, png, shrunk

POINTS = Dataset("forty", np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32))


@pytest.fixture
def folder(trained, tmp_path):
    """A model's folder, of 3,000 points."""
    save_model(trained["three-a"], tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def kept(trained):
    """The rows of the data that the model keeps."""
    return trained["three-a"].sample.rows


def pictures(n=3000):
    """Of row i one gray level, i modulo 256."""
    return np.broadcast_to((np.arange(n) % 256).astype(np.uint8)[:, None, None], (n, 4, 6))


# -------------------------------------------------------------------- the rows of the sample


def test_a_sample_knows_its_rows(trained, folder):
    from zoo import blobs

    sample = load_model(folder).sample
    assert sample.rows.dtype == np.int64
    np.testing.assert_array_equal(sample.points, blobs(1).points[sample.rows])


def test_a_model_from_before_still_loads_and_is_told_to_train_again(folder):
    extras = load_file(folder / "sample.safetensors")
    del extras["sample.rows"]
    save_file(extras, folder / "sample.safetensors")
    assert load_model(folder).sample.rows is None
    with pytest.raises(InputError, match="train it again"):
        sample_rows(folder, 3000)


@pytest.mark.parametrize("rows", [np.zeros(3, np.int64), np.zeros(3000, np.float32), np.full(3000, 5000)])
def test_rows_that_cannot_be_are_refused(folder, rows):
    extras = load_file(folder / "sample.safetensors")
    save_file(extras | {"sample.rows": rows}, folder / "sample.safetensors")
    with pytest.raises(InputError):
        load_model(folder) and sample_rows(folder, 3000)


# -------------------------------------------------------------------- round trips


def test_pictures_are_those_of_the_rows_that_are_kept(folder, kept):
    write_examples(folder, "image", pictures())
    found = read_examples(folder, len(kept))
    some = np.array([5, 0, 17])
    np.testing.assert_array_equal(found.images(some), pictures()[kept[some]])
    np.testing.assert_allclose(found.mean_image(some), pictures()[kept[some]].mean(0))


def test_pictures_of_floats_and_colors_become_bytes(folder, kept):
    values = np.random.default_rng(0).uniform(size=(3000, 3, 3, 3))
    write_examples(folder, "image", values)
    np.testing.assert_array_equal(
        read_examples(folder, len(kept)).images(np.arange(9)), np.round(255 * values[kept[:9]]).astype(np.uint8)
    )


def test_large_pictures_are_made_smaller():
    image = np.arange(200 * 100 * 3).reshape(1, 200, 100, 3) % 251
    small = shrunk(image.astype(np.uint8), 96)
    assert small.shape == (1, 66, 33, 3)
    np.testing.assert_allclose(small[0, 0, 0], image[0, :3, :3].mean((0, 1)), atol=0.51)


def test_texts_and_tables_come_back_as_lines(folder, kept):
    long = [f"row {row} \x1b[31m\n<b>bold</b> {'x' * 400}" for row in range(3000)]
    write_examples(folder, "text", long)
    text = read_examples(folder, len(kept)).texts[3]
    assert text.startswith(f"row {kept[3]} [31m <b>bold</b> xxx")
    assert text.endswith("…")
    assert len(text) == 280
    write_examples(folder, "table", {"row": np.arange(3000), "half": np.arange(3000) / 2, "word": long})
    found = read_examples(folder, len(kept))
    assert found.columns == ("row", "half", "word")
    assert found.rows[3][:2] == (str(kept[3]), f"{kept[3] / 2:.4g}")
    assert len(found.rows[3][2]) == 40


def test_labels_are_those_of_the_rows_that_are_kept(folder, kept):
    attach_labels(folder, Column("digit", np.arange(3000) % 20))
    labels = read_labels(folder)
    assert labels.column == "digit"
    assert [labels.names[value] for value in labels.values] == [str(row % 20) for row in kept]
    attach_labels(folder, Column("", [None if row % 3 else "a" for row in range(3000)]))
    labels = read_labels(folder)
    assert (labels.column, labels.names) == ("label", ("a",))
    assert labels.values == tuple(-1 if row % 3 else 0 for row in kept)


def test_a_model_without_examples_has_none(folder, kept):
    assert read_examples(folder, len(kept)) is None


def test_a_png_holds_its_picture():
    imageio = pytest.importorskip("imageio.v3")
    rng = np.random.default_rng(0)
    for shape in ((5, 7), (5, 7, 3)):
        image = rng.integers(0, 256, shape).astype(np.uint8)
        np.testing.assert_array_equal(imageio.imread(png(image), extension=".png"), image)
    red = difference(np.zeros((2, 2)), np.array([[0, 9], [9, 9]]))
    assert red[0, 0].tolist() == [247, 247, 247]
    assert red[1, 1, 0] > red[1, 1, 2]


# -------------------------------------------------------------------- wrong and hostile


def test_values_of_other_rows_are_refused(folder):
    for kind, values in (("image", pictures(10)), ("text", ["x"] * 10), ("table", {"x": [1] * 10})):
        with pytest.raises(InputError, match="3000"):
            write_examples(folder, kind, values)
    for bad in (np.zeros((3000, 4)), np.zeros((3000, 4, 4, 4)), np.full((3000, 2, 2), np.nan)):
        with pytest.raises(InputError, match="examples"):
            write_examples(folder, "image", bad)
    with pytest.raises(InputError, match="kind"):
        write_examples(folder, "sound", [])
    assert read_examples(folder, 3000) is None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"schema": 2, "kind": "text", "texts": []}',
        '{"schema": 1, "kind": "sound"}',
        '{"schema": 1, "kind": "text", "texts": "abc"}',
        '{"schema": 1, "kind": "text", "texts": ["a"]}',
        '{"schema": 1, "kind": "table", "columns": ["a", "b"], "rows": [["1"], ["2"], ["3"]]}',
        '{"schema": 1, "kind": "table", "columns": ["a"], "rows": [1, 2, 3]}',
        '{"schema": 1, "kind": "image"}',
        "[" * 100_000,
        '"' + "9" * (9 * 2**20) + '"',
    ],
)
def test_a_damaged_list_of_examples_is_one_line(tmp_path, text):
    (tmp_path / "examples.json").write_text(text)
    with pytest.raises(InputError) as told:
        read_examples(tmp_path, 3)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 300


@pytest.mark.parametrize(
    "arrays",
    [
        {"images": np.zeros((4, 2, 2), np.uint8)},
        {"images": np.zeros((3, 2, 2), np.float32)},
        {"images": np.zeros((3, 2, 2, 4), np.uint8)},
        {"images": np.zeros((3, 2), np.uint8)},
        {"images": np.zeros((3, 5000, 1), np.uint8)},
        {"images": np.zeros((3, 0, 2), np.uint8)},
        {"pictures": np.zeros((3, 2, 2), np.uint8)},
        None,
        b"\x00" * 40,
        struct.pack("<Q", 2**60) + b"{}",
    ],
)
def test_damaged_pictures_are_one_line(tmp_path, arrays):
    (tmp_path / "examples.json").write_text('{"schema": 1, "kind": "image", "count": 3}')
    if isinstance(arrays, dict):
        save_file(arrays, tmp_path / "examples.safetensors")
    elif arrays is not None:
        (tmp_path / "examples.safetensors").write_bytes(arrays)
    with pytest.raises(InputError, match="cannot be shown") as told:
        read_examples(tmp_path, 3)
    assert "\n" not in str(told.value)


# -------------------------------------------------------------------- sidecars of the data


def test_a_value_for_each_row_is_read_from_every_kind_of_file(tmp_path):
    words, numbers = [f"w{row % 4}" for row in range(40)], np.arange(40)
    (tmp_path / "bare.csv").write_text("\n".join(words) + "\n")
    (tmp_path / "named.csv").write_text("x,label\n" + "\n".join(f"{n},{w}" for n, w in enumerate(words)))
    (tmp_path / "list.json").write_text(json.dumps(words))
    (tmp_path / "rows.json").write_text(json.dumps([{"label": word} for word in words]))
    (tmp_path / "columns.json").write_text(json.dumps({"label": words, "why": "no list"}))
    pq.write_table(pa.table({"label": words, "n": numbers}), tmp_path / "t.parquet")
    np.save(tmp_path / "text.npy", np.array(words))
    np.savez(tmp_path / "z.npz", label=np.array(words), other=np.zeros(3))
    names = ("bare.csv", "named.csv", "list.json", "rows.json", "columns.json", "t.parquet", "text.npy", "z.npz")
    for name in names:
        column = given_labels(read_columns(tmp_path / name, POINTS, "--labels"))
        assert list(column.values) == words, name
    np.save(tmp_path / "numbers.npy", numbers)
    np.testing.assert_array_equal(given_labels(read_columns(tmp_path / "numbers.npy", POINTS, "x")).values, numbers)


def test_files_are_examples_of_what_they_hold(tmp_path):
    np.save(tmp_path / "images.npy", pictures(40))
    (tmp_path / "texts.json").write_text(json.dumps([f"text {row}" for row in range(40)]))
    (tmp_path / "table.csv").write_text("a,b\n" + "\n".join(f"{row},x" for row in range(40)))
    kinds = [
        given_examples(read_columns(tmp_path / name, POINTS, "--examples"))[0]
        for name in ("images.npy", "texts.json", "table.csv")
    ]
    assert kinds == ["image", "text", "table"]


def test_rows_that_the_reader_dropped_are_dropped_here_too(tmp_path):
    points = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    points[[3, 50]] = np.nan
    np.save(tmp_path / "points.npy", points)
    np.save(tmp_path / "labels.npy", np.arange(60))
    dataset = read_dataset(tmp_path / "points.npy")
    assert (dataset.file_rows, len(dataset)) == (60, 58)
    (column,) = read_columns(tmp_path / "labels.npy", dataset, "--labels")
    np.testing.assert_array_equal(points[column.values], dataset.points)
    (column,) = read_columns(tmp_path / "labels.npy", dataset.head(40), "--labels")
    np.testing.assert_array_equal(points[column.values], dataset.head(40).points)


def _hostile(folder):
    np.save(folder / "objects.npy", np.array([{"a": 1}] * 40), allow_pickle=True)
    np.save(folder / "short.npy", np.zeros(39))
    np.save(folder / "scalar.npy", np.float32(1))
    np.save(folder / "complex.npy", np.zeros(40, complex))
    (folder / "text.npy").write_text("no array")
    np.savez(folder / "none.npz", x=np.zeros(3))
    (folder / "no.npz").write_bytes(b"PK\x03\x04 broken")
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (40, 100000, 100000), }".ljust(117) + b"\n"
    with zipfile.ZipFile(folder / "bomb.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    (folder / "uneven.csv").write_text("a,b\n1,2\n3\n")
    (folder / "empty.csv").write_text("")
    (folder / "binary.csv").write_bytes(b"\xff\xfe\x00" * 50)
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "huge.json").write_text("[" + "9" * 400 + "]")
    (folder / "number.json").write_text("3")
    (folder / "broken.parquet").write_bytes(b"PAR1" + b"\x00" * 50 + b"PAR1")
    (folder / "labels.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    return sorted(path.name for path in folder.iterdir())


def test_hostile_sidecars_are_one_line_each(tmp_path):
    for name in [*_hostile(tmp_path), "missing.npy"]:
        with pytest.raises(InputError) as told:
            given_labels(read_columns(tmp_path / name, POINTS, "--labels"), "--labels")
        assert str(told.value).startswith(("`--labels`", f"`{name}`")), name
        assert "\n" not in str(told.value)


def test_which_column_holds_the_labels_must_be_clear(tmp_path):
    (tmp_path / "two.csv").write_text("a,b\n" + "\n".join("1,2" for _ in range(40)))
    np.save(tmp_path / "wide.npy", np.zeros((40, 3)))
    for name, told in (("two.csv", "columns a, b"), ("wide.npy", "one label a row")):
        with pytest.raises(InputError, match=told):
            given_labels(read_columns(tmp_path / name, POINTS, "--labels"))
