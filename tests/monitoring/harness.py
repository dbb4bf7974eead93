"""A real Prometheus and a real Alertmanager on loopback, in a test's own folders, and the bot's HTTP asked."""

from __future__ import annotations

import contextlib
import io
import json
import socketserver
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "t0ken-of-the-test"
RULES = """
groups:
  - name: machines
    rules:
      - alert: ServerDown
        expr: up{job="machines"} == 0
        labels: {sharpnet: down}
      - alert: DiskFull
        expr: up{job="machines"} == 0
"""


@dataclass
class Monitors:
    """Where they listen. machine: the host and port that Prometheus looks at. bot: where the bot answers."""

    folder: Path
    prometheus: int
    alertmanager: int
    machine: str
    bot: str
    token: str

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.prometheus}"

    def write(self) -> None:
        (self.folder / "rules.yml").write_text(RULES)
        scrapes = [
            {"job_name": "machines", "static_configs": [{"targets": [self.machine]}]},
            {"job_name": "sharpnet", "static_configs": [{"targets": [self.bot]}]},
        ]
        alertmanagers = [{"static_configs": [{"targets": [f"127.0.0.1:{self.alertmanager}"]}]}]
        prometheus = {
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"},
            "rule_files": ["rules.yml"],
            "scrape_configs": scrapes,
            "alerting": {"alertmanagers": alertmanagers},
        }
        hook = {
            "url": f"http://{self.bot}/alertmanager",
            "http_config": {"authorization": {"credentials": self.token}},
        }
        alertmanager = {
            "route": {"receiver": "sharpnet", "group_wait": "1ms", "group_interval": "500ms", "repeat_interval": "5m"},
            "receivers": [{"name": "sharpnet", "webhook_configs": [hook]}],
        }
        # JSON is YAML.
        (self.folder / "prometheus.yml").write_text(json.dumps(prometheus))
        (self.folder / "alertmanager.yml").write_text(json.dumps(alertmanager))

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start both, and end both."""
        self.write()
        started = [
            self._start(
                "prometheus",
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=tsdb",
                f"--web.listen-address=127.0.0.1:{self.prometheus}",
            ),
            self._start(
                "prometheus-alertmanager",
                "--config.file=alertmanager.yml",
                "--storage.path=kept",
                f"--web.listen-address=127.0.0.1:{self.alertmanager}",
                "--cluster.listen-address=",
            ),
        ]
        try:
            yield
        finally:
            for one in started:
                one.terminate()
            for one in started:
                one.wait()

    def _start(self, program: str, *options: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{program}.log").open("wb") as log:
            return subprocess.Popen([program, *options], cwd=self.folder, stdout=log, stderr=log)


async def ask(address: str) -> tuple[int, str]:
    """Return the status and the text of an answer."""
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        return answer.status, await answer.text()


async def post(address: str, body: object, token: str | None = TOKEN) -> tuple[int, str]:
    """Post JSON (or, given bytes, these), with a token; return the status and the text of the answer."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
    async with aiohttp.ClientSession() as session, session.post(address, data=data, headers=headers) as answer:
        return answer.status, await answer.text()


async def metrics_of(web: str) -> dict[str, float]:
    """Return the figures of /metrics by their line: name and labels in the order of the alphabet."""
    status, page = await ask(f"{web}/metrics")
    assert status == 200, page
    found = {}
    for line in page.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[_sorted(name)] = float(value)
    return found


def _sorted(name: str) -> str:
    name, _, labels = name.removesuffix("}").partition("{")
    return f"{name}{{{','.join(sorted(labels.split(',')))}}}" if labels else name


@contextlib.contextmanager
def answering(address: str, port: int, words: bytes) -> Iterator[None]:
    """Say `words` to whoever connects there, in a thread."""

    class Says(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self.request.sendall(words)
                self.request.settimeout(5)
                self.request.recv(1)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    with Server((address, port), Says) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        try:
            yield
        finally:
            server.shutdown()
            serving.join()
