"""How each way of failing between two servers and of a database is told, whole; each text is one that is looked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from unit.wholes import compare

from core.databases.copies import DatabaseState, why_not_load, why_not_whole
from core.databases.failures import failure_of_database
from core.sync.failures import failure_of

if TYPE_CHECKING:
    from core.failure import Failure

HERE = Path(__file__).parent
RSYNC = (
    (11, "write failed: No space left on device"), (11, "Disk quota exceeded"), (12, "sharpnet-stop: source-symlink"),
    (12, "rrsync error: unsafe arg: x"), (255, "REMOTE HOST IDENTIFICATION HAS CHANGED"),
    (255, "Host key verification failed."), (255, "No host key is known for x"), (255, 'Load key "/x": no'),
    (255, "UNPROTECTED PRIVATE KEY"), (255, "Identity file /x not accessible"), (255, "Permission denied (publickey)"),
    (255, "Permission denied (password)"), (255, "Too many authentication failures"), (255, "Connection refused"),
    (255, "No route to host"), (255, "Network is unreachable"), (255, "Could not resolve hostname"),
    (255, "Connection timed out"), (255, "Operation timed out"), (255, "Server x not responding"),
    (255, "Connection reset by 1.2.3.4 port 22"), (23, 'change_dir "/x" failed: No such file'),
    (23, '[sender] link_stat "/x" No such file'), (12, "rrsync error: /x No such file"),
    (12, "Restricted directory does not exist"), (23, '[sender] opendir "/x" failed: Permission denied'),
    (12, "rrsync error: /x Permission denied"), (12, "rrsync error: other"), (1, "it has been disabled on this server"),
    (1, "it does not run rsync"), (127, "rsync: command not found"), (127, "rsync: not found"),
    (127, "rsync: No such file"), (23, "Permission denied"), (23, "Operation not permitted"),
    (23, "Read-only file system"), (30, "timeout in data send/receive"), (30, "io timeout after 600 seconds"),
    (25, ""), (10, ""), (12, ""), (20, ""), (30, ""), (35, ""), (255, ""), (77, ""), (5, "one\n\ntwo\nthree\nfour"),
    (12, "sharpnet-stop: source-missing"), (12, "sharpnet-stop: source-closed"),
    (90, "sharpnet-stop: source-way-link /x"),
    (90, "sharpnet-stop: moon"), (24, "x"), (0, "x"),
    *((90, f"sharpnet-stop: {code} /x") for code in (
        "no-rsync", "no-flock", "busy", "no-parent", "parent-closed", "root-closed", "root-not-folder", "root-symlink",
        "root-mount-point", "mount-inside", "foreign-owner", "overtaken", "too-late", "not-ready", "not-exchanged",
        "work-open", "work-closed", "work-elsewhere", "source-unreadable", "way-link", "way-changed",
    )),
)  # fmt: skip
DATABASES = (
    "No space left on device", "Disk quota exceeded", "The table 'x' is full", "Disk full",
    "Can't connect to local server", "Can't connect to MySQL server", "Lost connection to server",
    "Server has gone away", "Server shutdown in progress", "No such file or directory\nIs the server running",
    "Connection refused\n\tIs the server running", "the database system is starting up",
    "server closed the connection unexpectedly", "connection to server was lost",
    "terminating connection due to administrator command", "Unknown database", 'database "x" does not exist',
    "password authentication failed", "no password supplied", "Peer authentication failed",
    "Ident authentication failed", "no pg_hba.conf entry", 'role "x" does not exist', "ERROR 1045 x", "ERROR 1698 x",
    "Got error: 1045:", "Access denied for user 'a'@'b' (using password: NO)", "is not permitted to log in",
    "Unknown collation", "Unknown character set", "You have an error in your SQL syntax", "Unknown system variable",
    "server version mismatch", "unrecognized configuration parameter", "unsupported version",
    "invalid LC_CTYPE locale name", "could not create locale", 'extension "x" is not available',
    "could not open extension control file", "unrecognized option", "syntax error at or near", "ACCESS DENIED",
    "Permission Denied", "must be owner", "command denied to user", "Operation x failed for y: you need",
    "you need (at least one of)", "insufficient privileges", "is being accessed by other users",
    "Lock wait timeout exceeded", "canceling statement due to lock timeout", "Deadlock found", "deadlock",
    "definer/invoker of view lack rights", "The user specified as a definer x does not exist",
    "Table definition has changed", "could not serialize access", "else: password = hunter2 it",
    "one\ntwo\nthree\nfour", "one\ntwo\n\n \nthree\n", "",
)  # fmt: skip


def test_each_way_of_failing_is_told_in_the_words_that_people_were_promised() -> None:
    rsync = [_told(failure_of(code, err.encode(), source="oslo", mirror="lima")) for code, err in RSYNC]
    stops = ("no-client", "cut-off", "no-awk", "no-flock", "busy", "overtaken", "too-late", "moon")
    databases = [
        *(_told(failure_of_database("shop", "lima", "loaded", 1, err.encode())) for err in DATABASES),
        *(_told(failure_of_database("shop", "lima", "dumped", 90, f"sharpnet-stop: {c}".encode())) for c in stops),
        _told(failure_of_database("shop", "lima", "asked", 90, ("sharpnet-stop: busy\n" + "x" * 400).encode())),
        _told(failure_of_database("shop", "lima", "asked", 0, b"x")),
    ]
    three = DatabaseState(exists=True, tables=frozenset("abc"))
    two, none = replace(three, tables=frozenset("ab")), replace(three, tables=frozenset())
    six = replace(three, tables=frozenset("abcdef"))
    compare(
        HERE / "whole_failures.txt",
        {
            "of rsync": rsync,
            "of databases": databases,
            "a database that is not loaded": [
                _told(why_not_load("shop", none, two, max_delete=None)),
                _told(why_not_load("shop", none, none, max_delete=0.0)),
                _told(why_not_load("shop", two, three, max_delete=0.333)),
                _told(why_not_load("shop", two, three, max_delete=1 / 3)),
                _told(why_not_load("shop", two, six, max_delete=0.12345)),
                _told(why_not_load("shop", two, six, max_delete=None)),
            ],
            "a database that is not whole": [
                _told(why_not_whole("shop", six, six, two, sent_rows=1, loaded_rows=1)),
                _told(why_not_whole("shop", three, six, two, sent_rows=1, loaded_rows=1)),
                _told(why_not_whole("shop", six, three, two, sent_rows=1, loaded_rows=1)),
                _told(why_not_whole("shop", two, two, two, sent_rows=1, loaded_rows=2000)),
                _told(why_not_whole("shop", two, two, six, sent_rows=2, loaded_rows=2)),
            ],
        },
    )


def _told(trouble: Failure | None) -> str:
    if trouble is None:
        return "no trouble"
    return f"{trouble.code} ({trouble.outcome}): {trouble.message}. {trouble.hint}"
