"""The process that trains one job: it reports, keeps what to go on from, and puts the model into its place."""

import errno
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import FlowAutoencoderConfig
from core.errors import InputError
from topoviz import resource
from topoviz.jobs.folders import JobFolder
from topoviz.jobs.processes import follow_parent, step_aside
from topoviz.session.convergence import doubt

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from core.data import Dataset
    from core.model.autoencoder import FlowAutoencoder
    from topoviz.jobs.folders import Job
    from topoviz.session.labels import Labels

__all__ = ["free_name", "run", "train_job"]

_CHECKPOINT_SECONDS = 5
_SHOWN = 600
_NO_MEMORY = "memory ran out; use fewer points or columns, or another flow."


def run(folder: Path, models: Path, answer: "Connection") -> None:
    """The whole of the spawned process; how it ended goes to `answer`."""
    from topoviz.jobs.progress import spare_a_processor

    follow_parent()
    step_aside()
    spare_a_processor()
    answer.send(train_job(JobFolder(folder), models))


def train_job(folder: JobFolder, models: Path) -> dict[str, Any]:
    """Train a job and say how it ended: `state` 'done' with the `model`'s name and maybe a `doubt`, or 'failed' with
    the `error` in one line."""
    try:
        model, labels = _trained(folder, folder.job)
        name = _put_in_place(folder, models, folder.job.name, model, labels)
        return {"state": "done", "model": name, "doubt": doubt(name, model.metrics)}
    except InputError as error:
        return {"state": "failed", "error": _called(folder, str(error))}
    except MemoryError:
        return {"state": "failed", "error": _NO_MEMORY}
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return {"state": "failed", "error": "the disk is full; make room, then resume."}
    except RuntimeError as error:
        # Torch has no error of its own for this.
        if "memory" not in str(error):
            raise
        return {"state": "failed", "error": _NO_MEMORY}
    finally:
        shutil.rmtree(folder.path / "model", ignore_errors=True)


def free_name(name: str, models: Path, taken: Callable[[str], bool] = lambda _: False) -> str:
    """`name`, or with a number behind it where that is taken: a shipped model would hide one of the same name."""
    folders = (models, resource("sample_data") / "models")
    free, count = name, 2
    while taken(free) or any((folder / free).exists() for folder in folders):
        free, count = f"{name}-{count}", count + 1
    return free


def _trained(folder: JobFolder, job: "Job") -> tuple["FlowAutoencoder", "Labels | None"]:
    from core.model.checkpoint import load_checkpoint, save_checkpoint
    from core.training import train

    config = FlowAutoencoderConfig.from_json(job.config)
    dataset, labels_of = _data(job)
    state = None
    if folder.checkpoint.is_file():
        try:
            state = load_checkpoint(folder.checkpoint, dataset, config, job.seed)
        except InputError:
            # Half written or of other data: the training begins anew, as the reports show.
            folder.clear()
    model, written = None, -float("inf")
    for step in train(dataset, config, seed=job.seed, state=state):
        latent = None if step.latent is None else step.latent[:_SHOWN].round(3).tolist()
        folder.append(_line(step), latent)
        if step.state is not None and time.monotonic() - written > _CHECKPOINT_SECONDS:
            try:
                save_checkpoint(folder.checkpoint, step.state(), dataset, config, job.seed)
            except (InputError, OSError):
                # Where there is no room for it, the training goes on without.
                folder.checkpoint.unlink(missing_ok=True)
            written = time.monotonic()
        model = step.model
    if model is None:
        raise InputError("training ended without a model; try again.")
    return _labeled(model, labels_of)


def _data(job: "Job") -> tuple["Dataset", "Callable[[Any], Labels | None] | None"]:
    """The data set of a job, and what gives the labels of some of its file's rows; those are its own `labels` until
    the model is trained, so that its sample tells which rows it shows."""
    from core.data.survey import read_table, survey
    from core.worlds import load_dataset
    from topoviz.session.labels import chosen_labels

    if not os.path.isabs(job.data):
        return load_dataset(job.data, seed=job.seed), None
    if not Path(job.data).is_file():
        raise InputError(f"{job.title} is no longer kept here; drop the file again.")
    table = read_table(job.data)
    features = job.features
    if features is None:
        features = tuple(at for at, column in enumerate(survey(table)) if not (column.problem or column.aside))
    dataset, rows = table.select(features)
    if job.label:
        # Told at once where there is no such column, not after the training.
        chosen_labels(table, job.label, rows[:1])
    dataset = replace(dataset, name=job.title, labels=rows)
    return dataset, (lambda chosen: chosen_labels(table, job.label, chosen)) if job.label else (lambda _: None)


def _labeled(
    model: "FlowAutoencoder", labels_of: "Callable[[Any], Labels | None] | None"
) -> tuple["FlowAutoencoder", "Labels | None"]:
    """The model with its classes in the place of row numbers, and its labels."""
    import numpy as np

    if labels_of is None or model.sample is None or model.sample.labels is None:
        return model, None
    labels = labels_of(model.sample.labels)
    classes = np.array(labels.values, np.int64) if labels is not None and labels.names else None
    return replace(model, sample=replace(model.sample, labels=classes)), labels


def _put_in_place(
    folder: JobFolder, models: Path, wanted: str, model: "FlowAutoencoder", labels: "Labels | None"
) -> str:
    """Write the model beside the job, then give it its name in one step, with its labels or not at all."""
    from core.model.store import save_model
    from topoviz.session.labels import write_labels

    made = folder.path / "model"
    save_model(model, made)
    if labels is not None:
        write_labels(made, labels)
    while True:
        name = free_name(wanted, models)
        try:
            made.rename(models / name)
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            continue
        return name


def _line(step: Any) -> dict[str, Any]:
    names = ("phase", "step", "steps", "train_nll", "heldout_nll", "seconds", "seconds_left")
    return {name: getattr(step, name) for name in names}


def _called(folder: JobFolder, text: str) -> str:
    """An error with the person's name of the file in the place of ours."""
    job = folder.job
    return text.replace(f"`{Path(job.data).name}`", f"`{job.title}`")
