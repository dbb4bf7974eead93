"""Whose mail a server has, and one user's mail made alike on two servers, by doveadm(1) over the bot's connections.

No server gets a key to another one: what the two sides of dsync say goes through the bot.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from core.mailboxes.dsync import FIELDS, DsyncSide, failure_of, judge_run, read_mailboxes
from ops.contracts import End
from ops.shell import SETTLED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.failure import Failure
    from core.fleet import Server
    from core.mailboxes.dsync import Mailbox, Mailboxes
    from core.mailboxes.pairs import MailboxPair
    from ops.contracts import Ran, Ssh

LOOK_S = 60.0
# Some hundreds of thousands of messages, the first time.
RUN_S = 4 * 3600.0
# The other run on the same mailbox is one that has lost its bot; it ends with its connection.
LOCK_S = 20
# What one argument of a command may be long, on a line with others (execve(2)); longer: a full pass.
MOST_STATE = 60_000
LONGEST_LOGIN = 255

_BEGIN = (
    SETTLED
    + r"""
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
command -v doveadm >/dev/null 2>&1 || stop no-doveadm
conf=$1; shift
"""
)
_LIST = (
    _BEGIN
    + r"""
exec doveadm -c "$conf" user '*'
"""
)
# Who of these is there: a userdb need not be able to list its users.
_WHO_OF = (
    _BEGIN
    + r"""
for user do
  doveadm -c "$conf" user -- "$user" >/dev/null 2>&1
  case $? in
    0) printf '%s\n' "$user" ;;
    67) ;;
    *) exec doveadm -c "$conf" user -- "$user" >/dev/null ;;
  esac
done
"""
)
# Standard input and output are the other side's. `_HANDS` is what doveadm starts as that side: it hands bytes on, holds
# open nothing but what it hands to, so that each sees the other's end, and is over when doveadm is, however that ends.
_HANDS = (
    'cat <&3 3<&- 4>&- 2>/dev/null & hands=$!; exec 3<&- >&4 4>&-; cat 2>/dev/null; kill "$hands" 2>/dev/null; exit 0'
)
_SYNC = (
    _BEGIN
    + rf"""
user=$1 state=$2 lock=$3
exec 3<&0 4>&1
# Without a state and without -f, two mailboxes with as many messages and changes each are taken for alike.
case $state in '') set -- -f ;; *) set -- ;; esac
state=$(exec doveadm -c "$conf" sync "$@" -u "$user" -l "$lock" -s "$state" sh -c '{_HANDS}' </dev/null)
code=$?
printf '\nsharpnet-state: %s\n' "$state" >&2
exit "$code"
"""
)
_SERVE = (
    _BEGIN
    + r"""
doveadm -c "$conf" dsync-server -u "$1"
exit "$?"
"""
)
_STATUS = (
    _BEGIN
    + r"""
exec doveadm -c "$conf" -f tab mailbox status -u "$1" "$2" '*'
"""
)
_ADOPT = (
    _BEGIN
    + r"""
exec doveadm -c "$conf" mailbox update -u "$1" --mailbox-guid "$2" --uid-validity "$3" -- "$4"
"""
)


async def logins_on(ssh: Ssh, server: Server, among: Sequence[str] | None) -> frozenset[str] | Failure:
    """Return the users whose mail `server` has; among: ask for these alone. Raises as `Ssh.run` does."""
    script, words = (_LIST, []) if among is None else (_WHO_OF, list(among))
    ran = await ssh.run(server.name, _line(script, server, *words), timeout_s=LOOK_S)
    if ran.exit_code != 0:
        return _failure(server, "*", ran)
    lines = ran.out.decode("utf-8", "replace").splitlines()
    return frozenset(line for line in lines if 0 < len(line) <= LONGEST_LOGIN and line.isprintable())


async def sync_mailboxes(ssh: Ssh, pair: MailboxPair, servers: Mapping[str, Server], state: str) -> str | Failure:
    """Make one user's mail alike on both servers of `pair`, and return the state for the next run.

    state: of the last good run; empty: all of it is compared. Raises as `Ssh.converse` does.
    """
    one, other = servers[pair.server], servers[pair.other]
    known = state if len(state) <= MOST_STATE else ""
    ends = (
        End(one.name, _line(_SYNC, one, pair.login, known, str(LOCK_S))),
        End(other.name, _line(_SERVE, other, pair.login)),
    )
    ran = await ssh.converse(*ends, timeout_s=RUN_S)
    sides = [DsyncSide(end.server, side.exit_code, side.err) for end, side in zip(ends, ran, strict=True)]
    return judge_run(pair.login, *sides)


async def mailboxes_on(ssh: Ssh, server: Server, login: str) -> Mailboxes | Failure:
    """Return the mailboxes of a user on `server`. Raises as `Ssh.run` does."""
    ran = await ssh.run(server.name, _line(_STATUS, server, login, " ".join(FIELDS)), timeout_s=LOOK_S)
    return read_mailboxes(ran.out) if ran.exit_code == 0 else _failure(server, login, ran)


async def adopt_identity(ssh: Ssh, server: Server, login: str, name: str, identity: Mailbox) -> Failure | None:
    """Make a mailbox on `server` the same one as another server's; its messages stay. Raises as `Ssh.run` does."""
    line = _line(_ADOPT, server, login, identity.guid, str(identity.uid_validity), name)
    ran = await ssh.run(server.name, line, timeout_s=LOOK_S)
    return None if ran.exit_code == 0 else _failure(server, login, ran)


def _line(script: str, server: Server, *words: str) -> str:
    return f"exec sh -c {shlex.join([script, 'sharpnet-mail', server.mail.dovecot, *words])}"


def _failure(server: Server, login: str, ran: Ran) -> Failure:
    return failure_of(login, DsyncSide(server.name, ran.exit_code, ran.err))
