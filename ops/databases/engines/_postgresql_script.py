r"""The scripts around PostgreSQL's client programs, in POSIX sh.

A password is the first line of standard input and gets into the client's environment, nowhere else. So does the name of
the database: as an argument it could be read as a whole connection string.
"""

# ruff: noqa: S608 -- these are constants
from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING

from ops.databases.asking import ASK, script
from ops.shell import SETTLED

if TYPE_CHECKING:
    from core.fleet import Database
    from ops.databases.asking import DatabaseLocation

CONNECT_S = 10
_SOCKET = re.compile(r"\.s\.PGSQL\.(\d+)")

# First argument: the database.
_CLIENT = r"""
PGDATABASE=$1; export PGDATABASE; shift
command -v psql >/dev/null || stop no-client
tab=$(printf '\t')
told() { psql --no-psqlrc --no-password --set=ON_ERROR_STOP=1 --tuples-only --no-align --field-separator="$tab" "$@"; }
ask() { told --quiet "$@"; }
"""
# Argument: the database. Statements come on standard input, and end with `WHOLE`.
STATEMENTS = _CLIENT + ASK

# Arguments: the database; then options of pg_dump.
DUMP = r"""
PGDATABASE=$1; export PGDATABASE; shift
command -v pg_dump >/dev/null || stop no-client
exec pg_dump --no-password --format=plain --encoding=UTF8 "$@"
"""

# Arguments: the database, and a file or nothing. It prints how many rows were sent, after what the server says of each
# table, and only where all of the dump came. A row is a line of its own: line breaks in values are escaped, and a
# comment says where data begin.
#
# A psql from before August 2025 does not know `\restrict`, with which a dump keeps it from running commands. A file may
# name owners that are not there; a stream is dumped without them.
LOAD = (
    _CLIENT
    + r"""
command -v awk >/dev/null || stop no-awk
old=0
ask --command='\restrict sharpnet' >/dev/null 2>&1 || old=1
known=*
if [ $# = 1 ]; then
  exec <"$1"
  known=$(ask --command="SELECT quote_ident(rolname) FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER')")
fi
known=$known awk -v old="$old" '
  function strange(line) {
    sub(/^.* (TO|FROM|ROLE) /, "", line); sub(/;$/, "", line)
    return !anyone && line != "PUBLIC" && !(line in roles)
  }
  BEGIN { anyone = ENVIRON["known"] == "*"; n = split(ENVIRON["known"], names, "\n"); while (n) roles[names[n--]] = 1 }
  rows_follow { if ($0 == "\\.") rows_follow = 0; else rows++; print; next }
  /^-- Data for Name: / { data = 1 }
  data && /^COPY .* FROM stdin;$/ { rows_follow = 1; data = 0; whole = 0; print; next }
  /^\\(un)?restrict [A-Za-z0-9]+$/ { if (!old) print; next }
  $0 == "-- PostgreSQL database dump complete" { whole = 1; print; next }
  /^ALTER .* OWNER TO .*;$/ && strange($0) { next }
  /^(GRANT|REVOKE) .* (TO|FROM) [^ ]+;$/ && strange($0) { next }
  $0 != "" && $0 != "--" { whole = 0 }
  { print }
  END { if (whole) printf "SELECT \047sharpnet-rows\047, %.0f;\n", rows }
' | { told; echo "sharpnet-status $?"; } | awk '
  /^COPY [0-9]+$/ { there += $2 }
  /^sharpnet-rows/ { print; printf "sharpnet-there\t%.0f\n", there }
  /^sharpnet-status/ { status = $2 }
  END { exit status }
'
"""
)


def line(place: DatabaseLocation, text: str, *words: str) -> str:
    """Return the shell line that runs `text`, a script of those above, at `place` with `words` as its arguments."""
    return script(_prelude(place.database, place.server) + text, words)


def first(password: str | None) -> bytes:
    """Return what a client is sent first."""
    return b"" if password is None else password.encode() + b"\n"


def _prelude(database: Database, server: str) -> str:
    values = {"PGCONNECT_TIMEOUT": str(CONNECT_S), "PGAPPNAME": "sharpnet", "PGCLIENTENCODING": "UTF8"}
    socket = database.socket_on(server)
    found = _SOCKET.fullmatch(posixpath.basename(socket)) if socket is not None else None
    if socket is not None:
        values["PGHOST"] = posixpath.dirname(socket) if found else socket
    elif database.port is not None:
        values["PGHOST"] = "127.0.0.1"
    if found is not None:
        values["PGPORT"] = found[1]
    elif database.port is not None:
        values["PGPORT"] = str(database.port)
    if database.user is not None:
        values["PGUSER"] = database.user
    said = "\n".join(f"{name}={shlex.quote(value)}; export {name}" for name, value in values.items())
    secret = "IFS= read -r PGPASSWORD || stop cut-off\nexport PGPASSWORD\n" if database.password is not None else ""
    return f"{SETTLED}unset PGOPTIONS PGHOSTADDR\n{said}\n{secret}"
