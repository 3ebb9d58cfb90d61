"""Files that a person brings: in pieces, bounded, told precisely, and hostile ones told in one line."""

import errno
import io
import json
import os
import pickle
import shutil
import struct
import time
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data.survey import read_table, survey
from core.errors import InputError
from topoviz.app.server import create_app
from topoviz.jobs.description import describe, described
from topoviz.jobs.uploads import CHUNK, Uploads, title_of
from topoviz.session.settings import Settings
from zoo import blobs

FULL = OSError(errno.ENOSPC, "No space left on device")
BYTES = {"Content-Type": "application/octet-stream"}
MIXED = "row,x,y,copy,year,kind,day,empty\n" + "".join(
    f"{i},{x},{(i * i) % 11},{x},7,{'ab'[i % 2]},2024-01-{1 + i % 28:02d},\n"
    for i, x in enumerate("" if i == 3 else i % 7 + 0.5 for i in range(60))
)


@pytest.fixture
def uploads(tmp_path):
    return Uploads(tmp_path / "uploads")


def sent(uploads, name, content):
    token = uploads.begin(name, len(content))
    for start in range(0, len(content), 1000):
        uploads.append(token, start, io.BytesIO(content[start : start + 1000]))
    uploads.finish(token)
    return token


def folders(tmp_path):
    return sorted(path.name for path in (tmp_path / "uploads").iterdir())


# -------------------------------------------------------------------- what is told of a file


def test_every_column_is_told_with_what_it_holds_and_why_it_is_left_out(tmp_path):
    path = tmp_path / "mixed.csv"
    path.write_text(MIXED)
    table = read_table(path)
    columns = {column.name: column for column in survey(table)}
    assert list(columns) == ["row", "x", "y", "copy", "year"]
    assert columns["x"].missing == columns["copy"].missing == 1
    assert (columns["x"].low, columns["x"].high) == (0.5, 6.5)
    assert sum(columns["y"].bins) == 60
    assert columns["copy"].problem == "repeats x"
    assert columns["year"].problem == "is constant (7)"
    assert columns["row"].aside == "counts the rows"
    assert [name for name, _ in table.labels] == ["kind"]
    assert dict(table.left_out) == {"day": "dates or times", "empty": "nothing"}


def test_a_description_names_all_that_is_dropped(tmp_path):
    path = tmp_path / "mixed.csv"
    path.write_text(MIXED)
    found = described(path)
    assert (found["rows"], found["features"], found["rows_dropped"]) == (60, [1, 2], 1)
    assert found["usable"] == [0, 1, 2]
    told = "\n".join(found["notes"])
    for part in ("1 of 60 rows", "copy: left out, it repeats x", "year: left out, it is constant", "day: left out"):
        assert part in told
    assert {"t0", "n0", "n1"} <= {one["key"] for one in found["labels"]}
    assert found["head"]["names"][-1] == "kind"
    assert len(found["head"]["rows"]) == 5
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("name", ["label", "Class", "species"])
def test_a_column_of_a_usual_name_becomes_the_label(tmp_path, name):
    path = tmp_path / "data.csv"
    path.write_text(f"x,y,{name}\n" + "".join(f"{i % 9},{i * i % 17},{i % 3}\n" for i in range(50)))
    found = described(path)
    assert (found["features"], found["label"]) == ([0, 1], "n2")


def test_the_chosen_columns_make_the_data_set(tmp_path):
    path = tmp_path / "mixed.csv"
    path.write_text(MIXED)
    table = read_table(path)
    data, rows = table.select([2, 1])
    assert data.columns == ("y", "x")
    assert len(data) == 59
    assert 3 not in rows
    np.testing.assert_array_equal(data.points, table.points[rows][:, [2, 1]])
    # Only a chosen column's gaps cost rows.
    assert len(table.select([2])[0]) == 60
    for wrong in ([], [1, 1], [9], [-1]):
        with pytest.raises(InputError, match="features"):
            table.select(wrong)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors", ".parquet"])
def test_every_kind_is_described(tmp_path, suffix):
    from safetensors.numpy import save_file

    points, labels = blobs(1, n=80).points, blobs(1, n=80).labels
    path = tmp_path / f"data{suffix}"
    if suffix == ".npy":
        np.save(path, points)
    elif suffix == ".npz":
        np.savez(path, points=points, labels=labels)
    elif suffix == ".safetensors":
        save_file({"points": points, "labels": labels}, path)
    else:
        table = {f"x{i}": points[:, i] for i in range(3)} | {"kind": [f"k{label}" for label in labels]}
        pq.write_table(pa.table(table | {"junk": [[[1.0]]] * 80}), path)
    found = described(path)
    assert (found["rows"], found["width"], found["features"]) == (80, 3, [0, 1, 2])
    assert [one["key"] for one in found["labels"] if one["key"][0] == "t"] == ([] if suffix == ".npy" else ["t0"])
    if suffix == ".parquet":
        assert any("nested" in note for note in found["notes"])


def test_very_many_columns_are_told_in_part(tmp_path):
    path = tmp_path / "wide.npy"
    np.save(path, np.random.default_rng(0).normal(size=(40, 300)).astype(np.float32))
    found = described(path)
    assert (found["width"], len(found["columns"]), len(found["features"])) == (300, 120, 300)


# -------------------------------------------------------------------- pieces


def test_an_upload_keeps_nothing_of_its_name_but_its_kind(uploads, tmp_path):
    token = sent(uploads, "../../evil<b>name.CSV", MIXED.encode())
    assert uploads.path(token) == tmp_path / "uploads" / token / "data.csv"
    assert uploads.name(token) == "evil<b>name.CSV"
    assert uploads.path(token).read_text() == MIXED


@pytest.mark.parametrize("name", ["model.pkl", "", "npy", "a.csv/", "a.csv\x00.exe", ".", "x" * 5000 + ".zip"])
def test_other_kinds_are_refused(uploads, tmp_path, name):
    with pytest.raises(InputError) as refused:
        uploads.begin(name, 10)
    assert len(str(refused.value)) < 400
    assert not (tmp_path / "uploads").exists() or folders(tmp_path) == []


@pytest.mark.parametrize("size", [0, -1, 2**50, True, None, "9", 1.5])
def test_other_sizes_are_refused(uploads, size):
    with pytest.raises(InputError):
        uploads.begin("a.csv", size)


def test_a_piece_out_of_place_or_beyond_the_end_is_refused(uploads, tmp_path):
    token = uploads.begin("a.csv", 10)
    assert uploads.append(token, 0, io.BytesIO(b"12345")) == 5
    with pytest.raises(InputError, match="5, the next byte"):
        uploads.append(token, 3, io.BytesIO(b"45"))
    assert uploads.received(token) == 5
    with pytest.raises(InputError, match="cut off"):
        uploads.finish(token)
    with pytest.raises(InputError):
        uploads.append(token, 5, io.BytesIO(b"6789012"))
    assert folders(tmp_path) == []


def test_a_piece_that_breaks_off_can_be_sent_on(uploads):
    class Breaking(io.BytesIO):
        def read(self, *_):
            if not self.tell():
                return super().read(4)
            raise ConnectionError("gone")

    content = MIXED.encode()
    token = uploads.begin("a.csv", len(content))
    there = uploads.append(token, 0, Breaking(content))
    assert there == uploads.received(token) == 4
    uploads.append(token, there, io.BytesIO(content[there:]))
    assert uploads.finish(token).read_bytes() == content


@pytest.mark.parametrize("token", ["", "..", "../../x", "a" * 31, "A/" * 16, "g" * 32, None, "٣" * 32])
def test_a_stranger_s_token_is_refused(uploads, token):
    for do in (uploads.path, uploads.finish, uploads.drop, uploads.description, uploads.name, uploads.received):
        with pytest.raises(InputError):
            do(token)


def test_a_full_disk_while_it_comes_drops_the_upload_with_one_line(uploads, tmp_path, monkeypatch):
    token = uploads.begin("a.csv", 100)

    class Full(io.FileIO):
        def write(self, _):
            raise FULL

    path = type(tmp_path)
    own = path.open
    monkeypatch.setattr(
        path, "open", lambda self, mode="r", *a, **k: Full(self, "ab") if mode == "ab" else own(self, mode, *a, **k)
    )
    with pytest.raises(InputError, match="No space left") as refused:
        uploads.append(token, 0, io.BytesIO(b"1" * 100))
    assert "\n" not in str(refused.value)
    assert folders(tmp_path) == []
    monkeypatch.undo()
    assert sent(uploads, "a.csv", MIXED.encode())


def test_a_disk_without_room_is_told_before_anything_is_sent(uploads, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 99, 1))
    with pytest.raises(InputError, match="no room"):
        uploads.begin("a.csv", 10)


def test_a_disk_with_no_room_for_a_folder_leaves_nothing(uploads, tmp_path, monkeypatch):
    def full(*_, **__):
        raise InputError("`upload.json` cannot be written (No space left on device); make room.")

    monkeypatch.setattr("topoviz.jobs.uploads.write_json", full)
    with pytest.raises(InputError, match="No space"):
        uploads.begin("a.csv", 10)
    assert folders(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting a small disk takes root")
def test_a_really_full_disk(tmp_path):
    import subprocess

    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", small], capture_output=True).returncode:
        pytest.skip("no mounting here")
    try:
        uploads = Uploads(small)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("topoviz.jobs.uploads._SPARE_BYTES", -(2**30))
            token = uploads.begin("a.csv", 2**20)
            with pytest.raises(InputError, match="make room"):
                uploads.append(token, 0, io.BytesIO(b"1" * 2**20))
            assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)


# -------------------------------------------------------------------- bounds on what is kept


def test_old_uploads_make_room_and_needed_ones_stay(tmp_path):
    needed = set()
    uploads = Uploads(tmp_path / "uploads", lambda: needed, most_kept=8000)
    first = sent(uploads, "a.csv", b"1" * 3000)
    second = sent(uploads, "b.csv", b"1" * 3000)
    os.utime(tmp_path / "uploads" / first, (time.time() - 500,) * 2)
    needed.add(uploads.path(first))
    third = sent(uploads, "c.csv", b"1" * 3000)
    assert folders(tmp_path) == sorted([first, third])
    needed.add(uploads.path(third))
    with pytest.raises(InputError, match="at most"):
        uploads.begin("d.csv", 3000)
    with pytest.raises(InputError):
        uploads.path(second)


def test_what_broke_off_is_swept_and_counts_while_it_comes(tmp_path):
    uploads = Uploads(tmp_path / "uploads", most_kept=9000)
    token = uploads.begin("a.csv", 5000)
    with pytest.raises(InputError, match="at most"):
        uploads.begin("b.csv", 5000)
    part = tmp_path / "uploads" / token / "part"
    os.utime(part, (time.time() - 7200,) * 2)
    other = uploads.begin("b.csv", 5000)
    assert folders(tmp_path) == [other]


def test_only_so_many_come_at_once(uploads):
    for _ in range(8):
        uploads.begin("a.csv", 5)
    with pytest.raises(InputError, match="at once"):
        uploads.begin("a.csv", 5)


# -------------------------------------------------------------------- hostile files


def bomb():
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("points.npy", "w") as member:
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (100000000, 3), }"
        header += b" " * (63 - (len(header) + 10) % 64 + 1) + b"\n"
        member.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        for _ in range(300):
            member.write(bytes(2**20))
    return memory.getvalue()


class Evil:
    def __reduce__(self):
        return (os.system, ("touch /tmp/topoviz-was-here",))


def pickled():
    memory = io.BytesIO()
    np.save(memory, np.array([Evil()], dtype=object), allow_pickle=True)
    return memory.getvalue()


def nested():
    memory = io.BytesIO()
    pq.write_table(pa.table({"junk": [[[{"a": [1]}]]] * 50}), memory)
    return memory.getvalue()


HOSTILE = {
    "pickled.npy": pickled(),
    "pickle.npy": pickle.dumps(list(range(100))),
    "bomb.npz": bomb,
    "cut.npz": b"PK\x03\x04" + b"\0" * 60,
    "lying.safetensors": struct.pack("<Q", 2**60) + b"{}" * 20,
    "beyond.safetensors": struct.pack("<Q", 80)
    + b'{"points":{"dtype":"F32","shape":[1000000,4],"data_offsets":[0,16000000]}}'.ljust(80)
    + b"1234",
    "wide.csv": b",".join([b"1"] * 1_000_000) + b"\n" + b"1\n" * 40,
    "formulas.csv": b"a,b\n" + b'=HYPERLINK("http://evil"),@SUM(1)\n' * 50,
    "binary.csv": bytes(range(256)) * 20,
    "few.csv": b"a,b\n1,2\n",
    "constant.csv": b"a,b\n" + b"1,2\n" * 50,
    "blank.csv": b"\n\n\n\n",
    "nested.parquet": nested(),
    "cut.parquet": b"PAR1" + b"\0" * 100 + b"PAR1",
    "long\u202ename<script>.csv": b"a;b\n" + b"x;y\n" * 50,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_get_one_line_with_their_own_name(tmp_path, name):
    content = HOSTILE[name]() if callable(HOSTILE[name]) else HOSTILE[name]
    path, out = tmp_path / f"data.{name.rsplit('.', 1)[-1]}", tmp_path / "table.json"
    path.write_bytes(content)
    describe(path, out, name)
    problem = json.loads(out.read_text())["problem"]
    assert name in problem
    assert "\n" not in problem
    assert "data." not in problem
    assert len(problem) < 500
    assert not os.path.exists("/tmp/topoviz-was-here")


def test_a_file_that_is_no_table_is_forgotten_and_the_next_is_read(uploads, tmp_path):
    token = sent(uploads, "mine.npy", HOSTILE["pickled.npy"])
    with pytest.raises(InputError, match=r"`mine\.npy`"):
        uploads.description(token)
    assert folders(tmp_path) == []
    token = sent(uploads, "mine.csv", MIXED.encode())
    assert uploads.description(token)["rows"] == 60


def test_a_reader_that_dies_is_no_matter_to_the_server(uploads, tmp_path, monkeypatch):
    token = sent(uploads, "mine.csv", MIXED.encode())
    monkeypatch.setattr("topoviz.jobs.uploads.multiprocessing.get_context", lambda _: _Dead())
    with pytest.raises(InputError, match=r"mine\.csv"):
        uploads.description(token)
    assert folders(tmp_path) == []


class _Dead:
    """A context whose processes are killed at once."""

    exitcode = -9

    def Process(self, **_):
        return self

    def start(self):
        pass

    def join(self, *_):
        pass

    def is_alive(self):
        return False


# -------------------------------------------------------------------- addresses


@pytest.fixture
def client(tmp_path):
    app = create_app(Settings(models=tmp_path / "models", open_browser=False))
    return app.server.test_client()


def test_a_file_comes_in_pieces_over_the_wire(client):
    content = MIXED.encode()
    begun = client.post("/uploads", json={"name": "mine.csv", "size": len(content)}).json
    assert begun["piece"] == CHUNK
    address = f"/uploads/{begun['token']}"
    assert client.put(f"{address}?offset=0", data=content[:100], headers=BYTES).json == {"received": 100}
    assert client.get(address).json == {"received": 100}
    assert client.put(f"{address}?offset=100", data=content[100:], headers=BYTES).json == {"received": len(content)}
    assert client.post(f"{address}/end", json={}).json == {"token": begun["token"], "name": "mine.csv"}
    assert client.delete(address).status_code == 200
    assert client.get(address).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "options", "code"),
    [
        ("post", "/uploads", {"data": "{}"}, 415),
        ("post", "/uploads", {"data": "name=a.csv", "content_type": "text/plain"}, 415),
        ("post", "/uploads", {"json": []}, 400),
        ("post", "/uploads", {"json": {"name": "a.csv"}}, 400),
        ("post", "/uploads", {"json": {"name": {"a": 1}, "size": 3}}, 400),
        ("put", "/uploads/" + "a" * 32 + "?offset=0", {"data": b"1", "content_type": "text/plain"}, 415),
        ("put", "/uploads/" + "a" * 32 + "?offset=0", {"data": b"1", "headers": BYTES}, 400),
        ("put", "/uploads/" + "a" * 32 + "?offset=-1", {"data": b"1", "headers": BYTES}, 400),
        ("put", "/uploads/" + "a" * 32, {"data": b"1", "headers": BYTES}, 400),
        ("put", "/uploads/" + "a" * 32 + "?offset=0", {"data": b"1" * (CHUNK + 1), "headers": BYTES}, 400),
        ("post", "/uploads/" + "a" * 32 + "/end", {"data": "x"}, 415),
        ("delete", "/uploads/../../x", {}, 405),
        ("get", "/labels/..%2f..%2fx", {}, 400),
        ("get", "/labels/no-such-model", {}, 400),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(client, method, path, options, code):
    answer = getattr(client, method)(path, **options)
    assert answer.status_code == code
    assert "\n" not in answer.json["error"]


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_foreign_page_can_bring_nothing(client, headers):
    assert client.post("/uploads", json={"name": "a.csv", "size": 3}, headers=headers).status_code == 403
    assert client.put("/uploads/x?offset=0", data=b"1", headers=BYTES | headers).status_code == 403
    assert client.delete("/uploads/x", headers=headers).status_code == 403


def test_a_model_without_labels_has_none(client):
    assert client.get("/labels/islands-a").json == {}


@pytest.mark.parametrize(
    ("name", "title"),
    [("flowers.csv", "flowers"), ("../a b.npy", "a-b"), ("<script>.csv", "script"), ("_.csv", "model"), ("", "model")],
)
def test_titles_are_names_that_a_model_may_have(name, title):
    assert title_of(name) == title
