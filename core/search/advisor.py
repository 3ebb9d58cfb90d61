"""What Optuna does for a search: it proposes parameters from all that is known.

Each proposal is drawn with a seed of its own, so that it depends on what is known and on nothing else. The trials that
have ended are in a journal too, which Optuna's own tools can open; it is made anew when a search goes on, for the truth
is in the study.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import InputError, need
from core.search.records import State, Trial
from core.search.space import Space

if TYPE_CHECKING:
    from types import ModuleType

    from optuna.study import Study as OptunaStudy
    from optuna.trial import Trial as OptunaTrial

__all__ = ["Advisor"]

# Where the estimator proposes only what is known, chance takes over, and then it is enough.
_PROPOSALS, _BY_CHANCE = 10, 50


class Advisor:
    """Proposes the parameters of trials. Tree-structured Parzen estimator over all parameters together.

    References
    ----------
    Akiba et al. (2019), Optuna, arXiv:1907.10902; Watanabe (2023), Tree-structured Parzen estimator, arXiv:2304.11127.
    """

    def __init__(self, journal: Path, space: Space, seed: int, trials: Iterable[Trial] = ()) -> None:
        need("optuna", "search")
        import optuna

        self._optuna = optuna
        self._space, self._seed = space, seed
        self._asked: dict[int, OptunaTrial] = {}
        self._known: set[str] = set()
        self._verbosity = self._optuna.logging.get_verbosity()
        self._optuna.logging.set_verbosity(self._optuna.logging.WARNING)
        self._study = self._optuna.create_study(direction="minimize")
        self._journal = _fresh(self._optuna, journal)
        for trial in trials:
            self._tell_anew(trial)

    def propose(self, number: int) -> dict[str, Any] | None:
        """Parameters for trial `number` that no other trial has; None where the space seems to hold no more."""
        samplers = self._optuna.samplers
        for proposal in range(_PROPOSALS + _BY_CHANCE):
            sampler = samplers.TPESampler if proposal < _PROPOSALS else samplers.RandomSampler
            self._study.sampler = sampler(seed=_seed(self._seed, number, proposal))
            start = self._space.start(number) if proposal == 0 else {}
            if start:
                self._study.enqueue_trial(start)
            asked = self._study.ask()
            params = self._space.suggest(asked)
            if _key(params) not in self._known:
                self._known.add(_key(params))
                self._asked[number] = asked
                return params
            self._study.tell(asked, state=self._optuna.trial.TrialState.FAIL)
        return None

    def report(self, number: int, step: int, nll: float) -> None:
        """Tell how a running trial does."""
        self._asked[number].report(nll, step)

    def tell(self, number: int, state: State, nll: float | None) -> None:
        """Tell how a trial ended."""
        states = self._optuna.trial.TrialState
        ended = {"complete": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}[state]
        value = nll if state == "complete" else None
        self._journal.add_trial(self._study.tell(self._asked.pop(number), value, state=ended))

    def close(self) -> None:
        """Leave Optuna's settings as they were."""
        self._optuna.logging.set_verbosity(self._verbosity)

    def _tell_anew(self, trial: Trial) -> None:
        self._known.add(_key(trial.params))
        self._study.enqueue_trial(dict(trial.params))
        self._asked[trial.number] = asked = self._study.ask()
        if _key(self._space.suggest(asked)) != _key(trial.params):
            raise InputError(f"trial {trial.number} lies outside of the study's space; begin another in a new folder.")
        for step, nll in trial.rungs:
            asked.report(nll, step)
        if trial.state != "running":
            self.tell(trial.number, trial.state, trial.nll)


def _fresh(optuna: "ModuleType", journal: Path) -> "OptunaStudy":
    """An empty study with a journal at `journal`."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    for old in journal.parent.glob(f"{journal.name}*"):
        old.unlink()
    storage = JournalStorage(JournalFileBackend(str(journal)))
    return optuna.create_study(storage=storage, study_name="topoviz", direction="minimize")


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def _key(params: Mapping[str, Any]) -> str:
    return json.dumps(dict(params), sort_keys=True)
