"""All mailboxes, or some: who has them is asked, and they are made alike, some at a time, each with its own result."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import RefusedError, UsageError
from core.failure import Failure
from core.mailboxes.pairs import Pairing, mirrored_exchangers, pair_up
from core.wording import listing
from jobs.mailboxes.one import MirrorRequest, make_alike
from ops.first_error import first_error
from ops.mailboxes.dovecot import logins_on
from ops.or_failure import or_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from core.fleet import Mail
    from core.mailboxes.pairs import MailboxPair
    from core.mailboxes.result import MailboxResult
    from ops.ports import Ports

# Copies and looks need connections to the same servers.
PARALLEL = 3


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """What there is to keep alike. silent: the servers that did not say whose mail they have, and why."""

    pairing: Pairing
    silent: Mapping[str, Failure]


def mail_to_mirror(ports: Ports) -> Mail:
    """Return the fleet's mail. Raises RefusedError where no mailbox is kept alike anywhere."""
    mail = ports.fleet.mail
    if mail is None or not mirrored_exchangers(mail):
        raise RefusedError(
            "This fleet keeps no mailboxes alike.",
            hint="Write mail.mirror into app.yaml, and a domain with two exchangers; docs/mail.md says how.",
        )
    return mail


async def find_mailboxes(ports: Ports, mail: Mail, passed_over: Collection[str] = ()) -> Mailboxes:
    """Ask every exchanger whose mail it has, but those `passed_over`. Raises StoreError."""
    servers = [server for server in mirrored_exchangers(mail) if server not in passed_over]
    among = mail.mirror.users if mail.mirror is not None else None
    asked = [or_failure(logins_on(ports.ssh, ports.fleet.servers[server], among)) for server in servers]
    said = dict(zip(servers, await asyncio.gather(*asked), strict=True))
    known = {server: logins for server, logins in said.items() if not isinstance(logins, Failure)}
    silent = {server: why for server, why in said.items() if isinstance(why, Failure)}
    return Mailboxes(pair_up(mail, known), silent)


def of_user(found: Mailboxes, login: str) -> Pairing:
    """Return what there is of one user. Raises UsageError where there is nothing."""
    pairs = tuple(pair for pair in found.pairing.pairs if pair.login == login)
    alone = tuple(pair for pair in found.pairing.alone if pair.login == login)
    if not pairs and not alone:
        silent = f" {listing(tuple(found.silent))} did not say whose mail is there." if found.silent else ""
        raise UsageError(
            f"No two exchangers have mail of {login}.{silent}",
            hint="Users are named as they log in, with their domain.",
        )
    return Pairing(pairs, alone)


async def make_all_alike(
    ports: Ports,
    pairing: Pairing,
    request: MirrorRequest,
    on_end: Callable[[MailboxResult], None] = lambda _result: None,
    gate: asyncio.Semaphore | None = None,
) -> tuple[MailboxResult, ...]:
    """Make mailboxes alike, `PARALLEL` users at a time, one that fails holding back none; results by user.

    gate: who else does so in this process shares it. Raises StoreError.
    """
    gate = gate or asyncio.Semaphore(PARALLEL)
    by_login: dict[str, list[tuple[MailboxPair, bool]]] = defaultdict(list)
    for pair in pairing.pairs:
        by_login[pair.login].append((pair, False))
    for pair in pairing.alone:
        by_login[pair.login].append((pair, True))

    async def one(of_login: Sequence[tuple[MailboxPair, bool]]) -> list[MailboxResult]:
        results = []
        for pair, alone in of_login:
            async with gate:
                results.append(await make_alike(ports, pair, request, alone=alone))
            on_end(results[-1])
        return results

    with first_error():
        async with asyncio.TaskGroup() as group:
            working = [group.create_task(one(by_login[login])) for login in sorted(by_login)]
    return tuple(result for task in working for result in task.result())
