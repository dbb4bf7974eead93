"""A lab whose bot is a user of its own on the servers, with what docs/server has, and sites of several users."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from backup.harness import Vault, offsite
from cutover.harness import MOMENTS, traced
from sync.harness import lab_to_share, rigged

from lab.running import daemon_pid

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sync.harness import SharedLab

    from lab import Lab

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "without-root.md"
USER, SESSION = "sharpnet", "sharpnet-session"
SESSION_UID = 80_001
ROOTS = "/usr/local/etc/sharpnet-roots"
SITES = {f"{user}.ski.example": number for number, user in enumerate(("ann", "bob", "cook"), start=70_001)}
# The lab gives a host its accounts; what these lines would change is the machine's.
ACCOUNTS = (
    "useradd --create-home --shell /bin/bash sharpnet",
    "useradd --system --no-create-home --home-dir /home/sharpnet --shell /usr/sbin/nologin sharpnet-session",
)
# What the host has of its own: the machine's are left alone.
OWN = """
set -e
for folder in /usr/local/sbin /usr/local/bin /usr/local/etc /etc/sudoers.d; do
  mount -t tmpfs -o mode=755 none "$folder"
done
cd /tmp
"""


def several_users(tree: dict[str, Any]) -> None:
    """Give the fleet sites of several users, each with databases of its own, and an off-site host."""
    tree["offsite"] = offsite(tree)
    tree["sites"] = {}
    for name in SITES:
        user = name.partition(".")[0]
        tree["sites"][name] = {
            "home": "oslo",
            "mirrors": ["lima"],
            "names": [name],
            "root": f"/srv/{{server}}/www/{name}",
            "databases": [
                {"engine": "mariadb", "name": user, "user": user, "password": f"env:{user.upper()}_PASSWORD"},
                {"engine": "postgresql", "name": user, "user": user, "password": f"env:{user.upper()}_PASSWORD"},
            ],
        }
    traced(tree, "cook.ski.example", *MOMENTS)
    for name, server in tree["servers"].items():
        server["ssh"]["user"] = USER
        url = f"http://{server['ipv4']}:{server['web']['http']}/"
        server["status_page"] = {"root": f"/srv/{name}/status", "url": url}
        keys = {"key": f"/home/{USER}/peer", "known_hosts": f"/home/{USER}/peer_known_hosts"}
        # One of them reads a whole folder at the other, which reads single roots.
        server["peer"] = {**keys, "limited_to": "/srv/oslo/www" if name == "oslo" else "roots"}


def written_on_the_page() -> list[str]:
    """Return the lines that the page has people type on a server."""
    block = next(part for part in PAGE.read_text().split("\n\n    ") if part.startswith("useradd"))
    after = PAGE.read_text().partition(block)[2].partition("\n\nand, so that")[0]
    lines = [line.strip() for line in (block + after).splitlines() if line.strip()]
    assert tuple(lines[: len(ACCOUNTS)]) == ACCOUNTS
    assert all(
        line.startswith(("install ", "visudo ", "chown ", "chmod ", "mount ")) for line in lines[len(ACCOUNTS) :]
    )
    return lines[len(ACCOUNTS) :]


def in_host(lab: Lab, server: str, script: str) -> None:
    """Run a script as root on a server, as its administrator does."""
    daemon = str(daemon_pid(lab.host(server), "sshd"))
    subprocess.run(["nsenter", "--target", daemon, "--mount", "--pid", "--", "sh", "-ec", script], check=True)


def install(lab: Lab, server: str) -> None:
    """Do on a server what the page says, with its folders and keys in the files."""
    group = f"{SESSION}:x:{SESSION_UID}:"
    for name, line in (("passwd", f"{group}{SESSION_UID}::/home/{USER}:/usr/sbin/nologin"), ("group", group)):
        accounts = lab.path_on(server, f"/etc/{name}")
        accounts.write_text(f"{accounts.read_text()}{line}\n")
    lines = lab.path_on(server, f"/home/{USER}/.ssh/authorized_keys").read_text().splitlines()
    keys = {"peer" if "peer-" in line else "bot": line[line.index("ssh-ed25519") :] for line in lines}
    docs = lab.path_on(server, "/tmp/docs")
    (docs / "server").mkdir(parents=True, exist_ok=True)
    for file in [*(DOCS / "server").iterdir(), DOCS / "sharpnet-peer"]:
        text = file.read_text().replace("ssh-ed25519 BOT sharpnet", keys["bot"])
        text = text.replace("ssh-ed25519 PEER peer-of-dallas", keys["peer"])
        if file.name == "authorized_keys" and server == "lima":
            text = text.replace("read /srv/www", f"read {ROOTS}")
        (docs / file.relative_to(DOCS)).write_text(here(text, server))
    lab.path_on(server, f"/srv/{server}/status").mkdir(exist_ok=True)
    roots = "\n".join(f"/srv/{server}/www/{site}" for site in SITES)
    more = f"install -m 755 docs/sharpnet-peer /usr/local/bin/\nprintf '%s\\n' '{roots}' >{ROOTS}\n"
    in_host(lab, server, OWN + here("\n".join(written_on_the_page()), server) + "\n" + more)


def here(text: str, server: str) -> str:
    """Give the page's folders the names that they have in the lab."""
    return re.sub("/srv/(www|status)", rf"/srv/{server}/\1", text)


def give_to_their_owners(lab: Lab, server: str) -> None:
    """Have each site on a server belong to its own user, and at home hold a file that nobody else may read."""
    for site, uid in SITES.items():
        root = lab.path_on(server, f"/srv/{server}/www/{site}")
        if server == "oslo":
            (root / "secret.php").write_text(re.sub(r"\W", "", site))
        for path in (root, *root.rglob("*")):
            os.chown(path, uid, uid)
            path.chmod(0o755 if path == root else 0o750 if path.is_dir() else 0o644)
        if server == "oslo":
            (root / "secret.php").chmod(0o600)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLab]:
    """Bring up the lab, in which each site belongs to somebody whose files nobody else may read."""
    with lab_to_share(tmp_path_factory.mktemp("lab"), several_users) as shared:
        for server in ("oslo", "lima"):
            install(shared.lab, server)
            give_to_their_owners(shared.lab, server)
        yield shared


@pytest.fixture
async def vault(shared: SharedLab, tmp_path: Path) -> AsyncIterator[Vault]:
    """Open a process on the lab."""
    async with rigged(shared, tmp_path / "store.sqlite") as rig:
        made = Vault.of(rig, tmp_path.name)
        yield made.on(rig.ports.fleet)
