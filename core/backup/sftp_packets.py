"""SFTP's packets as restic and OpenSSH speak them: version 3 (draft-ietf-secsh-filexfer-02), each its length first."""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION_3 = 3
# OpenSSH takes no longer ones (sftp-common.h).
MOST_BYTES = 256 * 1024
_U32 = struct.Struct(">I")


class Kind(IntEnum):
    """What a packet is: up to 20 and EXTENDED are requests, the others answers."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    STAT = 17
    RENAME = 18
    READLINK = 19
    SYMLINK = 20
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class OpenFlag(IntFlag):
    """How a file is opened (section 6.3)."""

    READ = 0x01
    WRITE = 0x02
    CREATE = 0x08
    EXCLUSIVE = 0x20


class Status(IntEnum):
    """How a request ended (section 7)."""

    OK = 0
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    UNSUPPORTED = 8


class MalformedPacketError(ValueError):
    """These bytes are no SFTP. Nothing after them can be understood."""


class PacketReader:
    """Reads a packet's fields in their order. Raises MalformedPacketError where one is cut off."""

    def __init__(self, packet: bytes) -> None:
        self._packet = packet
        self._at = 0

    def byte(self) -> int:
        """Return the next byte as a number."""
        return self._take(1)[0]

    def number(self) -> int:
        """Return the next uint32."""
        found: int = _U32.unpack(self._take(_U32.size))[0]
        return found

    def text(self) -> bytes:
        """Return the next string."""
        return self._take(self.number())

    def rest(self) -> bytes:
        """Return all that was not read."""
        return self._take(len(self._packet) - self._at)

    @property
    def has_ended(self) -> bool:
        """Whether all of it was read."""
        return self._at == len(self._packet)

    def _take(self, length: int) -> bytes:
        found = self._packet[self._at : self._at + length]
        if len(found) < length:
            raise MalformedPacketError(f"a packet of {len(self._packet)} bytes ends in the middle of a field")
        self._at += length
        return found


def packets_in(buffer: bytearray) -> Iterator[bytes]:
    """Give each whole packet at the beginning of `buffer`, without its length, and take it out there.

    Raises MalformedPacketError where one has no length that a packet can have.
    """
    while len(buffer) >= _U32.size:
        (length,) = _U32.unpack_from(buffer)
        if not 1 <= length <= MOST_BYTES:
            raise MalformedPacketError(f"a packet of {length} bytes")
        end = _U32.size + length
        if len(buffer) < end:
            return
        packet = bytes(buffer[_U32.size : end])
        del buffer[:end]
        yield packet


def packet(kind: int, *fields: int | bytes, rest: bytes = b"") -> bytes:
    """Return a packet with its length first. fields: numbers as uint32, bytes as strings; rest: as it is."""
    body = b"".join(_U32.pack(field) if isinstance(field, int) else _U32.pack(len(field)) + field for field in fields)
    return _U32.pack(1 + len(body) + len(rest)) + bytes([kind]) + body + rest
