"""Training in the background: a queue that outlives its server, ends, can be stopped, and says what went wrong."""

import errno
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from core.config import FlowAutoencoderConfig
from core.errors import InputError
from core.model.store import load_model
from topoviz.jobs.folders import Job, JobFolder, job_folders
from topoviz.jobs.queue import Jobs
from topoviz.jobs.training import train_job
from topoviz.session.convergence import verdict
from topoviz.session.labels import Labels, read_labels
from topoviz.session.library import Library
from topoviz.session.settings import Settings
from zoo import blobs

QUICK = FlowAutoencoderConfig(steps=20, blocks=2, width=8, components=4)
# Reports come 50 times on the way: now and then, but not for long.
LONG = FlowAutoencoderConfig(steps=10_000, blocks=2, width=8, components=4)
FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "blobs.npy"
    np.save(path, blobs(1, n=400).points)
    return path


@pytest.fixture
def table(tmp_path):
    """Two features, one of them with a missing value, a constant, and which of two clusters a row is of."""
    path = tmp_path / "flowers.csv"
    points = blobs(1, n=400).points
    kind = np.where(points[:, 0] > points[:, 0].mean(), "rose", "lily")
    rows = [f"{x:.5f},{y:.5f},7,{kind}" for (x, y), kind in zip(points[:, :2], kind, strict=True)]
    rows[3] = f",{rows[3].split(',', 1)[1]}"
    path.write_text("\n".join(["length,width,year,kind", *rows]) + "\n")
    return path


@pytest.fixture
def open_jobs(tmp_path):
    """A server's jobs over one folder; opening them again is what a restart does."""
    opened = []

    def start():
        if opened:
            opened[-1].close()
        opened.append(Jobs(Settings(models=tmp_path / "models")))
        return opened[-1]

    yield start
    for jobs in opened:
        jobs.close()


@pytest.fixture
def jobs(open_jobs):
    return open_jobs()


def until(condition):
    # Trainings let everything else on the machine go first: long enough for a busy one.
    for _ in range(3000):
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("it does not come")


def wait(jobs, job, *states):
    return until(lambda: (status := jobs.status(job)).state in states and status)


@pytest.fixture
def unjudged(monkeypatch):
    """Trainings in this process without their verdict, which takes longest."""
    monkeypatch.setattr("core.training.finish.verdict", lambda *_: {"converged": True, "torn_pairs": 0})


def written(tmp_path, **fields):
    """The folder of a job that no server works on."""
    job = Job(**{"name": "mine", "data": "blob", "title": "blob", "config": QUICK.to_json(), "seed": 0} | fields)
    return JobFolder.make(tmp_path / "models" / "_jobs", "a" * 32, job)


@pytest.mark.slow
def test_a_finished_model_joins_the_library(jobs, data, tmp_path):
    job = jobs.start(data, QUICK, 0, "mine", title="flowers.npy")
    status = wait(jobs, job, "done", "failed")
    assert (status.state, status.error, status.data) == ("done", None, "flowers.npy")
    assert status.steps[-1]["phase"] == "done"
    assert np.shape(status.steps[-1]["latent"])[1] == 2
    model = load_model(tmp_path / "models" / "mine")
    assert (status.doubt is not None) == (verdict(model.metrics).converged is False)
    assert model.metrics["dataset"] == "flowers.npy"
    assert model.sample.labels is None
    assert "mine" in {entry.name for entry in Library(Settings(models=tmp_path / "models")).entries()}


def test_the_labels_of_a_model_are_those_of_its_sample_s_rows(table, tmp_path, unjudged):
    (tmp_path / "models").mkdir()
    folder = written(tmp_path, data=str(table), title="flowers.csv", features=(0, 1), label="t0")
    assert train_job(folder, tmp_path / "models")["state"] == "done"
    model, labels = load_model(tmp_path / "models" / "mine"), read_labels(tmp_path / "models" / "mine")
    assert (labels.column, labels.names) == ("kind", ("lily", "rose"))
    rows = [line.split(",") for line in table.read_text().splitlines()[1:]]
    kinds = {(np.float32(x), np.float32(y)): kind for x, y, _, kind in rows if x}
    assert len(kinds) == 399
    told = [labels.names[value] for value in labels.values]
    assert told == [kinds[tuple(point)] for point in model.sample.points]
    assert model.sample.labels.tolist() == list(labels.values)
    assert model.data_dim == 2


def test_a_column_of_numbers_colors_as_a_scale(table, tmp_path, unjudged):
    (tmp_path / "models").mkdir()
    folder = written(tmp_path, data=str(table), features=(0, 1), label="n1")
    assert train_job(folder, tmp_path / "models")["state"] == "done"
    labels, model = read_labels(tmp_path / "models" / "mine"), load_model(tmp_path / "models" / "mine")
    assert (labels.column, labels.names) == ("width", ())
    np.testing.assert_array_equal(np.float32(labels.values), model.sample.points[:, 1])


@pytest.mark.parametrize("text", ["{", "[]", '{"names": 1, "values": []}', '{"names": []}', "9" * 5_000_000])
def test_damaged_labels_are_refused(tmp_path, text):
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(InputError, match="labels"):
        read_labels(tmp_path)


def test_labels_out_of_their_range_are_unknown(tmp_path):
    assert read_labels(tmp_path) is None
    (tmp_path / "labels.json").write_text('{"column": "c", "names": ["x"], "values": [0, 1, -1, "x", true, 1e400]}')
    assert read_labels(tmp_path) == Labels("c", ("x",), (0, -1, -1, -1, -1, -1))


def test_one_runs_the_next_waits_and_both_can_be_stopped(jobs, data):
    first, second = (jobs.start(data, LONG, 0, "long") for _ in range(2))
    wait(jobs, first, "running")
    assert jobs.status(second).state == "queued"
    assert [status.name for status in jobs.all()] == ["long", "long-2"]
    jobs.cancel(second)
    jobs.cancel(first)
    assert wait(jobs, first, "cancelled", "failed").state == "cancelled"
    assert jobs.status(second).state == "cancelled"


@pytest.mark.skipif(sys.platform == "win32", reason="niceness is of POSIX")
def test_a_training_lets_the_page_go_first(jobs, data):
    from multiprocessing import active_children

    job = jobs.start(data, LONG, 0, "long")
    until(lambda: jobs.status(job).steps)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert [os.getpriority(os.PRIO_PROCESS, child.pid) - own for child in active_children()] == [min(10, 19 - own)]
    jobs.cancel(job)
    wait(jobs, job, "cancelled")


@pytest.mark.slow
def test_a_restart_loses_nothing_and_a_resumed_job_goes_on(open_jobs, data, tmp_path):
    jobs = open_jobs()
    done = jobs.start(data, QUICK, 0, "done")
    wait(jobs, done, "done")
    running, waiting = jobs.start(data, LONG, 0, "running"), jobs.start(data, QUICK, 0, "waiting")
    folder = next(folder for folder in job_folders(tmp_path / "models" / "_jobs") if folder.id == running)
    until(folder.checkpoint.is_file)
    jobs.close()
    jobs = open_jobs()
    assert [status.id for status in jobs.all()] == [done, running, waiting]
    assert jobs.status(done).state == "done"
    interrupted = jobs.status(running)
    assert (interrupted.state, interrupted.resumable) == ("interrupted", True)
    wait(jobs, waiting, "done")
    reached = interrupted.steps[-1]["step"]
    jobs.resume(running)
    later = until(lambda: [s for s in jobs.status(running).steps if s["phase"] == "fit" and s["step"] > reached])
    assert later[0]["step"] > reached
    assert jobs.status(running).steps[0]["step"] <= reached
    jobs.cancel(running)
    wait(jobs, running, "cancelled", "done")


def test_a_server_that_is_killed_takes_its_training_with_it_and_leaves_it_to_be_resumed(open_jobs, data, tmp_path):
    program = f"""
        from topoviz.jobs.queue import Jobs
        from topoviz.session.settings import Settings
        from core.config import FlowAutoencoderConfig
        from pathlib import Path
        import multiprocessing, time
        if __name__ == "__main__":
            jobs = Jobs(Settings(models=Path({str(tmp_path / "models")!r})))
            config = FlowAutoencoderConfig(steps=10_000, blocks=2, width=8, components=4)
            job = jobs.start(Path({str(data)!r}), config, 0, "long")
            while not jobs.status(job).resumable and not list(Path({str(tmp_path)!r}).rglob("checkpoint.*")):
                time.sleep(0.1)
            print(multiprocessing.active_children()[0].pid, flush=True)
            time.sleep(600)
    """
    script = tmp_path / "server.py"
    script.write_text(textwrap.dedent(program))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment) as server:
        child = int(server.stdout.readline())
        second = Jobs(Settings(models=tmp_path / "models"))
        # A second server over the same folder does not take it for interrupted.
        assert [status.state for status in second.all()] == ["running"]
        second.close()
        server.kill()

    def gone():
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return True
        return sys.platform == "linux" and Path(f"/proc/{child}/stat").read_text().split()[2] == "Z"

    until(gone)
    status = open_jobs().all()[0]
    assert (status.state, status.resumable) == ("interrupted", True)


@pytest.mark.slow
def test_a_job_is_retried_with_the_same_settings_and_removed(jobs, data, tmp_path):
    job = jobs.start(data, QUICK, 7, "mine")
    jobs.cancel(job)
    assert wait(jobs, job, "cancelled", "done").state == "cancelled"
    jobs.retry(job)
    status = wait(jobs, job, "done", "failed")
    assert (status.state, status.seed, status.config) == ("done", 7, QUICK.to_json())
    # What is done is not done again.
    jobs.retry(job)
    assert jobs.status(job).state == "done"
    jobs.remove(job)
    assert jobs.all() == ()
    assert (tmp_path / "models" / "mine").is_dir()


def test_a_job_that_runs_cannot_be_removed(jobs, data):
    job = jobs.start(data, LONG, 0, "long")
    wait(jobs, job, "running")
    with pytest.raises(InputError, match="cancel"):
        jobs.remove(job)
    jobs.cancel(job)
    wait(jobs, job, "cancelled")


def test_a_model_never_takes_the_name_of_a_shipped_one(jobs, data):
    job = jobs.start(data, LONG, 0, "islands-a")
    jobs.cancel(job)
    assert jobs.status(job).name == "islands-a-2"


@pytest.mark.slow
def test_bad_data_fail_with_one_line_and_what_waits_goes_on(jobs, data, tmp_path):
    path = tmp_path / "bad.npy"
    path.write_bytes(b"nothing of the kind")
    bad, good = jobs.start(path, QUICK, 0, "bad", title="hers.npy"), jobs.start(data, QUICK, 0, "good")
    status = wait(jobs, bad, "done", "failed")
    assert status.state == "failed"
    assert "\n" not in status.error
    assert "`hers.npy`" in status.error
    assert wait(jobs, good, "done", "failed").state == "done"


def test_a_file_that_is_gone_says_so(tmp_path):
    ending = train_job(written(tmp_path, data=str(tmp_path / "gone.csv"), title="hers.csv"), tmp_path / "models")
    assert ending == {"state": "failed", "error": "hers.csv is no longer kept here; drop the file again."}


@pytest.mark.parametrize("label", ["n9", "t1", "x", "", "t-1", "n٣"])
def test_a_label_that_is_no_column_is_told_before_the_training(table, tmp_path, label, monkeypatch):
    monkeypatch.setattr("core.training.train", lambda *_, **__: iter(()))
    ending = train_job(written(tmp_path, data=str(table), features=(0, 1), label=label), tmp_path / "models")
    assert ending["state"] == "failed"
    assert ("label" in ending["error"]) == bool(label)


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (MemoryError(), "memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes."), "memory"),
        (InputError("training diverged at step 3; lower `learning_rate` (now 1.0)."), "diverged"),
        (FULL, "disk is full"),
    ],
)
def test_a_training_that_breaks_says_why_in_one_line(data, tmp_path, monkeypatch, raised, told):
    def broken(*_, **__):
        raise raised
        yield

    monkeypatch.setattr("core.training.train", broken)
    ending = train_job(written(tmp_path, data=str(data)), tmp_path / "models")
    assert ending["state"] == "failed"
    assert told in ending["error"]
    assert "\n" not in ending["error"]


def test_a_full_disk_at_the_end_leaves_no_half_model_and_the_way_to_resume(data, tmp_path, monkeypatch, unjudged):
    (tmp_path / "models").mkdir()
    folder = written(tmp_path, data=str(data))

    def full(*_, **__):
        raise FULL

    with monkeypatch.context() as patched:
        patched.setattr("core.model.store.save_file", full)
        ending = train_job(folder, tmp_path / "models")
    assert ending["state"] == "failed"
    assert "No space left" in ending["error"]
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["_jobs"]
    assert not (folder.path / "model").exists()
    assert folder.checkpoint.is_file()
    ending = train_job(folder, tmp_path / "models")
    assert (ending["state"], ending["model"]) == ("done", "mine")


def test_a_disk_too_full_to_report_does_not_stop_a_training(data, tmp_path, monkeypatch, unjudged):
    (tmp_path / "models").mkdir()
    folder = written(tmp_path, data=str(data))

    def full(*_, **__):
        raise InputError("`latent.json` cannot be written (No space left on device); make room.")

    monkeypatch.setattr("topoviz.jobs.folders.write_json", full)
    monkeypatch.setattr("core.model.checkpoint.save_file", lambda *_, **__: (_ for _ in ()).throw(FULL))
    assert train_job(folder, tmp_path / "models")["state"] == "done"
    assert not folder.checkpoint.exists()


def test_a_state_for_which_there_is_no_room_is_kept_in_mind(jobs, data, monkeypatch):
    job = jobs.start(data, LONG, 0, "long")
    wait(jobs, job, "running")

    def full(*_, **__):
        raise InputError("`state.json` cannot be written (No space left on device); make room.")

    monkeypatch.setattr(JobFolder, "write_state", full)
    jobs.cancel(job)
    assert wait(jobs, job, "cancelled").state == "cancelled"
    with pytest.raises(InputError, match="room"):
        jobs.start(data, QUICK, 0, "more")
    monkeypatch.undo()
    assert [status.id for status in jobs.all()] == [job]
    jobs.retry(job)
    wait(jobs, job, "running")
    jobs.cancel(job)
    wait(jobs, job, "cancelled")


def test_damaged_jobs_are_listed_and_can_be_removed(open_jobs, tmp_path):
    folder = written(tmp_path)
    (folder.path / "job.json").write_text("{")
    (folder.path / "state.json").write_text('{"state": "flying"}')
    (folder.path / "progress.jsonl").write_text('{"phase": "fit", "step": 1}\n{"phase": "f')
    jobs = open_jobs()
    (status,) = jobs.all()
    assert status.state == "failed"
    assert "\n" not in status.error
    jobs.remove(folder.id)
    assert jobs.all() == ()


def test_reports_that_were_gone_over_again_count_once(tmp_path):
    folder = written(tmp_path)
    for phase, step in (("start", 9), ("fit", 10), ("fit", 20), ("fit", 30), ("start", 9), ("fit", 10), ("fit", 20)):
        folder.append({"phase": phase, "step": step})
    assert [line["step"] for line in folder.lines() if line["phase"] == "fit"] == [10, 20]


@pytest.mark.parametrize("name", ["../up", "", "_jobs", "a/b", "a/0001", ".hidden"])
def test_bad_names_are_refused(jobs, data, name):
    with pytest.raises(InputError):
        jobs.start(data, QUICK, 0, name)


@pytest.mark.parametrize("job", ["../../x", "", None, "a" * 32, "uploads", 3])
def test_a_stranger_s_job_is_refused(jobs, job):
    for do in (jobs.status, jobs.cancel, jobs.resume, jobs.retry, jobs.remove):
        with pytest.raises(InputError):
            do(job)
