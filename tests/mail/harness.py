"""A small fleet with mail: two exchangers for fjord.example, oslo first, and a mailbox for probes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

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
