"""Sharpnet, the whole bot, set up as its peers are."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.bots import SHARPNET as PROGRAM
from bench.peers import CONTAINS, TIMEOUT_S, Target, Task, Watcher
from bench.processes import LOOPBACK, free_port, running, wait_for

ZONE = "bench"


@contextlib.contextmanager
def _run(folder: Path, task: Task) -> Iterator[list[int]]:
    """Run a bot with a site for each target, a server for each place of them, and a name server for all."""
    folder.mkdir(parents=True)
    ends = dict.fromkeys((target.address, target.port) for target in task.targets)
    places = {end: f"server{number}" for number, end in enumerate(ends, 1)}
    with name_server(folder) as dns_port, ssh_server(folder, *{address for address, _ in ends}) as ssh_port:
        fleet = {
            **fleet_around(dns_port),
            "servers": {
                name: {
                    "ipv4": address,
                    # SSH is looked at as well.
                    "ssh": login(ssh_port),
                    "web": {"https": port} if task.authority else {"http": port},
                    "checks": {"host": "off"},
                }
                for (address, port), name in places.items()
            },
            "watch": {"every": f"{task.every_s}s", "retry": "500ms", "timeout": f"{TIMEOUT_S}s"},
            "sites": {one.name: site_of(one, places[one.address, one.port]) for one in task.targets},
        }
        trusted = {"SSL_CERT_FILE": str(task.authority)} if task.authority else {}
        with bot(folder, fleet, trusted) as pid:
            yield [pid]


@contextlib.contextmanager
def bot(folder: Path, fleet: dict[str, object], more: dict[str, str]) -> Iterator[int]:
    """Run a bot on a fleet file that holds `fleet`; gives its process id."""
    (folder / "app.yaml").write_text(json.dumps(fleet), encoding="utf-8")
    settings = {"SHARPNET_CONFIG": str(folder / "app.yaml"), "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite"}
    with running([*PROGRAM, "run"], folder, {**settings, **more}) as pid:
        yield pid


def fleet_around(dns_port: int) -> dict[str, object]:
    """Return what a fleet file needs besides servers, sites and watch."""
    place = {"address": LOOPBACK, "port": dns_port}
    return {
        "fleet": "bench",
        "timezone": "UTC",
        "dns": {"update": [place], "nameservers": {"ns": place}, "zones": [ZONE]},
        "schedule": {},
    }


def site_of(target: Target, home: str) -> dict[str, object]:
    """Return what a fleet file says of a site that is kept nowhere but at `home`."""
    return {
        "home": home,
        "mirrors": [],
        "names": [target.name],
        "root": f"/srv/www/{target.name}",
        "check": {"path": "/", "contains": CONTAINS},
    }


def login(port: int) -> dict[str, object]:
    """Return how the bot logs in to any of these servers."""
    return {"user": "root", "port": port, "key": "file:key", "known_hosts": "known_hosts"}


@contextlib.contextmanager
def name_server(folder: Path) -> Iterator[int]:
    """Run a name server that says of every name in the zone that it is on this machine; gives its port."""
    port = free_port()
    zone = f"$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\n* A {LOOPBACK}\n"
    (folder / "zone.db").write_text(zone, encoding="ascii")
    (folder / "named.conf").write_text(
        f'options {{ directory "{folder}"; listen-on port {port} {{ {LOOPBACK}; }}; listen-on-v6 {{ none; }}; '
        "pid-file none; session-keyfile none; recursion no; };\ncontrols { };\n"
        f'zone "{ZONE}" {{ type primary; file "{folder}/zone.db"; }};\n',
        encoding="ascii",
    )
    with running(["named", "-g", "-c", str(folder / "named.conf")], folder):
        wait_for(port)
        yield port


@contextlib.contextmanager
def ssh_server(folder: Path, *addresses: str) -> Iterator[int]:
    """Run an sshd at these addresses that lets the bot in as root; gives its port."""
    port = free_port()
    for name in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    host_key = (folder / "host.pub").read_text(encoding="ascii").rsplit(" ", 1)[0]
    pins = "".join(f"[{address}]:{port} {host_key}\n" for address in addresses)
    (folder / "known_hosts").write_text(pins, encoding="ascii")
    Path("/run/sshd").mkdir(exist_ok=True)
    options = ["UsePAM=no", "PidFile=none", "StrictModes=no", f"AuthorizedKeysFile={folder}/key.pub"]
    options += ["PermitRootLogin=prohibit-password", "MaxStartups=1000", "PerSourceMaxStartups=none"]
    # Or bash, for each command, would first run what this machine's root has in its .bashrc.
    options.append(f"SetEnv=HOME={folder}")
    options += [f"ListenAddress={address}" for address in addresses]
    argv = ["/usr/sbin/sshd", "-D", "-f", "/dev/null", "-h", str(folder / "host"), "-p", str(port)]
    argv += ["-E", str(folder / "sshd.log"), *(word for option in options for word in ("-o", option))]
    with running(argv, folder):
        for address in addresses:
            wait_for(port, address)
        yield port


SHARPNET = Watcher("Sharpnet", ("named", "ssh-keygen"), _run)
