"""Who sits at the terminal: by what the kernel says of this process, never by a name in the environment.

The user of this process; but who came by sudo or su is who they were before, where the login's number (loginuid, which
outlives both, proc_pid_loginuid(5)) or sudo's SUDO_UID says so *and* a process that this one descends from runs as that
user. Who cannot become somebody cannot pass for them. Root can become anybody.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from core.people import Person, Role
from ops.people.local_users import login_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOBODY_LOGGED_IN = 2**32 - 1
MOST_ANCESTORS = 64
_STATUS = re.compile(r"^PPid:\s+(\d+)$.*?^Uid:\s+(\d+)\s", re.MULTILINE | re.DOTALL)


def person_at_terminal() -> Person:
    """Return who typed this line. They may do everything: whoever can run the bot's commands has its keys."""
    uid = uid_at_terminal(Path("/proc"), os.environ)
    return Person(id=login_of(os.getuid() if uid is None else uid), via="terminal", roles=frozenset(Role))


def uid_at_terminal(proc: Path, environ: Mapping[str, str]) -> int | None:
    """Return the user's number; None where `proc` says nothing."""
    uids = list(_uids_upwards(proc))
    claimed = _number(_text(proc / "self" / "loginuid"))
    if claimed in {None, NOBODY_LOGGED_IN}:
        claimed = _number(environ.get("SUDO_UID", ""))
    if claimed in uids:
        return claimed
    return uids[0] if uids else None


def _uids_upwards(proc: Path) -> Iterator[int]:
    """Yield the real user of this process, of its parent, and so on."""
    pid = "self"
    for _ in range(MOST_ANCESTORS):
        found = _STATUS.search(_text(proc / pid / "status"))
        if found is None:
            return
        pid = found[1]
        yield int(found[2])


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _number(text: str) -> int | None:
    return int(text) if text.strip().isascii() and text.strip().isdigit() else None
