"""AnnData files: tables dense and sparse, classes of observations, and HDF5 that means harm."""

import sys

import h5py
import numpy as np
import pytest
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.data import annotated, hdf, spool
from core.data.readers import read_dataset
from core.data.survey import read_table
from core.worlds import load_dataset
from zoo import outcome

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(50, 4)).astype(np.float32)
SPARSE = np.where(RNG.uniform(size=(50, 7)) < 0.3, RNG.normal(size=(50, 7)), 0).astype(np.float32)
CODES = np.arange(50) % 3


def write(path, **nodes):
    """A file with these data sets, under names whose double underscores are slashes."""
    with h5py.File(path, "w") as file:
        for name, value in nodes.items():
            file[name.replace("__", "/")] = value
    return path


def sparse(path, layout="csr", table=SPARSE, names=("encoding-type", "shape"), kind=None, **changes):
    made = scipy.sparse.coo_array(table).asformat(layout)
    parts = {"data": made.data, "indices": made.indices, "indptr": made.indptr} | changes
    with h5py.File(path, "w") as file:
        group = file.create_group("X")
        group.attrs.update({names[0]: kind or f"{layout}_matrix", names[1]: made.shape})
        for name, value in parts.items():
            group[name] = value
    return path


def categories(file, name, texts=("b", "a", "c"), codes=CODES):
    group = file.require_group(f"obs/{name}")
    group["codes"], group["categories"] = codes, list(texts)


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8", "i4", "u1"])
@pytest.mark.parametrize("options", [{}, {"compression": "gzip", "chunks": (7, 2)}, {"compression": "lzf"}])
def test_a_dense_table_is_read(tmp_path, dtype, options):
    points = np.abs(POINTS * 10).astype(dtype)
    with h5py.File(tmp_path / "a.h5ad", "w") as file:
        file.create_dataset("X", data=points, **options)
    np.testing.assert_array_equal(read_dataset(tmp_path / "a.h5ad").points, points.astype(np.float32))


@pytest.mark.parametrize("layout", ["csr", "csc"])
@pytest.mark.parametrize("names", [("encoding-type", "shape"), ("h5sparse_format", "h5sparse_shape")])
@pytest.mark.parametrize("large", [False, True])
def test_a_sparse_table_becomes_dense(tmp_path, monkeypatch, layout, names, large):
    if large:
        monkeypatch.setattr(spool, "LARGE_BYTES", 100)
        monkeypatch.setattr(spool, "BLOCK_BYTES", 100)
        monkeypatch.setattr(annotated, "_STORED", 11)
        monkeypatch.setattr(annotated, "_HELD", 2)
    kind = layout if names[0] == "h5sparse_format" else None
    read = read_dataset(sparse(tmp_path / "a.h5ad", layout, names=names, kind=kind))
    np.testing.assert_array_equal(read.points, SPARSE)
    assert isinstance(read.points, np.memmap) == large


@pytest.mark.parametrize("layout", ["csr", "csc"])
@given(seed=st.integers(0, 1000), share=st.sampled_from([0.0, 0.02, 0.5, 1.0]))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_sparse_table_becomes_dense(tmp_path, layout, seed, share):
    rng = np.random.default_rng(seed)
    table = np.where(rng.uniform(size=(40, 5)) < share, rng.normal(size=(40, 5)), 0).astype(np.float32)
    np.testing.assert_array_equal(read_dataset(sparse(tmp_path / "a.h5ad", layout, table)).points, table)


def test_a_large_dense_table_is_mapped_where_it_lies(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "LARGE_BYTES", 100)
    path = write(tmp_path / "a.h5ad", X=POINTS)
    before = read_dataset(path)
    assert str(before.points.filename) == str(path.resolve())
    np.testing.assert_array_equal(before.points, POINTS)


def test_a_key_chooses_the_table(tmp_path):
    path = write(tmp_path / "a.h5ad", X=POINTS, obsm__X_pca=2 * POINTS, layers__counts=3 * POINTS)
    np.testing.assert_array_equal(load_dataset(path, key="obsm/X_pca").points, 2 * POINTS)
    np.testing.assert_array_equal(load_dataset(path, key="layers/counts").points, 3 * POINTS)
    for key in ("obsm/none", "obsm", "obsm/../X", "/X", "a\0b", ""):
        assert outcome(path, key) or not key
    assert "X, obsm/X_pca, layers/counts" in outcome(path, "obsm/none")


def test_labels_are_those_of_the_observations(tmp_path):
    write(tmp_path / "a.h5ad", X=POINTS)
    with h5py.File(tmp_path / "a.h5ad", "a") as file:
        categories(file, "Label", codes=np.where(np.arange(50) == 7, -1, CODES))
        categories(file, "cluster", ("x", "y", "z"))
        categories(file, "batch", (10, 20, 30))
    read = read_dataset(tmp_path / "a.h5ad")
    np.testing.assert_array_equal(read.labels, np.where(np.arange(50) == 7, -1, np.array([1, 0, 2])[CODES]))
    assert read.notes[0].endswith("a, b, c.")
    table = read_table(tmp_path / "a.h5ad")
    assert {name: values[1].as_py() for name, values in table.labels} == {"Label": "a", "cluster": "y", "batch": "20"}


def test_labels_may_be_numbers(tmp_path):
    read = read_dataset(write(tmp_path / "a.h5ad", X=POINTS, obs__label=CODES, obs__size=POINTS[:, 0]))
    np.testing.assert_array_equal(read.labels, CODES)


def test_without_h5py_the_way_to_it_is_said(tmp_path, monkeypatch):
    path = write(tmp_path / "a.h5ad", X=POINTS)
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert outcome(path) == "`a.h5ad` needs h5py; install it with `pip install 'topoviz[h5ad]'`."


# -------------------------------------------------------------------- harm


def linked(make):
    def harm(path):
        write(path.with_name("secret.h5"), X=POINTS)
        with h5py.File(path, "w") as file:
            file["real"] = POINTS
            file["X"] = make(path.with_name("secret.h5"))

    return harm


def made(**options):
    def harm(path):
        with h5py.File(path, "w") as file:
            file.create_dataset("X", **options)

    return harm


def external(path):
    path.with_name("secret.bin").write_bytes(bytes(40 * 4 * 4))
    made(shape=(40, 4), dtype="f4", external=[(str(path.with_name("secret.bin")), 0, 40 * 16)])(path)


def virtual(path):
    write(path.with_name("secret.h5"), X=POINTS)
    layout = h5py.VirtualLayout((50, 4), "f4")
    layout[:] = h5py.VirtualSource(str(path.with_name("secret.h5")), "X", (50, 4))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("X", layout)


def inflating(path):
    """A chunk of gzip that unpacks to a gigabyte where it declares 640 bytes."""
    import zlib

    packer = zlib.compressobj(9)
    stored = b"".join(packer.compress(bytes(2**20)) for _ in range(1024)) + packer.flush()
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("X", (40, 4), "f4", chunks=(40, 4), compression="gzip")
        dataset.id.write_direct_chunk((0, 0), stored)


def inflating_within(path):
    """The same in a chunk whose declared size is above its stored one."""
    import zlib

    packer = zlib.compressobj(9)
    stored = b"".join(packer.compress(bytes(2**20)) for _ in range(512)) + packer.flush()
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("X", (500_000, 4), "f4", chunks=(500_000, 4), compression="gzip")
        dataset.id.write_direct_chunk((0, 0), stored)


def long_names(path):
    with h5py.File(path, "w") as file:
        file["X"] = POINTS
        categories(file, "label", ["x" * 1000] * 20_000)


def codes_beyond(path):
    with h5py.File(path, "w") as file:
        file["X"] = POINTS
        categories(file, "label", codes=CODES + 5)


def linked_label(path):
    with h5py.File(path, "w") as file:
        file["X"] = POINTS
        file["obs/label"] = h5py.ExternalLink("/etc/passwd", "x")


REFERENCE = h5py.special_dtype(ref=h5py.Reference)
HARM = {
    "a soft link": (linked(lambda _: h5py.SoftLink("/real")), "without links"),
    "an external link": (linked(lambda path: h5py.ExternalLink(str(path), "X")), "without links"),
    "a link as label": (linked_label, "without links"),
    "external storage": (external, "in another one"),
    "a virtual data set": (virtual, "in another one"),
    "another filter": (made(data=POINTS, compression="gzip", shuffle=True, chunks=True), "gzip or lzf"),
    "a checksum": (made(data=POINTS, fletcher32=True, chunks=True), "gzip or lzf"),
    "scale and offset": (made(data=np.zeros((40, 4), int), scaleoffset=0, chunks=True), "gzip or lzf"),
    "objects": (made(data=np.full((40, 2), "text", object), dtype=h5py.string_dtype()), "real numbers"),
    "references": (made(shape=(40, 2), dtype=REFERENCE), "real numbers"),
    "records": (made(shape=(40, 2), dtype=[("a", "f4")]), "real numbers"),
    "complex numbers": (made(shape=(40, 2), dtype="c8"), "real numbers"),
    "bytes": (made(shape=(40, 2), dtype="S5"), "real numbers"),
    "flat": (made(shape=(40,), dtype="f4"), "table"),
    "a scalar": (made(data=3.0), "table"),
    "empty": (made(data=h5py.Empty("f4")), "`a.h5ad`"),
    "many rows": (made(shape=(2**40, 4), dtype="f4", chunks=(100, 4)), "at most"),
    "many columns": (made(shape=(40, 2**30), dtype="f4", chunks=(1, 100)), "at most"),
    "much": (made(shape=(10**9, 60_000), dtype="f4", chunks=(100, 100)), "at most"),
    "large chunks": (made(shape=(10**8, 2), dtype="f4", chunks=(10**8, 2)), "in chunks of at most"),
    "a chunk that inflates": (inflating, "unpack to what they declare"),
    "a chunk that inflates within bounds": (inflating_within, "unpack to what they declare"),
    "no table": (lambda path: write(path, other=POINTS), "table `X`, got none"),
    "a plain group": (lambda path: write(path, X__values=POINTS), "a group in `X`"),
    "long names": (long_names, "characters of names"),
    "many classes": (
        lambda path: write(path, X=POINTS, obs__label__codes=CODES, obs__label__categories=np.arange(70_000)),
        "65,536 classes",
    ),
    "codes beyond": (codes_beyond, "without a name"),
    "indices beyond": (lambda path: sparse(path, indices=np.full((SPARSE != 0).sum(), 99)), "beyond its shape"),
    "indices below": (lambda path: sparse(path, indices=np.full((SPARSE != 0).sum(), -1)), "beyond its shape"),
    "columns beyond": (lambda path: sparse(path, "csc", indices=np.full((SPARSE != 0).sum(), 99)), "beyond its shape"),
    "fractional places": (lambda path: sparse(path, indices=np.zeros((SPARSE != 0).sum())), "whole numbers"),
    "few pointers": (lambda path: sparse(path, indptr=np.arange(4)), "do not fit"),
    "pointers backwards": (lambda path: sparse(path, indptr=np.arange(51)[::-1]), "follow one another"),
    "pointers beyond": (lambda path: sparse(path, indptr=np.arange(51) * 10**12), "follow one another"),
    "rows too full": (
        lambda path: sparse(
            path, data=np.ones(50), indices=np.zeros(50, int), indptr=np.minimum(np.arange(51), 1) * 50
        ),
        "follow one another",
    ),
    "sparse text": (lambda path: sparse(path, data=np.full((SPARSE != 0).sum(), b"x")), "real numbers"),
    "another layout": (lambda path: sparse(path, kind="coo_matrix"), "coo_matrix in `X`"),
    "a long layout": (lambda path: sparse(path, kind="x" * 10_000), "one (CSR or CSC)"),
}


@pytest.mark.parametrize("case", HARM)
def test_a_file_that_means_harm_is_refused_in_one_line(tmp_path, case):
    harm, expected = HARM[case]
    path = tmp_path / "a.h5ad"
    harm(path)
    text = outcome(path)
    assert expected in text
    assert "a.h5ad" in text
    assert text.isprintable()
    assert len(text) < 400


def test_a_table_never_written_fills_no_disk(tmp_path, monkeypatch):
    made(shape=(10**7, 100), dtype="f4", chunks=(1000, 100), compression="gzip")(tmp_path / "a.h5ad")
    monkeypatch.setattr(spool.shutil, "disk_usage", lambda _: type("", (), {"free": 10**6}))
    assert "free some space" in outcome(tmp_path / "a.h5ad")


def test_large_chunks_of_gzip_that_are_honest_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf, "_UNPACKED", 1000)
    with h5py.File(tmp_path / "a.h5ad", "w") as file:
        file.create_dataset("X", data=POINTS, chunks=(30, 4), compression="gzip")
    np.testing.assert_array_equal(read_dataset(tmp_path / "a.h5ad").points, POINTS)


@pytest.mark.parametrize("layout", ["dense", "csr"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path, layout, data):
    path = tmp_path / "a.h5ad"
    if layout == "csr":
        sparse(path)
    else:
        with h5py.File(path, "w") as file:
            file.create_dataset("X", data=POINTS, compression="gzip")
            categories(file, "label")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)) | st.just(len(content)))])
    assert (text := outcome(path)) == "" or ("a.h5ad" in text and text.isprintable())
