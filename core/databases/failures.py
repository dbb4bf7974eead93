"""Why a database could not be asked, dumped, loaded or put in place, read from what its client said."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from core.failure import OF_WORK_FOLDER, QUOTED, Failure, FailureCode, said_text, why_said, why_stopped
from core.wording import shown_path

if TYPE_CHECKING:
    from collections.abc import Mapping

Doing = Literal["asked", "dumped", "loaded", "put in place"]
_QUOTED_LINES = 3
_SECRET_FREE = re.compile(r"(?i)password\s*[:=]\s*\S+")


def failure_of_database(name: str, server: str, doing: Doing, exit_code: int, err: bytes) -> Failure | None:
    """Return what went wrong when a client on `server` ended so, or None where it went well."""
    if exit_code == 0:
        return None
    text = said_text(err)
    stopped = why_stopped(exit_code, text, _STOPS)
    found = stopped[0] if stopped is not None else why_said(text, _SAID) or _UNKNOWN
    found = found.about(doing=doing, server=server, name=name)
    return replace(found, hint=f"{found.hint} {_quoted(text)}".strip())


def _quoted(text: str) -> str:
    """Return the last lines that it said, on one printable line: the first ones are often only warnings."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("sharpnet-stop:")]
    said = shown_path(" / ".join(lines[-_QUOTED_LINES:]).encode())
    return f"It said: {_SECRET_FREE.sub('password …', said)[:QUOTED]}" if said else ""


_UNKNOWN = Failure(FailureCode.DATABASE_FAILED, "the database {name} could not be {doing} on {server}")

_STOPS = (
    *OF_WORK_FOLDER,
    Failure(
        FailureCode.NO_CLIENT,
        "the client programs for the database {name} are missing on {server}",
        "Install them there: apt install mariadb-client, or postgresql-client.",
    ),
    Failure(
        FailureCode.CUT_OFF, "what was sent to the database {name} on {server} did not arrive whole", "Sync again."
    ),
    Failure.missing(FailureCode.NO_AWK, "{server}"),
    Failure.missing(FailureCode.NO_FLOCK, "{server}"),
    Failure(
        FailureCode.BUSY,
        "an earlier run still works on {server}",
        "It ends by itself; sync again then. The database {name} is as it was.",
        refused=True,
    ),
    Failure(
        FailureCode.OVERTAKEN,
        "a newer run has begun on {server} since",
        "The database {name} stays as that one has it.",
        refused=True,
    ),
    Failure(
        FailureCode.TOO_LATE,
        "the order to put the database {name} in place came to {server} too late to be sure that it still holds",
        "The database is as it was; sync again. Was the bot's machine asleep, or very busy?",
        refused=True,
    ),
)

# In the words of MariaDB, MySQL, PostgreSQL and libc; the first that fits is what it was.
_SAID: Mapping[str, Failure] = {
    r"invalid command \\restrict": Failure(
        FailureCode.CLIENT_OLD,
        "psql on {server} is from before August 2025: it would run commands that stand in the dump of {name}",
        "Install a newer postgresql-client there: 13.22, 14.19, 15.14, 16.10, 17.6 or later.",
        refused=True,
    ),
    r"backslash commands are restricted|Unknown command '\\|local infile|Loading local data is disabled": Failure(
        FailureCode.DUMP_COMMANDS,
        "the dump of {name} asks its client on {server} for more than to load it, which no dump does by itself",
        "Nothing of that was done. Somebody has changed the dump, or what makes it: look at the source.",
        refused=True,
    ),
    r"No space left on device|Disk quota exceeded|The table '.*' is full|Disk full": Failure(
        FailureCode.DATABASE_DISK_FULL,
        "the disk of the database {name} is full on {server}",
        "Make room there. The database there is as it was.",
    ),
    (
        r"Can't connect to (?:local )?(?:MySQL |MariaDB )?server|"
        r"Lost connection to (?:MySQL |MariaDB )?server|(?:MySQL |MariaDB )?[Ss]erver has gone away|"
        r"Server shutdown in progress|No such file or directory\s+Is the server running|"
        r"Connection refused\s+Is the server running|"
        r"the database system is (?:starting up|shutting down|in recovery)|"
        r"server closed the connection unexpectedly|connection to server was lost|"
        r"terminating connection due to administrator command"
    ): Failure(
        FailureCode.DATABASE_DOWN,
        "the server of the database {name} does not answer on {server}",
        "Is it running there, and are its socket or port right in app.yaml?",
    ),
    r'Unknown database|database ".*" does not exist': Failure(
        FailureCode.NO_DATABASE,
        "there is no database {name} on {server}",
        "Is its name right in app.yaml?",
        refused=True,
    ),
    (
        r"password authentication failed|no password supplied|Peer authentication failed|"
        r'Ident authentication failed|no pg_hba.conf entry|FATAL:  role ".*" does not exist|ERROR (?:1045|1698) |'
        r"Got error: (?:1045|1698):|Access denied for user '[^']*'@'[^']*' \(using password|"
        r"is not permitted to log in"
    ): Failure(
        FailureCode.DATABASE_LOGIN,
        "the database server on {server} does not let the bot into {name}",
        "Give user and password in app.yaml, or let the SSH user in there (docs/databases.md).",
    ),
    (
        r"Unknown collation|Unknown character set|You have an error in your SQL syntax|"
        r"Unknown system variable|server version mismatch|unrecognized configuration parameter|"
        r"unsupported version|invalid (?:LC_COLLATE|LC_CTYPE )?locale name|could not create locale|"
        r'extension ".*" is not available|could not open extension control file|'
        r"unrecognized (?:option|locale provider)|syntax error at or near"
    ): Failure(
        FailureCode.DATABASE_VERSION,
        "the database server on {server} does not take what {name} holds",
        "It is older than the other one, or lacks a locale or an extension: bring both to the same version.",
    ),
    (
        r"definer/invoker of view lack rights|The user specified as a definer .* does not exist|"
        r"you need \(at least one of\) the (?:SUPER, )?SET[ _]USER|"
        r'ERROR:  role ".*" does not exist|must be (?:able to SET ROLE|member of role)'
    ): Failure(
        FailureCode.DATABASE_DEFINER,
        "views or routines of the database {name} belong to a user whom the bot's user on {server} cannot act for",
        "Give the site a database user of its own in app.yaml (docs/databases.md).",
    ),
    (
        r"(?i:access denied)|(?i:permission denied)|must be (?:owner|superuser|member)|"
        r"command denied to user|Operation .* failed for .*: you need|you need \(at least one of\)|"
        r"insufficient privileges"
    ): Failure(
        FailureCode.DATABASE_RIGHTS,
        "the bot's user has not the rights that it needs for the database {name} on {server}",
        "docs/databases.md has the lines that give them.",
    ),
    (
        r"is being accessed by other users|Lock wait timeout exceeded|canceling statement due to lock timeout|"
        r"[Dd]eadlock"
    ): Failure(
        FailureCode.DATABASE_BUSY,
        "others are working in the database {name} on {server}",
        "End what works there, and sync again. The database there is as it was.",
    ),
    r"Table definition has changed|could not serialize access": Failure(
        FailureCode.DATABASE_CHANGED, "the tables of {name} were altered while it was dumped", "Sync again."
    ),
}
