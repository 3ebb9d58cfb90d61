"""The studies in the user's folder: the folder itself where it is a study, and its subfolders.

Links that lead out of the folder are ignored.
"""

from pathlib import Path

from topoviz.session.checks import is_folder_name
from topoviz.session.studies import BEST, TRIALS, Study, Trial, is_study, read_study, study_stamp

__all__ = ["StudyFolders", "is_listed", "keeps_inside", "model_folder", "subfolders"]

_MODEL_FILES = ("model.safetensors", "sample.safetensors", "config.json", "metrics.json")


class StudyFolders:
    """The studies in a folder, read on demand and cached while unchanged. Thread-safe."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[Path, Study] = {}

    def all(self) -> tuple[Study, ...]:
        """Every study, by name; of two with the same name, the folder itself. Broken ones have a `problem`."""
        folders = ([self._root] if is_study(self._root) else []) + list(filter(is_study, subfolders(self._root)))
        found: dict[str, Study] = {}
        for folder in folders:
            study = self._study(folder)
            found.setdefault(study.name, study)
        return tuple(found.values())

    def hold(self, path: Path) -> bool:
        """Whether a subfolder is a study, or part of the study that the folder itself is."""
        return is_study(path) or (path.name in (TRIALS, BEST) and is_study(self._root))

    def trial(self, name: str) -> tuple[Study, Trial] | None:
        """The trial whose model has this name, such as `study/0007`, with its study."""
        wanted = name.partition("/")[0]
        folder = self._root
        if wanted != self._name(folder) or not is_study(folder):
            folder = self._root / wanted
            if not is_folder_name(wanted) or not is_listed(folder, self._root.resolve()) or not is_study(folder):
                return None
        study = self._study(folder)
        trial = next((trial for trial in study.trials if trial.model == name), None)
        return None if trial is None else (study, trial)

    def _study(self, folder: Path) -> Study:
        stamp, changed = study_stamp(folder)
        known = self._read.get(folder)
        if known is None or known.stamp != stamp:
            known = self._read[folder] = read_study(self._name(folder), folder, stamp, changed)
        return known

    def _name(self, folder: Path) -> str:
        """The name of a study: that of its folder, or 'study' where no model could have that name."""
        if folder != self._root:
            return folder.name
        name = folder.resolve().name
        return name if is_folder_name(name) else "study"


def model_folder(study: Study, trial: Trial) -> Path:
    """The folder of a trial's model."""
    return study.folder / TRIALS / f"{trial.number:04d}"


def keeps_inside(folder: Path, root: Path) -> bool:
    """Whether a model's folder and its files lie in `root`, after links are followed."""
    root = root.resolve()
    return all(path.resolve().is_relative_to(root) for path in (folder, *map(folder.joinpath, _MODEL_FILES)))


def subfolders(folder: Path) -> list[Path]:
    """The visible subfolders of `folder`; links that lead out of it are left out."""
    if not folder.is_dir():
        return []
    root = folder.resolve()
    return sorted(path for path in folder.iterdir() if is_listed(path, root))


def is_listed(path: Path, root: Path) -> bool:
    """Whether a path is a folder to read: not hidden, and inside `root` after links are followed."""
    return path.is_dir() and not path.name.startswith((".", "_")) and path.resolve().is_relative_to(root)
