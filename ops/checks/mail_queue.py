"""What waits in a mail server's queue, over SSH."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.errors import OwnLackError, SharpnetError
from core.fleet.target import Target
from core.mail.finding import wrong_texts
from core.mail.queue import judge_queue
from ops.checks import Check
from ops.mail.host import queue_on

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Fleet
    from ops.ports import Ports

EVERY = timedelta(minutes=5)


def _targets(fleet: Fleet) -> Mapping[Target, timedelta]:
    return {Target.server(name): EVERY for name in fleet.mail.exchangers} if fleet.mail is not None else {}


async def _look(ports: Ports, server: str) -> tuple[str, ...] | None:
    if ports.fleet.mail is None:
        return None
    try:
        queue = await queue_on(ports.ssh, server, ports.fleet.servers[server].mail)
    except OwnLackError:
        raise
    except SharpnetError:
        # Whether it lets the bot log in, and whether its Postfix answers, other checks say.
        return None
    return None if queue is None else wrong_texts(judge_queue(server, queue, ports.fleet.mail.queue))


CHECK = Check("mail_queue", _targets, _look)
