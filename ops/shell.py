"""How every script that runs on a server begins, in POSIX sh."""

from __future__ import annotations

# `stop` ends it with a status and a line on standard error that `core.failure.why_stopped` reads.
SETTLED = r"""
set -u
LC_ALL=C; export LC_ALL
umask 077
stop() { printf 'sharpnet-stop: %s\n' "$*" >&2; exit 90; }
"""
