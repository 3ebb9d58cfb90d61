"""Hours of use in minutes: does the page, or its server, grow?

    python tests/benchmarks/soak.py [--edits 2000] [--out FILE]

A Chromium makes that many edits on the page (links, bans, names, undo, levels, morphs), changes the models every 50 and
drops a file every 100, while heap (after garbage collection), elements, WebGL contexts, the server's memory and the
console are watched. It ends with the growth from the second quarter to the last.
"""

import argparse
import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PAIRS = [
    ("islands-a", "islands-b"),
    ("islands-a", "islands-partial"),
    ("ringed", "nested"),
    ("trefoil-flat", "trefoil"),
]
FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"]
# Counted from the first, so that a context that is made and lost again shows as well.
COUNT_CONTEXTS = """
window.contexts = [];
const get = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  const found = get.call(this, kind, ...rest);
  if (found && kind.startsWith("webgl") && !window.contexts.includes(found)) window.contexts.push(found);
  return found;
};
"""
DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""
READY = (
    "() => window.topoviz && topoviz.session && topoviz.session() && topoviz.trees() && topoviz.trees().nodes.length"
)
IDLE = "() => !topoviz.state.busy && !topoviz.state.queue.length"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=2000)
    parser.add_argument("--every", type=int, default=100)
    parser.add_argument("--out", type=Path)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as models, served(Path(models)) as (server, address), sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.add_init_script(COUNT_CONTEXTS)
        console: list[str] = []
        page.on(
            "console", lambda message: console.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: console.append(str(error)))
        page.goto(f"{address}?a={PAIRS[0][0]}&b={PAIRS[0][1]}")
        page.wait_for_function(READY, timeout=60_000)
        rows = watched(page, server.pid, flags.edits, flags.every)
        report(rows, [line for line in console if "ReadPixels" not in line])
        if flags.out:
            flags.out.write_text(json.dumps(rows, indent=1))
        browser.close()


class served:
    """The program in a process of its own."""

    def __init__(self, models: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "topoviz", "--no-browser", "--port", str(self.port), "--models", str(models)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)

    def __enter__(self) -> tuple[subprocess.Popen[bytes], str]:
        for _ in range(600):
            with socket.socket() as door:
                if door.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self.process, f"http://127.0.0.1:{self.port}/"
            time.sleep(0.1)
        raise RuntimeError("the server did not start")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(10)


def watched(page: Page, pid: int, edits: int, every: int) -> list[dict[str, float]]:
    """Make the edits; one row of figures every so many."""
    chance = random.Random(0)
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable")
    rows = [figures(page, tools, pid, 0)]
    began = time.monotonic()
    for at in range(1, edits + 1):
        if at % 50 == 0:
            a, b = PAIRS[(at // 50) % len(PAIRS)]
            emit(page, {"type": "choose-models", "a": a, "b": b})
        elif at % 100 == 75:
            drop(page, at)
        else:
            emit(page, edit(page, chance, at))
        if at % every == 0:
            rows.append(figures(page, tools, pid, at))
            seconds = (time.monotonic() - began) / at
            print(
                " ".join(f"{key} {value:,.0f}" for key, value in rows[-1].items()),
                f"{seconds:.2f} s an edit",
                flush=True,
            )
    return rows


def edit(page: Page, chance: random.Random, at: int) -> dict[str, object]:
    nodes = page.evaluate("() => topoviz.trees().nodes.filter((n) => n.leaf).map((n) => [n.side, n.id])")
    a = chance.choice([node for side, node in nodes if side == "a"])
    b = chance.choice([node for side, node in nodes if side == "b"])
    return chance.choice(
        [
            {"type": "link", "a": a, "b": b},
            {"type": "link", "a": a, "b": b},
            {"type": "unlink", "a": a, "b": b},
            {"type": "ban", "a": a, "b": b},
            {"type": "rename", "side": "a", "node": a, "text": f"name {at}"},
            {"type": "select", "side": "b", "node": b},
            {"type": "set-level", "level": round(chance.uniform(0.3, 0.9), 2)},
            {"type": "set-morph", "morph": round(chance.random(), 2)},
            {"type": "undo"},
            {"type": "clear-edits"},
        ]
    )


def emit(page: Page, event: dict[str, object]) -> None:
    page.evaluate("(event) => topoviz.emit(event)", event)
    page.wait_for_function(IDLE, timeout=60_000)


def drop(page: Page, at: int) -> None:
    """Drop a small table on the page, see its columns and close the dialog again."""
    text = "x,y,z\n" + "\n".join(f"{i},{i * i % 7},{(i + at) % 5}" for i in range(60))
    page.evaluate(DROP, [f"dropped-{at}.csv", text])
    page.locator(".columns").wait_for(timeout=60_000)
    page.keyboard.press("Escape")
    page.locator(".columns").wait_for(state="hidden")


def figures(page: Page, tools: object, pid: int, at: int) -> dict[str, float]:
    page.wait_for_load_state("networkidle")
    for _ in range(3):
        tools.send("HeapProfiler.collectGarbage")  # type: ignore[attr-defined]
    found = {metric["name"]: metric["value"] for metric in tools.send("Performance.getMetrics")["metrics"]}  # type: ignore[attr-defined]
    alive = page.evaluate("() => window.contexts.filter((gl) => !gl.isContextLost()).length")
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return {
        "edit": at,
        "heap_kB": found["JSHeapUsedSize"] / 1024,
        "nodes": found["Nodes"],
        "listeners": found["JSEventListeners"],
        "webgl": alive,
        "server_MB": pages * 4096 / 2**20,
    }


def report(rows: list[dict[str, float]], console: list[str]) -> None:
    quarter = len(rows) // 4
    print(f"\n{'':<12}{'2nd quarter':>14}{'last quarter':>14}{'growth':>9}")
    for key in ("heap_kB", "nodes", "listeners", "webgl", "server_MB"):
        early = np.median([row[key] for row in rows[quarter : 2 * quarter]])
        late = np.median([row[key] for row in rows[-quarter:]])
        print(f"{key:<12}{early:>14,.0f}{late:>14,.0f}{late / early - 1:>+9.1%}")
    print(f"console: {len(console)} lines" + "".join(f"\n  {line[:200]}" for line in dict.fromkeys(console)))


if __name__ == "__main__":
    main()
