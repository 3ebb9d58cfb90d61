"""Points in .safetensors files, one or a set of shards whose rows follow one another.

Shards are the .safetensors files of a folder, or those that a *.safetensors.index.json names, in natural order (2
before 10). Every header is checked before memory is taken.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from core.data.bounds import (
    RawTable,
    check_bytes,
    check_companion,
    check_size,
    check_table,
    most_of,
    points_key,
    refusal,
)
from core.data.formats import INDEX
from core.data.spool import is_large, row_blocks, spooled_table
from core.files import read_json

__all__ = ["read_index", "read_safetensors", "read_shards"]

_SUFFIX = ".safetensors"
_MOST_SHARDS = 4096
# What torch calls the types of a .safetensors file.
_TENSORS = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2",
    "U16": "uint16", "I16": "int16", "F16": "float16", "BF16": "bfloat16", "U32": "uint32", "I32": "int32",
    "F32": "float32", "U64": "uint64", "I64": "int64", "F64": "float64",
}  # fmt: skip


@dataclass(frozen=True)
class _Shard:
    """What the header of a .safetensors file declares: shapes and kinds of its tensors by name."""

    path: Path
    shapes: dict[str, tuple[int, ...]]
    kinds: dict[str, str]

    def dtype(self, name: str) -> Any:
        """The torch type of a tensor. Raises `InputError` where it holds no real numbers."""
        # Through torch, since numpy has no bfloat16.
        import torch

        if self.kinds[name] not in _TENSORS:
            raise refusal(self.path, "real numbers", f"{self.kinds[name]} in `{name}`", "write it as float32")
        return getattr(torch, _TENSORS[self.kinds[name]])

    def rows(self, name: str, start: int, rows: slice = slice(None)) -> Any:
        """Rows of a tensor whose bytes begin at `start`."""
        import torch

        width = prod(self.shapes[name][1:]) * self.dtype(name).itemsize
        content = np.memmap(self.path, np.uint8, "r", start, (self.shapes[name][0], width))
        return torch.from_numpy(np.array(content[rows])).view(self.dtype(name))

    def start(self, name: str) -> int:
        """Where in the file the bytes of a tensor begin; the header was checked before."""
        with self.path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(length))
        return 8 + length + header[name]["data_offsets"][0]


def read_safetensors(path: Path, key: str | None = None) -> RawTable:
    """The tensors `key` (else `points`, else the only table) and `labels` of a .safetensors file. Raises `InputError`,
    or `OSError` on a damaged file."""
    shard = _shard(path)
    return _joined(path, [shard], points_key(path, shard.shapes, key))


def read_shards(path: Path, key: str | None = None) -> RawTable:
    """The rows of that tensor in all .safetensors files of a folder, one file after another: each must hold it. Raises
    like `read_safetensors`."""
    files = [file for file in path.iterdir() if file.suffix.lower() == _SUFFIX and not file.name.startswith(".")]
    if not files:
        raise refusal(path, f"a file, or a folder of {_SUFFIX} shards", "a folder without any", "name a file of points")
    shards = _shards(path, files)
    key = points_key(path, _union(shards), key)
    for shard in shards:
        if key not in shard.shapes:
            remedy = f"name the index (*{INDEX.suffix}) or a file"
            raise refusal(path, f"a folder of shards with `{key}` in each", f"none in {shard.path.name}", remedy)
    return _joined(path, shards, key)


def read_index(path: Path, key: str | None = None) -> RawTable:
    """The rows of that tensor in those files beside an index that hold it, one file after another. Raises like
    `read_safetensors`, and on an index that names files elsewhere."""
    shards = _shards(path, _listed(path))
    key = points_key(path, _union(shards), key)
    return _joined(path, [shard for shard in shards if key in shard.shapes], key)


def _listed(path: Path) -> list[Path]:
    """The files that an index names: each beside it, by a bare name."""
    document = read_json(path)
    files = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(files, dict) or not files:
        raise refusal(path, "an index with a `weight_map`", "none", "write it with safetensors' own tools")
    names = set()
    for name in files.values():
        if not isinstance(name, str) or Path(name).name != name or "\\" in name or Path(name).suffix.lower() != _SUFFIX:
            raise refusal(path, f"an index of {_SUFFIX} files beside it", repr(name), "put them in one folder")
        names.add(name)
    return [path.with_name(name) for name in names]


def _shards(path: Path, files: Sequence[Path]) -> list[_Shard]:
    """The headers of the files, in natural order."""
    if len(files) > _MOST_SHARDS:
        raise refusal(path, f"at most {_MOST_SHARDS:,} shards", f"{len(files):,}", "join some of them")
    for file in files:
        if not file.is_file():
            raise refusal(path, "a set of shards that are files", f"no file {file.name}", "fetch the missing ones")
    check_bytes(path, sum(file.stat().st_size for file in files), most_of(path).file_bytes, "on the disk")
    return [_shard(file) for file in sorted(files, key=_natural)]


def _natural(file: Path) -> list[tuple[int, str]]:
    """Numbers in a name by what they count, the rest by letters."""
    parts = re.split(r"(\d{1,18})", file.name)
    return [(int(part), "") if part.isdecimal() and part.isascii() else (-1, part) for part in parts]


def _shard(path: Path) -> _Shard:
    try:
        # Opened for numpy: opened for torch, a file larger than memory is refused by the system.
        with safe_open(path, framework="np") as file:
            found = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            shapes = {name: tuple(part.get_shape()) for name, part in found.items()}
            return _Shard(path, shapes, {name: str(part.get_dtype()) for name, part in found.items()})
    except SafetensorError as error:
        raise refusal(path, f"a sound {_SUFFIX} file", error, "copy or write it again") from None


def _union(shards: Sequence[_Shard]) -> dict[str, tuple[int, ...]]:
    return {name: shape for shard in reversed(shards) for name, shape in shard.shapes.items()}


def _joined(path: Path, shards: Sequence[_Shard], key: str) -> RawTable:
    """The rows of the table `key` of all shards, in float32, with their labels."""
    import torch

    for shard in shards:
        check_table(shard.path, shard.shapes[key])
        if shard.shapes[key][1] != (width := shards[0].shapes[key][1]):
            got = f"{shard.shapes[key][1]} in {shard.path.name}"
            raise refusal(path, f"a set of shards {width} columns wide", got, "leave the others out")
    shape = sum(shard.shapes[key][0] for shard in shards), shards[0].shapes[key][1]
    itemsize = max(shard.dtype(key).itemsize for shard in shards)
    check_size(path, shape, itemsize)
    starts = [shard.start(key) for shard in shards]
    if not is_large(shape, itemsize):
        points = np.concatenate(
            [shard.rows(key, start).float().numpy() for shard, start in zip(shards, starts, strict=True)]
        )
    elif len(shards) == 1 and shards[0].dtype(key) == torch.float32:
        points = np.memmap(shards[0].path, np.float32, "r", starts[0], shape)
    else:
        points = spooled_table(path, shape, _blocks(shards, starts, key))
    return RawTable(points, _labels(path, shards, key, shape[0]))


def _blocks(shards: Sequence[_Shard], starts: Sequence[int], key: str) -> Iterator[np.ndarray]:
    for shard, start in zip(shards, starts, strict=True):
        rows, columns = shard.shapes[key]
        for block in row_blocks((rows, columns)):
            yield shard.rows(key, start, block).float().numpy()


def _labels(path: Path, shards: Sequence[_Shard], key: str, rows: int) -> np.ndarray | None:
    """The labels of all shards: numbers, one for each row."""
    holding = [shard for shard in shards if "labels" in shard.shapes] if key != "labels" else []
    if not holding:
        return None
    if len(holding) < len(shards):
        bare = next(shard.path.name for shard in shards if "labels" not in shard.shapes)
        raise refusal(path, "a set of shards with `labels` in each, or in none", f"none in {bare}", "add or drop them")
    check_companion(path, "labels", (rows,), rows, 8)
    found = []
    for shard in holding:
        check_companion(
            shard.path, "labels", shard.shapes["labels"], shard.shapes[key][0], shard.dtype("labels").itemsize
        )
        values = shard.rows("labels", shard.start("labels")).reshape(-1)
        found.append((values.double() if values.is_floating_point() else values.long()).numpy())
    return np.concatenate(found)
