"""What certificates are compared with: this machine's authorities, all of them in memory."""

from __future__ import annotations

import re
import ssl
from functools import cache
from pathlib import Path

# As `openssl rehash` names them.
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


@cache
def verifying() -> ssl.SSLContext:
    """Return the context that trusts this machine's authorities, read once. Raises OSError."""
    return verifying_context()


def verifying_context() -> ssl.SSLContext:
    """Return a context that trusts this machine's authorities. Raises OSError where they cannot be read.

    OpenSSL itself opens them in the middle of a handshake and says nothing of one that cannot be opened: without a file
    descriptor to spare, every certificate would be called untrusted.
    """
    paths = ssl.get_default_verify_paths()
    files = [Path(paths.cafile)] if paths.cafile else []
    if paths.capath:
        files += [file for file in sorted(Path(paths.capath).iterdir()) if _HASHED.fullmatch(file.name)]
    found = dict.fromkeys(one for file in files for one in _CERTIFICATE.findall(file.read_bytes()))
    context = ssl.create_default_context(cadata=b"\n".join(found).decode("ascii"))
    if paths.capath:
        # For one that is added later.
        context.load_verify_locations(capath=paths.capath)
    return context


@cache
def unverified() -> ssl.SSLContext:
    """Return the context of one who takes any certificate: between mail servers TLS is opportunistic (RFC 7435)."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
