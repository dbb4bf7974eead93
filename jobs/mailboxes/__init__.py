"""Mailboxes kept alike on two servers: the bot starts `keep_mailboxes_alike`, which goes on until it is cancelled."""

from __future__ import annotations

from jobs import Job
from jobs.mailboxes.keeper import keep_mailboxes_alike

__all__ = ["JOB", "keep_mailboxes_alike"]

JOB = Job(name="mailboxes", run=lambda ports, _key, _at: keep_mailboxes_alike(ports))
