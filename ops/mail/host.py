"""What a mail server's own programs say over SSH: what waits in its queue, and whom it takes mail for."""

from __future__ import annotations

import posixpath
import shlex
from typing import TYPE_CHECKING

from core.errors import MailError
from core.mail.queue import Queue, exim_queue, postfix_queue
from core.mail.recipients import Recipients
from core.wording import foreign

if TYPE_CHECKING:
    from core.fleet import ServerMail
    from ops.contracts import Ran, Ssh

TIMEOUT_S = 30.0
MOST_BYTES = 4_000_000
MOST_SAID = 120
NOTHING = 66
# Where mail servers have their programs, which an SSH session often leaves out.
_PATH = 'PATH="$PATH:/usr/sbin:/usr/local/sbin:/sbin"'
# Of a pipe only its last program's status is known, so the first one's is said with its complaints.
_ENDED = "; echo ended:$? >&2; } | head -c %(most)s"
_QUEUE = (
    """\
%(path)s
if [ -e %(main)s ] && command -v postqueue >/dev/null; then
  date +postfix:%%s
  { postqueue -c %(folder)s -j"""
    + _ENDED
    + """
elif exim=$(command -v exim4 || command -v exim); then
  echo exim:0
  { "$exim" -bp"""
    + _ENDED
    + """
else exit %(nothing)s
fi
"""
)
_MAPS = (
    """\
%(path)s
[ -e %(main)s ] && command -v postmap >/dev/null || exit %(nothing)s
set -f
{ (
  for map in $(postconf -c %(folder)s -hx virtual_mailbox_maps virtual_alias_maps relay_recipient_maps | tr , ' '); do
    case $map in
      hash:/*|btree:/*|lmdb:/*|cdb:/*|dbm:/*|sdbm:/*|texthash:/*) postmap -c %(folder)s -s "$map" || exit 1 ;;
      *) exit 1 ;;
    esac
  done
)"""
    + _ENDED
    + "\n"
)
_USERS = (
    """\
%(path)s
[ -e %(file)s ] && command -v doveadm >/dev/null || exit %(nothing)s
{ doveadm -c %(file)s user '*'"""
    + _ENDED
    + "\n"
)


async def queue_on(ssh: Ssh, server: str, mail: ServerMail) -> Queue | None:
    """Return what waits in the queue of a server's Postfix, or of its Exim; None where it has neither.

    Raises MailError where that program fails, and as Ssh.run does.
    """
    ran = await ssh.run(server, _filled(_QUEUE, mail), timeout_s=TIMEOUT_S)
    if ran.exit_code == NOTHING:
        return None
    software, _, printed = ran.out.decode("utf-8", "replace").partition("\n")
    kind, _, now_s = software.partition(":")
    cut = len(ran.out) > MOST_BYTES
    well = ran.exit_code == 0 and (cut or _ended_well(ran))
    if not well or kind not in {"postfix", "exim"} or not (now_s.isascii() and now_s.isdigit()):
        raise MailError(f"its queue cannot be asked for: {_complaint(ran)}")
    return postfix_queue(printed, float(now_s), cut=cut) if kind == "postfix" else exim_queue(printed, cut=cut)


async def recipients_on(ssh: Ssh, server: str, mail: ServerMail) -> Recipients:
    """Return whom a server takes mail for, as far as it can be listed. Raises as Ssh.run does."""
    maps = await ssh.run(server, _filled(_MAPS, mail), timeout_s=TIMEOUT_S)
    users = await ssh.run(server, _filled(_USERS, mail), timeout_s=TIMEOUT_S)
    return Recipients(_names(maps, lower=True), _names(users, lower=False))


def _names(ran: Ran, *, lower: bool) -> frozenset[str] | None:
    """Return the first word of each line; None where the list is not there, or not whole."""
    if ran.exit_code != 0 or len(ran.out) > MOST_BYTES or not _ended_well(ran):
        return None
    text = ran.out.decode("utf-8", "replace")
    words = [line.split(maxsplit=1)[0] for line in text.splitlines() if line.strip()]
    return frozenset(word.lower() if lower else word for word in words)


def _filled(script: str, mail: ServerMail) -> str:
    return script % {
        "path": _PATH,
        "folder": shlex.quote(mail.postfix),
        "main": shlex.quote(posixpath.join(mail.postfix, "main.cf")),
        "file": shlex.quote(mail.dovecot),
        "most": MOST_BYTES + 1,
        "nothing": NOTHING,
    }


def _ended_well(ran: Ran) -> bool:
    return ran.err.rstrip().endswith(b"ended:0")


def _complaint(ran: Ran) -> str:
    lines = ran.err.decode("utf-8", "replace").strip().splitlines()
    said = [line for line in lines if not line.startswith("ended:")]
    return foreign(said[-1], MOST_SAID) if said else f"exit {ran.exit_code}"
