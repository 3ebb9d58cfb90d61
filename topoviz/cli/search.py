"""A search over priors, flows and their settings: a study folder, a report, the best model."""

import argparse
import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import core
from core.errors import invalid, need
from topoviz.cli.common import say

if TYPE_CHECKING:
    from core.search import Change, SearchConfig, Study, StudyFolder, Trial, Workers

__all__ = ["search"]

# What a worker must have in the same version as we do.
_MODULES = ("topoviz", "torch")


def search(arguments: argparse.Namespace) -> dict[str, Any]:
    """Search in a folder, from the beginning or on from where an earlier search there stood."""
    need("optuna", "search")
    from core.files import write_file
    from core.search import StudyFolder, opened
    from core.search import search as run
    from topoviz.report.search_report import report

    folder = StudyFolder(arguments.out)
    old = folder.read() if folder.has_study else None
    seed = _given(arguments.seed, None if old is None else old.seed, 0)
    n = arguments.n
    if n is None and old is not None and arguments.data == old.data.name:
        n = old.data.points
    dataset = core.load_dataset(arguments.data, seed=seed, n=n, key=arguments.key)
    config = _config(arguments, dataset, seed, old)
    study, resumed = opened(dataset, folder, config, arguments.scheduler)
    if resumed:
        left = study.trials_wanted - sum(study.count(state) for state in ("complete", "pruned", "failed"))
        say(f"{arguments.out} holds a study of these data; it goes on ({left} of {study.trials_wanted} trials left).")
    elif arguments.resume:
        say(f"there is no study in {arguments.out}; the search starts at the beginning.")
    for note in dataset.notes:
        say(note)
    with _workers(arguments, dataset) as workers:
        study = _follow(run(dataset, folder, workers, config), study.trials_wanted)
    write_file(report(study), folder.path / "report.html")
    return _summary(study, folder)


def _given(*values: Any) -> Any:
    """The first value that is one."""
    return next(value for value in values if value is not None)


def _config(arguments: argparse.Namespace, dataset: "core.Dataset", seed: int, old: "Study | None") -> "SearchConfig":
    """What the flags say, then what the study at hand was asked, then the defaults."""
    from core.files import read_json
    from core.search import SearchConfig, Space

    document: Any = {}
    if arguments.space is not None:
        document = read_json(arguments.space)
    elif old is not None:
        document = old.space
    if arguments.flows is not None:
        if not isinstance(document, dict):
            raise invalid("space", "a JSON object", type(document).__name__, 'write {"latent_dim": [1, 3]}')
        document = {**document, "flows": arguments.flows.split(",")}
    default = SearchConfig()
    return SearchConfig(
        trials=_given(arguments.trials, old and old.trials_wanted, default.trials),
        steps=_given(arguments.steps, old and old.steps, default.steps),
        seed=seed,
        criterion=_given(arguments.criterion, old and old.criterion, default.criterion),
        space=Space.of(dataset, document),
    )


@contextlib.contextmanager
def _workers(arguments: argparse.Namespace, dataset: "core.Dataset") -> Iterator["Workers"]:
    """Processes of this machine, or those of a scheduler."""
    from core.search import Cluster, Pool

    if arguments.scheduler is None:
        workers = Pool(dataset, arguments.workers)
    elif arguments.workers is not None:
        raise invalid("workers", "left out with --scheduler", arguments.workers, "a cluster brings its own")
    else:
        # We say ourselves, in one line, what Dask would log.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        workers = Cluster(arguments.scheduler, dataset, _MODULES)
    try:
        yield workers
    finally:
        workers.close()


def _follow(changes: Iterator["Change"], wanted: int) -> "Study":
    """A bar on a terminal; elsewhere a line for each trial that ends. Returns the study as it is in the end."""
    from tqdm import tqdm

    study = None
    # disable=None: tqdm is silent where stderr is no terminal.
    with tqdm(total=wanted, desc="searching", unit="trial", disable=None, leave=False) as bar:
        for change in changes:
            study, ended = change.study, len(change.study.trials) - change.study.count("running")
            bar.n = ended
            if study.best is not None:
                bar.set_postfix_str(f"best: {_line(study.best)}")
            bar.refresh()
            if change.trial is not None and bar.disable:
                say(f"{ended} of {wanted}: {_line(change.trial)}")
    if study is None:
        raise RuntimeError("the search ended before it began")
    return study


def _line(trial: "Trial") -> str:
    """A trial in a line."""
    head = f"trial {trial.number} {trial.state}"
    if trial.state == "failed":
        return f"{head}: {trial.error}"
    nll = "" if trial.nll is None else f", held-out NLL {trial.nll:.3f} nats"
    if trial.measures is None:
        return f"{head} after {trial.steps} steps{nll}"
    found = trial.measures
    many = "leaf" if found.leaves == 1 else "leaves"
    doubt = "" if found.converged else ", not converged"
    return f"{head}{nll}, critic {found.critic_loss:.3f}, {found.leaves} {many} ({trial.params['prior']}){doubt}"


def _summary(study: "Study", folder: "StudyFolder") -> dict[str, Any]:
    counts = {state: study.count(state) for state in ("complete", "pruned", "failed")}
    say(", ".join(f"{number} trials {state}" for state, number in counts.items()) + ".")
    best = study.best
    if best is not None:
        say(f"best by {study.criterion}: {_line(best)}; its model is {folder.path / 'best'}")
    if len(study.trials) < study.trials_wanted:
        say(f"the space holds no more than {len(study.trials)} different trials.")
    say(f"the report is {folder.path / 'report.html'}")
    return {"out": str(folder.path), **study.to_json()}
