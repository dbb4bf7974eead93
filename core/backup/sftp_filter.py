"""What a server may ask of the off-site host while restic runs there, packet by packet: to add, or to read, no more.

Everything that a server sends passes here before it reaches the host. Let through is what restic needs in one
repository: to read it, and, where it may add, to write a new file under a name for the time of writing and to give it
its final name, which nothing may have yet. So nothing that is there is overwritten, renamed or removed, but for what
the same session has begun itself, and its own locks. Any other request is answered here: permission denied.

Requests get numbers of the filter's own, so that an answer belongs to one of them for certain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from core.backup.repository_access import LOCKS, OTHER_LAYOUT, SNAPSHOTS, final_name
from core.backup.sftp_packets import (
    VERSION_3,
    Kind,
    MalformedPacketError,
    OpenFlag,
    PacketReader,
    Status,
    packet,
    packets_in,
)
from core.wording import shown_path

if TYPE_CHECKING:
    from core.backup.repository_access import RepositoryAccess

# restic has 5 connections, and on each of them a file under way, in pieces.
MOST_PENDING = 4096
MOST_UNFINISHED = 256
MOST_REFUSED = 20
MOST_SHOWN = 200
NEW_FILE = OpenFlag.WRITE | OpenFlag.CREATE | OpenFlag.EXCLUSIVE
PERMISSIONS = 0x4
RIGHTS = 0o777
NO_ATTRIBUTES = 0
ROOM = b"statvfs@openssh.com"

ANSWERS = frozenset({Kind.STATUS, Kind.HANDLE, Kind.DATA, Kind.NAME, Kind.ATTRS, Kind.EXTENDED_REPLY})
Answered: TypeAlias = Callable[[int, int, PacketReader], None]


@dataclass(slots=True)
class RepositoryFilter:
    """One session. Raises MalformedPacketError where either side does not speak SFTP; the session is over then.

    to_host, to_client: what is to be sent on; whoever sends takes it out. added: the ids of the snapshots that this
    session has stored. refused: the first requests that were not let through, as people may read them.
    """

    allowed: RepositoryAccess
    to_host: bytearray = field(default_factory=bytearray)
    to_client: bytearray = field(default_factory=bytearray)
    added: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _from_client: bytearray = field(default_factory=bytearray)
    _from_host: bytearray = field(default_factory=bytearray)
    _pending: dict[int, tuple[int, Answered]] = field(default_factory=dict)
    _last_id: int = 0
    _unfinished: set[bytes] = field(default_factory=set)
    _locks: set[bytes] = field(default_factory=set)
    _writing: dict[bytes, bytes] = field(default_factory=dict)

    def take_from_client(self, piece: bytes) -> None:
        """Take what the server has sent."""
        self._from_client += piece
        for one in packets_in(self._from_client):
            reader = PacketReader(one)
            kind = reader.byte()
            if kind == Kind.INIT:
                self.to_host += packet(Kind.INIT, VERSION_3)
            else:
                self._decide(kind, reader.number(), reader)

    def take_from_host(self, piece: bytes) -> None:
        """Take what the off-site host has answered."""
        self._from_host += piece
        for one in packets_in(self._from_host):
            reader = PacketReader(one)
            kind = reader.byte()
            if kind == Kind.VERSION:
                self._greet(reader)
                continue
            client_id, answered = self._pending.pop(reader.number(), (0, None))
            if answered is None or kind not in ANSWERS:
                raise MalformedPacketError("an answer to nothing that was asked")
            answered(client_id, kind, reader)

    def _greet(self, reader: PacketReader) -> None:
        """Hand on the host's greeting, of its extensions only the one that is let through."""
        version, extensions = reader.number(), []
        while not reader.has_ended:
            name, value = reader.text(), reader.text()
            extensions += [name, value] if name == ROOM else []
        self.to_client += packet(Kind.VERSION, min(version, VERSION_3), *extensions)

    def _decide(self, kind: int, id_: int, reader: PacketReader) -> None:
        match kind:
            case Kind.LSTAT | Kind.STAT | Kind.OPENDIR:
                self._look(kind, id_, reader.text())
            case Kind.OPEN:
                self._open(id_, reader.text(), reader.number())
            case Kind.READ | Kind.FSTAT | Kind.READDIR:
                self._ask(kind, id_, self._hand_on, rest=reader.rest())
            case Kind.WRITE | Kind.CLOSE | Kind.FSETSTAT:
                self._handle(kind, id_, reader.text(), reader)
            case Kind.SETSTAT:
                self._set_rights(id_, reader.text(), reader)
            case Kind.RENAME:
                self._rename(id_, reader.text(), reader.text())
            case Kind.REMOVE:
                self._remove(id_, reader.text())
            case Kind.MKDIR:
                self._make_folder(id_, reader.text())
            case Kind.EXTENDED:
                self._extended(id_, reader.text(), reader)
            case _:
                self._refuse(id_, kind, reader.rest())

    def _look(self, kind: int, id_: int, path: bytes) -> None:
        name = self.allowed.name_of(path)
        may = self.allowed.may_list if kind == Kind.OPENDIR else self.allowed.may_look
        if name in OTHER_LAYOUT:
            self._answer(id_, Status.NO_SUCH_FILE)
        elif name is None or not may(name):
            self._refuse(id_, kind, path)
        else:
            self._ask(kind, id_, self._hand_on, path)

    def _open(self, id_: int, path: bytes, flags: int) -> None:
        name = self.allowed.name_of(path)
        if name is not None and flags == OpenFlag.READ and self.allowed.may_read(name):
            self._ask(Kind.OPEN, id_, self._hand_on, path, flags, NO_ATTRIBUTES)
        elif name is None or flags != NEW_FILE or not self.allowed.may_begin(name):
            self._refuse(id_, Kind.OPEN, path)
        elif len(self._unfinished) + len(self._writing) >= MOST_UNFINISHED:
            raise MalformedPacketError(f"more than {MOST_UNFINISHED} files begun and not ended")
        else:
            self._ask(Kind.OPEN, id_, partial(self._begun, name), path, flags, NO_ATTRIBUTES)

    def _begun(self, name: bytes, id_: int, kind: int, reader: PacketReader) -> None:
        rest = reader.rest()
        if kind == Kind.HANDLE:
            self._writing[PacketReader(rest).text()] = name
            self._unfinished.add(name)
        self.to_client += packet(kind, id_, rest=rest)

    def _handle(self, kind: int, id_: int, handle: bytes, reader: PacketReader) -> None:
        """Let through what is done with an open file; only one that this session has begun is changed."""
        if kind == Kind.CLOSE:
            self._writing.pop(handle, None)
            self._ask(kind, id_, self._hand_on, handle)
        elif handle not in self._writing:
            self._refuse(id_, kind, b"")
        elif kind == Kind.WRITE:
            self._ask(kind, id_, self._hand_on, handle, rest=reader.rest())
        else:
            self._pass_rights(kind, id_, handle, reader)

    def _set_rights(self, id_: int, path: bytes, reader: PacketReader) -> None:
        if self.allowed.name_of(path) in self._unfinished:
            self._pass_rights(Kind.SETSTAT, id_, path, reader)
        else:
            self._refuse(id_, Kind.SETSTAT, path)

    def _pass_rights(self, kind: int, id_: int, which: bytes, reader: PacketReader) -> None:
        """Let a new file's rights be set; its size, owner and times not."""
        if reader.number() == PERMISSIONS:
            self._ask(kind, id_, self._hand_on, which, PERMISSIONS, reader.number() & RIGHTS)
        else:
            self._refuse(id_, kind, b"")

    def _rename(self, id_: int, old: bytes, new: bytes) -> None:
        """Let a file that this session has written get its name, once the host has said that nothing has it."""
        name, target = self.allowed.name_of(old), self.allowed.name_of(new)
        if name not in self._unfinished or name in self._writing.values() or target != final_name(name):
            self._refuse(id_, Kind.RENAME, new)
        else:
            self._unfinished.discard(name)
            self._ask(Kind.LSTAT, id_, partial(self._looked_before_renaming, old, new), new)

    def _looked_before_renaming(self, old: bytes, new: bytes, id_: int, kind: int, reader: PacketReader) -> None:
        if kind == Kind.STATUS and reader.number() == Status.NO_SUCH_FILE:
            self._ask(Kind.RENAME, id_, partial(self._renamed, old, new), old, new)
        else:
            self._unfinished.add(self._own(old))
            self._answer(id_, Status.FAILURE)

    def _renamed(self, old: bytes, new: bytes, id_: int, kind: int, reader: PacketReader) -> None:
        rest, name = reader.rest(), self._own(new)
        if kind != Kind.STATUS or PacketReader(rest).number() != Status.OK:
            self._unfinished.add(self._own(old))
        elif name.startswith(SNAPSHOTS):
            self.added.append(name.removeprefix(SNAPSHOTS).decode("ascii"))
        elif name.startswith(LOCKS):
            self._locks.add(name)
        self.to_client += packet(kind, id_, rest=rest)

    def _remove(self, id_: int, path: bytes) -> None:
        """Let this session remove what it has begun and not ended, and its own locks."""
        name = self.allowed.name_of(path)
        if name is not None and name in self._unfinished | self._locks:
            self._unfinished.discard(name)
            self._locks.discard(name)
            self._ask(Kind.REMOVE, id_, self._hand_on, path)
        else:
            self._refuse(id_, Kind.REMOVE, path)

    def _make_folder(self, id_: int, path: bytes) -> None:
        name = self.allowed.name_of(path)
        if name is None or not self.allowed.may_make(name):
            self._refuse(id_, Kind.MKDIR, path)
        else:
            self._ask(Kind.MKDIR, id_, self._hand_on, path, NO_ATTRIBUTES)

    def _extended(self, id_: int, request: bytes, reader: PacketReader) -> None:
        path = reader.text() if request == ROOM else b""
        name = self.allowed.name_of(path)
        if name is None or not self.allowed.may_list(name):
            self._refuse(id_, Kind.EXTENDED, request)
        else:
            self._ask(Kind.EXTENDED, id_, self._hand_on, ROOM, path)

    def _ask(self, kind: int, id_: int, answered: Answered, *fields: int | bytes, rest: bytes = b"") -> None:
        """Ask the host, and have `answered` called with its answer. id_: the client's number of the request."""
        if len(self._pending) >= MOST_PENDING:
            raise MalformedPacketError(f"more than {MOST_PENDING} requests at once")
        self._last_id = (self._last_id + 1) % (1 << 32)
        self._pending[self._last_id] = id_, answered
        self.to_host += packet(kind, self._last_id, *fields, rest=rest)

    def _hand_on(self, id_: int, kind: int, reader: PacketReader) -> None:
        self.to_client += packet(kind, id_, rest=reader.rest())

    def _refuse(self, id_: int, kind: int, what: bytes) -> None:
        if len(self.refused) < MOST_REFUSED:
            name = Kind(kind).name.lower() if kind in Kind.__members__.values() else str(kind)
            self.refused.append(f"{name} {shown_path(what[:MOST_SHOWN])}".strip())
        self._answer(id_, Status.PERMISSION_DENIED)

    def _answer(self, id_: int, status: Status) -> None:
        self.to_client += packet(Kind.STATUS, id_, status, status.name.replace("_", " ").lower().encode(), b"")

    def _own(self, path: bytes) -> bytes:
        """Return the name of a path that was found to be in the repository."""
        return self.allowed.name_of(path) or b""
