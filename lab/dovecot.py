"""Dovecot on a server: IMAP with STARTTLS, that lets nobody in."""

from functools import cache
from pathlib import Path

from lab import programs
from lab.fleet import ServerSpec
from lab.init import DaemonSpec
from lab.root_folder import INSIDE, on_host


def dovecot(server: ServerSpec, folder: Path) -> DaemonSpec:
    """Write Dovecot's configuration; for STARTTLS it takes `tls/server.pem` and `.key` from the host's folder."""
    users = f"{INSIDE}/dovecot/users"
    lines = [
        "base_dir = /run/dovecot",
        "state_dir = /var/lib/dovecot",
        "log_path = /dev/stderr",
        f"listen = {', '.join(server.addresses)}",
        "service imap-login {",
        f"  inet_listener imap {{\n    port = {server.mail.imap}\n  }}",
        "  inet_listener imaps {\n    port = 0\n  }",
        "}",
        f"ssl = {'yes' if server.has_certificate else 'no'}",
    ]
    certificate, key = f"{INSIDE}/tls/server.pem", f"{INSIDE}/tls/server.key"
    # It does not start without a passdb; this one has no users.
    if _is_older_than_2_4():
        lines += ["protocols = imap", f"passdb {{\n  driver = passwd-file\n  args = {users}\n}}"]
        tls = [f"ssl_cert = <{certificate}", f"ssl_key = <{key}"]
    else:
        lines = ["dovecot_config_version = 2.4.0", "dovecot_storage_version = 2.4.0", *lines]
        lines += ["protocols {\n  imap = yes\n}", f"passdb passwd-file {{\n  passwd_file_path = {users}\n}}"]
        tls = [f"ssl_server_cert_file = {certificate}", f"ssl_server_key_file = {key}"]
    lines += tls if server.has_certificate else []
    # A killed one leaves it, and in the next PID namespace another process may well have that number.
    on_host(folder, "/run/dovecot/master.pid").unlink(missing_ok=True)
    programs.write(folder / "dovecot" / "users", "", 0o644)
    programs.write(folder / "dovecot" / "dovecot.conf", "\n".join([*lines, ""]))
    argv = [programs.find("dovecot"), "-F", "-c", f"{INSIDE}/dovecot/dovecot.conf"]
    return {"name": "dovecot", "argv": argv, "environ": {}}


@cache
def _is_older_than_2_4() -> bool:
    """Return whether it is Debian 12's, whose settings have other names (doc.dovecot.org: from 2.3 to 2.4)."""
    version = programs.run(["dovecot", "--version"]).split(" ", 1)[0]
    return tuple(int(part) for part in version.split("-", 1)[0].split(".")[:2]) < (2, 4)
