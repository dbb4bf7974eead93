r"""The scripts around MariaDB's and MySQL's client programs, in POSIX sh.

A password is the first line of standard input, escaped for an option file, and gets to the client by a descriptor: it
is on no command line and in no file.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ops.databases.asking import ASK, script
from ops.shell import SETTLED

if TYPE_CHECKING:
    from core.fleet import Database
    from ops.databases.asking import DatabaseLocation

_TOLD = r"""
IFS= read -r password || stop cut-off
with() {
  program=$1; shift
  "$program" --defaults-file=/dev/fd/3 CONNECT "$@" 3<<SECRET
[client]
password="$password"
SECRET
}
"""
_UNTOLD = r"""
with() { program=$1; shift; "$program" CONNECT "$@"; }
"""

# --binary-mode: no byte of the statements is taken for a command of the client, which could run a shell.
_CLIENT = r"""
client=$(command -v mariadb || command -v mysql) || stop no-client
ask() { with "$client" --batch --skip-column-names --binary-mode --default-character-set=utf8mb4 "$@"; }
"""
# Statements come on standard input, and end with `WHOLE`.
STATEMENTS = _CLIENT + ASK

_DUMPER = r"""
dumper=$(command -v mariadb-dump || command -v mysqldump) || stop no-client
# GTIDs are those of a replica, not of a copy; MariaDB does not know the options.
case $("$dumper" --version) in *MariaDB*) plain= ;; *) plain='--set-gtid-purged=OFF --no-tablespaces' ;; esac
dump() { with "$dumper" $plain --default-character-set=utf8mb4 --comments --add-locks "$@"; }
"""

# Arguments: the database.
DUMP = (
    _DUMPER
    + r"""
dump --single-transaction --quick --routines --events --triggers --hex-blob --no-autocommit -- "$1"
"""
)

# Arguments: the database, then its views. What is in it but its tables.
OBJECTS = (
    _DUMPER
    + r"""
name=$1; shift
dump --no-data --no-create-info --routines --events --triggers -- "$name" || exit
[ $# = 0 ] || dump --no-data --skip-triggers -- "$name" "$@"
"""
)

# Arguments: the fresh database, and a file or nothing. It prints how many rows were sent, if all of the dump came.
#
# A row is a line of its own, as MariaDB writes it, or one of the parentheses of a long line, as MySQL does: line breaks
# and quotes in values are escaped. No routine can lock tables, so what is between locks is data. Events are put to
# sleep, or they would run on the copy.
LOAD = (
    _CLIENT
    + r"""
command -v awk >/dev/null || stop no-awk
[ $# = 1 ] || exec <"$2"
awk '
  NR == 1 && /^\/\*M!999999.*sandbox/ { next }
  inside { if ($0 ~ /^\(/) rows++; if ($0 ~ /\);$/) inside = 0 }
  /^LOCK TABLES `.*` WRITE;$/ { data = 1 }
  /^UNLOCK TABLES;$/ { data = 0 }
  data && !inside && /^INSERT / {
    if ($0 ~ / VALUES$/) inside = 1
    else {
      line = $0
      gsub(/\\./, "", line); gsub(/\047[^\047]*\047/, "", line); gsub(/`[^`]*`/, "", line)
      rows += gsub(/\),\(/, "", line) + 1
    }
  }
  /^\/\*!50106 CREATE\*\// { sub(/PRESERVE ENABLE( |$)/, "PRESERVE DISABLE ON SLAVE ") }
  /[^ \t]/ { last = $0 }
  { print }
  END { if (last ~ /^-- Dump completed/) printf "SELECT \047sharpnet-rows\047, %.0f;\n", rows }
' | ask --max-allowed-packet=1G "--database=$1"
"""
)


def line(place: DatabaseLocation, text: str, *words: str) -> str:
    """Return the shell line that runs `text`, a script of those above, at `place` with `words` as its arguments."""
    return script(_prelude(place.database, place.server) + text, words)


def first(password: str | None) -> bytes:
    """Return what a client is sent first: the password as an option file has it in double quotes."""
    if password is None:
        return b""
    return password.replace("\\", "\\\\").replace('"', '\\"').encode() + b"\n"


def _prelude(database: Database, server: str) -> str:
    words = []
    socket = database.socket_on(server)
    if socket is not None:
        words.append(f"--socket={socket}")
    elif database.port is not None:
        words += ["--protocol=tcp", "--host=127.0.0.1", f"--port={database.port}"]
    if database.user is not None:
        words.append(f"--user={database.user}")
    with_client = _UNTOLD if database.password is None else _TOLD
    return SETTLED + with_client.replace("CONNECT", shlex.join(words))
