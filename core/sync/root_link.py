"""Which root that is a symbolic link is followed: to a folder of the site's own, and never to another site's (pure).

Half the world deploys like that, `current → releases/42`. Whoever can write around a root can make it a link as well.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIELDS = 4


@dataclass(frozen=True, slots=True)
class RootLink:
    """A root that is a link. to: where it leads, as an absolute path.

    within: the same relative to the folder around the root, with no further link on the way; empty: it leads out of
    that. own: nobody could have made it but root, the SSH user, and whoever owns the folder that it leads to.
    """

    to: str
    within: str
    own: bool


def read_root_link(out: bytes) -> RootLink | None:
    """Read what a server says of a root: three entries, each ended by NUL; None: it is no link."""
    fields = out.decode("utf-8", "replace").split("\0")
    if len(fields) != _FIELDS:
        return None
    return RootLink(fields[0], fields[1], fields[2] == "own")


def where_it_leads(root: str, link: RootLink, others: Iterable[str], work_folder: str) -> str | None:
    """Return the folder that the content is in, or None: the link must not be followed.

    others: the roots of all other sites on that server. work_folder: the name of what is never served.
    """
    around = posixpath.dirname(root)
    if not (link.within and link.own) or link.within.split("/", 1)[0] == work_folder:
        return None
    found = posixpath.normpath(posixpath.join(around, link.within))
    for other in others:
        # What lies beside another site's root is that site's, unless it is the folder that both lie in.
        theirs = posixpath.dirname(other)
        if is_within(found, other) or is_within(other, found):
            return None
        if is_within(found, theirs) and not is_within(root, theirs):
            return None
    return found


def is_within(path: str, folder: str) -> bool:
    """Return whether an absolute path is `folder` or lies below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")
