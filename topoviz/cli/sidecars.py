"""Sidecars of a data set, its labels and examples: read before a training, written into the model's folder after."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.columns import Column
from core.data.sidecars import read_columns
from topoviz.session.examples import Kind, given_examples, write_examples
from topoviz.session.labels import attach_labels, given_labels

if TYPE_CHECKING:
    from core.data import Dataset

__all__ = ["Sidecars", "read_sidecars"]


@dataclass(frozen=True, eq=False)
class Sidecars:
    """A label and an example for each point of a data set, None where none were given. `examples` are of `kind`."""

    labels: Column | None = None
    kind: Kind | None = None
    examples: Any = None

    def write(self, folder: Path) -> None:
        """Put them into the folder of the model that was trained on the data set."""
        if self.labels is not None:
            attach_labels(folder, self.labels)
        if self.kind is not None:
            write_examples(folder, self.kind, self.examples)


def read_sidecars(dataset: "Dataset", labels: Path | None, examples: Path | None, side: str = "") -> Sidecars:
    """What two files say of a data set's points. `side` is what the flags end in ('-a').

    Raises `InputError` in one line where a file is at fault, or has another number of rows than the data.
    """
    flag, chosen = f"--labels{side}", None
    if labels is not None:
        chosen = given_labels(read_columns(labels, dataset, flag), flag)
    flag = f"--examples{side}"
    if examples is None:
        return Sidecars(chosen)
    kind, values = given_examples(read_columns(examples, dataset, flag), flag)
    return Sidecars(chosen, kind, values)
