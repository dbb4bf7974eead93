"""SSH's packets, no longer ones than OpenSSH sends: paramiko itself would read four gigabytes for one."""

from __future__ import annotations

import paramiko
from paramiko.packet import Packetizer

# OpenSSH, packet.c, PACKET_MAX_SIZE; RFC 4253, section 6.1, asks for 35,000 bytes.
MOST_PACKET_BYTES = 256 * 1024
# What may come before the identification (RFC 4253, section 4.2).
MOST_BANNER_BYTES = 64 * 1024


class BoundedPacketizer(Packetizer):
    """Ends a connection whose other side sends more at once than any SSH server does."""

    def __init__(self, socket: object) -> None:
        super().__init__(socket)  # type: ignore[arg-type]
        self._banner_bytes = 0

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Read `n` bytes. Raises SSHException where no packet is so long."""
        if n > MOST_PACKET_BYTES:
            raise paramiko.SSHException(f"a packet of {n:,} bytes")
        return super().read_all(n, check_rekey)

    def _read_timeout(self, timeout: float) -> bytes:
        piece: bytes = super()._read_timeout(timeout)  # type: ignore[misc]
        self._banner_bytes += len(piece)
        if self._banner_bytes > MOST_BANNER_BYTES:
            raise paramiko.SSHException(f"more than {MOST_BANNER_BYTES:,} bytes before it identified itself")
        return piece
