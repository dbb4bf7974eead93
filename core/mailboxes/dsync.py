"""How a run of Dovecot's dsync ended, read from both of its sides, and which mailboxes were created apart."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

from core.failure import QUOTED, Failure, FailureCode, said_text, why_said, why_stopped
from core.wording import foreign, listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from core.mailboxes.pairs import MailboxPair

# doveadm-sync(1): done, but some changes could not be made.
NOT_PERFECT = 2
# As a shell says that a process was killed: 128 and SIGKILL.
KILLED = 137
_GUID = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[0-9]{1,20}", re.ASCII)
_STATE = re.compile(r"^sharpnet-state: ([A-Za-z0-9+/=]*)$", re.MULTILINE)
# What the side says that was only left alone by the other one.
_LEFT_ALONE = re.compile(r"EOF \(|Remote command (returned|died)|Broken pipe|timed out: No input", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DsyncSide:
    """How one side ended: on which server, its exit status and what it wrote to standard error."""

    server: str
    exit_code: int
    err: bytes


def judge_run(login: str, one: DsyncSide, other: DsyncSide) -> str | Failure:
    """Return the state with which the next run goes on, or why the mailboxes are not alike.

    one: the side that ran `doveadm sync` and says the state.
    """
    if one.exit_code == other.exit_code == 0:
        found = _STATE.findall(said_text(one.err))
        return found[-1] if found else ""
    if one.exit_code == NOT_PERFECT and other.exit_code == 0:
        return changed_failure(login)
    return failure_of(login, *(side for side in (one, other) if side.exit_code != 0))


def failure_of(login: str, *sides: DsyncSide) -> Failure:
    """Return why what `sides` did with a user's mail failed; at least one, none of which ended well."""
    for side in sides:
        text = said_text(side.err)
        stopped = why_stopped(side.exit_code, text, _STOPS)
        known = stopped[0] if stopped is not None else why_said(text, _SAID)
        if known is not None:
            return known.about(login=login, server=side.server)
    killed = next((side for side in sides if side.exit_code == KILLED), None)
    if killed is not None:
        return _KILLED.about(login=login, server=killed.server)
    worst = next((side for side in sides if _own_words(side)), sides[0])
    own = _own_words(worst)
    return replace(
        _UNKNOWN.about(login=login, server=worst.server, status=str(worst.exit_code)),
        hint=f"It said: {foreign(own, QUOTED)}" if own else "",
    )


def _own_words(side: DsyncSide) -> str:
    lines = [line.strip() for line in said_text(side.err).splitlines() if line.strip()]
    own = [line for line in lines if not line.startswith("sharpnet-") and not _LEFT_ALONE.search(line)]
    return own[-1] if own else ""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox on one server. guid, uid_validity: what makes it the same one on two servers (RFC 3501).

    changes: grows with whatever is changed in it; its figure is a server's own.
    """

    guid: str
    uid_validity: int
    messages: int
    unseen: int
    changes: int


Mailboxes: TypeAlias = "Mapping[str, Mailbox]"
# What is asked of `doveadm mailbox status`, and the field of `Mailbox` that each is.
FIELDS = ("guid", "uidvalidity", "messages", "unseen", "highestmodseq")


def created_apart(here: Mailboxes, there: Mailboxes) -> tuple[str, ...]:
    """Return the mailboxes of one name that are two: dsync makes no INBOX one of them, and in 2.3 no other.

    One whose GUID the other side has under another name was renamed, which dsync settles by itself.
    """
    guids_here, guids_there = ({one.guid for one in side.values()} for side in (here, there))
    return tuple(
        name
        for name, own in sorted(here.items())
        if name in there
        and own.guid != there[name].guid
        and own.guid not in guids_there
        and there[name].guid not in guids_here
    )


def made_one_by_itself(here: Mailboxes, there: Mailboxes) -> Iterator[tuple[str, bool]]:
    """Yield each mailbox created apart that is empty on a side, which can take the other's identity unasked.

    With its name: whether `there` is the side that takes it.
    """
    for name in created_apart(here, there):
        if there[name].messages == 0:
            yield name, True
        elif here[name].messages == 0:
            yield name, False


def are_alike(here: Mailboxes, there: Mailboxes) -> bool:
    """Return whether what both sides have holds as many messages, read and unread, on each.

    A mailbox of one side only may be none of those that dsync knows.
    """
    return all(
        (own.messages, own.unseen) == (there[name].messages, there[name].unseen)
        for name, own in here.items()
        if name in there and there[name].guid == own.guid
    )


def mark_of(here: Mailboxes, there: Mailboxes) -> str:
    """Return what stays the same while nothing is changed on either side."""
    return sha256(repr((sorted(here.items()), sorted(there.items()))).encode()).hexdigest()


def kept_state(mark: str, state: str) -> str:
    """Return what is kept of a good run; `state_for` reads it."""
    return f"{mark} {state}"


def state_for(kept: str, mark: str) -> str:
    """Return the state that the next run goes on with; empty, and so all is compared, where anything was changed.

    A state tells dsync what both sides once had. Where one of them has lost that since, such as by a disk that is not
    mounted, a run with it says that all is well.
    """
    before, _, state = kept.partition(" ")
    return state if before == mark else ""


def read_mailboxes(out: bytes) -> Mailboxes:
    """Read what `doveadm -f tab mailbox status` prints of `FIELDS`; a line that is none is left out."""
    lines = [line.split("\t") for line in out.decode("utf-8", "replace").splitlines()]
    columns = lines[0] if lines else []
    found = {}
    for line in lines[1:]:
        values = dict(zip(columns, line, strict=False))
        guid, *numbers = (values.get(field, "") for field in FIELDS)
        if _GUID.fullmatch(guid) and all(map(_NUMBER.fullmatch, numbers)):
            found[values.get("mailbox", "")] = Mailbox(guid, *map(int, numbers))
    return found


def apart_failure(pair: MailboxPair, names: Sequence[str]) -> Failure:
    """Return that mailboxes of these names were created apart."""
    shown = listing(tuple(foreign(name, 40) for name in names), 3)
    return Failure(
        FailureCode.MAIL_APART,
        f"{shown} was created apart on each, and dsync never makes one of the two",
        f"`mail seed {shlex.quote(pair.login)} --from {pair.server}` does; no message is lost on either side.",
        refused=True,
    )


def changed_failure(login: str) -> Failure:
    """Return that mailboxes are not alike yet, as where mail arrives meanwhile."""
    return _CHANGED.about(login=login)


def alone_failure(login: str, server: str, other: str) -> Failure:
    """Return that a user is on one of two servers only."""
    return Failure(
        FailureCode.MAIL_USER,
        f"{login} is a user of {server}, but not of {other}",
        f"Create the user on {other}, with the same password: its mail comes by itself. Or remove it from {server}.",
        refused=True,
    )


_UNKNOWN = Failure(FailureCode.MAIL_FAILED, "the mail of {login} failed on {server} (status {status})")
_KILLED = Failure(
    FailureCode.MAIL_FAILED,
    "what worked on the mail of {login} was killed on {server}",
    "The next run goes on with it.",
)
_CHANGED = Failure(
    FailureCode.MAIL_CHANGED, "the mail of {login} changed while it was brought together", "The next run settles it."
)
_STOPS = (Failure.missing(FailureCode.NO_DOVEADM, "{server}"),)
# In Dovecot's words, 2.3 and 2.4; the first that fits is what it was.
_SAID: Mapping[str, Failure] = {
    r"No space left on device|Not enough disk space|Disk quota exceeded": Failure(
        FailureCode.DISK_FULL,
        "the disk of the mail is full on {server}",
        "Make room there. Nothing is lost: what is missing there lies on the other server.",
    ),
    r"Quota exceeded|quota is full": Failure(
        FailureCode.MAIL_QUOTA,
        "the mailbox of {login} is full on {server}: its quota is reached",
        "Raise the quota there to what it is on the other server, or have the user delete something.",
    ),
    r"User doesn't exist|User not found|Unknown user": Failure(
        FailureCode.MAIL_USER,
        "{login} is no user of {server}",
        "Create the user there, with the same password; its mail comes by itself.",
        refused=True,
    ),
    r"[Ll]ock.*(timed out|Timeout)|Couldn't lock|Timed out.*lock": Failure(
        FailureCode.BUSY, "another run works on the mail of {login} on {server}", "It ends by itself.", refused=True
    ),
    r"auth-(master|userdb).*(connect|failed)|connect\(.*auth-userdb\) failed": Failure(
        FailureCode.MAIL_DOWN,
        "Dovecot does not run on {server}, or its SSH user may not ask it for users",
        "Start it there, or give that user rights on its socket auth-userdb.",
    ),
    r"Permission denied": Failure(
        FailureCode.PERMISSION,
        "the SSH user may not touch the mail of {login} on {server}",
        "Let the bot log in there as root, or as the user whose mailboxes they are.",
    ),
}
