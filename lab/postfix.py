"""Postfix on a server: SMTP with STARTTLS, that takes no mail for anybody."""

import shutil
from pathlib import Path

from lab import programs
from lab.fleet import ServerSpec
from lab.init import DaemonSpec
from lab.name_server import is_ipv6
from lab.root_folder import INSIDE, on_host

_QUEUE = "/var/spool/postfix"
_STATE = "/var/lib/postfix"
_MAIL_LOG = f"{INSIDE}/log/postfix-mail.log"
_DAEMONS = "/usr/lib/postfix/sbin"
# What postfix-files(5) asks of the queue's folders, which master(8) does not make: owner, group, mode.
_QUEUE_FOLDERS = {
    "pid": ("root", "root", 0o755),
    "private": ("postfix", "root", 0o700),
    "public": ("postfix", "postdrop", 0o710),
}
_SERVICES = """\
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


def postfix(server: ServerSpec, folder: Path) -> DaemonSpec:
    """Write Postfix's configuration; for STARTTLS it takes `tls/server.pem` and `.key` from the host's folder."""
    _make_folders(folder)
    settings = {
        "compatibility_level": "3.6",
        "queue_directory": _QUEUE,
        "data_directory": _STATE,
        "daemon_directory": _DAEMONS,
        "maillog_file": _MAIL_LOG,
        "maillog_file_prefixes": f"{INSIDE}/log",
        "myhostname": server.mail.name or f"{server.name}.invalid",
        "mydestination": "",
        "alias_maps": "",
        # What it listens at is in master.cf: here it takes only addresses that an interface has.
        "inet_interfaces": "all",
        "inet_protocols": "all" if server.ipv6 else "ipv4",
        "smtpd_peername_lookup": "no",
    }
    if server.has_certificate:
        settings["smtpd_tls_security_level"] = "may"
        settings["smtpd_tls_chain_files"] = f"{INSIDE}/tls/server.key, {INSIDE}/tls/server.pem"
    listens = [f"[{address}]" if is_ipv6(address) else address for address in server.addresses]
    ports = "".join(f"{address}:{server.mail.smtp} inet n - n - - smtpd\n" for address in listens)
    main = "".join(f"{key} = {value}\n" for key, value in settings.items())
    for file, text in {"main.cf": main, "master.cf": ports + _SERVICES}.items():
        programs.write(folder / "postfix" / file, text, 0o644)
    return {"name": "postfix", "argv": [f"{_DAEMONS}/master", "-d", "-c", f"{INSIDE}/postfix"], "environ": {}}


def _make_folders(folder: Path) -> None:
    for name, (owner, group, mode) in _QUEUE_FOLDERS.items():
        path = on_host(folder, f"{_QUEUE}/{name}")
        path.mkdir(parents=True, exist_ok=True)
        shutil.chown(path, owner, group)
        path.chmod(mode)
    state = on_host(folder, _STATE)
    state.mkdir(parents=True, exist_ok=True)
    shutil.chown(state, "postfix")
