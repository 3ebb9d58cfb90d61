"""Files that a person brings: taken piece by piece under a name of ours, bounded in size and number, read by a process
of their own.

An upload is a folder `_jobs/uploads/<token>`: `upload.json` says what it is called and how large it will be, `part` is
what has come so far, `data.<kind>` the whole of it, `table.json` what was read of it. A hostile file can break or fill
the process that reads it, never the server.
"""

import json
import multiprocessing
import shutil
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import IO, Any

from core.data.bounds import printable
from core.data.formats import SUFFIXES
from core.errors import InputError, invalid
from core.files import read_json, write_json
from topoviz.jobs.description import describe

__all__ = ["CHUNK", "Uploads", "title_of"]

CHUNK = 4 * 2**20
_GIB = 2**30
_LONGEST_NAME = 80
_MOST_COMING = 8
_STALE_SECONDS = 3600
_KEPT_SECONDS = 14 * 86400
_READING_SECONDS = 300
_SPARE_BYTES = 256 * 2**20
_DROP_AGAIN = "drop the file again"


class Uploads:
    """The uploads in a folder: each at most `most_bytes`, all together at most `most_kept`. Thread-safe.

    `in_use` says which of them jobs still need; of the others those longest out of use make room for new ones.
    """

    def __init__(
        self,
        folder: Path,
        in_use: Callable[[], Collection[Path]] = tuple,
        most_bytes: int = 2 * _GIB,
        most_kept: int = 8 * _GIB,
    ) -> None:
        self._folder = folder
        self._in_use = in_use
        self._most_bytes, self._most_kept = most_bytes, most_kept
        self._lock = Lock()
        self._busy: set[str] = set()

    def begin(self, filename: str, size: object) -> str:
        """Make room for a file of `size` bytes and return the token to send it under.

        Raises `InputError` on a kind of file that no reader takes, on one too large, and where there is no room.
        """
        name = _shown(filename)
        suffix = Path(name).suffix.lower()
        if suffix not in SUFFIXES:
            raise invalid("file", f"one of {', '.join(SUFFIXES)}", name or "no name", "save it as one of these")
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise invalid("file", "a file with something in it", f"{name} of {size} bytes", "write it again")
        if size > self._most_bytes:
            raise invalid(
                "file",
                f"at most {_human(self._most_bytes)}",
                f"{name} of {_human(size)}",
                "give fewer rows, or train it with `topoviz train FILE`",
            )
        with self._lock:
            self._clean(size)
            token = uuid.uuid4().hex
            folder = self._folder / token
            try:
                folder.mkdir(parents=True)
                write_json({"name": name, "size": size, "suffix": suffix}, folder / "upload.json")
                (folder / "part").touch()
            except (OSError, InputError) as error:
                shutil.rmtree(folder, ignore_errors=True)
                raise _not_kept(error) from None
        return token

    def append(self, token: str, offset: int, stream: IO[bytes]) -> int:
        """Add the next piece, which begins at byte `offset`; returns how many bytes are there.

        A piece that breaks off is kept as far as it came: send the next from there. Raises `InputError` on a piece out
        of place or beyond the size that was announced, and drops the upload where the disk has no room.
        """
        folder, known = self._known(token)
        part = folder / "part"
        with self._alone(token):
            there = part.stat().st_size if part.is_file() else -1
            if offset != there:
                raise invalid("offset", f"{max(there, 0)}, the next byte", offset, "send the file from there")
            try:
                with part.open("ab", buffering=0) as file:
                    while piece := stream.read(min(2**18, known["size"] - there + 1)):
                        if there + len(piece) > known["size"]:
                            raise invalid("file", f"of {known['size']:,} bytes", "more", _DROP_AGAIN)
                        written = 0
                        while written < len(piece):
                            written += file.write(piece[written:])
                        there += len(piece)
            except ConnectionError:
                return there
            except (InputError, OSError) as error:
                shutil.rmtree(folder, ignore_errors=True)
                raise error if isinstance(error, InputError) else _not_kept(error) from None
        return there

    def received(self, token: str) -> int:
        """How many bytes of an upload are there."""
        folder, known = self._known(token)
        part = folder / "part"
        return part.stat().st_size if part.is_file() else int(known["size"])

    def finish(self, token: str) -> Path:
        """The path of an upload of which all has come. Raises `InputError` where some is missing."""
        folder, known = self._known(token)
        part, path = folder / "part", folder / f"data{known['suffix']}"
        with self._alone(token):
            if part.is_file():
                if (there := part.stat().st_size) != known["size"]:
                    raise invalid("file", f"of {known['size']:,} bytes", f"{there:,}: it was cut off", _DROP_AGAIN)
                part.rename(path)
        return self.path(token)

    def path(self, token: str) -> Path:
        """Where a whole upload lies. Raises `InputError` where there is none of that token."""
        folder, known = self._known(token)
        path = folder / f"data{known['suffix']}"
        if not path.is_file():
            raise invalid("file", "an upload that has come to its end", "a part of one", _DROP_AGAIN)
        folder.touch()
        return path

    def name(self, token: str) -> str:
        """What the person calls the file."""
        return str(self._known(token)[1]["name"])

    def drop(self, token: str) -> None:
        """Forget an upload, whole or not."""
        shutil.rmtree(self._known(token)[0], ignore_errors=True)

    def description(self, token: str) -> dict[str, Any]:
        """What was read of an upload: see `topoviz.jobs.description.described`. Read once, in a process of its own.

        Raises `InputError` where it is no table of points, and then forgets it.
        """
        path, name = self.path(token), self.name(token)
        kept = path.with_name("table.json")
        if not kept.is_file():
            context = multiprocessing.get_context("spawn")
            process = context.Process(target=describe, args=(path, kept, name), daemon=True)
            process.start()
            process.join(_READING_SECONDS)
            late = process.is_alive()
            if late:
                process.kill()
                process.join()
            if late or not kept.is_file():
                self.drop(token)
                got = f"{_READING_SECONDS} s of reading" if late else f"an end of the reader ({process.exitcode})"
                raise invalid(name, "a table that can be read here", got, "give fewer rows or columns")
        found = read_json(kept)
        if problem := found.get("problem"):
            self.drop(token)
            raise InputError(problem)
        return found

    @contextmanager
    def _alone(self, token: str) -> Iterator[None]:
        """Keep others off an upload meanwhile, but not off the other uploads: a piece may come slowly."""
        with self._lock:
            if token in self._busy:
                raise invalid("file", "sent one piece at a time", "two at once", "wait for the answer")
            self._busy.add(token)
        try:
            yield
        finally:
            self._busy.discard(token)

    def _known(self, token: str) -> tuple[Path, dict[str, Any]]:
        if isinstance(token, str) and len(token) == 32 and token.isalnum() and token.isascii():
            folder = self._folder / token
            if (folder / "upload.json").is_file():
                return folder, read_json(folder / "upload.json")
        raise invalid("file", "an upload of this server's", repr(token), _DROP_AGAIN)

    def _clean(self, wanted: int) -> None:
        """Forget what broke off or is old, and of the rest what is longest out of use, until `wanted` bytes fit."""
        now = time.time()
        used = {path.parent for path in self._in_use()}
        kept: list[tuple[float, int, Path]] = []
        coming = 0
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            whole = not (folder / "part").is_file()
            try:
                touched = (folder if whole else folder / "part").stat().st_mtime
                size = sum(file.stat().st_size for file in folder.iterdir()) if whole else _announced(folder)
            except OSError:
                continue
            if folder not in used and now - touched > (_KEPT_SECONDS if whole else _STALE_SECONDS):
                shutil.rmtree(folder, ignore_errors=True)
                continue
            coming += not whole
            kept.append((touched, size, folder))
        if coming >= _MOST_COMING:
            raise invalid("file", f"one of {_MOST_COMING} at once", "more", "wait until the others have come")
        total = sum(size for _, size, _ in kept)
        for _, size, folder in sorted(kept, key=lambda one: one[0]):
            if total + wanted <= self._most_kept:
                break
            if folder not in used and not (folder / "part").is_file():
                shutil.rmtree(folder, ignore_errors=True)
                total -= size
        if total + wanted > self._most_kept:
            got = f"{_human(total)} and this one's {_human(wanted)}"
            raise invalid("uploads", f"at most {_human(self._most_kept)}", got, "remove jobs that wait")
        place = next(path for path in (self._folder, *self._folder.parents) if path.is_dir())
        if (free := shutil.disk_usage(place).free) < wanted + _SPARE_BYTES:
            raise InputError(
                f"there is no room for {_human(wanted)}: the disk has {_human(free)} free; make room and {_DROP_AGAIN}."
            )


def title_of(filename: str) -> str:
    """A name for a model of a file's.

    >>> title_of("My flowers (2).csv")
    'my-flowers-2'
    """
    stem = filename.rsplit(".", 1)[0].lower()
    kept = "".join(c if c.isalnum() or c in "-." else "-" for c in stem)
    while "--" in kept:
        kept = kept.replace("--", "-")
    return kept.strip("-.")[:40].strip("-.") or "model"


def _shown(filename: object) -> str:
    """What may be shown of a file's name: no folders, nothing that a terminal obeys, its end kept."""
    base = printable(str(filename).replace("\\", "/").rsplit("/", 1)[-1].strip())
    return base if len(base) <= _LONGEST_NAME else base[: _LONGEST_NAME - 20] + "…" + base[-19:]


def _announced(folder: Path) -> int:
    try:
        return int(json.loads((folder / "upload.json").read_text("utf-8"))["size"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _human(size: int) -> str:
    for unit, bytes_of in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size >= bytes_of:
            return f"{size / bytes_of:.1f} {unit}".replace(".0 ", " ")
    return f"{size} bytes"


def _not_kept(error: Exception) -> InputError:
    reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return InputError(f"the file cannot be kept ({reason}); make room on the disk and {_DROP_AGAIN}.")
