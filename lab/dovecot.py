"""Dovecot on a server: IMAP with STARTTLS, and the mailboxes of the domains whose mail the server takes."""

import os
import posixpath
import shutil
from functools import cache
from pathlib import Path

from lab import programs
from lab.fleet import ServerSpec
from lab.init import DaemonSpec
from lab.postfix import QUEUE
from lab.root_folder import INSIDE, on_host

MAIL = "/var/vmail"
_ROOTLESS = 5000
_SOCKETS = f"""\
service lmtp {{
  unix_listener {QUEUE}/private/dovecot-lmtp {{
    mode = 0600
    user = postfix
  }}
}}
service auth {{
  unix_listener {QUEUE}/private/auth {{
    mode = 0600
    user = postfix
  }}
  unix_listener auth-userdb {{
    mode = 0600
    user = %s
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""
_OLDER = """\
protocols = imap lmtp
mail_location = maildir:~/Maildir
passdb {
  driver = passwd-file
  args = %(users)s
}
userdb {
  driver = passwd-file
  args = %(users)s
}
protocol lmtp {
  mail_plugins = sieve
}
plugin {
  sieve = file:~/sieve;active=~/.dovecot.sieve
}
"""
_NEWER = """\
protocols {
  imap = yes
  lmtp = yes
}
mail_driver = maildir
mail_path = ~/Maildir
passdb passwd-file {
  passwd_file_path = %(users)s
}
userdb passwd-file {
  passwd_file_path = %(users)s
}
protocol lmtp {
  mail_plugins {
    sieve = yes
  }
}
sieve_script personal {
  path = ~/sieve
  active_path = ~/.dovecot.sieve
}
"""


def dovecot(server: ServerSpec, mail_uid: int, passwords: dict[str, str], folder: Path) -> DaemonSpec:
    """Write Dovecot's configuration; for STARTTLS it takes `tls/server.pem` and `.key` from the host's folder.

    mail_uid: whose the mailboxes are: the SSH user's, who then may use doveadm(1) for them; root cannot have any.
    passwords: by login.
    """
    owner = mail_uid or _ROOTLESS
    users = posixpath.join(posixpath.dirname(server.mail.dovecot), "users")
    listeners = [f"  inet_listener imap{port} {{\n    port = {port}\n  }}" for port in server.mail.imap]
    lines = [
        "base_dir = /run/dovecot",
        "state_dir = /var/lib/dovecot",
        "log_path = /dev/stderr",
        f"listen = {', '.join(server.addresses)}",
        "service imap-login {",
        *listeners,
        "  inet_listener imap {\n    port = 0\n  }",
        "  inet_listener imaps {\n    port = 0\n  }",
        "}",
        f"ssl = {'yes' if server.has_certificate else 'no'}",
        f"first_valid_uid = {min(owner, _ROOTLESS)}",
        _SOCKETS % (server.user,),
    ]
    certificate, key = f"{INSIDE}/tls/server.pem", f"{INSIDE}/tls/server.key"
    if is_older_than_2_4():
        lines.append(_OLDER % {"users": users})
        tls = [f"ssl_cert = <{certificate}", f"ssl_key = <{key}"]
    else:
        lines = ["dovecot_config_version = 2.4.0", "dovecot_storage_version = 2.4.0", *lines]
        lines.append(_NEWER % {"users": users})
        tls = [f"ssl_server_cert_file = {certificate}", f"ssl_server_key_file = {key}"]
    lines += tls if server.has_certificate else []
    # A killed one leaves it, and in the next PID namespace another process may well have that number.
    on_host(folder, "/run/dovecot/master.pid").unlink(missing_ok=True)
    known = [
        f"{user}:{{PLAIN}}{passwords[user]}:{owner}:{owner}::{MAIL}/{domain.name}/{user.partition('@')[0]}::\n"
        for domain in server.mail.domains
        for user in domain.users
    ]
    programs.write(on_host(folder, users), "".join(known))
    shutil.chown(on_host(folder, users), "dovecot")
    boxes = on_host(folder, MAIL)
    boxes.mkdir(parents=True, exist_ok=True)
    os.chown(boxes, owner, owner)
    programs.write(on_host(folder, server.mail.dovecot), "\n".join([*lines, ""]), 0o644)
    argv = [programs.find("dovecot"), "-F", "-c", server.mail.dovecot]
    return {"name": "dovecot", "argv": argv, "environ": {}}


@cache
def is_older_than_2_4() -> bool:
    """Return whether it is Debian 12's, whose settings have other names (doc.dovecot.org: from 2.3 to 2.4)."""
    version = programs.run(["dovecot", "--version"]).split(" ", 1)[0]
    return tuple(int(part) for part in version.split("-", 1)[0].split(".")[:2]) < (2, 4)
