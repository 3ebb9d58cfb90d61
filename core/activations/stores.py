"""Where collected activations go: into memory, or into a folder in which a run that was stopped goes on.

A folder holds an .npy file for each layer and `collected.json`, the record of how many batches and rows are in them.
Rows reach the disk before the record that counts them; what lies beyond the record is cut off by the next run.
"""

import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.activations.batches import Batch, chained
from core.activations.growing import GrowingArray
from core.errors import InputError, invalid
from core.files import atomic_file, read_json, write_json, written

__all__ = ["FolderStore", "MemoryStore"]

_RECORD = "collected.json"
_LABELS = "labels.npy"
_SECONDS_BETWEEN_RECORDS = 2.0
_LONGEST = 100
_ELSE = "collect into another folder"


@dataclass(frozen=True)
class _Record:
    """What is on the disk: of which run (`mark`), how much of it, the digest of the batches behind it, whether one had
    labels, the width of each layer, and how often it ran in a forward pass."""

    mark: str
    batches: int = 0
    rows: int = 0
    digest: str = ""
    labelled: bool = False  # codespell:ignore labelled
    finished: bool = False
    widths: dict[str, int] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)


class MemoryStore:
    """Activations held in memory, for runs that fit."""

    done = 0

    def __init__(self, layers: Iterable[str]) -> None:
        self._blocks: dict[str, list[np.ndarray]] = {name: [] for name in layers}
        self._labels: list[np.ndarray] = []
        self.rows, self.labeled, self.times = 0, False, {}

    def add(self, batch: Batch, tables: Mapping[str, np.ndarray], times: Mapping[str, int]) -> None:
        """Take what the layers said of a batch."""
        for name, table in tables.items():
            if (blocks := self._blocks[name]) and blocks[0].shape[1] != table.shape[1]:
                raise _other_width(name, batch, blocks[0].shape[1], table.shape[1])
            blocks.append(table)
        self._labels.append(_labels_of(batch))
        self.rows += batch.rows
        self.labeled |= batch.labels is not None
        self.times = dict(times)

    def finish(self) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """The tables by layer, and the labels where there were any."""
        tables = {name: np.concatenate(blocks) for name, blocks in self._blocks.items()}
        return tables, np.concatenate(self._labels) if self.labeled else None

    def close(self) -> None:
        """Nothing to do."""


class FolderStore:
    """Activations in a folder, taken up after the `done` batches that it has on record.

    `mark` tells runs apart. Raises `InputError` on a folder of another run, and on one that holds such files already.
    """

    def __init__(self, folder: Path, layers: Iterable[str], mark: str) -> None:
        self.paths = {name: folder / file for name, file in _file_names(layers).items()}
        self._folder = folder
        with written(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._record = self._taken_up(mark)
        # How many batches of the loader need not be run again.
        self.done = self._record.batches
        self._digest, self._skipped = "", 0
        self._arrays: dict[str, GrowingArray] = {}
        self._labels: GrowingArray | None = None
        self._recorded = time.monotonic()
        # Ahead of what is on the disk; recorded from time to time.
        self._now = self._record

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self._now.rows

    @property
    def times(self) -> dict[str, int]:
        """How often each layer ran in a forward pass, at most."""
        return self._now.times

    def skip(self, batch: Batch) -> None:
        """Pass over a batch that is there. Raises `InputError` where the last of them shows that others were."""
        self._digest = chained(self._digest, batch)
        self._skipped = batch.number
        if batch.number == self.done and self._digest != self._record.digest:
            raise invalid(
                "loader", "the one of the run that is taken up", "other batches", f"do not shuffle, or {_ELSE}"
            )

    def add(self, batch: Batch, tables: Mapping[str, np.ndarray], times: Mapping[str, int]) -> None:
        """Append what the layers said of a batch."""
        if not self._now.widths:
            self._now = replace(self._now, widths={name: table.shape[1] for name, table in tables.items()})
        for name, table in tables.items():
            if table.shape[1] != (width := self._now.widths[name]):
                raise _other_width(name, batch, width, table.shape[1])
        if self._labels is None:
            self._open()
        for name, table in tables.items():
            self._arrays[name].append(table)
        self._labels.append(_labels_of(batch))  # type: ignore[union-attr]
        self._digest = chained(self._digest, batch)
        most = {name: max(times[name], self._now.times.get(name, 0)) for name in tables}
        self._now = replace(
            self._now,
            batches=batch.number,
            rows=self._now.rows + batch.rows,
            digest=self._digest,
            labelled=self._now.labelled or batch.labels is not None,  # codespell:ignore labelled
            times=most,
        )
        if time.monotonic() - self._recorded >= _SECONDS_BETWEEN_RECORDS:
            self._save()

    def finish(self) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """The tables by layer, memory-mapped, and the labels where there were any."""
        if self._skipped < self.done:
            raise invalid("loader", f"at least the {self.done} batches on record", self._skipped, _ELSE)
        if self._labels is None:
            self._open()
        self._now = replace(self._now, finished=True)
        self._save()
        tables = {name: np.load(path, mmap_mode="r") for name, path in self.paths.items()}
        return tables, np.load(self._folder / _LABELS) if self._now.labelled else None  # codespell:ignore labelled

    def close(self) -> None:
        """Record what has come, and close the files."""
        try:
            if self._now.batches > self._record.batches:
                self._save()
        finally:
            for array in (*self._arrays.values(), *([self._labels] if self._labels else [])):
                array.close()

    def _taken_up(self, mark: str) -> _Record:
        """The record of the folder, or the first one."""
        path = self._folder / _RECORD
        if path.exists():
            record = _loaded(path)
            if record.mark != mark:
                got = f"{_RECORD} of another module, other layers or another `reduce`"
                raise invalid("out", "a folder of the same run, or an empty one", got, _ELSE)
            if record.batches and record.widths.keys() != self.paths.keys():
                raise _no_record(path)
            return record
        for place in (*self.paths.values(), self._folder / _LABELS):
            if place.exists():
                raise invalid("out", "a folder without such files", place.name, _ELSE)
        # Before the files, so that they are known to be ours.
        record = _Record(mark)
        write_json(asdict(record), path)
        return record

    def _open(self) -> None:
        rows, widths = self._record.rows, self._now.widths
        self._labels = GrowingArray(self._folder / _LABELS, (), np.int64, rows)
        for name, path in self.paths.items():
            self._arrays[name] = GrowingArray(path, (widths[name],), np.float32, rows)

    def _save(self) -> None:
        for array in (*self._arrays.values(), *([self._labels] if self._labels else [])):
            array.record(self._now.rows)
        path = self._folder / _RECORD
        with atomic_file(path) as temporary:
            write_json(asdict(self._now), temporary)
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
        self._record, self._recorded = self._now, time.monotonic()


def _loaded(path: Path) -> _Record:
    document: Any = read_json(path)
    kinds = {item.name: type(item.default) for item in fields(_Record)} | {"mark": str, "widths": dict, "times": dict}
    if (
        not isinstance(document, dict)
        or document.keys() != kinds.keys()
        or any(type(document[name]) is not kind for name, kind in kinds.items())
        or any(type(count) is not int for name in ("widths", "times") for count in document[name].values())
        or min(document["batches"], document["rows"], 0) < 0
    ):
        raise _no_record(path)
    return _Record(**document)


def _no_record(path: Path) -> InputError:
    return InputError(f"`{path.name}` is no record of collected activations; {_ELSE}.")


def _file_names(layers: Iterable[str]) -> dict[str, str]:
    """A file name for each layer: its own, where the system takes it and no other layer has it."""
    names: dict[str, str] = {}
    # Some systems do not tell capitals from small letters.
    used = {_LABELS}
    for layer in layers:
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", layer).lstrip(".")[:_LONGEST] or "module"
        tries = (f"{plain}{f'-{at}' if at else ''}.npy" for at in range(len(used) + 1))
        names[layer] = next(name for name in tries if name.lower() not in used)
        used.add(names[layer].lower())
    return names


def _labels_of(batch: Batch) -> np.ndarray:
    return np.full(batch.rows, -1, np.int64) if batch.labels is None else batch.labels


def _other_width(name: str, batch: Batch, expected: int, got: int) -> InputError:
    remedy = 'choose another `reduce` than "flatten", or inputs of one size'
    return invalid(f"layers: {name}", f"{expected} units wide", f"{got} in batch {batch.number}", remedy)
