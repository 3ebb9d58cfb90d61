"""The page in a real Chromium: one server for all tests, a fresh page for each, and the gestures of a person."""

import logging
import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

pytest.importorskip("playwright.sync_api", reason="install playwright and pytest-playwright to drive a browser")
from playwright.sync_api import Page

from topoviz.session.address import from_query

CHROMIUM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
START = "?a=three-a&b=three-b"
# Of every software WebGL, and no fault of the page.
_HARMLESS = ("GPU stall due to ReadPixels", "willReadFrequently")


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium here; install one (apt install chromium)"))


@pytest.fixture(scope="session")
def browser_type_launch_args():
    flags = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    return {"executable_path": CHROMIUM, "args": flags}


@pytest.fixture(scope="session")
def browser_context_args():
    return {"viewport": {"width": 1440, "height": 900}, "accept_downloads": True, "reduced_motion": "reduce"}


@contextmanager
def _served(settings):
    from werkzeug.serving import make_server

    from topoviz.app.server import create_app

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("127.0.0.1", 0, create_app(settings).server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture(scope="session")
def served():
    """Serves an app with some settings in a thread, for as long as a block lasts."""
    return _served


@pytest.fixture(scope="session")
def address(settings):
    """The app, served in a thread."""
    with _served(settings) as address:
        yield address


@dataclass
class Screen:
    """The page and what is asked of it."""

    page: Page
    address: str

    def open(self, query=START):
        self.page.goto(self.address + query)
        self.page.wait_for_function(_READY)
        return self

    def reset(self):
        """Back to how the page opens, by an event that no person can make."""
        start = from_query(START)
        if self.session() != start:
            self.page.evaluate(_LOAD, start.to_json())
            self.wait(lambda session: session == start)
            self.settle()

    def settle(self):
        """Wait until what has been asked for is drawn."""
        self.page.wait_for_load_state("networkidle")
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def session(self):
        """The session that the address leads to."""
        return from_query(urlsplit(self.page.url).query)

    def wait(self, condition):
        """Wait until the session in the address fulfills a condition, and return it."""
        for _ in range(600):
            session = self.session()
            if condition(session):
                return session
            self.page.wait_for_timeout(50)
        raise AssertionError(f"the page stays at {self.session()}")

    def meta(self, graph="trees"):
        if graph == "trees":
            return self.page.evaluate("() => topoviz.trees()")
        return self.page.evaluate(f"() => {_GRAPH.format(graph)}.layout.meta")

    def nodes(self, side):
        """Facts on the leaves of one side, by id."""
        return {node["id"]: node for node in self.meta()["nodes"] if node["side"] == side and node["leaf"]}

    def links(self):
        return {(link["a"], link["b"]): link for link in self.meta()["links"]}

    def point(self, x, y, graph="trees"):
        """Where on the screen a point of a plane figure is."""
        return self.page.evaluate(_POINT, [graph, x, y])

    def at_node(self, side, node):
        found = next(n for n in self.meta()["nodes"] if (n["side"], n["id"]) == (side, node))
        return self.point(found["x"], found["y"])

    def click_node(self, side, node):
        self.page.mouse.click(*self.at_node(side, node))

    def click_link(self, a, b):
        link = self.links()[a, b]
        middle = len(link["x"]) // 3
        self.page.mouse.click(*self.point(link["x"][middle], link["y"][middle]))

    def link(self, a, b):
        """Link two nodes by clicks."""
        self.click_node("a", a)
        self.wait(lambda session: session.selection is not None)
        self.click_node("b", b)
        self.wait(lambda session: (a, b) in session.pins and session.selection is None)

    def camera(self, side):
        """Where the person looks from."""
        return self.page.evaluate(f"() => {_GRAPH.format('surface-' + side)}._fullLayout.scene._scene.getCamera().eye")

    def orbit(self, side, across, down, start=0.5):
        """Drag a 3-D view, from a share `start` of its width and height."""
        box = self.page.locator(f"#surface-{side}").bounding_box()
        x, y = box["x"] + start * box["width"], box["y"] + start * box["height"]
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        for step in range(1, 6):
            self.page.mouse.move(x + across * step / 5, y + down * step / 5)
        self.page.mouse.up()
        self.page.mouse.move(5, 5)
        self.page.wait_for_timeout(200)


_GRAPH = "document.querySelector('#{0} .js-plotly-plot')"
_READY = """() => window.topoviz?.trees?.() && ['latent-a', 'latent-b', 'surface-a', 'surface-b'].every((name) => {
  const gd = document.querySelector(`#${name} .js-plotly-plot`);
  return gd && gd._fullLayout && gd.layout.meta && gd.data.length;
})"""
_LOAD = "(session) => topoviz.emit({ type: 'load-session', session })"
_POINT = """([name, x, y]) => {
  const plane = topoviz.plane(name);
  const box = plane.host.getBoundingClientRect();
  return [box.left + plane.x(x), box.top + plane.y(y)];
}"""


@pytest.fixture(scope="session")
def screen_of():
    """The page of an address, as tests see it."""
    return Screen


@pytest.fixture(scope="session")
def shared_page(browser, browser_context_args, address):
    """One page for all tests, since opening it takes longer than most of them."""
    context = browser.new_context(**browser_context_args)
    # Long enough for a busy machine: what is slow is not what is wrong.
    context.set_default_timeout(120_000)
    page = context.new_page()
    page.said, page.asked = [], []
    page.on("console", lambda said: page.said.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    Screen(page, address).open()
    yield page
    context.close()


@pytest.fixture
def screen(shared_page, address):
    """The page, as it is when opened; the test must leave nothing in the console and ask nothing of elsewhere."""
    screen = Screen(shared_page, address)
    screen.reset()
    yield screen
    said, asked = shared_page.said[:], shared_page.asked[:]
    shared_page.said.clear()
    shared_page.asked.clear()
    assert [text for text in said if not any(part in text for part in _HARMLESS)] == []
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
