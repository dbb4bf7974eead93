"""What a peer key can do beyond reading sites: asked from the server that has it, without changing anything."""

from __future__ import annotations

import posixpath
import shlex
from typing import TYPE_CHECKING

from ops.rsync.mirror import source_root
from ops.rsync.peer import is_limited, remote_shell, source_of, ssh_words
from ops.work_folder import work_folder

if TYPE_CHECKING:
    from ops.contracts import Ssh
    from ops.rsync.mirror import MirrorCopy

ASKED_S = 60.0
LISTED_S = 30
SAID = "a shell"


async def more_than_sites(ssh: Ssh, copy: MirrorCopy) -> str:
    """Return what the mirror's key can do on the source besides reading sites, in words; empty: nothing that was found.

    Raises UnreachableError, LoginRefusedError: the mirror itself could not be asked.
    """
    source = copy.source
    words = [*ssh_words(source, copy.mirror, None), "--", source.address, f"echo {SAID}"]
    ran = await ssh.run(copy.mirror.name, shlex.join(words), timeout_s=ASKED_S)
    if SAID.encode() in ran.out:
        return f"it opens a shell on {source.name}"
    kept = posixpath.dirname(work_folder(source_root(copy), copy.site.name, copy.site.work_on(source.name)))
    words = [
        *("rsync", "--list-only", f"--timeout={LISTED_S}"),
        *(["-s"] if not is_limited(source) else []),
        *("-e", remote_shell(source, copy.mirror, None)),
        source_of(source, kept),
    ]
    ran = await ssh.run(copy.mirror.name, shlex.join(words), timeout_s=ASKED_S)
    return f"it also reads {kept}: older content, and databases" if ran.exit_code == 0 else ""
