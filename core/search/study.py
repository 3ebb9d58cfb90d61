"""The search itself: trials proposed, trained rung by rung on any workers, pruned, measured, and written down.

Asynchronous successive halving: every trial is weighed after a ninth and a third of its steps by its held-out
likelihood; one that is not in the best third of those weighed there before stops. The schedule of training does not
know of rungs, so that a rung is the beginning of the whole training, and all trials share one seed: they hold out the
same points, and differences between them are those of their parameters, not of the draw.
"""

from collections.abc import Generator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from core.config import FlowAutoencoderConfig
from core.data.dataset import Dataset
from core.errors import InputError
from core.search.advisor import Advisor
from core.search.folder import StudyFolder
from core.search.records import DataMark, Study, Trial
from core.search.space import Space
from core.search.trial import Outcome, Rung
from core.search.workers import Workers
from core.training.rows import check_data

__all__ = ["ATTEMPTS", "Change", "SearchConfig", "opened", "promoted", "search"]

ATTEMPTS = 3
"""How often a trial may begin a rung because its worker was lost, before it counts as failed."""
_KEPT = 3
_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True)
class SearchConfig:
    """How a search goes: how many `trials` of up to `steps` steps, the `seed` of all, the `space` they are drawn from
    (None: that for the data), the `criterion` of the best ('likelihood' or 'critic')."""

    trials: int = 40
    steps: int = FlowAutoencoderConfig.steps
    seed: int = 0
    criterion: str = "likelihood"
    space: Space | None = None

    @property
    def rungs(self) -> tuple[int, ...]:
        """The steps after which a trial is weighed, the last being the end."""
        return tuple(sorted({max(self.steps // _KEPT**power, 1) for power in (2, 1, 0)}))


@dataclass(frozen=True)
class Change:
    """A trial that ended (None before the first), and the study as it stands now."""

    study: Study
    trial: Trial | None = None


def opened(
    dataset: Dataset, folder: StudyFolder, config: SearchConfig, scheduler: str | None = None
) -> tuple[Study, bool]:
    """The study in a folder, or a new one, and whether it was there before.

    More trials may be asked of an old one, and its criterion may change. Raises `InputError` where it is of other data,
    another seed, other steps or another space.
    """
    space = config.space or Space.of(dataset)
    new = Study(
        data=DataMark.of(dataset),
        seed=config.seed,
        steps=config.steps,
        trials_wanted=config.trials,
        space=space.to_json(),
        criterion=config.criterion,
        scheduler=scheduler,
    )
    FlowAutoencoderConfig(steps=config.steps)
    check_data(dataset, FlowAutoencoderConfig(latent_dim=1))
    if not folder.has_study:
        return new, False
    old = folder.read()
    name = folder.path.name
    if old.data.mark != new.data.mark:
        raise InputError(
            f"`{name}` holds a study of other data ({old.data.name}, {old.data.points} points); choose another folder."
        )
    for key in ("seed", "steps", "space"):
        ours, theirs = getattr(new, key), getattr(old, key)
        if ours != theirs:
            raise InputError(f"`{name}` holds a study with {_difference(key, theirs, ours)}; choose another folder.")
    return replace(new, trials=old.trials, trials_wanted=max(config.trials, len(old.trials))), True


def _difference(key: str, theirs: object, ours: object) -> str:
    """Where two settings differ, for a person."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        key = next(each for each in ours if ours[each] != theirs.get(each))
        theirs, ours = theirs.get(key), ours[key]
    return f"`{key}` {theirs}, not {ours}"


def promoted(nll: float, others: list[float]) -> bool:
    """Whether a trial goes on from a rung where it has `nll` and `others` came before: it is in the best third, or the
    best of all.

    References
    ----------
    Li et al. (2020), A system for massively parallel hyperparameter tuning, arXiv:1810.05934.
    """
    rank = 1 + sum(other <= nll for other in others)
    return rank <= max((len(others) + 1) // _KEPT, 1)


def search(
    dataset: Dataset, folder: StudyFolder | Path | str, workers: Workers, config: SearchConfig | None = None
) -> Generator[Change, None, Study]:
    """Search in a folder, which another search may have begun; yields a `Change` for each trial that ends.

    Raises `InputError` where the folder belongs to something else, the workers are gone, or no trial was completed; the
    study is then as complete as it was, and the same call goes on with it.
    """
    folder = folder if isinstance(folder, StudyFolder) else StudyFolder(folder)
    config = config or SearchConfig()
    with folder.locked():
        study, _ = opened(dataset, folder, config, workers.address)
        driver = _Driver(dataset, folder, workers, config, study)
        try:
            yield from driver.run()
        finally:
            driver.advisor.close()
    if driver.study.best is None:
        last = next((trial.error for trial in reversed(driver.study.trials) if trial.error), "none says why")
        raise InputError(f"no trial of {len(driver.study.trials)} was completed; the last says: {last}")
    return driver.study


class _Driver:
    """What runs, and what is known: the one place that changes the study."""

    def __init__(
        self, dataset: Dataset, folder: StudyFolder, workers: Workers, config: SearchConfig, study: Study
    ) -> None:
        self.dataset, self.folder, self.workers, self.config, self.study = dataset, folder, workers, config, study
        self.space = config.space or Space.of(dataset)
        # Before all other files: they are a study's where there is one.
        folder.write(study)
        self.advisor = Advisor(folder.journal, self.space, config.seed, study.trials)
        self.waiting = [trial.number for trial in study.trials if trial.state == "running"]
        self.states: dict[int, bytes] = {}
        self.running: dict[int, Future[Outcome]] = {}
        self.done: SimpleQueue[tuple[int, Future[Outcome]]] = SimpleQueue()
        self.hopeless: set[int] = set()
        self.exhausted = False

    def run(self) -> Generator[Change, None, None]:
        """All trials that are wanted."""
        if self.study.best is not None:
            self.folder.write_best(self.study.best)
        for trial in self.study.trials:
            if trial.state == "running":
                self._take_up(trial)
        yield Change(self.study)
        while True:
            while len(self.running) < self.workers.slots and (number := self._next()) is not None:
                self._submit(number)
            if not self.running and not self.waiting and (self.exhausted or self._all_asked()):
                return
            trial = self._wait()
            if trial is not None:
                yield Change(self.study, trial)

    def _all_asked(self) -> bool:
        return len(self.study.trials) >= self.study.trials_wanted

    def _next(self) -> int | None:
        """The next trial to train: one that waits, or a new one."""
        if self.waiting:
            return self.waiting.pop(0)
        if self.exhausted or self._all_asked():
            return None
        number = len(self.study.trials)
        params = self.advisor.propose(number)
        if params is None:
            self.exhausted = True
            return None
        self._record(Trial(number, params, self.config.seed))
        return number

    def _take_up(self, trial: Trial) -> None:
        """Go on with a trial that was running: from its last rung, or from the beginning."""
        state = self.folder.read_state(trial, self.dataset, self._configured(trial))
        if state is not None:
            self.states[trial.number] = state

    def _configured(self, trial: Trial) -> FlowAutoencoderConfig:
        return self.space.config(trial.params, self.config.steps)

    def _submit(self, number: int) -> None:
        trial = self.study.trials[number]
        rungs = self.config.rungs
        at = min(len(trial.rungs), len(rungs) - 1)
        config = self._configured(trial).to_json()
        rung = Rung(number, config, trial.seed, rungs[at], at == len(rungs) - 1, self.states.get(number))
        future = self.workers.submit(rung)
        self.running[number] = future
        future.add_done_callback(partial(self._put, number))

    def _put(self, number: int, future: Future[Outcome]) -> None:
        self.done.put((number, future))

    def _wait(self) -> Trial | None:
        """Wait a moment for a rung to be done; the trial, where it has ended with it."""
        try:
            done = self.done.get(timeout=_PATIENCE_SECONDS)
        except Empty:
            done = None
            self.workers.check()
        for again in self.workers.restarted():
            self._count_loss(again)
        ended = None
        if done is not None and self.running.get(done[0]) is done[1]:
            ended = self._received(done[0])
        return ended or self._given_up()

    def _received(self, number: int) -> Trial | None:
        """What came of a rung that is done."""
        future = self.running.pop(number)
        try:
            outcome = future.result()
        except self.workers.lost:
            self.workers.check()
            self._count_loss(number)
            self.waiting.insert(0, number)
            return None
        return self._arrived(outcome)

    def _count_loss(self, number: int) -> None:
        """A worker was lost under a trial: that is one more attempt, or one too many."""
        trial = self.study.trials[number]
        if trial.state != "running":
            return
        if trial.attempts == ATTEMPTS:
            self.hopeless.add(number)
        else:
            self._record(replace(trial, attempts=trial.attempts + 1))

    def _given_up(self) -> Trial | None:
        """A trial that has lost its worker too often, now ended."""
        if not self.hopeless:
            return None
        number = self.hopeless.pop()
        trial = self.study.trials[number]
        if trial.state != "running":
            return None
        if number in self.waiting:
            self.waiting.remove(number)
        future = self.running.pop(number, None)
        if future is not None:
            future.cancel()
        error = f"its worker was lost {ATTEMPTS} times; if memory ran out, search smaller flows or fewer points"
        return self._ended(replace(trial, state="failed", error=error))

    def _arrived(self, outcome: Outcome) -> Trial | None:
        """A rung is done: the trial ends, or goes on to the next."""
        trial = self.study.trials[outcome.number]
        trial = replace(trial, seconds=trial.seconds + outcome.seconds, steps=max(outcome.step, trial.steps))
        if outcome.error is not None:
            return self._ended(replace(trial, state="failed", error=outcome.error))
        if outcome.files is not None and outcome.measures is not None:
            self.folder.write_model(trial.number, outcome.files)
            model = self.folder.model(trial)
            return self._ended(replace(trial, state="complete", measures=outcome.measures, model=model))
        assert outcome.nll is not None
        assert outcome.state is not None
        at = len(trial.rungs)
        others = [other.rungs[at][1] for other in self.study.trials if len(other.rungs) > at]
        trial = replace(trial, rungs=(*trial.rungs, (outcome.step, outcome.nll)))
        self.advisor.report(trial.number, outcome.step, outcome.nll)
        if not promoted(outcome.nll, others):
            return self._ended(replace(trial, state="pruned"))
        self.states[trial.number] = outcome.state
        self._record(trial)
        # Behind the record: a state that is older than the record is trained on to the same rung.
        self.folder.write_state(trial, outcome.state, self.dataset, self._configured(trial))
        self.waiting.insert(0, trial.number)
        return None

    def _record(self, trial: Trial) -> None:
        self.study = self.study.updated(trial)
        self.folder.write(self.study)

    def _ended(self, trial: Trial) -> Trial:
        before = self.study.best
        self._record(trial)
        self.advisor.tell(trial.number, trial.state, trial.nll)
        self.states.pop(trial.number, None)
        self.folder.drop_state(trial)
        best = self.study.best
        if best is not None and best != before:
            self.folder.write_best(best)
        return trial
