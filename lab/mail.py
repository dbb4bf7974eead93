"""The lab's mail from outside and inside: handed in, waiting, in a mailbox; and a Postfix with another setting."""

import contextlib
import json
import os
import shlex
import signal
import smtplib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab import hosts, programs, running
from lab.dovecot import MAIL
from lab.errors import LabError
from lab.lab import Lab
from lab.postfix import HOME, OUTSIDE_PORT

_HANDED_IN_S = 20.0
_OBEYED_S = 10.0
_READERS = frozenset({"smtpd", "cleanup", "trivial-rewrite", "qmgr"})


def send(lab: Lab, sender: str, recipient: str, text: str) -> None:
    """Hand a message in at the host outside, as a stranger does, which then brings it to an exchanger."""
    with smtplib.SMTP(lab.host("outside").addresses[0], OUTSIDE_PORT, timeout=_HANDED_IN_S) as smtp:
        smtp.sendmail(sender, [recipient], text)


def send_to(lab: Lab, server: str, sender: str, recipient: str, text: str) -> None:
    """Hand a message to one server, whatever its place among the exchangers."""
    there = lab.host(server).server
    if there is None or not there.mail.smtp:
        raise LabError(f"{server} takes no mail", "Choose an exchanger of a mail domain.")
    with smtplib.SMTP(there.ipv4, there.mail.smtp[-1], timeout=_HANDED_IN_S) as smtp:
        smtp.sendmail(sender, [recipient], text)


def waiting(lab: Lab, host: str) -> list[dict[str, Any]]:
    """Return what waits in the queue of a host's Postfix, a message each, as postqueue(1) has it."""
    said = run(lab, host, f"postqueue -c {shlex.quote(_folder(lab, host))} -j")
    return [json.loads(line) for line in said.splitlines()]


def flush(lab: Lab, host: str) -> None:
    """Have a host's Postfix try at once what waits in its queue."""
    run(lab, host, f"postqueue -c {shlex.quote(_folder(lab, host))} -f")


def forget_waiting(lab: Lab, host: str) -> None:
    """Throw away what waits in the queue of a host's Postfix."""
    run(lab, host, f"postsuper -c {shlex.quote(_folder(lab, host))} -d ALL")


def mailbox(lab: Lab, server: str, user: str) -> list[str]:
    """Return the texts of the messages in a user's INBOX on a server."""
    name, _, domain = user.partition("@")
    inbox = lab.path_on(server, f"{MAIL}/{domain}/{name}/Maildir")
    files = [file for part in ("new", "cur") for file in sorted((inbox / part).glob("*"))]
    return [file.read_text(encoding="utf-8") for file in files]


def empty_mailbox(lab: Lab, server: str, user: str) -> None:
    """Throw away the messages in a user's INBOX on a server."""
    run(
        lab, server, f"doveadm -c {shlex.quote(_dovecot(lab, server))} expunge -u {shlex.quote(user)} mailbox INBOX all"
    )


def strangers_mail(lab: Lab) -> list[str]:
    """Return the texts of all messages to people outside, bounces included."""
    inbox = lab.path_on("outside", "/var/mail/everybody")
    return [file.read_text(encoding="utf-8") for file in sorted(inbox.glob("new/*"))]


def passwords(lab: Lab) -> dict[str, str]:
    """Return the password of every mailbox, by its login."""
    return hosts.passwords(lab.fleet, lab.secrets)


def run(lab: Lab, host: str, command: str) -> str:
    """Run a command on a host, as its root, and give what it prints."""
    first = running.first_process(lab.host(host).folder)
    if first is None:
        raise LabError(f"{host} is down", f"Bring it back first: lab back {host}")
    path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
    inside = ["nsenter", "-t", str(first.pid), "-m", "-p", "env", "-i", path, "sh", "-c", command]
    return programs.run(inside)


@contextlib.contextmanager
def setting(lab: Lab, server: str, **settings: str) -> Iterator[None]:
    """Let a server's Postfix have other settings (postconf(5)), while the block lasts."""
    config = lab.path_on(server, f"{_folder(lab, server)}/main.cf")
    usual = config.read_text(encoding="utf-8")
    # One that stands there twice is complained of, and more than a few complaints stop master(8) for ever: its log is a
    # socket that it reads by a child of its own.
    kept = [line for line in usual.splitlines() if line.partition(" = ")[0] not in settings]
    changed = "\n".join([*kept, *(f"{name} = {value}" for name, value in settings.items()), ""])
    try:
        _reread(lab, server, config, changed)
        yield
    finally:
        _reread(lab, server, config, usual)


def _reread(lab: Lab, server: str, config: Path, text: str) -> None:
    """Write a configuration, and wait until none runs that went by another one."""
    programs.write(config, text, 0o644)
    master = running.daemon_pid(lab.host(server), "master")
    log = lab.host(server).folder / "log" / "postfix-mail.log"
    earlier, reloads = _daemons(master), log.read_text(encoding="utf-8").count("reload --")
    os.kill(master, signal.SIGHUP)
    deadline = time.monotonic() + _OBEYED_S
    while log.read_text(encoding="utf-8").count("reload --") == reloads or earlier & _daemons(master):
        if time.monotonic() > deadline:
            raise LabError(f"Postfix on {server} does not read its configuration again", f"Its log is {log}.")
        time.sleep(0.02)


def _daemons(master: int) -> set[int]:
    """List the processes of a Postfix that go by its configuration."""
    found = set()
    for pid in map(int, Path(f"/proc/{master}/task/{master}/children").read_text(encoding="utf-8").split()):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() in _READERS:
                found.add(pid)
    return found


def _folder(lab: Lab, host: str) -> str:
    server = lab.host(host).server
    return server.mail.postfix if server else HOME


def _dovecot(lab: Lab, host: str) -> str:
    server = lab.host(host).server
    return server.mail.dovecot if server else ""
