"""How fast the page is: seconds to the first full page, milliseconds from a link edit to the repaint.

    python tests/benchmarks/page.py --models FOLDER A B

drives Chromium at 1440 x 900. An edit runs from the event to the first task after the frame that paints the new trees,
links, transform and overlay; the server's share is the time inside the request that writes the session.
"""

import argparse
import json
import logging
import shutil
import threading
import time
from pathlib import Path

import numpy as np
from flask import g, request
from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server

from topoviz.app import create_app
from topoviz.settings import Settings

READY = """() => window.topoviz?.trees?.() && ['latent-a', 'latent-b', 'surface-a', 'surface-b'].every((name) => {
  const gd = document.querySelector(`#${name} .js-plotly-plot`);
  return gd && gd._fullLayout && gd.layout.meta && gd.data.length;
})"""
EDIT = """(event) => new Promise((done) => {
  const start = performance.now();
  const painted = new MessageChannel();
  painted.port1.onmessage = () => done(performance.now() - start);
  const { showTrees } = topoviz;
  topoviz.showTrees = (facts) => {
    topoviz.showTrees = showTrees;
    showTrees(facts);
    requestAnimationFrame(() => painted.port2.postMessage(0));
  };
  dash_clientside.set_props('event', { data: { ...event, serial: `bench ${start}` } });
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--edits", type=int, default=30)
    parser.add_argument("a")
    parser.add_argument("b")
    arguments = parser.parse_args()
    shares: list[float] = []
    server = _server(arguments.models, shares)
    address = f"http://127.0.0.1:{server.server_port}/?a={arguments.a}&b={arguments.b}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        loads = [_seconds_to_load(page, address) for _ in range(3)]
        page.wait_for_timeout(2000)
        shares.clear()
        edits = _edits(page, arguments.edits)
        browser.close()
    server.shutdown()
    result = {
        "first_page_seconds": round(loads[0], 2),
        "next_page_seconds": round(min(loads[1:]), 2),
        "edit_ms": _summary(edits),
        "server_ms": _summary(shares),
    }
    print(json.dumps(result, indent=1))


def _server(models: Path, shares: list[float]):
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    app = create_app(Settings(models=models, open_browser=False))

    @app.server.before_request
    def start() -> None:
        g.start = time.perf_counter()

    @app.server.after_request
    def stop(response):
        if request.method == "POST" and "history.data" in str((request.get_json(silent=True) or {}).get("output")):
            shares.append(1000 * (time.perf_counter() - g.start))
        return response

    server = make_server("127.0.0.1", 0, app.server, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _seconds_to_load(page: Page, address: str) -> float:
    start = time.perf_counter()
    page.goto(address)
    page.wait_for_function(READY)
    return time.perf_counter() - start


def _edits(page: Page, count: int) -> list[float]:
    """Milliseconds of links of all kinds: every edit pins another pair of leaves than the last."""
    nodes = page.evaluate("() => topoviz.trees().nodes")
    a, b = ([node["id"] for node in nodes if node["leaf"] and node["side"] == side] for side in "ab")
    found = []
    for at in range(count):
        # A step of one in A and of two in B meets a pinned pair again only after all have moved.
        event = {"type": "link", "a": a[at % len(a)], "b": b[(2 * at + at // len(a)) % len(b)]}
        found.append(page.evaluate(EDIT, event))
        page.wait_for_timeout(400)
    return found


def _summary(times: list[float]) -> dict[str, float]:
    return {"median": round(float(np.median(times)), 1), "p95": round(float(np.quantile(times, 0.95)), 1)}


if __name__ == "__main__":
    main()
