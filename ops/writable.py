"""Whether others can change a file of this machine that the bot acts upon, or put another in its place.

As sshd(8) has it for keys (StrictModes): the file, every folder on the way to it and every link's own folder, up to the
root. A sticky folder such as /tmp lets nobody take away what is another's. A group counts where somebody else is in it.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ops.people.local_users import group_name, login_of, members_of

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_LINKS = 40
ROOT = 0


@dataclass(frozen=True, slots=True)
class Writable:
    """Others can write to `place`: `message` says who, as what follows a name, and `hint` what to type.

    serious: False where only its owner can, who is somebody else than root and the bot's user.
    """

    message: str
    hint: str
    serious: bool = True


def why_writable(path: str) -> Writable | None:
    """Say how others can change the file at `path`, or None. What is not there cannot be changed; its folders can."""
    found = [why for place in dict.fromkeys(_places(path)) if (why := _why(place, path)) is not None]
    return min(found, key=lambda why: not why.serious, default=None)


def _places(path: str) -> Iterator[str]:
    """Yield every folder in which a name on the way is looked up, and at last what it leads to."""
    at, rest, links = "/", [part for part in path.split("/") if part], 0
    while rest:
        yield at
        part = rest.pop(0)
        if part in {".", ".."}:
            at = at if part == "." else os.path.dirname(at)  # noqa: PTH120 - text, and `at` holds no link
            continue
        here = os.path.join(at, part)  # noqa: PTH118
        try:
            target = os.readlink(here)  # noqa: PTH115 - as it is written
        except OSError as error:
            if error.errno != errno.EINVAL:
                return
            at = here
            continue
        links += 1
        if links > MOST_LINKS:
            return
        at = "/" if target.startswith("/") else at
        rest = [*(one for one in target.split("/") if one), *rest]
    yield at


def _why(place: str, path: str) -> Writable | None:
    try:
        found = Path(place).stat()
    except OSError:
        return None
    what = "" if place == os.path.realpath(path) else f"lies in {place}, which "
    name = shlex.quote(place)
    mode = f"mode {stat.S_IMODE(found.st_mode):04o}"
    sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
    if found.st_mode & stat.S_IWOTH and not sticky:
        return Writable(f"{what}can be changed by everybody ({mode})", f"Type: chmod o-w {name}")
    if found.st_mode & stat.S_IWGRP and not sticky and _others_in(found.st_gid, found.st_uid, place):
        group = group_name(found.st_gid)
        return Writable(f"{what}can be changed by the group {group} ({mode})", f"Type: chmod g-w {name}")
    if found.st_uid not in {ROOT, os.geteuid()}:
        owner = login_of(found.st_uid)
        hint = f"Type: chown {shlex.quote(login_of(os.geteuid()))} {name}"
        return Writable(f"{what}belongs to {owner}, who can change it", hint, serious=False)
    return None


def _others_in(gid: int, owner: int, place: str) -> bool:
    """Return whether somebody else than root, the owner and the bot's user is in the group, as far as can be told."""
    if _has_access_list(place):
        # The group's bits are then the most that anybody named in the list may.
        return True
    members = members_of(gid)
    return members is None or bool(members - {ROOT, owner, os.geteuid()})


def _has_access_list(place: str) -> bool:
    try:
        return "system.posix_acl_access" in os.listxattr(place)
    except OSError:
        return False
