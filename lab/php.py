"""PHP on a server, for the sites that need it: php-fpm with one pool, run by the SSH user, whose files they are."""

import os
from pathlib import Path

from lab import programs, ssh
from lab.errors import LabError
from lab.fleet import ServerSpec
from lab.init import DaemonSpec
from lab.root_folder import INSIDE

SOCKET = f"{INSIDE}/php/php.sock"
_PROGRAMS = Path("/usr/sbin")


def php(server: ServerSpec, folder: Path) -> DaemonSpec:
    """Write its configuration, and say how to start it."""
    own = folder / "php"
    own.mkdir(parents=True, exist_ok=True)
    os.chown(own, ssh.uid_of(server), ssh.uid_of(server))
    # A killed one leaves its socket.
    (own / "php.sock").unlink(missing_ok=True)
    lines = [
        "[global]",
        f"error_log = {INSIDE}/log/php-error.log",
        "[www]",
        f"listen = {SOCKET}",
        "listen.mode = 0666",
        "pm = ondemand",
        "pm.max_children = 4",
        "catch_workers_output = yes",
    ]
    programs.write(folder / "php-fpm.conf", "\n".join(lines) + "\n", 0o644)
    log = folder / "log" / "php-error.log"
    log.touch()
    os.chown(log, ssh.uid_of(server), ssh.uid_of(server))
    change = ["--reuid", server.user, "--regid", server.user, "--clear-groups", "--"]
    run = [_program(), "--nodaemonize", "--fpm-config", f"{INSIDE}/php-fpm.conf", *_as_root(server)]
    return {"name": "php", "argv": [programs.find("setpriv"), *change, *run], "environ": {}}


def virtual_host() -> list[str]:
    """Give the lines of nginx that a site with PHP needs beside its root."""
    passed = "include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;"
    return [
        "index index.php index.html;",
        "location / { try_files $uri $uri/ /index.php?$args; }",
        f"location ~ \\.php$ {{ {passed} fastcgi_pass unix:{SOCKET}; }}",
    ]


def _program() -> str:
    found = sorted(_PROGRAMS.glob("php-fpm*"))
    if not found:
        raise LabError("PHP is not installed", "Fetch what tests with real content need: lab content")
    return str(found[-1])


def _as_root(server: ServerSpec) -> list[str]:
    return ["--allow-to-run-as-root"] if server.user == "root" else []
