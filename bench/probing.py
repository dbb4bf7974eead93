"""How many good checks a processor second is worth, beside what else watches web sites; counted at the target.

Every one is given the same sites by name on one real web server, each to be looked at once a second over a new
connection. nginx counts the requests; processor time and memory are those of whole processes.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.bots import PROJECT, SHARPNET
from bench.result import Row

ADDRESS = "127.0.0.1"
SITES = 1000
EVERY_S = 1
WARM_UP_S = 10.0
MEASURED_S = 10.0
MEGABYTE = 1_000_000
TIMES_BLACKBOX = 8
SHARE_OF_ITS_MEMORY = 0.1
START_S = 20.0


@dataclass(frozen=True, slots=True)
class Found:
    """What one program did in the measured time."""

    checks_a_s: float
    checks_a_cpu_s: float
    rss_bytes: int

    @property
    def words(self) -> str:
        """Say it."""
        return (
            f"{self.checks_a_cpu_s:,.0f} a processor second, {self.checks_a_s:,.0f} a second, "
            f"{self.rss_bytes / MEGABYTE:.0f} MB"
        )


async def measure(folder: Path) -> list[Row]:
    """Let each of them look at the same sites, one after the other."""
    with _web_server(folder / "nginx") as port:
        ours = _of(port, _sharpnet(folder / "sharpnet", port))
        blackbox = _peer(("prometheus", "prometheus-blackbox-exporter"), port, _prometheus(folder / "prometheus", port))
        monit = _peer(("monit",), port, _monit(folder / "monit", port))
    met = None
    if isinstance(blackbox, Found):
        met = (
            ours.checks_a_cpu_s >= TIMES_BLACKBOX * blackbox.checks_a_cpu_s
            and ours.rss_bytes <= SHARE_OF_ITS_MEMORY * blackbox.rss_bytes
        )
    beside = "; ".join(
        f"{name}: {found if isinstance(found, str) else found.words}"
        for name, found in (("Prometheus + blackbox exporter", blackbox), ("monit", monit))
    )
    return [
        Row(
            f"checks of {SITES:,} sites over HTTP by name, each every {EVERY_S} s, by the whole bot",
            ours.words,
            beside,
            f"{TIMES_BLACKBOX} times Prometheus + blackbox exporter, in a tenth of its memory",
            met,
        )
    ]


def _peer(programs: tuple[str, ...], port: int, running: contextlib.AbstractContextManager[list[int]]) -> Found | str:
    missing = [program for program in programs if shutil.which(program) is None]
    return f"not on this machine: {', '.join(missing)}" if missing else _of(port, running)


def _of(port: int, running: contextlib.AbstractContextManager[list[int]]) -> Found:
    """Measure processes while they run."""
    with running as pids:
        time.sleep(WARM_UP_S)
        count, cpu_s, began = _answered(port), sum(map(_cpu_s, pids)), time.monotonic()
        time.sleep(MEASURED_S)
        took_s = time.monotonic() - began
        # The question itself is counted too.
        checks, cpu_s = _answered(port) - count - 1, sum(map(_cpu_s, pids)) - cpu_s
        if checks <= 0:
            raise RuntimeError("one of those measured looked at nothing: see its log")
        return Found(checks / took_s, checks / max(cpu_s, 0.01), sum(map(_rss_bytes, pids)))


@contextlib.contextmanager
def _web_server(folder: Path) -> Iterator[int]:
    """Run nginx with one answer for every name, and a counter."""
    folder.mkdir(parents=True)
    port = _free_port()
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log crit;\n"
        "events { worker_connections 8192; }\n"
        f"http {{ access_log off; {temporary} server {{ listen {ADDRESS}:{port} backlog=4096;\n"
        '  location = /count { stub_status; } location / { default_type text/plain; return 200 "Welcome\\n"; } } }\n',
        encoding="utf-8",
    )
    with _running(["nginx", "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")], folder):
        _wait_for(port)
        yield port


@contextlib.contextmanager
def _sharpnet(folder: Path, port: int) -> Iterator[list[int]]:
    """Run a bot whose one server is that web server, with an sshd and a name server beside it."""
    folder.mkdir(parents=True)
    dns_port, ssh_port = _free_port(), _free_port()
    zone = "$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\n* A 127.0.0.1\n"
    (folder / "bench.db").write_text(zone, encoding="ascii")
    (folder / "named.conf").write_text(
        f'options {{ directory "{folder}"; listen-on port {dns_port} {{ {ADDRESS}; }}; listen-on-v6 {{ none; }}; '
        "pid-file none; session-keyfile none; recursion no; };\ncontrols { };\n"
        f'zone "bench" {{ type primary; file "{folder}/bench.db"; }};\n',
        encoding="ascii",
    )
    login = {"user": "web", "port": ssh_port, "key": "file:key", "known_hosts": "known_hosts"}
    fleet = {
        "fleet": "bench",
        "timezone": "UTC",
        "servers": {"one": {"ipv4": ADDRESS, "ssh": login, "web": {"http": port}, "checks": {"host": "off"}}},
        "dns": {
            "update": [{"address": ADDRESS, "port": dns_port}],
            "nameservers": {"ns": {"address": ADDRESS, "port": dns_port}},
            "zones": ["bench"],
        },
        "watch": {"every": f"{EVERY_S}s", "retry": "500ms", "timeout": "5s", "down_after": 3, "up_after": 2},
        "schedule": {},
        "sites": {
            f"s{number:05}.bench": {
                "home": "one",
                "mirrors": [],
                "names": [f"s{number:05}.bench"],
                "root": f"/srv/www/s{number:05}.bench",
                "check": {"path": "/", "contains": "Welcome"},
            }
            for number in range(SITES)
        },
    }
    (folder / "app.yaml").write_text(json.dumps(fleet), encoding="utf-8")
    for name in ("key", "known_hosts"):
        (folder / name).touch(mode=0o600)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "host")], check=True)
    sshd = ["/usr/sbin/sshd", "-D", "-f", "/dev/null", "-h", str(folder / "host"), "-p", str(ssh_port)]
    sshd += ["-o", f"ListenAddress={ADDRESS}", "-o", "UsePAM=no", "-o", "PidFile=none", "-E", str(folder / "sshd.log")]
    Path("/run/sshd").mkdir(exist_ok=True)
    more = {"SHARPNET_CONFIG": str(folder / "app.yaml"), "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite"}
    with (
        _running(["named", "-g", "-c", str(folder / "named.conf")], folder),
        _running(sshd, folder),
    ):
        _wait_for(dns_port)
        _wait_for(ssh_port)
        with _running([*SHARPNET, "run"], folder, more) as bot:
            yield [bot]


@contextlib.contextmanager
def _prometheus(folder: Path, port: int) -> Iterator[list[int]]:
    """Run Prometheus and the blackbox exporter, as their manuals say."""
    folder.mkdir(parents=True)
    own, exporter = _free_port(), _free_port()
    module = {
        "prober": "http",
        "timeout": "5s",
        "http": {"preferred_ip_protocol": "ip4", "fail_if_body_not_matches_regexp": ["Welcome"]},
    }
    (folder / "blackbox.yml").write_text(json.dumps({"modules": {"web": module}}), encoding="utf-8")
    job = {
        "job_name": "sites",
        "metrics_path": "/probe",
        "params": {"module": ["web"], "target": [f"http://{ADDRESS}:{port}/"]},
        "static_configs": [{"targets": [f"s{number:05}.bench" for number in range(SITES)]}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_hostname"},
            {"source_labels": ["__address__"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": f"{ADDRESS}:{exporter}"},
        ],
    }
    settings = {"global": {"scrape_interval": f"{EVERY_S}s", "scrape_timeout": f"{EVERY_S}s"}, "scrape_configs": [job]}
    (folder / "prometheus.yml").write_text(json.dumps(settings), encoding="utf-8")
    blackbox = [
        "prometheus-blackbox-exporter",
        f"--config.file={folder}/blackbox.yml",
        f"--web.listen-address={ADDRESS}:{exporter}",
        "--log.level=error",
    ]
    prometheus = [
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={ADDRESS}:{own}",
        "--log.level=error",
    ]
    with _running(blackbox, folder) as first:
        _wait_for(exporter)
        with _running(prometheus, folder) as second:
            yield [first, second]


@contextlib.contextmanager
def _monit(folder: Path, port: int) -> Iterator[list[int]]:
    """Run monit, which looks at one after the other."""
    folder.mkdir(parents=True)
    lines = [
        f"set daemon {EVERY_S}",
        f"set idfile {folder}/id",
        f"set statefile {folder}/state",
        f"set pidfile {folder}/pid",
    ]
    asking, then = f'if failed port {port} protocol http request "/" hostheader', 'content = "Welcome" then alert'
    lines += [
        f'check host s{number:05} with address {ADDRESS}\n  {asking} "s{number:05}.bench" {then}'
        for number in range(SITES)
    ]
    config = folder / "monitrc"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    config.chmod(0o600)
    with _running(["monit", "-I", "-c", str(config)], folder) as pid:
        yield [pid]


@contextlib.contextmanager
def _running(argv: list[str], folder: Path, more: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run a program until the block ends; gives its process id. Its output is in a log in `folder`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
    environment |= {"PYTHONPATH": str(PROJECT), **(more or {})}
    with (folder / f"{Path(argv[0]).name}.log").open("ab") as log:
        process = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(START_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answered(port: int) -> int:
    """Return how many requests nginx has answered so far."""
    with urllib.request.urlopen(f"http://{ADDRESS}:{port}/count", timeout=10) as answer:
        return int(answer.read().split()[9])


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    # utime and stime, fields 14 and 15 of proc(5), counted from the third.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((ADDRESS, 0))
        return int(free.getsockname()[1])


def _wait_for(port: int) -> None:
    """Return when something listens there. RuntimeError where nothing does in time."""
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up:
        try:
            socket.create_connection((ADDRESS, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"nothing listens on port {port} after {START_S:.0f} s")
