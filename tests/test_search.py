"""A search asks no trial twice and loses none, whatever is killed; it prunes, and what it reports is so."""

import io
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import optuna
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

import core
import core.search.trial
from core.config import choices
from core.errors import InputError
from core.gaussians import GaussianMixture
from core.search import (
    Measures,
    Outcome,
    Pool,
    Rung,
    SearchConfig,
    Space,
    Study,
    StudyFolder,
    Trial,
    run_rung,
    search,
)
from core.search.critic import critic_loss
from core.search.study import promoted
from core.search.workers import BrokenProcessPool
from topoviz.__main__ import main
from topoviz.report.search_report import report
from zoo import SPACE

STEPS, TRIALS = 40, 4
COMMAND = ["search", "blob", "--n", "300", "--steps", str(STEPS), "--trials", str(TRIALS), "--workers", "1"]


@cache
def blob():
    return core.load_dataset("blob", n=300)


@pytest.fixture(scope="module")
def data():
    return blob()


def config(data, **more):
    return SearchConfig(**{"trials": TRIALS, "steps": STEPS, "space": Space.of(data, SPACE), **more})


def timeless(study: Study | dict) -> dict:
    """A study as JSON but for what may differ between machines and ways."""
    document = study.to_json() if isinstance(study, Study) else study
    trials = [{key: trial[key] for key in trial if key not in ("seconds", "attempts")} for trial in document["trials"]]
    return {**document, "trials": trials, "scheduler": None}


def finished(changes) -> Study:
    *_, last = changes
    return last.study


class Lost(Exception):
    """A worker is gone."""


class Killed(BaseException):
    """The search is gone."""


class Scripted:
    """Workers that train nothing: a trial's likelihood is a function of its parameters and of the step. What `fate`
    says of (number, how often that was submitted) happens instead: an exception, or an error's text."""

    lost = (Lost,)
    address = None

    def __init__(self, slots=1, fate=None):
        self.slots, self.fate = slots, fate or {}
        self.submitted: list[Rung] = []

    def submit(self, rung: Rung) -> "Future[Outcome]":
        self.submitted.append(rung)
        count = sum(other.number == rung.number for other in self.submitted)
        fate = self.fate.get((rung.number, count))
        future: Future[Outcome] = Future()
        if isinstance(fate, Exception):
            future.set_exception(fate)
        elif fate is not None:
            future.set_result(Outcome(rung.number, error=fate))
        else:
            future.set_result(scripted_outcome(rung))
        return future

    def restarted(self):
        return []

    def check(self):
        pass

    def close(self):
        pass


def scripted_outcome(rung: Rung) -> Outcome:
    nll = abs(np.log(rung.config["learning_rate"] / 6e-3)) + 0.1 * rung.config["latent_dim"] + 1 / rung.until
    if not rung.last:
        return Outcome(rung.number, rung.until, 1.0, nll=nll, state=save({"step": np.array([rung.until])}))
    found = Measures(nll, 0.1, nll / 10, 1.0, True, (), 2, 1)
    return Outcome(rung.number, rung.until, 1.0, measures=found, files={"config.json": b"{}"})


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """The folder and the JSON document of a real search by the command line, with one process."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "space.json").write_text(json.dumps(SPACE))
    out, sys.stdout = sys.stdout, io.StringIO()
    try:
        assert main([*COMMAND, "--space", str(folder / "space.json"), "--out", str(folder / "out"), "--json"]) == 0
        document = json.loads(sys.stdout.getvalue())
    finally:
        sys.stdout = out
    return folder / "out", document


def test_a_search_writes_models_measures_and_the_best(whole, data):
    folder, document = whole
    assert document == {"out": str(folder), **json.loads((folder / "study.json").read_text())}
    trials = document["trials"]
    assert [trial["number"] for trial in trials] == list(range(TRIALS))
    assert {trial["state"] for trial in trials} == {"complete", "pruned"}
    assert {trial["seed"] for trial in trials} == {0}
    complete = [trial for trial in trials if trial["state"] == "complete"]
    for trial in complete:
        model = core.load_model(folder / trial["model"])
        assert trial["nll"] == model.metrics["nll"]
        assert trial["tree_stability"] == model.metrics["verdict"]["tree_support"]
        assert trial["reasons"] == model.metrics["verdict"]["reasons"]
        assert trial["leaves"] == len(core.level_set_tree(model).leaves)
        assert set(trial["tree_error"]) == {"missed", "spurious", "distance", "whole"}
        assert 0 <= trial["critic_loss"] <= 1
        assert trial["families"] == model.metrics.get("families")
        assert model.config.to_json() == {**model.config.to_json(), **trial["params"], "steps": STEPS, "batch": 64}
    best = min(complete, key=lambda trial: trial["nll"])
    assert document["best"] == best["number"]
    for name in ("model.safetensors", "config.json", "metrics.json"):
        assert (folder / "best" / name).read_bytes() == (folder / best["model"] / name).read_bytes()
    assert not (folder / "running").exists()


def test_measures_are_of_the_points_that_training_held_out(whole, data):
    model = core.load_model(whole[0] / "best")
    rows = core.search.trial.Rows(data.points, model.pad, np.random.default_rng([0, 1]))
    assert model.heldout_nll(data.points[rows.heldout]) == pytest.approx(model.metrics["nll"], abs=1e-6)


def test_the_study_can_be_read_back_and_opened_by_optuna(whole):
    folder, document = whole
    study = StudyFolder(folder).read()
    assert {"out": str(folder), **study.to_json()} == document
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "journal.log"))
    theirs = optuna.load_study(study_name="topoviz", storage=optuna.storages.JournalStorage(backend))
    ours = [trial.measures.nll for trial in study.trials if trial.measures is not None]
    assert [trial.value for trial in theirs.trials if trial.state.name == "COMPLETE"] == ours


def test_the_report_holds_all_trials_and_loads_nothing(whole):
    folder, document = whole
    text = (folder / "report.html").read_text("utf-8")
    assert f"Trial <b>{document['best']}</b> is best by likelihood" in text
    assert not re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=", text.replace("<script>", ""))
    for trial in document["trials"]:
        assert f"trial {trial['number']}, {trial['state']}" in text


def test_a_study_says_which_families_were_found_and_survives_its_json(data):
    weights = {"ring": 0.8, "blobs": 0.2}
    error = {"missed": 1, "spurious": 0, "distance": 0.25, "whole": False}
    found = Measures(1.0, 0.1, 0.2, 0.75, False, ("<b>no</b>",), 3, 1, error, weights)
    params = {**Space().start(0), "prior": "superposition"}
    trials = (
        Trial(0, params, 0, "complete", 40, ((4, 2.0),), 1, 2.5, measures=found, model="trials/0000"),
        Trial(1, params, 0, "failed", attempts=3, error="its worker was lost"),
        Trial(2, params, 0, "running"),
    )
    study = study_of(data, trials)
    assert Study.from_json(json.loads(json.dumps(study.to_json()))) == study
    text = report(study)
    assert "ring 0.80, blobs 0.20" in text
    assert "&lt;b&gt;no&lt;/b&gt;" in text
    assert "its worker was lost" in text


def test_a_finished_study_is_not_trained_again_and_takes_more_trials(whole, data, capsys):
    folder, document = whole
    before = (folder / "study.json").read_text()
    assert main(["search", "blob", "--out", str(folder), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == document
    assert "goes on (0 of 4 trials left)" in err
    assert (folder / "study.json").read_text() == before


@pytest.mark.slow
def test_a_killed_search_goes_on_to_the_same_study(whole, tmp_path):
    folder, document = whole
    out = tmp_path / "out"
    command = [sys.executable, "-m", "topoviz", *COMMAND, "--space", str(folder.parent / "space.json"), "--out", out]
    broken = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert broken.stderr is not None
    broken.stderr.readline()
    children = Path(f"/proc/{broken.pid}/task/{broken.pid}/children").read_text().split()
    broken.send_signal(signal.SIGKILL)
    broken.wait()
    broken.stderr.close()
    left = json.loads((out / "study.json").read_text())
    assert left["trials"][0]["state"] == "complete"
    assert len(left["trials"]) < TRIALS or any(trial["state"] == "running" for trial in left["trials"])
    deadline = time.monotonic() + 20
    while any(alive(int(child)) for child in children):
        assert time.monotonic() < deadline, "processes outlive the search that made them"
        time.sleep(0.05)
    models = {path.name: path.stat().st_mtime_ns for path in (out / "trials").iterdir()}
    run = subprocess.run([*command, "--resume"], check=True, capture_output=True, text=True)
    assert "it goes on" in run.stderr
    again = json.loads((out / "study.json").read_text())
    assert timeless(again) == timeless({key: document[key] for key in again})
    done = [trial for trial in left["trials"] if trial["state"] == "complete"]
    assert all((out / trial["model"]).stat().st_mtime_ns == models[trial["model"][7:]] for trial in done)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Murderous(Pool):
    """A pool, one of whose processes is killed while it is at the first last rung."""

    killed = 0

    def submit(self, rung: Rung) -> "Future[Outcome]":
        future = super().submit(rung)
        if rung.last and not self.killed:
            # Only the process of the one trial that runs is alive.
            (child,) = multiprocessing.active_children()
            self.killed = child.pid
            threading.Timer(0.2, os.kill, (child.pid, signal.SIGKILL)).start()
        return future


@pytest.mark.slow
def test_a_killed_worker_costs_one_rung_of_one_trial(whole, data, tmp_path):
    pool = Murderous(data, 1)
    try:
        study = finished(search(data, tmp_path / "out", pool, config(data, trials=2)))
    finally:
        pool.close()
    assert not alive(pool.killed)
    assert [trial.attempts for trial in study.trials] == [2, 1]
    assert timeless(study)["trials"] == timeless(whole[1])["trials"][:2]
    assert multiprocessing.active_children() == []


def test_a_trial_whose_worker_is_always_lost_fails_in_one_line(data, tmp_path):
    workers = Scripted(slots=2, fate={(1, count): Lost() for count in (1, 2, 3)})
    study = finished(search(data, tmp_path / "out", workers, config(data, trials=6)))
    assert [trial.number for trial in study.trials if trial.state == "failed"] == [1]
    assert study.trials[1].attempts == 3
    assert study.trials[1].error is not None
    assert study.trials[1].error.startswith("its worker was lost 3 times")
    assert sum(rung.number == 1 for rung in workers.submitted) == 3


def test_a_trial_that_fails_leaves_the_others_alone(data, tmp_path, capsys):
    workers = Scripted(fate={(1, 1): "training diverged at step 3; lower `learning_rate` (now 1.0)."})
    study = finished(search(data, tmp_path / "out", workers, config(data, trials=6)))
    assert [trial.state == "failed" for trial in study.trials] == [False, True, *[False] * 4]
    assert study.trials[1].error == "training diverged at step 3; lower `learning_rate` (now 1.0)."
    assert "training diverged at step 3" in report(study)


def test_where_every_trial_fails_that_is_said(data, tmp_path):
    workers = Scripted(fate={(number, 1): "no" for number in range(3)})
    with pytest.raises(InputError, match="no trial of 3 was completed; the last says: no"):
        finished(search(data, tmp_path / "out", workers, config(data, trials=3)))
    assert StudyFolder(tmp_path / "out").read().count("failed") == 3


def test_most_trials_are_pruned_and_save_most_of_the_steps(data, tmp_path):
    workers = Scripted()
    study = finished(search(data, tmp_path / "out", workers, config(data, trials=40, steps=900)))
    assert study.count("complete") + study.count("pruned") == 40
    assert 3 <= study.count("complete") <= 16
    assert sum(trial.steps for trial in study.trials) < 0.5 * 40 * 900
    for trial in study.trials:
        if trial.state == "pruned":
            at = len(trial.rungs) - 1
            before = [other.rungs[at][1] for other in study.trials[: trial.number] if len(other.rungs) > at]
            assert not promoted(trial.rungs[at][1], before)
    assert study.best == min((t for t in study.trials if t.measures), key=lambda t: t.nll)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40))
def test_a_third_goes_on_and_the_best_always(values):
    on = [promoted(value, values[:at]) for at, value in enumerate(values)]
    assert on[0]
    for at, value in enumerate(values):
        rank = sorted(values[: at + 1]).index(value) + 1
        if all(value < other for other in values[:at]):
            assert on[at]
        elif rank > max((at + 1) / 3, 1):
            assert not on[at]


def test_the_search_finds_what_the_script_rewards(data, tmp_path):
    study = finished(search(data, tmp_path / "out", Scripted(), config(data, trials=40)))
    best = study.best
    assert best is not None
    assert best.params["latent_dim"] == 1
    assert abs(np.log(best.params["learning_rate"] / 6e-3)) < 0.25


def test_no_parameters_are_trained_twice_even_where_the_space_is_small(data, tmp_path):
    small = {**SPACE, "width": [8, 8], "blocks": [2, 2], "components": [2, 4]}
    small |= {"learning_rate": [8e-3, 8e-3], "evenness": [0.05, 0.05]}
    space = Space.of(data, small)
    study = finished(search(data, tmp_path / "out", Scripted(), config(data, trials=20, space=space)))
    assert len(study.trials) == 2 * 3 * len(space.priors)
    assert len({json.dumps(dict(trial.params), sort_keys=True) for trial in study.trials}) == len(study.trials)


def test_searches_start_from_the_defaults_with_each_prior(data):
    space = Space.of(data)
    for number, prior in enumerate(space.priors):
        start = space.start(number)
        assert space.config(start, 3500).to_json() == {**core.FlowAutoencoderConfig().to_json(), "prior": prior}
    assert space.start(len(space.priors)) == {}


def test_the_criterion_chooses_the_best(data):
    measures = [Measures(nll, 0.1, critic, 1.0, True, (), 1, 0) for nll, critic in ((1.0, 0.3), (2.0, 0.0), (1.5, 0.0))]
    trials = tuple(Trial(at, {"prior": "mixture"}, 0, "complete", measures=found) for at, found in enumerate(measures))
    study = study_of(data, trials)
    assert study.best == trials[0]
    assert study_of(data, trials, criterion="critic").best == trials[2]


def study_of(data, trials, **more):
    from core.search import DataMark

    return Study(DataMark.of(data), 0, STEPS, len(trials), {}, trials=trials, **more)


class Dying(StudyFolder):
    """A folder whose owner is killed at one of its writes, before or after it."""

    def __init__(self, path, at: int, after: bool):
        super().__init__(path)
        self.left, self.after = at, after

    def write(self, study):
        self._dying(lambda: super(Dying, self).write(study))

    def write_state(self, *arguments):
        self._dying(lambda: super(Dying, self).write_state(*arguments))

    def write_model(self, *arguments):
        self._dying(lambda: super(Dying, self).write_model(*arguments))

    def _dying(self, write):
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Killed
        write()
        if self.left == 0:
            raise Killed


@settings(max_examples=12)
@given(at=st.integers(1, 25), after=st.booleans(), again=st.integers(1, 25))
def test_killed_at_any_write_it_ends_as_the_unbroken_one(tmp_path_factory, at, after, again):
    data, folder = blob(), tmp_path_factory.mktemp("dying")
    wanted = config(data, trials=6)
    unbroken = finished(search(data, folder / "unbroken", Scripted(), wanted))
    completed: list[int] = []
    for dying in (
        Dying(folder / "out", at, after),
        Dying(folder / "out", again, not after),
        StudyFolder(folder / "out"),
    ):
        workers = Scripted()
        try:
            study = finished(search(data, dying, workers, wanted))
        except Killed:
            seen = StudyFolder(folder / "out")
            if seen.has_study:
                completed = [trial.number for trial in seen.read().trials if trial.state != "running"]
            continue
        assert not {rung.number for rung in workers.submitted} & set(completed)
        break
    assert timeless(study) == timeless(unbroken)
    assert timeless(StudyFolder(folder / "out").read()) == timeless(unbroken)


@settings(max_examples=15)
@given(
    slots=st.integers(1, 4),
    fates=st.dictionaries(
        st.tuples(st.integers(0, 7), st.integers(1, 4)), st.sampled_from(["lost", "diverged"]), max_size=8
    ),
)
def test_whatever_happens_to_workers_every_trial_ends_once(tmp_path_factory, slots, fates):
    data = blob()
    fate = {key: Lost() if what == "lost" else what for key, what in fates.items() if key[0] > 0}
    workers = Scripted(slots, fate)
    folder = tmp_path_factory.mktemp("fates") / "out"
    ended = [change.trial.number for change in search(data, folder, workers, config(data, trials=8)) if change.trial]
    study = StudyFolder(folder).read()
    assert sorted(ended) == list(range(8))
    assert study.count("running") == 0
    assert all(1 <= trial.attempts <= 3 for trial in study.trials)
    for trial in study.trials:
        losses = sum(what == "lost" for (number, _), what in fates.items() if number == trial.number > 0)
        assert trial.attempts <= 1 + losses
    assert {path.name for path in (folder / "trials").iterdir()} == {
        f"{trial.number:04d}" for trial in study.trials if trial.state == "complete"
    }


def test_two_searches_do_not_share_a_folder(data, tmp_path):
    first = search(data, tmp_path / "out", Scripted(), config(data))
    next(first)
    with pytest.raises(InputError, match="another search is writing to `out`; wait for it"):
        next(search(data, tmp_path / "out", Scripted(), config(data)))
    first.close()
    finished(search(data, tmp_path / "out", Scripted(), config(data)))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"seed": 1}, "holds a study with `seed` 0, not 1; choose another folder"),
        ({"steps": 50}, "holds a study with `steps` 40, not 50"),
        ({"space": {**SPACE, "blocks": [2, 6]}}, r"holds a study with `blocks` \[2, 4\], not \[2, 6\]"),
    ],
)
def test_a_study_of_other_settings_is_refused_and_stays_as_it_is(data, tmp_path, more, message):
    finished(search(data, tmp_path / "out", Scripted(), config(data)))
    before = (tmp_path / "out" / "study.json").read_text()
    if "space" in more:
        more = {"space": Space.of(data, more["space"])}
    with pytest.raises(InputError, match=message):
        next(search(data, tmp_path / "out", Scripted(), config(data, **more)))
    assert (tmp_path / "out" / "study.json").read_text() == before


def test_a_study_of_other_data_is_refused(data, tmp_path):
    finished(search(data, tmp_path / "out", Scripted(), config(data)))
    with pytest.raises(InputError, match=r"`out` holds a study of other data \(blob, 300 points\); choose another"):
        next(search(core.load_dataset("blob", n=301), tmp_path / "out", Scripted(), config(data)))


BAD = [
    (["--trials", "0"], "`trials` must be a whole number from 1 to 100000, got 0"),
    (["--steps", "-1"], "`steps` must be a whole number from 1"),
    (["--seed", "-1"], "`seed` must be a whole number from 0"),
    (["--n", "20"], "at least 100 points"),
    (["--workers", "0"], "`workers` must be from 1 to"),
    (["--criterion", "luck"], "`criterion` must be likelihood or critic"),
    (["--flows", "coupling,rnvp"], "`flows` must be some of coupling, cnf, got coupling, rnvp"),
    (["--space", "none.json"], "`none.json` cannot be read"),
    (["--space", "list.json"], "`space` must be a JSON object"),
    (["--space", "key.json"], "`space` must be of known keys, got 'depth'"),
    (["--space", "range.json"], "`latent_dim` must be at most the data's 3 dimensions and 0 pads"),
    (["--space", "turned.json"], "`blocks` must be a least and a most, got [4, 2]"),
    (["--space", "text.json"], "`blocks` must be a list, got 'many'"),
    (["--space", "fixed.json"], "`fixed` must be of settings that are not searched, got 'blocks'"),
    (["--space", "wrong.json"], "`batch` must be from 16 to 65536, got 1"),
    (["--scheduler", "127.0.0.1:8786"], "`scheduler` must be an address like tcp://10.0.0.5:8786"),
    (["--scheduler", "tcp://127.0.0.1:1", "--workers", "2"], "`workers` must be left out with --scheduler"),
    (["--out", "file"], "`out` must be a folder"),
    (["--out", "stranger"], "`out` must be a new folder or that of a study"),
    (["--out", "damaged"], "the study's JSON is damaged"),
    (["--out", "newer"], "`study.schema` must be 1, got 2"),
]


@pytest.mark.parametrize(("flags", "message"), BAD, ids=[" ".join(flags) for flags, _ in BAD])
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, capsys, flags, message):
    monkeypatch.chdir(tmp_path)
    documents = {
        "list": [1],
        "key": {"depth": [1, 2]},
        "range": {"latent_dim": [1, 4]},
        "turned": {"blocks": [4, 2]},
        "text": {"blocks": "many"},
        "fixed": {"fixed": {"blocks": 3}},
        "wrong": {"fixed": {"batch": 1}},
    }
    for name, document in documents.items():
        Path(f"{name}.json").write_text(json.dumps(document))
    Path("file").touch()
    for name, content in (("stranger", None), ("damaged", {"schema": 1}), ("newer", {"schema": 2})):
        Path(name).mkdir()
        Path(name, "notes.txt" if content is None else "study.json").write_text(json.dumps(content))
    out = [] if "--out" in flags else ["--out", "out"]
    assert main(["search", "blob", *(["--n", "300"] if "--n" not in flags else []), *out, *flags]) == 2
    said = capsys.readouterr().err
    assert said.startswith("topoviz: ")
    assert message in said
    assert said.count("\n") == 1
    assert not Path("out").exists()


def rung(**settings) -> Rung:
    config = core.FlowAutoencoderConfig(
        **{"blocks": 2, "width": 8, "components": 2, "steps": 20, "batch": 64, **settings}
    )
    return Rung(0, config.to_json(), 0, 5, False)


@pytest.mark.parametrize("prior", choices("prior"))
def test_a_rung_that_goes_on_elsewhere_is_the_same_training(data, prior):
    first = run_rung(rung(prior=prior), data)
    assert first.step == 5
    there = run_rung(Rung(0, rung(prior=prior).config, 0, 10, False, first.state), data)
    whole = run_rung(Rung(0, rung(prior=prior).config, 0, 10, False), data)
    assert (there.step, there.nll, there.state) == (whole.step, whole.nll, whole.state)
    assert first.nll is not None
    assert there.nll is not None
    assert there.nll != first.nll


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (InputError("training diverged at step 3; lower it."), "training diverged at step 3; lower it."),
        (np.linalg.LinAlgError("Matrix is not\n positive definite"), "LinAlgError: Matrix is not positive definite"),
        (MemoryError("no"), "memory ran out: no"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "memory ran out: DefaultCPUAllocator"),
    ],
)
def test_what_a_configuration_is_to_blame_for_is_an_outcome(data, monkeypatch, fault, line):
    def faulty(*_):
        raise fault
        yield

    monkeypatch.setattr(core.search.trial, "train", faulty)
    outcome = run_rung(rung(), data)
    assert outcome.error is not None
    assert outcome.error.startswith(line)


def test_a_fault_of_our_own_is_not_hidden(data, monkeypatch):
    monkeypatch.setattr(core.search.trial, "train", None)
    with pytest.raises(TypeError):
        run_rung(rung(), data)


def test_a_model_that_could_not_be_read_again_is_not_sent(whole):
    model = core.load_model(whole[0] / "best")
    field = replace(model.input_field, log_density=np.full_like(model.input_field.log_density, np.nan))
    with pytest.raises(InputError, match=r"holds NaN or infinity in field\.log_density"):
        core.search.trial._files(replace(model, input_field=field))


def test_torch_says_of_its_memory_what_is_looked_for():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert core.search.trial._is_shortage(caught.value)


def test_optuna_missing_is_one_line(data, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"^`search` needs optuna; install it with `pip install 'topoviz\[search"):
        next(search(data, tmp_path / "out", Scripted(), config(data)))


def test_a_critic_tells_nothing_from_the_prior_itself_and_more_the_further_off_it_is():
    two = GaussianMixture(np.array([0.5, 0.5]), np.array([[-1.0, 0], [1, 0]]), np.array([np.eye(2) * 0.1] * 2))
    trained, heldout = two.sample(3000, 1), two.sample(400, 2)

    def moved(by: float) -> GaussianMixture:
        return GaussianMixture(two.weights, two.means + np.array([[by, 0], [0, 0]]), two.covariances)

    losses = [critic_loss(moved(by), trained, heldout) for by in (0.0, 0.4, 6.0)]
    assert losses[0] < 0.01
    assert losses[0] + 3 * losses[0].error < losses[1] < losses[2]
    # Half of the latents and half of the samples lie where none of the others do.
    assert losses[2] == pytest.approx(0.5, abs=0.05)
    assert critic_loss(moved(0.4), trained, heldout) == losses[1]


def test_broken_pools_are_what_a_pool_calls_lost():
    assert Pool.lost == (BrokenProcessPool,)
