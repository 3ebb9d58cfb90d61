"""Training in the background: it ends, it can be stopped, it says what went wrong."""

import time

import numpy as np
import pytest

from core.config import FlowAutoencoderConfig
from core.errors import InputError
from core.store import load_model
from topoviz.jobs import Jobs
from topoviz.library import Library
from topoviz.settings import Settings
from topoviz.verdict import verdict
from zoo import blobs

QUICK = FlowAutoencoderConfig(steps=20, blocks=2, width=8, components=4)
LONG = FlowAutoencoderConfig(steps=1_000_000)


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "blobs.npy"
    np.save(path, blobs(1, n=400).points)
    return path


@pytest.fixture
def jobs(tmp_path):
    return Jobs(Settings(models=tmp_path / "models"))


def wait(jobs, job, *states):
    for _ in range(600):
        status = jobs.status(job)
        if status.state in states:
            return status
        time.sleep(0.05)
    raise AssertionError(f"still {status.state}")


def test_a_finished_model_joins_the_library(jobs, data, tmp_path):
    job = jobs.start(jobs.upload("mine.NPY", data.read_bytes()), QUICK, 0, "mine")
    status = wait(jobs, job, "done", "failed")
    assert (status.state, status.error) == ("done", None)
    assert status.steps[-1]["phase"] == "done"
    found = verdict(load_model(tmp_path / "models" / "mine").metrics)
    assert (status.doubt is not None) == (found.converged is False)
    assert "mine" in {entry.name for entry in Library(Settings(models=tmp_path / "models")).entries()}


def test_one_runs_the_next_waits_and_both_can_be_stopped(jobs, data):
    first, second = (jobs.start(data, LONG, 0, "long") for _ in range(2))
    wait(jobs, first, "running")
    assert jobs.status(second).state == "queued"
    assert [status.name for status in jobs.all()] == ["long", "long-2"]
    jobs.cancel(second)
    jobs.cancel(first)
    assert wait(jobs, first, "cancelled", "failed").state == "cancelled"
    assert jobs.status(second).state == "cancelled"


def test_a_model_never_takes_the_name_of_a_shipped_one(jobs, data):
    job = jobs.start(data, LONG, 0, "islands-a")
    jobs.cancel(job)
    assert jobs.status(job).name == "islands-a-2"


def test_bad_data_fail_with_one_line(jobs, tmp_path):
    path = tmp_path / "bad.npy"
    path.write_bytes(b"nothing of the kind")
    status = wait(jobs, jobs.start(path, QUICK, 0, "bad"), "done", "failed")
    assert status.state == "failed"
    assert "\n" not in status.error


@pytest.mark.parametrize("name", ["../up", "", "_jobs", "a/b", "a/0001", ".hidden"])
def test_bad_names_are_refused(jobs, data, name):
    with pytest.raises(InputError):
        jobs.start(data, QUICK, 0, name)


def test_uploads_keep_nothing_of_their_name_but_its_kind(jobs, tmp_path):
    path = jobs.upload("../../evil name.csv", b"1,2\n")
    assert path.parent == tmp_path / "models" / "_jobs" / "uploads"
    assert "evil" not in path.name
    with pytest.raises(InputError):
        jobs.upload("model.pkl", b"")


def test_a_stranger_s_job_is_refused(jobs):
    with pytest.raises(InputError):
        jobs.status("../../x")


def test_an_upload_is_found_by_its_token_and_nothing_else_is(jobs, data, tmp_path):
    path = jobs.upload("mine.npy", data.read_bytes())
    assert jobs.uploaded(path.name) == path
    (tmp_path / "secret.npy").write_bytes(data.read_bytes())
    for token in ("../../../secret.npy", str(tmp_path / "secret.npy"), "", "none.npy"):
        with pytest.raises(InputError, match="upload"):
            jobs.uploaded(token)
