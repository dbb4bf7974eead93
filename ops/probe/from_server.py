"""Looking at a machine from another server of the fleet, with no more there than bash and coreutils."""

from __future__ import annotations

import shlex
import struct
from typing import TYPE_CHECKING

from ops.contracts import Look

if TYPE_CHECKING:
    from ops.contracts import Ran

# $0 address, $1 port, $2 what to say (escaped for printf %b). The words after it are run by bash with 3 connected.
CONNECT = 'exec 3<>"/dev/tcp/$0/$1" || exit 1; printf %b "$2" >&3 || exit 1; '
# A line is read by bash itself: `head` would wait for more, and lose what it has when time is up.
# So many lines and no more: what answers may go on for ever.
READ_LINES = (
    'n=0; while [ $n -lt 200 ] && IFS= read -r -n 1000 line <&3; do n=$((n + 1)); printf "%s\\n" "$line"; '
    'case "$line" in SSH-*|HTTP/*) exit 0;; esac; done'
)
DNS_HEAD_BYTES = 14
# QR and AA, and RCODE (RFC 1035, section 4.1.1).
ANSWER_WITH_AUTHORITY, ERROR = 0x8400, 0x000F
READ_DNS_HEAD = f"head -c {DNS_HEAD_BYTES} <&3"
# bash's exit status when it cannot run; timeout's when it ran out of time.
NOT_RUN = frozenset({125, 126, 127})
# strerror(3), as bash says it: then it was the vantage point that lacked something.
OWN_LACKS = (
    b"Network is unreachable",
    b"Network is down",
    b"Too many open files",
    b"Cannot allocate memory",
    b"No buffer space available",
    b"Cannot assign requested address",
    b"Resource temporarily unavailable",
    b"No space left on device",
)


def line_command(address: str, port: int, opening: bytes, *, timeout_s: float) -> str:
    """Return the command that connects, says `opening` and prints lines until SSH or HTTP answers."""
    return _command(CONNECT + READ_LINES, address, port, opening, timeout_s)


def dns_command(address: str, port: int, query: bytes, *, timeout_s: float) -> str:
    """Return the command that sends `query` (length first, RFC 1035 section 4.2.2), and prints the answer's head."""
    return _command(CONNECT + READ_DNS_HEAD, address, port, query, timeout_s)


def _command(script: str, address: str, port: int, opening: bytes, timeout_s: float) -> str:
    escaped = "".join(f"\\x{byte:02x}" for byte in opening)
    words = ["timeout", "-k", "1", f"{timeout_s:.3f}", "bash", "-c", script, address, str(port), escaped]
    # In English, since what bash says of what it lacks is read.
    return "LC_ALL=C " + shlex.join(words)


def line_look(ran: Ran, vantage: str) -> Look | None:
    """Read what `line_command` printed. None: the vantage point could not look."""
    if _could_not_look(ran):
        return None
    answered = any(line.startswith((b"SSH-", b"HTTP/")) for line in ran.out.splitlines())
    return Look(ok=True) if answered else Look(ok=False, why=f"{vantage} gets no answer either")


def dns_look(ran: Ran, vantage: str) -> Look | None:
    """Read what `dns_command` printed: ok where the answer has authority, no error and a record."""
    if _could_not_look(ran):
        return None
    if len(ran.out) < DNS_HEAD_BYTES:
        return Look(ok=False, why=f"{vantage} gets no answer either")
    _, _, flags, _, answers = struct.unpack_from("!HHHHH", ran.out)
    if flags & ANSWER_WITH_AUTHORITY == ANSWER_WITH_AUTHORITY and not flags & ERROR and answers:
        return Look(ok=True)
    return Look(ok=False, why=f"{vantage} gets no good answer either")


def _could_not_look(ran: Ran) -> bool:
    return ran.exit_code in NOT_RUN or any(lack in ran.err for lack in OWN_LACKS)
