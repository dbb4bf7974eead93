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

from ops.databases.asking import ASK, KEY, script
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

# Arguments: the database, what becomes of owners in a file that cannot be used (`given` or `kept`), and that file or
# nothing. It prints how many rows were sent, after what the server says of each
# table, and only where all of the dump came. A row is a line of its own: line breaks in values are escaped, and a
# comment says where data begin.
#
# What is loaded was written by others, and psql runs commands that stand in it. So psql is restricted from the first
# byte on, by a key that nobody has seen: SQL is all that it takes. The dump's own key is left out; it would be one
# command. By the same key the last line is told from what a dump may print itself. A file may name owners that are not
# there, and is then refused or loaded without them; a stream is dumped without them.
LOAD = (
    _CLIENT
    + r"""
command -v awk >/dev/null || stop no-awk
"""
    + KEY
    + r"""
known=* whose=$1
[ $# = 1 ] || exec <"$2"
if [ $# = 2 ] && [ "$whose" = given ]; then
  known=$(ask --command="SELECT quote_ident(rolname) FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER')")
fi
known=$known key=$key awk '
  function strange(line) {
    sub(/^.* (TO|FROM|ROLE) /, "", line); sub(/;$/, "", line)
    return !anyone && line != "PUBLIC" && !(line in roles)
  }
  BEGIN {
    print "\\restrict " ENVIRON["key"]
    anyone = ENVIRON["known"] == "*"; n = split(ENVIRON["known"], names, "\n"); while (n) roles[names[n--]] = 1
  }
  rows_follow { if ($0 == "\\.") rows_follow = 0; else rows++; print; next }
  /^-- Data for Name: / { data = 1 }
  data && /^COPY .* FROM stdin;$/ { rows_follow = 1; data = 0; whole = 0; print; next }
  !begun && /^\\restrict [A-Za-z0-9]+$/ { own = $2; begun = 1; next }
  own != "" && $0 == "\\unrestrict " own { next }
  $0 == "-- PostgreSQL database dump complete" { whole = 1; print; next }
  /^ALTER .* OWNER TO .*;$/ && strange($0) { next }
  /^(GRANT|REVOKE) .* (TO|FROM) [^ ]+;$/ && strange($0) { next }
  $0 != "" && !/^--/ { begun = 1 }
  $0 != "" && $0 != "--" { whole = 0 }
  { print }
  END { if (whole) printf "SELECT \047%s\047, %.0f;\n", ENVIRON["key"], rows }
' | { told; printf '\n%s-status %s\n' "$key" "$?"; } | key=$key awk '
  BEGIN { status = 1 }
  /^COPY [0-9]+$/ { there += $2 }
  index($0, ENVIRON["key"] "\t") == 1 { printf "sharpnet-rows\t%s\nsharpnet-there\t%.0f\n", $2, there }
  $1 == ENVIRON["key"] "-status" { status = $2 }
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
