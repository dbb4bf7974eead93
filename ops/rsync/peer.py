"""How a mirror reads from a source: which key, which folder, and how both are told to rsync and ssh."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.fleet import Server

CONNECT_S = 10
ALIVE_EVERY_S = 15
_WILDCARDS = re.compile(r"[*?\[]")


def remote_shell(source: Server, mirror: Server, control_socket: str | None) -> str:
    """Return the ssh command for rsync's -e, which splits it at spaces and knows quotes, but no escapes (rsync(1)).

    control_socket: of a connection that is shared; where that is gone, a connection of its own is made.
    """
    return " ".join("'" + word.replace("'", "''") + "'" for word in ssh_words(source, mirror, control_socket))


def ssh_words(source: Server, mirror: Server, control_socket: str | None) -> list[str]:
    """Return the ssh command with which `mirror` logs in to `source`, without the address."""
    peer = mirror.peer
    if peer is None:
        raise ValueError(f"{mirror.name} has no peer key")
    return [
        "ssh",
        *("-p", str(source.ssh.port)),
        *("-l", source.ssh.user),
        *("-i", peer.key.replace("%", "%%")),
        # ssh splits this value itself (ssh_config(5)).
        *("-o", 'UserKnownHostsFile="{}"'.format(peer.known_hosts.replace("%", "%%"))),
        *("-o", "StrictHostKeyChecking=yes"),
        *("-o", "UpdateHostKeys=no"),
        *("-o", "IdentitiesOnly=yes"),
        *("-o", "BatchMode=yes"),
        *("-o", f"ControlPath={control_socket or 'none'}"),
        *("-o", f"ConnectTimeout={CONNECT_S}"),
        *("-o", f"ServerAliveInterval={ALIVE_EVERY_S}"),
        *("-a", "-x", "-T"),
    ]


def source_of(source: Server, root: str) -> str:
    """Return a folder of `source` as rsync takes it, with a final slash: what is in it, not the folder itself."""
    limited_to = limited_root(source)
    path = root if limited_to is None else posixpath.relpath(root, limited_to)
    if _WILDCARDS.search(path):
        # It is taken as a pattern at the other end, where a wildcard in brackets means itself. A backslash is an escape
        # there; for a limited key only before a wildcard, since rsync then hands it over as it is (rsync 3.2.4 and on).
        escaped = path.replace("\\", "\\\\") if not is_limited(source) else re.sub(r"\\(?=[*?\[])", r"\\\\", path)
        path = _WILDCARDS.sub(r"[\g<0>]", escaped)
    if path.startswith(":"):
        # Two colons would ask for a daemon.
        path = f"./{path}"
    address = source.address
    return f"[{address}]:{path}/" if ":" in address else f"{address}:{path}/"


def limited_root(source: Server) -> str | None:
    """Return the only folder of `source` that the others' keys may read, or None."""
    folder = source.peer.folder if source.peer is not None else None
    return None if folder is None else posixpath.normpath(folder)


def has_wildcard(path: str) -> bool:
    """Return whether `path` can be taken for a pattern."""
    return _WILDCARDS.search(path) is not None


def is_limited(source: Server) -> bool:
    """Return whether the others' keys start rsync on `source` and nothing else; then no shell there reads the words."""
    return source.peer is not None and source.peer.limited_to is not None
