"""One connection from a mirror to a source for many runs of rsync: a handshake once, and not one a run (ssh_config(5)).

It is a courtesy: where it cannot be opened, or breaks, each run makes a connection of its own.
"""

from __future__ import annotations

import contextlib
import shlex
from typing import TYPE_CHECKING

from core.errors import SharpnetError
from ops.rsync.peer import ssh_words

if TYPE_CHECKING:
    from core.fleet import Server
    from ops.contracts import Ssh

OPEN_S = 30.0
CLOSE_S = 15.0
# Unused for so long it closes itself, so that it does not outlive a bot that was killed.
IDLE_S = 120

# Arguments: the ssh command, in which @ stands for the socket. A socket's path may have 107 bytes, and ssh makes it
# under a longer name first. Folders of connections that closed by themselves are cleared away here.
OPEN = r"""
umask 077
find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'sharpnet.??????' -user "$(id -u)" -empty -mmin +60 -delete 2>/dev/null
folder=$(mktemp -d "${TMPDIR:-/tmp}/sharpnet.XXXXXX") || exit 1
if [ "${#folder}" -lt 80 ] && ssh -S "$folder/c" "$@" </dev/null >/dev/null 2>&1; then
  printf '%s/c' "$folder"
else
  rm -rf -- "$folder"
  exit 1
fi
"""
CLOSE = r"""
ssh -S "$1" -O exit -- "$2" </dev/null >/dev/null 2>&1
rm -f -- "$1"; rmdir -- "${1%/c}"
"""


async def open_shared(ssh: Ssh, source: Server, mirror: Server) -> str | None:
    """Return the path on `mirror` of the socket of a connection to `source`, or None where it cannot be opened."""
    words = [
        *ssh_words(source, mirror, None)[1:],
        *("-f", "-N", "-M", "-o", f"ControlPersist={IDLE_S}"),
        *("--", source.address),
    ]
    command = f"exec sh -c {shlex.join([OPEN, 'sharpnet-sync', *words])}"
    try:
        ran = await ssh.run(mirror.name, command, timeout_s=OPEN_S)
    except SharpnetError:
        return None
    path = ran.out.decode("utf-8", "replace")
    return path if ran.exit_code == 0 and path.isprintable() and path else None


async def close_shared(ssh: Ssh, source: Server, mirror: Server, control_socket: str) -> None:
    """Close the connection of `control_socket`; one that cannot be closed now closes itself."""
    command = f"exec sh -c {shlex.join([CLOSE, 'sharpnet-sync', control_socket, source.address])}"
    with contextlib.suppress(SharpnetError):
        await ssh.run(mirror.name, command, timeout_s=CLOSE_S)
