"""Keys and accounts: how the bot comes to each server, and the servers to each other (sshd(8), AUTHORIZED_KEYS)."""

import os
import shlex
from collections.abc import Container, Iterable
from pathlib import Path

from lab import programs
from lab.errors import FleetFileError
from lab.fleet import FleetSpec, ServerSpec
from lab.init import DaemonSpec
from lab.root_folder import ACCOUNT_FILES, INSIDE, on_host

DATABASE_UIDS = {"mysql": 2_000_000_001, "postgres": 2_000_000_002}
"""The accounts that database servers run as. The machine need not have them, nor by these numbers."""

ROOTS = "roots"
"""How the fleet file says that others' keys read the sites' roots only."""

_PEER = Path(__file__).parents[1] / "docs" / "sharpnet-peer"
_FIRST_UID = 1_000_000_000
_HOST_KEY = "ssh/host_key"


def uid_of(server: ServerSpec) -> int:
    """Give the server's own user id: of no other host, so that a packet filter can tell its processes."""
    if server.user == "root":
        return 0
    last_24_bits = int.from_bytes(bytes(map(int, server.ipv4.split("."))), "big") & 0xFFFFFF
    return _FIRST_UID + last_24_bits


def make_key(path: Path, comment: str, owner: int = 0) -> str:
    """Make an Ed25519 key pair at `path`, where there is none yet, and give the public line."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        programs.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])
        for file in (path, public_half(path)):
            os.chown(file, owner, owner)
    return public_half(path).read_text(encoding="utf-8").strip()


def public_half(path: Path) -> Path:
    """Say where the public half of a key stands."""
    return path.with_name(path.name + ".pub")


def known_host(server: ServerSpec, folder: Path) -> str:
    """Give the lines for known_hosts that pin the server's host key."""
    kind_and_key = make_key(folder / _HOST_KEY, server.name).rsplit(" ", 1)[0]
    port = server.ssh_port
    return "".join(
        f"{address if port == 22 else f'[{address}]:{port}'} {kind_and_key}\n"  # noqa: PLR2004 -- known_hosts' own rule
        for address in server.addresses
    )


def prepare_accounts(server: ServerSpec, folder: Path) -> None:
    """Give the server the machine's accounts and its own user, with a home folder and no password."""
    uid = uid_of(server)
    home = "/root" if uid == 0 else f"/home/{server.user}"
    passwd, shadow, group = (on_host(folder, path) for path in ACCOUNT_FILES)
    accounts = {**DATABASE_UIDS, server.user: uid}
    users = [f"{name}:x:{its}:{its}::{home if its == uid else '/'}:/bin/bash\n" for name, its in accounts.items()]
    groups = [f"{name}:x:{its}:\n" for name, its in accounts.items()]
    programs.write(passwd, _without("/etc/passwd", accounts) + "".join(users), 0o644)
    programs.write(group, _without("/etc/group", accounts) + "".join(groups), 0o644)
    # Without PAM sshd takes "!" for a locked account, and "*" for one without a password.
    programs.write(shadow, f"{server.user}:*:19000:0:99999:7:::\n")
    folders = on_host(folder, home), on_host(folder, home) / ".ssh"
    for path in folders:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        os.chown(path, uid, uid)


def prepare_host_accounts(folder: Path) -> None:
    """Give a host that nobody logs in to the machine's accounts, without passwords."""
    for path in ACCOUNT_FILES:
        text = "" if path.endswith("shadow") else Path(path).read_text(encoding="utf-8")
        programs.write(on_host(folder, path), text, 0o600 if path.endswith("shadow") else 0o644)


def exchange_keys(fleet: FleetSpec, folders: dict[str, Path], bot_keys: dict[str, str]) -> None:
    """Let the bot in everywhere, and every server to read from the others, as the fleet file limits it."""
    peers = {
        name: make_key(on_host(folders[name], server.peer.key), f"peer-{name}", uid_of(server))
        for name, server in fleet.servers.items()
        if server.peer
    }
    pins = {name: known_host(server, folders[name]) for name, server in fleet.servers.items()}
    for name, server in fleet.servers.items():
        roots = [site.roots[name] for site in fleet.sites.values() if name in site.roots]
        limit = _limit(server, folders[name], roots)
        lines = [bot_keys[name], *(f"{limit} {key}" for other, key in peers.items() if other != name)]
        home = "/root" if uid_of(server) == 0 else f"/home/{server.user}"
        authorized = on_host(folders[name], f"{home}/.ssh/authorized_keys")
        _write_owned(authorized, "\n".join(lines) + "\n", server)
        if server.peer:
            others = "".join(pin for other, pin in pins.items() if other != name)
            _write_owned(on_host(folders[name], server.peer.known_hosts), others, server)


def let_bot_in(server: ServerSpec, folder: Path, bot_key: str) -> None:
    """Let the bot in, and nobody else: who is let in is not for the bot to change."""
    home = on_host(folder, "/root" if uid_of(server) == 0 else f"/home/{server.user}")
    for path in (home, home / ".ssh"):
        path.chmod(0o755)
        os.chown(path, 0, 0)
    programs.write(home / ".ssh/authorized_keys", f"restrict {bot_key}\n", 0o644)


def sshd(server: ServerSpec, folder: Path, *, sftp_only: bool = False) -> DaemonSpec:
    """Write sshd's configuration: keys only, one user."""
    make_key(folder / _HOST_KEY, server.name)
    on_host(folder, "/run/sshd").mkdir(parents=True, exist_ok=True)
    lines = [
        f"Port {server.ssh_port}",
        *(f"ListenAddress {address}" for address in server.addresses),
        f"HostKey {INSIDE}/{_HOST_KEY}",
        "PidFile none",
        "StrictModes yes",
        "UsePAM no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        f"PermitRootLogin {'prohibit-password' if server.user == 'root' else 'no'}",
        f"AllowUsers {server.user}",
        "Subsystem sftp internal-sftp",
        "UseDNS no",
        "PrintMotd no",
        "PrintLastLog no",
        "MaxStartups 100:30:200",
        "MaxSessions 100",
        "LogLevel VERBOSE",
        *(["ForceCommand internal-sftp"] if sftp_only else []),
    ]
    programs.write(folder / "sshd_config", "\n".join(lines) + "\n")
    return {"name": "sshd", "argv": [programs.find("sshd"), "-D", "-e", "-f", f"{INSIDE}/sshd_config"], "environ": {}}


def client_config(servers: Iterable[ServerSpec]) -> str:
    """Write what a person needs for `ssh -F FILE SERVER` (ssh_config(5))."""
    return "".join(
        f"Host {server.name}\n"
        f"  HostName {server.ipv4}\n  Port {server.ssh_port}\n  User {server.user}\n"
        f'  IdentityFile "{server.key}"\n  IdentitiesOnly yes\n'
        f'  UserKnownHostsFile "{server.known_hosts}"\n  StrictHostKeyChecking yes\n'
        for server in servers
    )


def _limit(server: ServerSpec, folder: Path, roots: list[str]) -> str:
    """Write how others' keys are limited; with `roots`, also what `docs/sharpnet-peer` needs on that server."""
    if server.peer is None or server.peer.limited_to is None:
        return "restrict"
    if server.peer.limited_to == ROOTS:
        programs.write(folder / "bin" / _PEER.name, _PEER.read_text(encoding="utf-8"), 0o755)
        programs.write(folder / "peer-roots", "".join(f"{root}\n" for root in roots), 0o644)
        return f'restrict,command="{INSIDE}/bin/{_PEER.name} {INSIDE}/peer-roots"'
    if "\n" in server.peer.limited_to:
        raise FleetFileError(
            f"servers.{server.name}.peer.limited_to has a line break, which authorized_keys cannot hold"
        )
    command = f"/usr/bin/rrsync -ro -no-lock {shlex.quote(server.peer.limited_to)}"
    return 'restrict,command="' + command.replace('"', '\\"') + '"'


def _write_owned(path: Path, text: str, server: ServerSpec) -> None:
    programs.write(path, text)
    os.chown(path, uid_of(server), uid_of(server))


def _without(file: str, names: Container[str]) -> str:
    lines = Path(file).read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if line.partition(":")[0] not in names)
