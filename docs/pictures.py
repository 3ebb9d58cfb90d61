"""Make the README's pictures and the recording of the story, from the page itself.

    python docs/pictures.py            # needs Chromium, playwright (both used by the tests) and ffmpeg

Four still pictures (two sizes, two themes) and `story.gif`, in which a pointer that is drawn in follows the hand.
"""

import logging
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server

from topoviz.app.server import create_app
from topoviz.session.settings import Settings

HERE = Path(__file__).parent
FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"]
STILLS = {
    "page-light": (1440, 900, "light"),
    "page-dark": (1440, 900, "dark"),
    "page-small-light": (1024, 768, "light"),
    "page-small-dark": (1024, 768, "dark"),
}
RATE, WIDE = 7, 900
READY = """() => window.topoviz && topoviz.session && topoviz.session() && topoviz.trees() && topoviz.state.live
  && ['a', 'b'].every((side) => (topoviz.plot(`surface-${side}`) || {}).data?.length)"""
POINTER = """() => {
  const dot = document.createElement('div');
  dot.style.cssText = 'position:fixed;z-index:9999;width:18px;height:18px;margin:-9px;border-radius:99px;left:50%;'
    + 'top:60%;pointer-events:none;background:rgb(20 20 30 / .35);border:2px solid white;box-shadow:0 0 3px #0008';
  document.body.append(dot);
  addEventListener('pointermove', (e) => {
    dot.style.left = `${e.clientX}px`;
    dot.style.top = `${e.clientY}px`;
  }, true);
}"""


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as models, sync_playwright() as play:
        app = create_app(Settings(models=Path(models), open_browser=False))
        server = make_server("127.0.0.1", 0, app.server, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name, (width, height, theme) in STILLS.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            page.add_init_script(f"localStorage.setItem('theme', '\"{theme}\"')")
            opened(page, f"{address}?a=islands-a&b=islands-b")
            page.screenshot(path=HERE / f"{name}.png")
            page.close()
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        opened(page, address)
        with tempfile.TemporaryDirectory() as frames:
            Story(page, Path(frames)).play()
            encode(Path(frames), HERE / "story.gif")
        browser.close()
        server.shutdown()


def opened(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_function(READY, timeout=60_000)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1500)


class Story:
    """The story, played as a person would, a frame at a time."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder, self.count = page, folder, 0
        self.x, self.y = 600.0, 400.0
        page.evaluate(POINTER)

    def play(self) -> None:
        page = self.page
        self.rest(8)
        self.click(*self.middle("[data-story=play]"))
        page.wait_for_timeout(1500)
        page.evaluate("topoviz.travel.pause('b')")
        for step in range(31):
            page.evaluate("(t) => topoviz.travel.to(t, 'b')", step / 30)
            self.frame()
        self.rest(6)
        self.click(*self.middle("[data-story=next]"), wait=True)
        self.rest(5)
        for node in (("a", 3), ("a", 9), ("b", 3)):
            self.go(*self.node(*node))
            self.rest(5)
        self.click(*self.middle("[data-story=next]"), wait=True)
        self.rest(5)
        self.click(*self.node("a", 7), wait=True)
        self.click(*self.node("b", 11), wait=True)
        self.rest(3)
        page.evaluate(
            "window.requestAnimationFrame = ((f) => (g) => setTimeout(() => f(g), 60))(requestAnimationFrame)"
        )
        self.go(*self.middle("button:has-text('complete the rest')"))
        page.mouse.click(self.x, self.y)
        self.rest(26)
        self.click(*self.middle("[data-story=next]"), wait=True)
        self.go(*self.middle("#trust"))
        self.rest(12)

    def middle(self, selector: str) -> tuple[float, float]:
        box = self.page.locator(selector).first.bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + min(box["height"] / 2, 40)

    def node(self, side: str, node: int) -> tuple[float, float]:
        found = "([s, i]) => topoviz.nodeAt(topoviz.trees().nodes.find((n) => n.side === s && n.id === i))"
        place = self.page.evaluate(found, [side, node])
        return place["x"], place["y"]

    def go(self, x: float, y: float, steps: int = 4) -> None:
        from_x, from_y = self.x, self.y
        for step in range(1, steps + 1):
            share = step / steps
            self.x, self.y = from_x + (x - from_x) * share, from_y + (y - from_y) * share
            self.page.mouse.move(self.x, self.y)
            self.frame()

    def click(self, x: float, y: float, wait: bool = False) -> None:
        self.go(x, y)
        self.page.mouse.click(x, y)
        if wait:
            self.page.wait_for_timeout(300)
            self.page.wait_for_load_state("networkidle")
            self.page.wait_for_timeout(700)
        self.frame()

    def rest(self, frames: int) -> None:
        for _ in range(frames):
            self.frame()

    def frame(self) -> None:
        self.page.screenshot(path=self.folder / f"{self.count:04d}.png")
        self.count += 1


def encode(frames: Path, out: Path) -> None:
    palette = f"scale={WIDE}:-1:flags=lanczos,split[a][b];[a]palettegen=max_colors=96:stats_mode=diff[p]"
    palette += ";[b][p]paletteuse=dither=none:diff_mode=rectangle"
    command = ["ffmpeg", "-y", "-v", "error", "-framerate", str(RATE), "-i", str(frames / "%04d.png")]
    subprocess.run([*command, "-filter_complex", palette, str(out)], check=True)


if __name__ == "__main__":
    main()
