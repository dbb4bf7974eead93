r"""The scripts around MariaDB's and MySQL's client programs, in POSIX sh.

A password is the first line of standard input, escaped for an option file, and gets to the client by a descriptor: it
is on no command line and in no file.
"""

# ruff: noqa: S608 -- what awk writes into a statement is a number or a name without quotes
from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ops.databases.asking import ASK, KEY, script
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
# --local-infile: nor may a statement have it read a file of the SSH user's.
_CLIENT = r"""
client=$(command -v mariadb || command -v mysql) || stop no-client
ask() {
  with "$client" --batch --skip-column-names --binary-mode --local-infile=0 --default-character-set=utf8mb4 "$@"
}
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

# Arguments: the fresh database, what becomes of definers (`given` or `kept`), and a file or nothing. It prints how many
# rows were sent, if all of the dump came, and whose views and routines were given to the bot's user.
#
# A row is a line of its own, as MariaDB writes it, or one of the parentheses of a long line, as MySQL does: line breaks
# and quotes in values are escaped. No routine can lock tables, so what is between locks is data. Events are put to
# sleep, or they would run on the copy. What is ours in the output is told from what a dump may print by a key.
LOAD = (
    _CLIENT
    + r"""
command -v awk >/dev/null || stop no-awk
"""
    + KEY
    + r"""
name=$1 definers=$2
[ $# = 2 ] || exec <"$3"
key=$key definers=$definers awk '
  # Leaves out whose it is: then it belongs to whoever makes it.
  function give(  whose) {
    if (!match($0, /DEFINER=(`([^`]|``)*`@)?`([^`]|``)*`/)) return
    whose = substr($0, RSTART + 8, RLENGTH - 8)
    $0 = substr($0, 1, RSTART - 1) substr($0, RSTART + RLENGTH)
    gsub(/`@`/, "@", whose); gsub(/^`|`$/, "", whose); gsub(/``/, "`", whose)
    gsub(/[\\\047]/, "?", whose); gave[whose] = 1
  }
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
  BEGIN { giving = ENVIRON["definers"] == "given" }
  giving && !data && /^(CREATE|\/\*!50013) DEFINER=`/ { give() }
  giving && !data && /^\/\*!(50003|50106) CREATE\*\/ \/\*!(50017|50117) DEFINER=`/ { give() }
  /[^ \t]/ { last = $0 }
  { print }
  END {
    if (last !~ /^-- Dump completed/) exit
    for (whose in gave) {
      printf "SELECT \047%s-gave\047, d FROM (SELECT \047%s\047 AS d) AS one", ENVIRON["key"], whose
      print " WHERE BINARY d <> BINARY CURRENT_USER();"
    }
    printf "SELECT \047%s\047, %.0f;\n", ENVIRON["key"], rows
  }
' | { ask --max-allowed-packet=1G "--database=$name"; printf '\n%s-status %s\n' "$key" "$?"; } | key=$key awk '
  BEGIN { status = 1 }
  index($0, ENVIRON["key"] "\t") == 1 { print "sharpnet-rows\t" $2 }
  index($0, ENVIRON["key"] "-gave\t") == 1 { print "sharpnet-gave\t" substr($0, length(ENVIRON["key"]) + 7) }
  $1 == ENVIRON["key"] "-status" { status = $2 }
  END { exit status }
'
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
