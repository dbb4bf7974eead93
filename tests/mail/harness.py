"""A small fleet with mail: two exchangers for fjord.example, oslo first, and a mailbox for probes."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.settings import Settings
from bot.wiring import open_ports
from commands import answer
from core.people import Person, Role
from ops.probe.trust import verifying

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import pytest

    from core.reply import Reply
    from lab import Lab
    from ops.ports import Ports

DOMAIN = "fjord.example"
ANN, BOB, PROBE = f"ann@{DOMAIN}", f"bob@{DOMAIN}", f"probe@{DOMAIN}"
STRANGER = "joe@outside.invalid"
SMTP, IMAP = 2525, 1143
PATIENCE_S = 40.0


def with_mail(tree: dict[str, Any]) -> None:
    """Give the fleet a mail domain; lima has its Postfix and Dovecot configured elsewhere."""
    mailbox = {"user": PROBE, "password": "env:SHARPNET_PROBE"}
    domain = {"exchangers": ["oslo", "lima"], "probe": f"postmaster@{DOMAIN}", "mailbox": mailbox}
    tree["mail"] = {"domains": {DOMAIN: domain}, "ports": {"smtp": SMTP, "imap": IMAP}}
    tree["servers"]["lima"]["mail"] = {"postfix": "/srv/lima/postfix", "dovecot": "/srv/lima/dovecot/dovecot.conf"}
    # What a busy machine may take is no trouble here.
    tree["watch"]["timeout"] = "20s"


def until(held: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not held():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@asynccontextmanager
async def opened(lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ports]:
    """Give the bot's ports for a lab's fleet, with the lab's secrets in the environment."""
    for name, secret in lab.env.items():
        monkeypatch.setenv(name, secret)
    verifying.cache_clear()
    async with open_ports(Settings(lab.fleet.file, folder / "sharpnet.db")) as ports:
        yield ports
    verifying.cache_clear()


async def answered(ports: Ports, line: str) -> Reply:
    """Return what somebody gets who types `line` in the terminal."""
    return await answer(line.split(), Person("root", "terminal", frozenset(Role)), "terminal", ports)


def with_queue(ports: Ports, *, messages: int) -> Ports:
    """Let fewer messages wait in a queue than usual."""
    assert ports.fleet.mail
    changed = replace(ports.fleet.mail, queue=replace(ports.fleet.mail.queue, messages=messages))
    return replace(ports, fleet=replace(ports.fleet, mail=changed))
