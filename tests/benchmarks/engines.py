"""The page in other engines than Chromium's: does it open, light up, link and undo, without an error?

    python tests/benchmarks/engines.py [--shots FOLDER]

Firefox is driven by Marionette (`pip install marionette_driver`, Debian's firefox-esr), WebKit by its own driver
(`pip install selenium`, Debian's webkit2gtk-driver and xvfb). An engine that is not here is named and left out.
"""

import argparse
import base64
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from soak import served

SIZE = (1440, 900)
WATCH = "window.faults = []; addEventListener('error', (e) => window.faults.push(e.message));"
READY = "return Boolean(window.topoviz && topoviz.session && topoviz.session() && topoviz.trees());"
IDLE = "return !topoviz.state.busy && !topoviz.state.queue.length;"
MINI = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser"
Script = Callable[[str], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shots", type=Path)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as models, served(Path(models)) as (_, address):
        for name, engine in (("firefox", firefox), ("webkit", webkit)):
            try:
                with engine(f"{address}?a=islands-a&b=islands-b") as (run, shot):
                    print(f"{name:<10}" + "  ".join(tried(run)), flush=True)
                    if flags.shots:
                        flags.shots.mkdir(parents=True, exist_ok=True)
                        (flags.shots / f"{name}.png").write_bytes(base64.b64decode(shot()))
            except (ImportError, FileNotFoundError) as error:
                print(f"{name:<10}not here: {error}")


def tried(run: Script) -> Iterator[str]:
    """What was done, and whether it came out."""
    began = time.monotonic()
    until(run, READY, 120)
    yield f"open {time.monotonic() - began:.1f} s"
    until(run, "return document.querySelectorAll('#surface-a canvas, #surface-a .no-webgl').length > 0;", 60)
    yield "3-D " + ("drawn" if run("return !document.body.innerText.includes('WebGL');") else "not drawn: no WebGL")
    run("const l = topoviz.trees().links[0]; topoviz.hover({ node: { side: 'a', id: l.a } });")
    until(run, "return document.querySelectorAll('.ring').length >= 2;", 10)
    yield "hover lights both"
    run("const l = topoviz.trees().links[0]; topoviz.emit({ type: 'link', a: l.a, b: l.b });")
    until(run, "return topoviz.session().pins.length === 1;", 30)
    until(run, IDLE, 30)
    yield "linked"
    run("topoviz.emit({ type: 'undo' });")
    until(run, "return topoviz.session().pins.length === 0;", 30)
    yield "undone"
    for level in (0.4, 0.6, 0.8):
        run(f"topoviz.setLevel({level});")
    until(run, "return topoviz.session().level === 0.8;", 30)
    yield "level moved"
    faults = run("return window.faults || [];")
    yield f"errors: {faults or 'none'}"


def until(run: Script, condition: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not run(condition):
        if time.monotonic() > end:
            raise TimeoutError(f"never came true: {condition}")
        time.sleep(0.2)


@contextmanager
def firefox(url: str) -> Iterator[tuple[Script, Callable[[], str]]]:
    from marionette_driver.marionette import Marionette

    binary = shutil.which("firefox-esr") or shutil.which("firefox")
    if binary is None:
        raise FileNotFoundError("no Firefox")
    with display():
        client = Marionette(bin=binary, gecko_log=os.devnull, prefs={"webgl.force-enabled": True})
        client.start_session()
        try:
            client.set_window_rect(width=SIZE[0], height=SIZE[1])
            client.navigate(url)
            client.execute_script(WATCH, sandbox=None)
            yield lambda script: client.execute_script(script, sandbox=None), lambda: client.screenshot(full=False)
        finally:
            client.quit()


@contextmanager
def webkit(url: str) -> Iterator[tuple[Script, Callable[[], str]]]:
    from selenium import webdriver
    from selenium.webdriver.webkitgtk.service import Service

    driver = shutil.which("WebKitWebDriver")
    if driver is None:
        raise FileNotFoundError("no WebKitWebDriver")
    os.environ["WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS"] = "1"
    options = webdriver.WebKitGTKOptions()
    options.binary_location = MINI
    options.add_argument("--automation")
    with display():
        browser = webdriver.WebKitGTK(options=options, service=Service(driver))
        try:
            browser.set_window_size(*SIZE)
            browser.get(url)
            browser.execute_script(WATCH)
            yield browser.execute_script, browser.get_screenshot_as_base64
        finally:
            browser.quit()


@contextmanager
def display() -> Iterator[None]:
    """A screen without a screen, drawn in software."""
    screen = shutil.which("Xvfb")
    if screen is None:
        raise FileNotFoundError("no Xvfb")
    process = subprocess.Popen([screen, ":97", "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24"], stderr=subprocess.DEVNULL)
    os.environ |= {"DISPLAY": ":97", "LIBGL_ALWAYS_SOFTWARE": "1"}
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    main()
