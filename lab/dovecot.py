"""Dovecot on a server: IMAP with STARTTLS, that lets nobody in."""

from pathlib import Path

from lab import programs
from lab.fleet import ServerSpec
from lab.init import DaemonSpec
from lab.root_folder import INSIDE, on_host


def dovecot(server: ServerSpec, folder: Path) -> DaemonSpec:
    """Write Dovecot's configuration; for STARTTLS it takes `tls/server.pem` and `.key` from the host's folder."""
    lines = [
        "base_dir = /run/dovecot",
        "state_dir = /var/lib/dovecot",
        "log_path = /dev/stderr",
        "protocols = imap",
        f"listen = {', '.join(server.addresses)}",
        "service imap-login {",
        f"  inet_listener imap {{\n    port = {server.mail.imap}\n  }}",
        "  inet_listener imaps {\n    port = 0\n  }",
        "}",
        # It does not start without one; this one has no users.
        f"passdb {{\n  driver = passwd-file\n  args = {INSIDE}/dovecot/users\n}}",
    ]
    if server.has_certificate:
        lines += ["ssl = yes", f"ssl_cert = <{INSIDE}/tls/server.pem", f"ssl_key = <{INSIDE}/tls/server.key"]
    else:
        lines.append("ssl = no")
    # A killed one leaves it, and in the next PID namespace another process may well have that number.
    on_host(folder, "/run/dovecot/master.pid").unlink(missing_ok=True)
    programs.write(folder / "dovecot" / "users", "", 0o644)
    programs.write(folder / "dovecot" / "dovecot.conf", "\n".join([*lines, ""]))
    argv = [programs.find("dovecot"), "-F", "-c", f"{INSIDE}/dovecot/dovecot.conf"]
    return {"name": "dovecot", "argv": argv, "environ": {}}
