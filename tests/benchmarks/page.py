"""How fast the page is, in Chromium at 1440 x 900, on pairs made for it (see large.py).

    python tests/benchmarks/page.py load | edits | sliders | million | sessions | all

Each prints a table: what was measured, and what it should be. An edit runs from its event to the first task after the
frame that shows the links that follow from it; `settled` is when overlay, score and table have followed. The server's
share is what the request that writes the session takes. Frames of a drag are those that show another cut or other
points than the last.
"""

import argparse
import http.client
import json
import logging
import random
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import large
import numpy as np
from dash import Dash
from flask import Response, g, request
from playwright.sync_api import Page, sync_playwright
from soak import served
from werkzeug.serving import make_server

from topoviz.app.server import create_app
from topoviz.session.analysis import analyze
from topoviz.session.event_json import parse_event
from topoviz.session.events import reduce
from topoviz.session.history import History
from topoviz.session.library import Library
from topoviz.session.settings import Settings
from topoviz.session.state import Session

FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"]
READY = """() => window.topoviz && topoviz.session() && topoviz.trees() && topoviz.latents().length === 2
  && topoviz.state.live && !topoviz.state.busy
  && ['a', 'b'].map((side) => topoviz.plot(`surface-${side}`)).every((gd) => gd && gd.data && gd.data.length)"""
EDIT = """(event) => new Promise((done) => {
  const T = topoviz, start = performance.now(), live = T.state.live;
  const link = () => T.linkAt(event), has = (pairs) => pairs.some(([a, b]) => a === event.a && b === event.b);
  const shown = {
    link: () => has(T.session().pins) && link() && link().pinned,
    unlink: () => !has(T.session().pins) && !(link() && link().pinned),
    ban: () => has(T.session().bans) && !link(),
    unban: () => !has(T.session().bans),
  }[event.type];
  let painted = null;
  const channel = new MessageChannel();
  channel.port1.onmessage = () => { painted = performance.now() - start; };
  const take = T.take;
  T.take = (answer) => {
    T.take = take;
    T.take(answer);
    if (!shown()) throw new Error('the links are not those of the edit');
    requestAnimationFrame(() => channel.port2.postMessage(0));
  };
  const look = () => {
    if (painted !== null && T.state.live !== live) return done([painted, performance.now() - start]);
    return setTimeout(look, 2);
  };
  T.emit(event);
  look();
})"""
DRAG = """([name, seconds]) => new Promise((done) => {
  const T = topoviz, slider = document.getElementById(name), start = performance.now();
  const look = () => name === 'level' ? document.querySelector('#latent-b path.cut').getAttribute('d').slice(0, 300)
    : T.drawn;
  const put = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
  let frames = 0, last = null, value = 0, longest = 0, before = start;
  const move = (now) => {
    const seen = look();
    if (seen !== last) { frames += 1; last = seen; longest = Math.max(longest, now - before); before = now; }
    if (now - start > 1000 * seconds) {
      slider.dispatchEvent(new Event('change', { bubbles: true }));
      return done({ rate: frames / seconds, longest, value: Number(slider.value) });
    }
    value = 0.2 + 0.6 * Math.abs(((now - start) / 1500) % 2 - 1);
    put.call(slider, value.toFixed(2));
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    return requestAnimationFrame(move);
  };
  if (name === 'morph') {
    const points = topovizPlane.points;
    topovizPlane.points = (gd, shown) => { T.drawn = shown.morph; return points(gd, shown); };
  }
  requestAnimationFrame(move);
})"""
WHEN = f"""(() => {{
  const ready = {READY}, times = {{}};
  const look = () => {{
    if (!times.trees && window.topoviz && topoviz.trees() && topoviz.session()) times.trees = performance.now();
    if (!ready()) return setTimeout(look, 50);
    times.all = performance.now();
    return fetch('/there', {{ method: 'POST', body: JSON.stringify(times) }});
  }};
  look();
}})()"""
STALE = """([name, value]) => {
  const T = topoviz;
  if (T.session()[name] !== value || (name === 'level' && T.state.level !== undefined)) return true;
  return T.latents().some(({ view, meta }) => {
    const line = view.querySelector('path.cut'), before = line.getAttribute('d');
    topovizPlane.cut(view, T.cut(meta));
    return before !== line.getAttribute('d');
  });
}"""


def main() -> None:
    """The tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=(*_PARTS, "all"))
    parser.add_argument("--models", type=Path, default=Path(tempfile.gettempdir()) / "topoviz-planted")
    parser.add_argument("--edits", type=int, default=20)
    arguments = parser.parse_args()
    for name, part in _PARTS.items():
        if arguments.what in (name, "all"):
            part(arguments)


def _load(arguments: argparse.Namespace) -> None:
    """Seconds until the trees answer to a hand, until all is drawn, and what the page brings. Chromium is not driven
    for this, for an inspector doubles what scripts take: the page itself says when it is there."""
    for leaves in (12, 200):
        said: SimpleQueue[dict[str, float]] = SimpleQueue()

        def listened(app: Dash, said: SimpleQueue = said) -> None:
            app.index_string = app.index_string.replace("</body>", '<script src="/when.js"></script></body>')
            app.server.add_url_rule("/when.js", "when", lambda: Response(WHEN, mimetype="text/javascript"))
            hear = lambda: said.put(json.loads(request.data)) or ""  # noqa: E731
            app.server.add_url_rule("/there", "there", hear, methods=["POST"])

        with _served(arguments.models, leaves, prepare=listened) as (address, _):
            with tempfile.TemporaryDirectory() as profile:
                times = [_visit(address, profile, said) for _ in range(6)]
            for what, name in (("trees answer", "trees"), ("all is drawn", "all")):
                seconds = [time[name] / 1000 for time in times]
                text = f"{seconds[0]:.2f}, {np.median(seconds[1:]):.2f}"
                _row(f"{what}, {leaves} leaves: first, next visits (s)", text, "3")
        with _served(arguments.models, leaves) as (address, _), _browser() as browser:
            page = browser.new_page()
            page.set_default_timeout(180_000)
            sizes = _sizes(page)
            page.goto(address)
            page.wait_for_function(READY)
            page.wait_for_timeout(500)
            total = sum(sent for sent, _ in sizes.values())
            script = [both for kind, both in sizes.items() if "javascript" in kind]
            _row("  transferred, of it script, unpacked (MB)", _mega(total, *np.sum(script, axis=0)), "stated")


def _visit(address: str, profile: str, said: SimpleQueue) -> dict[str, float]:
    """Milliseconds from the visit of a fresh Chromium on."""
    flags = ["--headless", *FLAGS, "--window-size=1440,900", f"--user-data-dir={profile}", "--remote-debugging-port=0"]
    command = [str(shutil.which("chromium")), *flags, address]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        return said.get(timeout=120)
    finally:
        time.sleep(1)
        process.terminate()
        process.wait()


def _sizes(page: Page) -> dict[str, np.ndarray]:
    """Bytes as sent and as unpacked by kind of content, filled while the page loads."""
    found: dict[str, np.ndarray] = {}
    kinds: dict[str, str] = {}
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")

    def add(name: str, at: int, size: float) -> None:
        found.setdefault(kinds.get(name, ""), np.zeros(2))[at] += size

    client.on("Network.responseReceived", lambda e: kinds.__setitem__(e["requestId"], e["response"]["mimeType"]))
    client.on("Network.loadingFinished", lambda e: add(e["requestId"], 0, e["encodedDataLength"]))
    client.on("Network.dataReceived", lambda e: add(e["requestId"], 1, e["dataLength"]))
    return found


def _edits(arguments: argparse.Namespace) -> None:
    """Milliseconds from pins, unpins, bans and their lifting to the repaint. Every other pin confirms a link, the rest
    correct one: they take the partner of another."""
    for leaves, goal in ((12, "60"), (200, "120")):
        with _served(arguments.models, leaves) as (address, shares), _opened(address) as page:
            shares.clear()
            times = np.array(_edited(page, arguments.edits))
            _row(f"edit to repaint, {leaves} leaves, median (p95) ms", _median(times[:, 0]), goal)
            _row("  settled; of the repaint the server", f"{_median(times[:, 1])}; {_median(shares)}", "")


def _edited(page: Page, count: int) -> list[list[float]]:
    found = []
    for at in range(count):
        links = page.evaluate("() => topoviz.trees().links.filter((l) => topoviz.info({ side: 'a', id: l.a }).leaf)")
        link = {"a": links[(3 * at) % len(links)]["a"], "b": links[(3 * at + at % 2) % len(links)]["b"]}
        for event in ("link", "unlink", "ban", "unban"):
            found.append(page.evaluate(EDIT, {"type": event, **link}))
            page.wait_for_timeout(250)
    return found


def _sliders(arguments: argparse.Namespace) -> None:
    """Frames a second while a slider is dragged, and whether the last one is right."""
    for leaves in (12, 200):
        with _served(arguments.models, leaves) as (address, _), _opened(address) as page:
            for name, goal in (("level", "15"), ("morph", "8")):
                found = page.evaluate(DRAG, [name, 4])
                page.wait_for_timeout(3000)
                stale = page.evaluate(STALE, [name, found["value"]])
                text = f"{found['rate']:.1f} (longest {found['longest']:.0f} ms){', stale at the end' if stale else ''}"
                _row(f"{name}, {leaves} leaves, frames a second", text, goal)


def _million(arguments: argparse.Namespace) -> None:
    """A million points beside sixteen thousand."""
    for points in (16_000, 1_000_000):
        with _served(arguments.models, 12, points) as (address, _), _browser() as browser:
            page = browser.new_page()
            start = time.perf_counter()
            page.goto(address)
            page.wait_for_function(READY)
            first = time.perf_counter() - start
            times = np.array(_edited(page, max(arguments.edits // 4, 2)))
            text = page.inner_text("#points-a")
            _row(f"{points:,} points: first page s; edit ms", f"{first:.2f}; {_median(times[:, 0])}", "alike")
            _row("  what the page says", text, f"800 of {points:,} points drawn")


def _sessions(arguments: argparse.Namespace, people: int = 20, edits: int = 8) -> None:
    """Twenty people edit at once on a server of its own, a second or so between edits; nobody sees another's."""
    names = large.write_pair(arguments.models, 12)
    library = Library(Settings(models=arguments.models, open_browser=False))
    start = Session(model_a=names[0], model_b=names[1])
    tree_a, tree_b = (analyze(library, start).tree(side) for side in ("a", "b"))
    ends = tree_a.ids(tree_a.leaves), tree_b.ids(tree_b.leaves)
    times: list[float] = []
    leaks: list[int] = []
    with served(arguments.models) as (_, address):
        call = _caller(address, f"?a={names[0]}&b={names[1]}")

        def person(number: int) -> None:
            rng = random.Random(number)
            stored = call(None, None)["stored"]
            expected = History(Session.from_json(stored["history"]["now"]))
            for _ in range(edits):
                time.sleep(rng.uniform(0.5, 1.5))
                kind = rng.choice(("link", "ban", "link"))
                event = {"type": kind, "a": rng.choice(ends[0]), "b": rng.choice(ends[1])}
                began = time.perf_counter()
                stored = call(event, stored)["stored"]
                times.append(1000 * (time.perf_counter() - began))
                expected = expected.push(reduce(expected.now, parse_event(event)))
                if History.from_json(stored["history"]) != expected:
                    leaks.append(number)

        crowd = [threading.Thread(target=person, args=(number,)) for number in range(people)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
    _row(f"{people} sessions at once, edit on the server, median (p95) ms", _median(times), "300")
    _row("  sessions with what is not theirs", str(len(set(leaks))), "0")


def _caller(address: str, query: str) -> Callable[[Any, Any], dict[str, Any]]:
    """What writes the session, as the browser asks for it."""
    host = address.removeprefix("http://").partition("/")[0]

    def call(event: Any, stored: Any) -> dict[str, Any]:
        body = {"event": event, "theme": "light", "stored": stored, "query": query}
        connection = http.client.HTTPConnection(host, timeout=120)
        connection.request("POST", "/edit", json.dumps(body), {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    return call


@contextmanager
def _served(
    models: Path, leaves: int, points: int = 16_000, prepare: Callable[[Dash], None] | None = None
) -> Iterator[tuple[str, list[float]]]:
    """The app's address with a pair opened, and milliseconds inside each request that writes the session."""
    a, b = large.write_pair(models, leaves, points)
    app, shares = create_app(Settings(models=models, open_browser=False)), []
    if prepare is not None:
        prepare(app)

    @app.server.before_request
    def start() -> None:
        g.start = time.perf_counter()

    @app.server.after_request
    def stop(response: Any) -> Any:
        if request.path == "/edit":
            shares.append(1000 * (time.perf_counter() - g.start))
        return response

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app.server, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/?a={a}&b={b}", shares
    server.shutdown()


@contextmanager
def _browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser.new_context(viewport={"width": 1440, "height": 900})
        browser.close()


@contextmanager
def _opened(address: str) -> Iterator[Page]:
    with _browser() as browser:
        page = browser.new_page()
        page.set_default_timeout(180_000)
        page.goto(address)
        page.wait_for_function(READY)
        page.wait_for_timeout(1500)
        yield page


def _median(times: Any) -> str:
    return f"{np.median(times):.0f} ({np.quantile(times, 0.95):.0f})"


def _mega(*sizes: float) -> str:
    return ", ".join(f"{size / 1e6:.2f}" for size in sizes)


def _row(what: str, found: str, goal: str) -> None:
    print(f"{what:62} {found:32} {goal}", flush=True)


_PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "load": _load,
    "edits": _edits,
    "sliders": _sliders,
    "million": _million,
    "sessions": _sessions,
}


if __name__ == "__main__":
    main()
