"""Why something was refused or failed, as people are told it, and by which code the rest of the code knows it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.errors import SharpnetError

# How a script of ours says on a server that it stops: this exit status, and such a line on standard error.
STOPPED = 90
_STOP_LINE = re.compile(r"^sharpnet-stop: ([a-z-]+) ?(.*)$", re.MULTILINE)
# So much of what a program said is quoted.
QUOTED = 300
# So much of what a program said is looked through, and so many letters of one line: a path has up to 4,096 bytes.
MOST_SAID_BYTES = 500_000
LONGEST_SAID = 8000


class FailureCode(StrEnum):
    """What can stand in the way of a sync, a comparison, a backup or a restore; stored and shown as it is written."""

    # Errors of `core.errors`, which end any work.
    CANCELLED = "cancelled"  # somebody has ended it before its time
    DNS = "dns"  # a name server answered, but not with what was asked for
    DNS_CHANGED = "dns-changed"  # a record set is not what the plan says
    DNS_CLOCK = "dns-clock"  # a name server's clock and ours differ too much
    DNS_REFUSED = "dns-refused"  # a name server refuses the key, the zone or the request
    DNS_TRANSFER_REFUSED = "dns-transfer-refused"  # a name server does not let us have the zone
    DNS_UNVERIFIED = "dns-unverified"  # an answer is not signed as it has to be
    FAILED = "failed"  # anything that has no code of its own
    HOST_KEY = "host-key"  # another host key than the pinned one, or none is pinned
    LOGIN_REFUSED = "login-refused"  # a server answers, and does not take the key
    MAIL = "mail"  # a mail server ends a conversation, or says nothing in time
    NOT_ALLOWED = "not-allowed"  # this person may not do it
    NOT_IN_FLEET = "not-in-fleet"  # app.yaml has the site or the server no longer
    NOT_UNDERSTOOD = "not-understood"  # what a server said is not what it was asked for
    OWN_LACK = "own-lack"  # the bot's own machine lacks what it takes
    OVERTAKEN = "overtaken"  # it stood still for so long that another may have begun meanwhile
    REFUSED = "refused"  # it would be wrong now
    SETTINGS = "settings"  # app.yaml or the environment is wrong
    STORE = "store"  # the record or the state could not be read or kept
    FENCED = "fenced"  # another process has taken the work up meanwhile
    STORE_IN_DOUBT = "store-in-doubt"  # it may not be the newest
    STORE_GONE = "store-gone"  # what was kept was taken away meanwhile
    STORE_DAMAGED = "store-damaged"  # what was kept is not what was written
    TIMED_OUT = "timed-out"  # no answer in time, or nothing more came
    TOO_MUCH = "too-much"  # what came from outside is longer than is read
    UNREACHABLE = "unreachable"  # a machine does not answer
    USAGE = "usage"  # typed wrongly

    # Decided before anything is touched.
    BUSY = "busy"  # an earlier run still works there
    CANNOT_KEEP = "cannot-keep"  # a chosen path cannot be brought from the returned copy
    CANNOT_NAME = "cannot-name"  # a limited key cannot name the root
    DIRECTION = "direction"  # content flows another way now
    DISK_SHORT = "disk-short"  # it would not fit
    EXCLUDED = "excluded"  # app.yaml excludes a chosen path from copies
    HELD = "held"  # somebody else has claimed the site
    HOOK_FAILED = "hook-failed"  # a hook that runs before it failed
    NO_BACKUP = "no-backup"  # there is none of the site
    NO_COPY = "no-copy"  # there is no good copy yet
    NO_MARK = "no-mark"  # nobody knows when the last copy began
    NO_PEER_KEY = "no-peer-key"  # the mirror has no key to read from the source with
    NOT_KEPT = "not-kept"  # nothing of that run is kept any more
    QUARANTINED = "quarantined"  # nobody has chosen yet what becomes of that copy
    SERVED_UNKNOWN = "served-unknown"  # name servers do not tell which copy is served
    SOURCE_EMPTY = "source-empty"  # the source holds nothing
    TOO_MANY_DELETES = "too-many-deletes"  # more would go than the limit allows

    # Between two servers.
    LIMITED_KEY = "limited-key"  # the peer key is limited, and the limit does not allow this
    LINK_LOST = "link-lost"  # the connection broke
    PEER_KEY = "peer-key"  # the peer key cannot be used

    # What a server lacks.
    NO_AWK = "no-awk"
    NO_CLIENT = "no-client"  # the client programs of a database
    NO_FLOCK = "no-flock"
    NO_RESTIC = "no-restic"
    NO_RSYNC = "no-rsync"

    # The files of a site, where they are read and where they are put.
    CLOCK = "clock"  # the server does not say what time it is
    DISK_FULL = "disk-full"
    FIND = "find"  # find(1) could not say what arrived
    FOREIGN_OWNER = "foreign-owner"  # files of other users, whose owners the SSH user cannot keep
    MOUNT_INSIDE = "mount-inside"  # something is mounted inside the root
    NO_PARENT = "no-parent"  # the folder around the root is missing
    NO_ROOT = "no-root"  # the root is missing where something is to be put back
    NOT_EXCHANGED = "not-exchanged"  # the new content could not be put in place
    NOT_READY = "not-ready"  # what was made beside the root is gone, or was put in place already
    PARENT_CLOSED = "parent-closed"  # the SSH user may not write around the root
    PERMISSION = "permission"  # the SSH user may not write
    ROOT_CLOSED = "root-closed"  # the SSH user may not enter the root
    ROOT_MOUNT_POINT = "root-mount-point"
    ROOT_NOT_FOLDER = "root-not-folder"
    ROOT_SYMLINK = "root-symlink"
    SOURCE_ABOVE = "source-above"  # the source's root is a link to a folder that it lies in
    SOURCE_CLOSED = "source-closed"  # the SSH user may not read the source's root
    SOURCE_MISSING = "source-missing"
    SOURCE_OUTSIDE = "source-outside"  # the source's root leads out of what its key lets others read
    SOURCE_SYMLINK = "source-symlink"
    SOURCE_UNREADABLE = "source-unreadable"  # files that the SSH user may not read
    TOO_DIFFERENT = "too-different"  # so many paths differ that no proof is worth while
    TOO_MANY = "too-many"  # so many files arrived that somebody should look first
    WAY_CHANGED = "way-changed"  # a folder became a link while something was put into it
    WAY_LINK = "way-link"  # a link leads there that others could have made
    WORK_CLOSED = "work-closed"  # the SSH user may not write where the work folder would be
    WORK_ELSEWHERE = "work-elsewhere"  # the work folder lies on another disk than the root
    WORK_OPEN = "work-open"  # others could put something in the place of the work folder

    # Databases.
    CUT_OFF = "cut-off"  # not all of a dump arrived
    CLIENT_OLD = "client-old"  # a client program that would run commands in a dump
    DATABASE_BUSY = "database-busy"  # others are working in it
    DATABASE_CHANGED = "database-changed"  # its tables were altered while it was dumped
    DATABASE_DEFINER = "database-definer"  # a view belongs to somebody who is not there
    DATABASE_DISK_FULL = "database-disk-full"
    DATABASE_DOWN = "database-down"  # its server does not answer
    DATABASE_FAILED = "database-failed"  # anything that has no code of its own
    DATABASE_LOGIN = "database-login"  # its server does not let the bot in
    DATABASE_RIGHTS = "database-rights"  # the bot's user lacks a right
    DATABASE_VERSION = "database-version"  # its server does not take what the other one has
    DUMP_COMMANDS = "dump-commands"  # a dump holds what no dump of its kind does
    EVENTS_AWAKE = "events-awake"  # its events would have run in the copy
    NO_DATABASE = "no-database"
    NOT_WHOLE = "not-whole"  # the copy is not what was sent
    TOO_MANY_RIGHTS = "too-many-rights"  # what loads a dump may do more than that

    # The off-site repository.
    ALL_CHANGED = "all-changed"  # every file of a sample was changed since
    LOCKED = "locked"  # somebody else works in it
    NO_REPOSITORY = "no-repository"  # there is none at its place
    NOT_RESTORED = "not-restored"  # a backup did not come back whole
    OFFSITE_DISK = "offsite-disk"  # the off-site host could not write
    OFFSITE_LOST = "offsite-lost"  # the connection to the off-site host broke
    OFFSITE_OPEN = "offsite-open"  # the off-site host lets its user do more than backups need
    OFFSITE_PERMISSION = "offsite-permission"  # the off-site host does not let its user write
    REPOSITORY_GONE = "repository-gone"  # there is none any more
    RESTIC = "restic"  # anything that has no code of its own
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 -- a code

    # Mailboxes on two servers.
    MAIL_APART = "mail-apart"  # one mailbox was created on each
    MAIL_CHANGED = "mail-changed"  # it changed meanwhile
    MAIL_DOWN = "mail-down"  # Dovecot does not answer
    MAIL_FAILED = "mail-failed"  # anything that has no code of its own
    MAIL_QUOTA = "mail-quota"  # the mailbox is full
    MAIL_USER = "mail-user"  # one of them has no such user
    NO_DOVEADM = "no-doveadm"

    # Work that was no longer its own.
    TOO_LATE = "too-late"  # what puts something in place did not come while it was still its own


# What stops a batch: it stands between two servers, not in one site, so that the next site would meet the same.
BETWEEN_SERVERS = frozenset(
    {
        FailureCode.UNREACHABLE,
        FailureCode.TIMED_OUT,
        FailureCode.HOST_KEY,
        FailureCode.LOGIN_REFUSED,
        FailureCode.PEER_KEY,
        FailureCode.NO_RSYNC,
    }
)
# Of the repository itself: the next server would find the same.
OF_THE_REPOSITORY = frozenset({FailureCode.WRONG_PASSWORD, FailureCode.SETTINGS})
# Between a server and the repository.
BEFORE_THE_REPOSITORY = OF_THE_REPOSITORY | {
    FailureCode.UNREACHABLE,
    FailureCode.TIMED_OUT,
    FailureCode.HOST_KEY,
    FailureCode.LOGIN_REFUSED,
    FailureCode.NO_RESTIC,
    FailureCode.NO_REPOSITORY,
    FailureCode.OFFSITE_LOST,
    FailureCode.OFFSITE_DISK,
    FailureCode.OFFSITE_PERMISSION,
}
# What a server lacks: the program, and the Debian package that has it.
PROGRAMS = {
    FailureCode.NO_AWK: ("awk", "mawk"),
    FailureCode.NO_DOVEADM: ("doveadm", "dovecot-core"),
    FailureCode.NO_FLOCK: ("flock", "util-linux"),
    FailureCode.NO_RESTIC: ("restic", "restic"),
    FailureCode.NO_RSYNC: ("rsync", "rsync"),
}
# Said elsewhere already, or over by themselves.
NOT_WORTH_A_CARD = frozenset(
    {FailureCode.CANCELLED, FailureCode.HELD, FailureCode.QUARANTINED, FailureCode.SERVED_UNKNOWN}
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something did not happen: a code, what happened, and what to do next.

    refused: it was decided against; otherwise something went wrong. Either way what it was about is as it was.
    """

    code: FailureCode
    message: str
    hint: str = ""
    refused: bool = False

    @classmethod
    def of(cls, error: SharpnetError) -> Failure:
        """Return an error as the failure of what it has ended."""
        code = FailureCode(error.code)
        return cls(code, error.message.rstrip("."), error.hint, refused=code == FailureCode.CANCELLED)

    @classmethod
    def missing(cls, code: FailureCode, server: str) -> Failure:
        """Return that a program is missing on a server. server: what stands for its name, such as `{mirror}`."""
        program, package = PROGRAMS[code]
        return cls(code, f"{program} is missing on {server}", f"Install it there: apt install {package}.")

    def about(self, **names: str) -> Failure:
        """Return it with what stands for each `{name}` in its words."""
        message, hint = self.message, self.hint
        for name, value in names.items():
            message, hint = message.replace(f"{{{name}}}", value), hint.replace(f"{{{name}}}", value)
        return replace(self, message=message, hint=hint)

    @property
    def outcome(self) -> Literal["refused", "failed"]:
        """How whatever it ended did end, in a word."""
        return "refused" if self.refused else "failed"

    @property
    def facts(self) -> dict[str, object]:
        """The same as plain JSON values, for the record and for scripts."""
        return {"code": str(self.code), "why": self.message, "hint": self.hint}


# What whoever puts something in place on a server finds there before (`ops.work_folder`).
OF_WORK_FOLDER = (
    Failure(
        FailureCode.WORK_OPEN,
        "others than root and the SSH user could put a link in the place of the work folder on {server}",
        "Let only them write there, or name another folder on the same disk as servers.{server}.work in app.yaml.",
        refused=True,
    ),
    Failure(
        FailureCode.WORK_ELSEWHERE,
        "the work folder on {server} is on another disk than the root, and content is put in place by a rename",
        "Name one on the same disk as servers.{server}.work in app.yaml, or as the site's own work.",
        refused=True,
    ),
    Failure(
        FailureCode.WAY_LINK,
        "on {server} a link leads there that others than root and the SSH user could have made",
        "Write the folder that is meant into app.yaml, or let only root make links on the way to it.",
        refused=True,
    ),
)


def trouble_facts(trouble: Failure | None) -> dict[str, object]:
    """Return why something failed as plain JSON values; empty: it did not."""
    return trouble.facts if trouble is not None else {}


def said_text(err: bytes) -> str:
    """Return what a program said, as text in which to look for what it was.

    A pattern takes time with the square of a line's length, and a server may write whatever it likes: of very much, and
    of a very long line, only the beginning and the end are looked at.
    """
    half = MOST_SAID_BYTES // 2
    kept = err if len(err) <= MOST_SAID_BYTES else err[:half] + b"\n" + err[-half:]
    return "\n".join(map(_both_ends, kept.decode("utf-8", "replace").split("\n")))


def _both_ends(line: str) -> str:
    half = LONGEST_SAID // 2
    return line if len(line) <= LONGEST_SAID else f"{line[:half]}…{line[-half:]}"


def why_stopped(exit_code: int, text: str, known: Iterable[Failure]) -> tuple[Failure, str] | None:
    """Return which of `known` a script of ours has stopped for, and on what; None: it ended otherwise.

    text: its standard error.
    """
    found = _STOP_LINE.search(text) if exit_code == STOPPED else None
    return next(((one, found[2][:QUOTED]) for one in known if found is not None and one.code == found[1]), None)


def why_said(text: str, known: Mapping[str, Failure]) -> Failure | None:
    """Return the first of `known` whose pattern, a regular expression, is found in what a program said, or None."""
    return next((one for pattern, one in known.items() if re.search(pattern, text)), None)
