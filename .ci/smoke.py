"""Start an installed `topoviz serve`, wait for its healthy answer, fetch the page and an asset, stop it."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
server = subprocess.Popen([sys.argv[1], "serve", "--no-browser", "--port", str(port)])
try:
    for _ in range(300):
        time.sleep(0.2)
        if server.poll() is not None:
            sys.exit("the server stopped")
        try:
            health = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5))
            break
        except (urllib.error.URLError, OSError):
            continue
    else:
        sys.exit("no healthy answer")
    page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60).read().decode()
    layout = urllib.request.urlopen(f"http://127.0.0.1:{port}/_dash-layout", timeout=60).read().decode()
    for needed, text in (("topoviz", page), ("/assets/", page), ("wordmark", layout)):
        assert needed in text, needed
    print("served", health, len(layout), "bytes of layout")
finally:
    server.terminate()
    server.wait(timeout=30)
