"""What passes between a server and the off-site host: whatever is sent, nothing that is there is changed or left."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.backup.repository_access import Access, RepositoryAccess
from core.backup.sftp_filter import MOST_PENDING, MOST_REFUSED, MOST_UNFINISHED, RepositoryFilter
from core.backup.sftp_packets import Kind, MalformedPacketError, PacketReader, Status, packet, packets_in

BASE = "/srv/vault/servers/uk"
ID, OTHER = "ab" * 32, "cd" * 32
TEMP = f"snapshots/{OTHER}-restic-temp-01"
OUTSIDE = "/home/keeper/.ssh/authorized_keys"
NEW = 0x2A
THERE = {f"{BASE}/config", f"{BASE}/keys/{ID}", f"{BASE}/snapshots/{ID}", f"{BASE}/locks/{ID}", OUTSIDE}


@dataclass
class Host:
    """An off-site host that does whatever it is asked, and lets a rename overwrite what is there."""

    files: dict[bytes, bytes] = field(default_factory=lambda: {path.encode(): b"as it was" for path in THERE})
    handles: dict[bytes, bytes] = field(default_factory=dict)
    rights: dict[bytes, int] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)

    def answer(self, one: bytes) -> bytes:
        reader = PacketReader(one)
        kind = reader.byte()
        self.asked.append(kind)
        if kind == Kind.INIT:
            return packet(Kind.VERSION, 3, b"posix-rename@openssh.com", b"1", b"statvfs@openssh.com", b"2")
        id_, first = reader.number(), reader.text()
        match kind:
            case Kind.OPEN:
                return self._open(id_, first, reader.number())
            case Kind.WRITE:
                self.files[self.handles[first]] += reader.rest()
            case Kind.REMOVE:
                self.files.pop(first, None)
            case Kind.RENAME:
                self.files[reader.text()] = self.files.pop(first, b"")
            case Kind.LSTAT if first in self.files:
                return packet(Kind.ATTRS, id_, 0)
            case Kind.LSTAT:
                return packet(Kind.STATUS, id_, Status.NO_SUCH_FILE, b"", b"")
            case Kind.SETSTAT | Kind.FSETSTAT:
                reader.number()
                self.rights[self.handles.get(first, first)] = reader.number()
        return packet(Kind.STATUS, id_, Status.OK, b"", b"")

    def _open(self, id_: int, path: bytes, flags: int) -> bytes:
        if flags == NEW and path in self.files:
            return packet(Kind.STATUS, id_, Status.FAILURE, b"", b"")
        self.files.setdefault(path, b"")
        handle = b"h%d" % len(self.handles)
        self.handles[handle] = path
        return packet(Kind.HANDLE, id_, handle)


@dataclass
class Session:
    """A server that speaks to a host through the filter."""

    access: Access = Access.ADD
    host: Host = field(default_factory=Host)

    def __post_init__(self) -> None:
        self.filter = RepositoryFilter(RepositoryAccess(BASE, self.access))

    def send(self, *packets: bytes) -> list[tuple[int, int, bytes]]:
        """Send packets, have the host answer each, and return the answers: kind, number of the request, the rest."""
        self.filter.take_from_client(b"".join(packets))
        while self.filter.to_host:
            asked = list(packets_in(self.filter.to_host))
            self.filter.take_from_host(b"".join(map(self.host.answer, asked)))
        answers = []
        for one in packets_in(self.filter.to_client):
            reader = PacketReader(one)
            answers.append((reader.byte(), reader.number(), reader.rest()))
        return answers

    def status(self, kind: int, *fields: int | str | bytes) -> int:
        """Send one request, and return the status that it is answered with; 0 for any other answer."""
        said = [field.encode() if isinstance(field, str) else field for field in fields]
        ((answer, id_, rest),) = self.send(packet(kind, 7, *said))
        assert id_ == 7
        return PacketReader(rest).number() if answer == Kind.STATUS else 0

    def begin(self, name: str = TEMP) -> bytes:
        """Begin a new file and return its handle."""
        ((kind, _, rest),) = self.send(packet(Kind.OPEN, 3, f"{BASE}/{name}".encode(), NEW, 0))
        assert kind == Kind.HANDLE
        return PacketReader(rest).text()

    def store(self, name: str, content: bytes = b"new") -> int:
        """Store a file as restic does, and return how the renaming ended."""
        unfinished = f"{name}-restic-temp-01"
        handle = self.begin(unfinished)
        assert self.status(Kind.FSETSTAT, handle, 4, 0o100600) == Status.OK
        self.send(packet(Kind.WRITE, 4, handle, 0, 0, content))
        assert self.status(Kind.CLOSE, handle) == Status.OK
        return self.status(Kind.RENAME, f"{BASE}/{unfinished}", f"{BASE}/{name}")


def test_a_new_file_is_stored_and_a_new_snapshot_is_known_by_its_id() -> None:
    session = Session()
    for name in (f"data/cd/{OTHER}", f"index/{OTHER}", f"snapshots/{OTHER}"):
        assert session.store(name) == Status.OK
        assert session.host.files[f"{BASE}/{name}".encode()].endswith(b"new")
    assert session.filter.added == [OTHER]
    assert session.filter.refused == []
    assert set(session.host.rights.values()) == {0o600}


def test_the_greeting_has_version_3_and_no_extension_but_the_one_about_room() -> None:
    assert Session().send(packet(Kind.INIT, 6)) == [
        (Kind.VERSION, 3, packet(0, b"statvfs@openssh.com", b"2")[5:]),
    ]


def test_a_name_that_something_has_already_is_not_given_again() -> None:
    session = Session()
    assert session.store(f"snapshots/{ID}") == Status.FAILURE
    assert session.host.files[f"{BASE}/snapshots/{ID}".encode()] == b"as it was"
    assert session.filter.added == []
    assert session.status(Kind.REMOVE, f"{BASE}/snapshots/{ID}-restic-temp-01") == Status.OK


def test_a_snapshot_whose_renaming_failed_is_not_known_and_what_was_written_may_be_removed() -> None:
    session = Session()
    session.status(Kind.CLOSE, session.begin())
    session.filter.take_from_client(
        packet(Kind.RENAME, 9, f"{BASE}/{TEMP}".encode(), f"{BASE}/snapshots/{OTHER}".encode())
    )
    (looked,) = packets_in(session.filter.to_host)
    session.filter.take_from_host(session.host.answer(looked))
    (renaming,) = packets_in(session.filter.to_host)
    reader = PacketReader(renaming)
    reader.byte()
    session.filter.take_from_host(packet(Kind.STATUS, reader.number(), Status.FAILURE, b"", b""))
    assert session.send()[0][:2] == (Kind.STATUS, 9)
    assert session.filter.added == []
    assert session.status(Kind.REMOVE, f"{BASE}/{TEMP}") == Status.OK


@pytest.mark.parametrize("access", Access)
def test_all_of_the_repository_may_be_read(access: Access) -> None:
    session = Session(access)
    for name in ("config", f"keys/{ID}", f"snapshots/{ID}"):
        assert session.status(Kind.OPEN, f"{BASE}/{name}", 1, 0) == 0
    for kind in (Kind.LSTAT, Kind.STAT):
        assert session.status(kind, f"{BASE}/config") == Status.OK
        assert session.status(kind, BASE) in {Status.OK, Status.NO_SUCH_FILE}
    assert session.status(Kind.OPENDIR, f"{BASE}/snapshots") == Status.OK
    for kind in (Kind.READDIR, Kind.FSTAT, Kind.READ):
        assert session.status(kind, b"h0") == Status.OK
    assert session.status(Kind.EXTENDED, "statvfs@openssh.com", f"{BASE}/data") == Status.OK
    assert session.filter.refused == []


REFUSED: list[tuple[int, tuple[int | str, ...]]] = [
    (Kind.OPEN, (OUTSIDE, 1, 0)),
    (Kind.OPEN, (OUTSIDE, NEW, 0)),
    (Kind.OPEN, ("/srv/vault/servers/us/config", 1, 0)),
    (Kind.OPEN, (f"{BASE}/../us/config", 1, 0)),
    (Kind.OPEN, (f"{BASE}/snapshots/{ID}", 2, 0)),
    (Kind.OPEN, (f"{BASE}/snapshots/{ID}", 3, 0)),
    (Kind.OPEN, (f"{BASE}/snapshots/{ID}", 0x1A, 0)),
    (Kind.OPEN, (f"{BASE}/{TEMP}", 0x0A, 0)),
    (Kind.OPEN, (f"{BASE}/{TEMP}", 0x3A, 0)),
    (Kind.OPEN, (f"{BASE}/{TEMP}", NEW | 4, 0)),
    (Kind.OPEN, (f"{BASE}/snapshots/{OTHER}", NEW, 0)),
    (Kind.OPEN, (f"{BASE}/keys/{OTHER}-restic-temp-01", NEW, 0)),
    (Kind.OPEN, (f"{BASE}/config-restic-temp-01", NEW, 0)),
    (Kind.WRITE, ("h0", 0, 0, "x")),
    (Kind.LSTAT, (OUTSIDE,)),
    (Kind.STAT, ("/srv/vault/servers",)),
    (Kind.OPENDIR, ("/srv/vault/servers",)),
    (Kind.OPENDIR, (f"{BASE}/config",)),
    (Kind.REMOVE, (f"{BASE}/snapshots/{ID}",)),
    (Kind.REMOVE, (f"{BASE}/locks/{ID}",)),
    (Kind.REMOVE, (OUTSIDE,)),
    (Kind.RMDIR, (f"{BASE}/snapshots",)),
    (Kind.RENAME, (BASE, "/srv/vault/elsewhere")),
    (Kind.RENAME, (f"{BASE}/snapshots/{ID}", f"{BASE}/snapshots/{OTHER}")),
    (Kind.MKDIR, (f"{BASE}/more", 0)),
    (Kind.MKDIR, (BASE, 0)),
    (Kind.MKDIR, ("/srv/vault/servers/us", 0)),
    (Kind.SETSTAT, (f"{BASE}/snapshots/{ID}", 4, 0)),
    (Kind.SETSTAT, (OUTSIDE, 4, 0)),
    (Kind.FSETSTAT, ("h0", 4, 0)),
    (Kind.SYMLINK, (f"{BASE}/data/ab", "/")),
    (Kind.READLINK, (f"{BASE}/data/ab",)),
    (Kind.REALPATH, (".",)),
    (Kind.EXTENDED, ("posix-rename@openssh.com", f"{BASE}/{TEMP}", f"{BASE}/snapshots/{ID}")),
    (Kind.EXTENDED, ("hardlink@openssh.com", f"{BASE}/snapshots/{ID}", f"{BASE}/snapshots/{OTHER}")),
    (Kind.EXTENDED, ("statvfs@openssh.com", "/")),
    (77, ()),
]


@pytest.mark.parametrize(("kind", "fields"), REFUSED)
def test_whatever_else_is_asked_is_refused_and_never_reaches_the_host(kind: int, fields: tuple[int | str, ...]) -> None:
    session = Session()
    assert session.status(kind, *fields) == Status.PERMISSION_DENIED
    assert session.host.asked == []
    assert len(session.filter.refused) == 1


def test_who_may_only_read_begins_makes_and_removes_nothing() -> None:
    session = Session(Access.READ)
    assert session.status(Kind.OPEN, f"{BASE}/{TEMP}", NEW, 0) == Status.PERMISSION_DENIED
    assert session.status(Kind.OPEN, f"{BASE}/locks/{OTHER}-restic-temp-01", NEW, 0) == Status.PERMISSION_DENIED
    assert session.status(Kind.MKDIR, f"{BASE}/data/ab", 0) == Status.PERMISSION_DENIED
    assert session.host.asked == []


def test_restic_may_look_for_another_layout_and_finds_none() -> None:
    session = Session()
    for kind in (Kind.OPENDIR, Kind.LSTAT):
        assert session.status(kind, f"{BASE}/key") == Status.NO_SUCH_FILE
    assert session.status(Kind.OPENDIR, f"{BASE}/keys2") == Status.PERMISSION_DENIED
    assert session.host.asked == []


def test_a_folder_for_data_may_be_made_where_adding_is_allowed() -> None:
    assert Session().status(Kind.MKDIR, f"{BASE}/data/ab", 0) == Status.OK


def test_a_lock_is_removed_by_the_session_that_made_it_and_once() -> None:
    session = Session()
    assert session.store(f"locks/{OTHER}") == Status.OK
    assert session.status(Kind.REMOVE, f"{BASE}/locks/{OTHER}") == Status.OK
    assert session.status(Kind.REMOVE, f"{BASE}/locks/{OTHER}") == Status.PERMISSION_DENIED
    assert session.filter.added == []


def test_a_stored_file_is_never_touched_again_by_who_has_stored_it() -> None:
    session = Session()
    handle = session.begin()
    assert session.status(Kind.RENAME, f"{BASE}/{TEMP}", f"{BASE}/snapshots/{OTHER}") == Status.PERMISSION_DENIED
    assert session.status(Kind.CLOSE, handle) == Status.OK
    assert session.status(Kind.RENAME, f"{BASE}/{TEMP}", f"{BASE}/snapshots/{ID}") == Status.PERMISSION_DENIED
    assert session.status(Kind.RENAME, f"{BASE}/{TEMP}", f"{BASE}/snapshots/{OTHER}") == Status.OK
    assert session.status(Kind.WRITE, handle, 0, 0, "x") == Status.PERMISSION_DENIED
    assert session.status(Kind.REMOVE, f"{BASE}/snapshots/{OTHER}") == Status.PERMISSION_DENIED
    assert session.status(Kind.SETSTAT, f"{BASE}/snapshots/{OTHER}", 4, 0) == Status.PERMISSION_DENIED
    assert session.status(Kind.RENAME, f"{BASE}/{TEMP}", f"{BASE}/snapshots/{OTHER}") == Status.PERMISSION_DENIED


def test_of_a_new_files_attributes_only_its_rights_are_set() -> None:
    session = Session()
    handle = session.begin()
    for kind, which in ((Kind.FSETSTAT, handle), (Kind.SETSTAT, f"{BASE}/{TEMP}".encode())):
        assert session.status(kind, which, 4, 0o104755) == Status.OK
        assert session.host.rights == {f"{BASE}/{TEMP}".encode(): 0o755}
        for flags in (1, 2, 5, 8, 0):
            assert session.status(kind, which, flags, 0) == Status.PERMISSION_DENIED


def test_a_file_that_could_not_be_begun_is_not_ones_own() -> None:
    session = Session()
    session.host.files[f"{BASE}/{TEMP}".encode()] = b"another's"
    assert session.status(Kind.OPEN, f"{BASE}/{TEMP}", NEW, 0) == Status.FAILURE
    assert session.status(Kind.REMOVE, f"{BASE}/{TEMP}") == Status.PERMISSION_DENIED


def test_two_requests_of_one_number_are_told_apart() -> None:
    session = Session()
    session.host.files[f"{BASE}/locks/{OTHER}-restic-temp-01".encode()] = b"another's"
    answers = session.send(
        packet(Kind.OPEN, 5, f"{BASE}/locks/{OTHER}-restic-temp-01".encode(), NEW, 0),
        packet(Kind.OPEN, 5, f"{BASE}/{TEMP}".encode(), NEW, 0),
    )
    assert [(kind, id_) for kind, id_, _ in answers] == [(Kind.STATUS, 5), (Kind.HANDLE, 5)]
    assert session.status(Kind.REMOVE, f"{BASE}/locks/{OTHER}-restic-temp-01") == Status.PERMISSION_DENIED


def test_only_the_first_refusals_are_kept() -> None:
    session = Session()
    for _ in range(MOST_REFUSED + 5):
        session.status(Kind.REMOVE, "/x\n" + "y" * 500)
    assert len(session.filter.refused) == MOST_REFUSED
    assert session.filter.refused[0].startswith("remove /x\\ny")
    assert len(session.filter.refused[0]) < 250


def test_who_asks_without_waiting_or_begins_without_ending_is_cut_off() -> None:
    asking = RepositoryFilter(RepositoryAccess(BASE, Access.READ))
    one = packet(Kind.LSTAT, 1, f"{BASE}/config".encode())
    asking.take_from_client(one * MOST_PENDING)
    with pytest.raises(MalformedPacketError, match="requests at once"):
        asking.take_from_client(one)
    session = Session()
    for number in range(MOST_UNFINISHED // 2):
        session.begin(f"{TEMP}{number:04x}")
    with pytest.raises(MalformedPacketError, match="not ended"):
        session.begin()


@pytest.mark.parametrize("answer", [packet(Kind.STATUS, 9, 0), packet(Kind.READ, 1), b"\0\0\0\1\x66"])
def test_an_answer_to_nothing_ends_the_session(answer: bytes) -> None:
    session = Session()
    session.filter.take_from_client(packet(Kind.LSTAT, 1, f"{BASE}/config".encode()))
    with pytest.raises(MalformedPacketError):
        session.filter.take_from_host(answer)


PATHS = [
    *sorted(THERE),
    BASE,
    f"{BASE}/{TEMP}",
    f"{BASE}/snapshots/{ID}-restic-temp-02",
    f"{BASE}/locks/{OTHER}-restic-temp-03",
    f"{BASE}/snapshots/{OTHER}",
    f"{BASE}/locks/{OTHER}",
    f"{BASE}/../us/config",
]
FIELDS = st.one_of(
    st.sampled_from([path.encode() for path in PATHS]),
    st.sampled_from([b"h0", b"h1", b"h2", b"posix-rename@openssh.com", b"statvfs@openssh.com"]),
    st.sampled_from([0, 1, 2, 4, NEW, 0x1A]),
)
KINDS = st.sampled_from([kind for kind in Kind if kind <= Kind.SYMLINK and kind not in {Kind.INIT, Kind.VERSION}])


@given(st.lists(st.tuples(KINDS, st.lists(FIELDS, min_size=1, max_size=3), st.integers(0, 3)), max_size=40))
def test_whatever_a_server_sends_nothing_that_was_there_changes_and_nothing_lies_elsewhere(
    sent: list[tuple[Kind, list[int | bytes], int]],
) -> None:
    session = Session()
    for kind, fields, id_ in sent:
        try:
            session.send(packet(kind, id_, *fields))
        except MalformedPacketError:
            break
    was = {path.encode() for path in THERE}
    assert {path: session.host.files.get(path) for path in was} == dict.fromkeys(was, b"as it was")
    for path in session.host.files.keys() - was:
        assert path.startswith((f"{BASE}/snapshots/".encode(), f"{BASE}/locks/".encode()))
    assert not session.host.rights.keys() & was
