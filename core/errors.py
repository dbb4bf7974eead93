"""Everything that can be refused or go wrong, as one tree.

SharpnetError                 any of them: a code, what happened, a hint of what to do next
├── UsageError                a command was typed wrongly
├── NotAllowedError           this person may not do this
├── RefusedError              asked for rightly, but it would be wrong now
│   └── StoreDoubtError       the store may not be the newest, so nothing is done by it
├── SettingsError             app.yaml or the environment is wrong (every problem at once)
├── NotInFleetError           what is kept names a site or a server that app.yaml has no longer
├── OvertakenError            work stood still for too long, and was given up
│   └── WorkCancelledError    somebody has ended the work before its time
├── StoreError                the record or the state could not be read or kept
│   ├── StoreDamagedError     its file is not what SQLite wrote any more
│   └── StoreGoneError        its file was deleted or replaced while it was open
├── UnreachableError          a machine did not answer
│   ├── TimedOutError         it did not answer in time
│   └── HostKeyError          it answers with another host key than the pinned one, or none is pinned
├── LoginRefusedError         the machine answers, but does not take the key
├── NotUnderstoodError        what a machine said is not what was asked for
├── MailError                 a conversation with a mail server cannot go on
├── OwnLackError              this machine lacks what it takes to ask: nobody else has failed
├── TooMuchError              what came from outside is longer than is read
└── DnsError                  a name server answered, but not with what was asked for
    ├── DnsRefusedError       it refuses: the key, the zone or the kind of request
    ├── DnsClockError         BADTIME: its clock and ours differ too much (RFC 8945, section 5.2.3)
    └── DnsChangedError       a prerequisite failed: a record is not what the plan says (RFC 2136, section 3.2)
"""

from __future__ import annotations

from typing import ClassVar

from core.wording import printable


class SharpnetError(Exception):
    """Something that a person has to be told: `code` in kebab-case, the message with its numbers, and a hint.

    Both may quote what a server or a file said: they are made printable here, each one line.
    """

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(printable(message))
        self.message = printable(message)
        self.hint = printable(hint)


class UsageError(SharpnetError):
    """A command was typed wrongly. Show the message and the command's usage."""

    code = "usage"
    exit_code = 2


class NotAllowedError(SharpnetError):
    """This person may not do this. Nothing has changed; say who may."""

    code = "not-allowed"
    exit_code = 4


class RefusedError(SharpnetError):
    """Asked for rightly, but it would be wrong now. Nothing has changed; the hint says what would help."""

    code = "refused"
    exit_code = 3


class StoreDoubtError(RefusedError):
    """The store may not be the newest: what it says may have been done already. A person has to accept it first."""

    code = "store-in-doubt"


class SettingsError(SharpnetError):
    """app.yaml or the environment is wrong. `problems` holds one line each, all of them."""

    code = "settings"
    exit_code = 2

    def __init__(self, message: str, *, problems: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(map(printable, problems))


class NotInFleetError(SharpnetError):
    """What is kept names a site or a server that app.yaml has no longer. Nothing was done with it."""

    code = "not-in-fleet"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is no longer in the fleet file.", hint="app.yaml says what there is now.")


class StoreError(SharpnetError):
    """The record or the state could not be read or kept. Nothing is done that cannot be recorded first."""

    code = "store"


class StoreDamagedError(StoreError):
    """The store's file is not what SQLite wrote any more. Nothing should write it; a person saves what can be read."""

    code = "store-damaged"


class StoreGoneError(StoreError):
    """The store's file was deleted or replaced while it was open: what is written there would be lost to all others."""

    code = "store-gone"


class FencedError(StoreError):
    """The work is somebody else's by now: whoever did it was away too long. Nothing more is done here.

    fence: what did not hold, of all that the work rests on.
    """

    code = "fenced"

    def __init__(self, message: str, *, fence: object = None) -> None:
        super().__init__(message)
        self.fence = fence


class OvertakenError(SharpnetError):
    """Work was away for longer than its claim holds, and was given up; others of its kind may go on."""

    code = "overtaken"


class WorkCancelledError(OvertakenError):
    """Somebody has ended the work before its time, or it gave way to a cutover; others of its kind may go on."""

    code = "cancelled"


class UnreachableError(SharpnetError):
    """A machine did not answer. It may be down, or the way to it may be."""

    code = "unreachable"


class TimedOutError(UnreachableError):
    """A machine did not answer in time: what was asked of it may or may not have happened."""

    code = "timed-out"


class HostKeyError(UnreachableError):
    """A machine answers with another host key than the pinned one. Never go on; a person has to look."""

    code = "host-key"


class LoginRefusedError(SharpnetError):
    """The machine answers, but does not take the key."""

    code = "login-refused"


class NotUnderstoodError(SharpnetError):
    """What a machine said is not what was asked for, and nothing is concluded from it."""

    code = "not-understood"


class MailError(SharpnetError):
    """A mail server ends a conversation, says too much, or nothing in time. The message is a part of a sentence."""

    code = "mail"


class OwnLackError(SharpnetError):
    """The bot's own machine lacks descriptors, memory, threads, ports, disk or its network: nothing was observed.

    Never counted as a failure of whoever was asked (law 14); what was not observed is unknown. lack: what, in a few
    words.
    """

    code = "own-lack"

    def __init__(self, message: str, *, hint: str = "", lack: str = "") -> None:
        super().__init__(message, hint=hint)
        self.lack = lack


class TooMuchError(SharpnetError):
    """What came from outside is longer than is read of it (law 14). The rest was not read, and nothing is taken."""

    code = "too-much"


class DnsError(SharpnetError):
    """A name server answered, but not with what was asked for."""

    code = "dns"


class DnsRefusedError(DnsError):
    """A name server refuses: the key, the zone or the kind of request. Nothing has changed."""

    code = "dns-refused"


class DnsClockError(DnsRefusedError):
    """BADTIME: the name server's clock and ours differ too much. Nothing has changed; set the clocks right."""

    code = "dns-clock"


class DnsChangedError(DnsError):
    """A record set is not what the plan says. Nothing has changed in the zone; make a fresh plan."""

    code = "dns-changed"
