"""One repository a server, with a password of its own, so that no server can read what another has saved.

They lie in the folder `servers` at `offsite.path`. A fleet that was backed up before has one for all at `offsite.path`
itself: nothing is added to that any more, what is in it is still listed, restored and let go.
"""

from __future__ import annotations

import hashlib
import posixpath

# The one of before, which was every server's.
SHARED = ""
SERVERS = "servers"
# RFC 7914; docs/backup.md has the same for people without the bot.
SCRYPT_N, SCRYPT_R, SCRYPT_P, PASSWORD_BYTES = 1 << 14, 8, 1, 32


def repository_path(path: str, server: str) -> str:
    """Return where the repository of `server` lies on the off-site host. path: `offsite.path`; server: or SHARED."""
    return path if server == SHARED else posixpath.join(path, SERVERS, server)


def repository_password(password: bytes, server: str) -> bytes:
    """Return the password of that repository: from it nobody finds that of another, nor `password`. Takes 50 ms."""
    if server == SHARED:
        return password
    salt = f"sharpnet:{server}".encode()
    return hashlib.scrypt(password, salt=salt, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P, dklen=PASSWORD_BYTES).hex().encode()
