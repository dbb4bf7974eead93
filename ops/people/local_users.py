"""Users and groups of this machine, by their numbers."""

from __future__ import annotations

import grp
import pwd


def login_of(uid: int) -> str:
    """Return how the record names a user of this machine: by the login name, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    """Return a group's name, or its number where it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def members_of(gid: int) -> frozenset[int] | None:
    """Return the users in a group; None where the machine does not know it: anybody might be in it."""
    try:
        named = grp.getgrgid(gid).gr_mem
    except KeyError:
        return None
    return frozenset(user.pw_uid for user in pwd.getpwall() if user.pw_gid == gid or user.pw_name in named)
