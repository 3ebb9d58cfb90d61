"""A training that is killed goes on where its last checkpoint was, and a disk that fills costs nothing kept."""

import errno
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import core
import core.files
import core.training.convergence
from core.config import FlowAutoencoderConfig
from core.errors import InputError
from core.model.checkpoint import load_checkpoint, save_checkpoint
from core.training.run import train
from core.worlds import load_dataset

CONFIG = {"steps": 1500, "blocks": 4, "width": 16, "components": 8, "batch": 256}


def command(out, config, *more):
    return [
        *(sys.executable, "-m", "topoviz", "train", "islands-a", "--n", "2000", "--seed", "4"),
        *("--config", str(config), "--out", str(out), *more),
    ]


def metrics(out) -> dict:
    """The metrics of a model folder but for the time they took."""
    document = json.loads((out / "metrics.json").read_text())
    return {key: value for key, value in document.items() if key != "seconds"}


@pytest.mark.slow
def test_a_killed_training_ends_as_an_unbroken_one_does(tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG))
    broken = subprocess.Popen(command(tmp_path / "broken", config), stderr=subprocess.DEVNULL)
    checkpoint = tmp_path / "broken.checkpoint"
    while broken.poll() is None and not checkpoint.exists():
        time.sleep(0.05)
    broken.send_signal(signal.SIGKILL)
    broken.wait()
    assert broken.returncode == -signal.SIGKILL, "it ended before it could be killed"
    assert not (tmp_path / "broken").exists()
    subprocess.run(command(tmp_path / "broken", config, "--resume"), check=True, stderr=subprocess.DEVNULL)
    subprocess.run(command(tmp_path / "whole", config), check=True, stderr=subprocess.DEVNULL)
    assert metrics(tmp_path / "broken") == metrics(tmp_path / "whole")
    assert not checkpoint.exists()


@pytest.fixture
def full_disk(monkeypatch):
    """From here on, whatever is moved into place meets a full disk."""

    def fill() -> None:
        def refuse(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(core.files.os, "replace", refuse)

    return fill


def test_a_full_disk_keeps_the_last_checkpoint_and_the_model_before(tmp_path, full_disk):
    data = load_dataset("blob", n=400)
    config = FlowAutoencoderConfig(steps=20, blocks=2, width=8, components=4, batch=64)
    path = tmp_path / "run.checkpoint"
    steps = [step for step in train(data, config) if step.state is not None or step.model is not None]
    state = steps[0].state()
    save_checkpoint(path, state, data, config, 0)
    core.save_model(steps[-1].model, tmp_path / "model")
    full_disk()
    with pytest.raises(InputError, match=r"`run.checkpoint` cannot be written \(No space left on device\); make room"):
        save_checkpoint(path, {**state, "step": np.array([0, 0])}, data, config, 0)
    with pytest.raises(InputError, match="cannot be written"):
        core.save_model(steps[-1].model, tmp_path / "model")
    assert load_checkpoint(path, data, config, 0)["step"][0] == state["step"][0]
    assert core.load_model(tmp_path / "model").metrics["nll"] == steps[-1].model.metrics["nll"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["model", "run.checkpoint"]


@pytest.mark.slow
def test_a_torn_start_is_followed_by_others_and_each_can_be_resumed(monkeypatch):
    monkeypatch.setattr(core.training.convergence, "_TEAR", -1.0)
    data = load_dataset("trefoil", n=600)
    config = FlowAutoencoderConfig(pad=1, steps=30, blocks=2, width=8, components=6, batch=64)
    states, whole = [], None
    for step in train(data, config):
        states += [step.state()] if step.state is not None else []
        whole = step.model or whole
    assert whole.metrics["start"] == 2
    assert {int(state["step"][2]) for state in states} == {0, 1, 2}
    second = next(state for state in states if state["step"][2] == 1)
    *_, last = train(data, config, state=second)
    ours, theirs = ({k: v for k, v in model.metrics.items() if k != "seconds"} for model in (whole, last.model))
    assert ours == theirs


def test_a_sound_start_is_the_only_one(monkeypatch):
    monkeypatch.setattr(core.training.convergence, "_TEAR", np.inf)
    config = FlowAutoencoderConfig(pad=1, steps=30, blocks=2, width=8, components=6, batch=64)
    *_, last = train(load_dataset("blob", n=600), config)
    assert last.model.metrics["start"] == 0
