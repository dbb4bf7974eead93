"""Where alerts arrive, an HTTP server or a channel of Slack: it notes when each target was first named."""

import contextlib
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.peers import CONTAINS
from bench.processes import LOOPBACK
from lab.slack import LocalSlack

READ_EVERY_S = 0.05
NAMED = re.compile(r"\bt\d{3}\b")


class Receiver:
    """What arrived so far. heard: for each target that was named, when, in seconds of the monotonic clock."""

    def __init__(self) -> None:
        self.heard: dict[str, float] = {}
        self.url = ""

    def take(self, said: str) -> None:
        """Note who is named in what arrived now."""
        now_s = time.monotonic()
        for name in NAMED.findall(said):
            self.heard.setdefault(name, now_s)


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """Take alerts until the block ends."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            receiver.take(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(CONTAINS.encode())

        def do_POST(self) -> None:
            receiver.take(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Log nothing: what arrives is kept."""

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        receiver.url = f"http://{LOOPBACK}:{server.server_address[1]}"
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            serving.join()


@contextlib.contextmanager
def reading(slack: LocalSlack) -> Iterator[Receiver]:
    """Read what stands in Slack's channel again and again, edited messages too, until the block ends."""
    receiver, ended = Receiver(), threading.Event()

    def read() -> None:
        while not ended.wait(READ_EVERY_S):
            receiver.take(json.dumps(slack.messages()))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield receiver
    finally:
        ended.set()
        thread.join()
