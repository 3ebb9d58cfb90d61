"""Processes that work for the page without standing in its way, and that never outlive it."""

import contextlib
import os
import signal
import sys
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread
from typing import IO, Any

__all__ = ["follow_parent", "hold", "step_aside"]

_NICER_BY = 10
_BELOW_NORMAL = 0x4000


def step_aside() -> None:
    """Let every other process go first: less of the processor, and the first to be stopped where memory runs out."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetPriorityClass(ctypes.windll.kernel32.GetCurrentProcess(), _BELOW_NORMAL)
        return
    with contextlib.suppress(OSError):
        os.nice(_NICER_BY)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800")


def follow_parent() -> None:
    """End this process as soon as the one that spawned it has ended, however; leave Ctrl+C to that one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def hold(path: Path) -> IO[Any] | None:
    """The file at `path`, locked until it is closed or this process ends; None where another holds it, or where there
    is no writing to it."""
    try:
        file = path.open("a+")
    except OSError:
        return None
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
