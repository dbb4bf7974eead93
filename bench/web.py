"""The web server that all look at: nginx with one answer for every name, which counts those who ask."""

import contextlib
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.peers import CONTAINS
from bench.processes import LOOPBACK, free_port, running, wait_for
from lab import programs
from lab.tls import make_authority

ANY_NAME = "*.sites.bench"
QUESTION_S = 10


@dataclass(frozen=True, slots=True)
class WebServer:
    """It runs. log: a line for each request, when it was answered (seconds since 1970) and for which name."""

    http: int
    https: int
    authority: Path
    log: Path

    def asked(self) -> int:
        """Return how many requests it has had so far, this question among them."""
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self.http}/count", timeout=QUESTION_S) as answer:
            return int(answer.read().split()[9])


def site_name(number: int) -> str:
    """Return the name of a site that the server's certificate is good for."""
    return f"s{number:05}.sites.bench"


@contextlib.contextmanager
def web_server(folder: Path, *, logged: bool = False) -> Iterator[WebServer]:
    """Run it until the block ends. No TLS session is resumed: every look is a whole handshake."""
    folder.mkdir(parents=True)
    http, https = free_port(), free_port()
    _make_certificate(folder)
    found = WebServer(http, https, folder / "ca.pem", folder / "access.log")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    lines = [
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log crit;",
        "events { worker_connections 8192; }",
        "http {",
        '  log_format seen "$msec $host $status"; default_type text/plain;',
        f"  access_log {f'{found.log} seen buffer=64k flush=1s' if logged else 'off'};",
        *(f"  {kind}_temp_path {folder}/{kind};" for kind in kinds),
        f"  server {{ listen {LOOPBACK}:{http} backlog=4096; listen {LOOPBACK}:{https} ssl backlog=4096;",
        f"    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;",
        "    ssl_session_cache off; ssl_session_tickets off;",
        "    location = /count { stub_status; access_log off; }",
        f'    location / {{ return 200 "{CONTAINS}\\n"; }}',
        "  }",
        "}",
    ]
    (folder / "nginx.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with running(["nginx", "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")], folder):
        wait_for(http)
        yield found


def _make_certificate(folder: Path) -> None:
    make_authority(folder)
    config = folder / "request.cnf"
    lines = ["[req]", "distinguished_name=subject", "x509_extensions=uses", "prompt=no", "[subject]", "CN=bench"]
    lines += ["[uses]", "basicConstraints=critical,CA:FALSE", "extendedKeyUsage=serverAuth"]
    config.write_text("\n".join([*lines, f"subjectAltName=DNS:{ANY_NAME}"]) + "\n", encoding="ascii")
    argv: list[str | Path] = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    argv += ["-nodes", "-days", "90", "-config", config, "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key"]
    programs.run([*argv, "-keyout", folder / "server.key", "-out", folder / "server.pem"])
