"""One database on one server, as its engine's client programs are asked about it over SSH."""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.databases.failures import failure_of_database
from core.errors import SharpnetError
from core.failure import Failure, FailureCode
from core.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from core.databases.copies import DatabaseState
    from core.databases.failures import Doing
    from core.fleet import Database
    from ops.contracts import Ran, Ssh
    from ops.work_folder import AskTurn, Turn

# Large tables are counted and indexes built in one question.
ASK_S = 3600.0
# What ends the statements that come on standard input: a part of them is not carried out.
WHOLE = "-- sharpnet: all of it"
END = f"\n{WHOLE}"
# Carries them out with what an engine's script calls `ask`.
ASK = rf"""
if [ $# = 1 ]; then statements=$1; else statements=$(cat); fi
case $statements in *'{WHOLE}') ;; *) stop cut-off ;; esac
printf '%s\n' "$statements" | ask
"""
# Nobody else knows it, and it is on no command line.
KEY = r"""
key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
[ "${#key}" = 32 ] || { echo "no key from /dev/urandom" >&2; exit 1; }
"""
# A single argument may have 128 KiB (execve(2)), and a character four bytes.
LONGEST = 25_000


class DatabaseError(SharpnetError):
    """A database could not be asked, dumped, loaded or put in place: `trouble` says why. Nothing was half done."""

    def __init__(self, trouble: Failure) -> None:
        super().__init__(trouble.message, hint=trouble.hint)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class DatabaseLocation:
    """One database on one server. first: what its client gets first on standard input, a password or nothing."""

    ssh: Ssh
    database: Database
    server: str
    first: bytes

    @property
    def name(self) -> str:
        """The database's name."""
        return self.database.name

    async def run(self, line: str, stdin: bytes = b"", doing: Doing = "asked") -> bytes:
        """Run a shell line on the server and return what it wrote. Raises DatabaseError where it did not go well."""
        ran = await self.ssh.run(self.server, line, timeout_s=ASK_S, stdin=self.first + stdin)
        self.judge(ran, doing)
        return ran.out

    async def rows(self, line: str, sql: str, doing: Doing = "asked") -> list[list[str]]:
        """Carry out statements with the shell line `line`; return what they print, one list of fields a row.

        Only what is no more than names and questions goes on the command line, which others on the server can read.
        """
        whole = sql + END
        if len(whole) > LONGEST:
            out = await self.run(line, f"{whole}\n".encode(), doing)
        else:
            out = await self.run(f"{line} {shlex.quote(whole)}", doing=doing)
        return [row.split("\t") for row in out.decode("utf-8", "replace").splitlines()]

    async def told(self, line: str, sql: str) -> None:
        """Carry out statements that hold more than names, or are long: they go on standard input."""
        await self.run(line, f"{sql}{END}\n".encode("utf-8", "surrogateescape"), "put in place")

    def judge(self, ran: Ran, doing: Doing) -> None:
        """Raise DatabaseError where `ran` did not end well."""
        trouble = failure_of_database(self.name, self.server, doing, ran.exit_code, ran.err)
        if trouble is not None:
            raise DatabaseError(trouble)


@contextlib.contextmanager
def understood(place: DatabaseLocation) -> Iterator[None]:
    """Read an answer inside of it. Raises DatabaseError where it is none that such a server gives."""
    try:
        yield
    except (ValueError, IndexError) as error:
        odd = Failure(
            FailureCode.DATABASE_FAILED,
            f"{place.server} gave an answer about the database {place.name} that no database server gives",
            "Look at the client programs there, and at what runs at the login of the bot's user.",
        )
        raise DatabaseError(odd) from error


async def asked(ask: AskTurn) -> Turn:
    """Return the turn that `ask` gives. Raises DatabaseError where the run has none any more."""
    turn = await ask()
    if isinstance(turn, Failure):
        raise DatabaseError(turn)
    return turn


def script(text: str, words: Iterable[str]) -> str:
    """Return the shell line that runs a script with `words` as its arguments."""
    return " ".join(["exec", "sh", "-c", shlex.quote(text), "sharpnet-database", *map(shlex.quote, words)])


def unhex(text: str) -> str:
    """Return a name that was asked for in hexadecimal, since it may hold tabs and line breaks."""
    return bytes.fromhex(text).decode("utf-8", "replace")


def settled(found: DatabaseState) -> tuple[str, ...]:
    """Say of which tables a dump has no snapshot."""
    if not found.unsettled:
        return ()
    tables = count(len(found.unsettled), "table")
    return (f"{tables} of engines without transactions: what is written to them while they are dumped may be torn.",)
