"""How every script that runs on a server begins, in POSIX sh."""

from __future__ import annotations

# `stop` ends it with a status and a line on standard error that `core.failure.why_stopped` reads.
SETTLED = r"""
set -u
LC_ALL=C; export LC_ALL
umask 077
stop() { printf 'sharpnet-stop: %s\n' "$*" >&2; exit 90; }
"""
# `gives` is set where this user may give files to others and write whosever they are: root, or who was given CAP_CHOWN,
# CAP_DAC_OVERRIDE and CAP_FOWNER for it (capabilities(7); the lowest digit), as docs/server does. rsync and tar, which
# ask for the number of the user alone, have to be told then that it may.
OWNERS = r"""
gives= super= as_owner=
if [ "$(id -u)" = 0 ]; then
  gives=1
else
  while read -r name value; do
    case $name$value in CapEff:*[bf]) gives=1 super=--super as_owner=--same-owner ;; esac
  done </proc/self/status
fi 2>/dev/null
"""
