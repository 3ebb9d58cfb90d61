"""What a page tells of a file before anything is trained on it: its columns, its first rows, a few points, and what
would be dropped and why. Read in a process that may be lost.
"""

from pathlib import Path
from typing import Any

import numpy as np

from core.data.names import label_column
from core.errors import InputError
from topoviz.jobs.processes import step_aside

__all__ = ["MOST_COLUMNS", "describe", "described"]

MOST_COLUMNS = 120
_ROWS, _WIDE, _DOTS = 5, 12, 400


def describe(path: Path, out: Path, name: str) -> None:
    """Write to `out`, as JSON, `described` of the file at `path`, or as its `problem` one line with the person's `name`
    of it. The whole of a spawned process."""
    from core.files import write_json

    step_aside()
    try:
        document = described(path)
    except InputError as error:
        document = {"problem": str(error).replace(f"`{path.name}`", f"`{name}`")}
    except MemoryError:
        document = {"problem": f"`{name}` takes more memory than there is; give fewer rows or columns."}
    write_json(document, out)


def described(path: Path) -> dict[str, Any]:
    """What is in a file, as JSON values.

    `rows`; `columns`, of numbers: `name`, `kind`, `low`, `high`, `missing`, `bins` (counts over the range), `problem`
    and `aside` as of `core.data.survey.Column`, and of the first 120 only; `width`, how many there are; `features`, the
    numbers of those that are taken unless asked otherwise, and how many `rows_dropped` then; `labels`, what may color
    points: `key`, `name`, `what`; `label`, the usual one's key; `notes`, sentences on what was left out; `head`, the
    first rows as texts; `dots`, a few points in two columns. Raises `InputError`.
    """
    from core.data.survey import read_table, survey

    table = read_table(path)
    columns = survey(table)
    usual = [label_column([name]) is not None for name in table.columns]
    features = [at for at, c in enumerate(columns) if not (c.problem or c.aside or (usual[at] and c.classes))]
    if not features:
        features = [at for at, column in enumerate(columns) if not column.problem]
    if not features:
        raise InputError(f"`{path.name}` has no column that varies; check that its values are numbers.")
    labels = _labels(table, columns)
    held = [at for at, column in enumerate(columns) if column.classes and not column.problem]
    place = label_column([table.columns[at] for at in held])
    texts = (one["key"] for one in labels if one["key"][0] == "t" and one["usual"])
    label = next(texts, "") if place is None else f"n{held[place]}"
    points = np.asarray(table.points[:, features[:2]])
    dropped = _dropped(table.points, features)
    return {
        "rows": len(table),
        "width": len(columns),
        "columns": [_column(column) for column in columns[:MOST_COLUMNS]],
        "usable": [at for at, column in enumerate(columns) if not column.problem],
        "features": features,
        "rows_dropped": dropped,
        "labels": labels,
        "label": label,
        "notes": _notes(table, columns, features, dropped),
        "head": _head(table, path),
        "dots": _dots(points),
    }


def _column(column: Any) -> dict[str, Any]:
    kind = "whole numbers" if column.whole else "numbers"
    if column.whole and (column.low, column.high) == (0, 1):
        kind = "0 or 1"
    return {
        "name": column.name,
        "kind": kind,
        "low": column.low,
        "high": column.high,
        "missing": column.missing,
        "bins": list(column.bins),
        "problem": column.problem,
        "aside": column.aside,
    }


def _labels(table: Any, columns: Any) -> list[dict[str, Any]]:
    """What may color the points."""
    found = []
    for at, (name, values) in enumerate(table.labels):
        texts = values.tolist()
        distinct = {text for text in texts if text is not None and text != ""}
        usual = 1 < len(distinct) <= max(64, len(texts) // 20)
        found.append({"key": f"t{at}", "name": name, "what": f"text, {len(distinct):,} values", "usual": usual})
    for at, column in enumerate(columns[:MOST_COLUMNS]):
        if not column.problem:
            what = f"{column.distinct} classes" if column.classes else "numbers"
            found.append({"key": f"n{at}", "name": column.name, "what": what, "usual": False})
    return found


def _notes(table: Any, columns: Any, features: list[int], dropped: int) -> list[str]:
    """A sentence on everything that is not taken, and why."""
    notes = []
    if dropped:
        worst = max(features, key=lambda at: columns[at].missing)
        most = f", most of them for {columns[worst].name} ({columns[worst].missing:,})" if len(features) > 1 else ""
        notes.append(f"{dropped:,} of {len(table):,} rows hold NaN or infinity and are left out{most}.")
    why: dict[str, list[str]] = {}
    for column in columns:
        if column.problem or column.aside:
            why.setdefault(column.problem or column.aside, []).append(column.name)
    for reason, names in why.items():
        notes.append(f"{_listed(names)}: left out, {'it' if len(names) == 1 else 'each'} {reason}.")
    for kind in dict.fromkeys(kind for _, kind in table.left_out):
        names = [name for name, held in table.left_out if held == kind]
        notes.append(f"{_listed(names)}: left out, no numbers but {kind}.")
    if texts := [name for name, values in table.labels if not isinstance(values, np.ndarray)]:
        notes.append(f"{_listed(texts)}: text, no feature, but may color the points.")
    return notes


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")


def _dropped(points: np.ndarray, features: list[int]) -> int:
    from core.data.spool import row_blocks

    chosen = np.asarray(features)
    return sum(int((~np.isfinite(points[rows][:, chosen]).all(axis=1)).sum()) for rows in row_blocks(points.shape))


def _head(table: Any, path: Path) -> dict[str, Any]:
    """The first rows as texts, numbers before text."""
    numbers = range(min(len(table.columns), _WIDE - min(len(table.labels), 3)))
    labels = table.labels[:3]
    rows = []
    for row in range(min(_ROWS, len(table))):
        cells = [f"{float(table.points[row, at]):.5g}" for at in numbers]
        for _, values in labels:
            value = values[row : row + 1].tolist()[0]
            cells.append("" if value is None else str(value)[:40])
        rows.append(cells)
    return {"names": [*(table.columns[at] for at in numbers), *(name for name, _ in labels)], "rows": rows}


def _dots(points: np.ndarray) -> list[list[float]]:
    """A few rows, each column brought to 0..1."""
    points = points[np.isfinite(points).all(axis=1)].astype(np.float64)
    points = points[:: max(1, len(points) // _DOTS)][:_DOTS]
    if points.shape[1] < 2 or not len(points):
        return []
    low, high = points.min(0), points.max(0)
    return np.round((points - low) / np.where(high > low, high - low, 1), 3).tolist()
