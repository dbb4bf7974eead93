"""What a server may do in a repository, by the names that restic gives its files there (restic's design, "Layout")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

_ID = rb"[0-9a-f]{64}"
_FOLDER = re.compile(rb"(?:keys|locks|snapshots|index|data|data/[0-9a-f]{2})?")
_STORED = re.compile(rb"(locks|snapshots|index|data/([0-9a-f]{2}))/(?(2)\2[0-9a-f]{62}|" + _ID + rb")")
_KEPT = re.compile(rb"config|keys/" + _ID)
# restic writes each file under such a name, and renames it then.
_UNFINISHED = re.compile(rb"(.*)-restic-temp-[0-9a-f]{1,64}")
LOCKS, SNAPSHOTS = b"locks/", b"snapshots/"
# The folders of another layout, of which restic looks whether they are there: ours has none.
OTHER_LAYOUT = frozenset({b"key", b"lock", b"snapshot"})


class Access(Enum):
    """What is allowed: to read a repository, or to add to it as well."""

    READ = auto()
    ADD = auto()


@dataclass(frozen=True, slots=True)
class RepositoryAccess:
    """One repository, by its absolute path on the off-site host, and what is allowed there.

    Names are paths below it, as restic gives them; whatever it does not give is never allowed.
    """

    path: str
    access: Access

    def name_of(self, path: bytes) -> bytes | None:
        """Return the name that `path` has in the repository, empty for the repository itself; None: it is outside."""
        base = self.path.encode("utf-8", "surrogateescape")
        if path == base:
            return b""
        return (path[len(base) + 1 :] or None) if path.startswith(base + b"/") else None

    def may_look(self, name: bytes) -> bool:
        """Return whether it may be asked what lies there, if anything."""
        return self.may_list(name) or self.may_read(name) or final_name(name) is not None

    def may_list(self, name: bytes) -> bool:
        """Return whether this is a folder that may be listed."""
        return _FOLDER.fullmatch(name) is not None

    def may_read(self, name: bytes) -> bool:
        """Return whether this is a file that may be read."""
        return _STORED.fullmatch(name) is not None or _KEPT.fullmatch(name) is not None

    def may_begin(self, name: bytes) -> bool:
        """Return whether a new file may be written under this name, which is one for the time of writing."""
        return self.access is Access.ADD and final_name(name) is not None

    def may_make(self, name: bytes) -> bool:
        """Return whether this is a folder that may be made."""
        return self.access is Access.ADD and name != b"" and self.may_list(name)


def final_name(name: bytes) -> bytes | None:
    """Return the name that what is written under `name` gets in the end; None: nothing may be written under it."""
    found = _UNFINISHED.fullmatch(name)
    return found[1] if found is not None and _STORED.fullmatch(found[1]) is not None else None
