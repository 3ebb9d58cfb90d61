"""From a clone to a page that answers, and from `topoviz serve` to its first healthy answer.

    python tests/benchmarks/start.py [--install]

With --install: clone this checkout, run the README's first command line (its packages are downloaded already where
pip's cache holds them) and wait for the page. Without: start the server of this environment five times.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address: str, limit: float = 300) -> None:
    """Return once the address answers."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(address, timeout=5).read()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    sys.exit(f"{address} did not answer within {limit:.0f} s")


def timed(command: list[str], port: int, path: str, **options) -> float:
    """Seconds from the start of `command` to an answer at `path`."""
    began = time.monotonic()
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL, **options)
    try:
        wait_for(f"http://127.0.0.1:{port}{path}")
        return time.monotonic() - began
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


port = free_port()
if "--install" in sys.argv:
    line = re.search(r"^python3 -m venv .*-m topoviz$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert line, "README.md has no line that runs the app"
    with tempfile.TemporaryDirectory() as folder:
        clone = f"git clone -q {ROOT} {folder}/topoviz && cd {folder}/topoviz"
        script = f"{clone} && {line[0]} serve --no-browser --port {port}"
        print(f"clone, install, first page: {timed(['bash', '-ec', script], port, '/'):.1f} s")
else:
    command = [sys.executable, "-m", "topoviz", "serve", "--no-browser", "--port", str(port)]
    seconds = sorted(timed(command, port, "/healthz") for _ in range(5))
    print(f"server to first healthy answer, five starts: median {seconds[2]:.2f} s, worst {seconds[-1]:.2f} s")
