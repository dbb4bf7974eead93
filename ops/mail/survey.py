"""Looks at everything of mail domains at once: each exchanger by itself, so that one that hangs holds up no other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from core.errors import HostKeyError, LoginRefusedError, MailError, OwnLackError, SharpnetError
from core.fleet import Mail
from core.mail.mx import names_of
from core.mail.smtp import SmtpAsked
from core.mail.survey import DomainSurvey, ExchangerSeen
from ops.first_error import first_error
from ops.fleetfile import secret_reader
from ops.mail.exchangers import mx_answers, servers_behind
from ops.mail.host import queue_on, recipients_on
from ops.mail.probe import Prober
from ops.mail.smtp import ask_smtp, certificate_trouble, nobodys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.fleet import MailDomain
    from core.mail.delivery import Delivery
    from core.mail.mx import MxAnswer
    from core.mail.queue import Queue
    from core.mail.recipients import Recipients
    from ops.ports import Ports

DOMAINS_AT_ONCE = 4


async def survey(ports: Ports, domains: Sequence[MailDomain]) -> tuple[DomainSurvey, ...]:
    """Return all that is seen of these domains, in their order. Raises OwnLackError."""
    gate = asyncio.Semaphore(DOMAINS_AT_ONCE)

    async def one(domain: MailDomain) -> DomainSurvey:
        async with gate:
            return await _domain(ports, domain)

    with first_error():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(domain)) for domain in domains]
    return tuple(task.result() for task in tasks)


def asked_of(ports: Ports, server: str, domain: MailDomain, name: str | None, *, rejects: bool) -> SmtpAsked:
    """Return what is asked of a server for a domain. name: what its certificate must be for, where app.yaml has none.

    rejects: whether addresses are asked about that it must refuse.
    """
    checks = ports.fleet.servers[server].checks
    unknown = nobodys(domain.name) if rejects else ""
    # With mail_name the whole certificate is looked at, by `certificate_trouble`.
    wanted = name if checks.mail_name is None else None
    return SmtpAsked(domain.probe, unknown, wanted, checks.mail_certificate, ports.clock.now())


async def _domain(ports: Ports, domain: MailDomain) -> DomainSurvey:
    fleet = ports.fleet
    answers = await mx_answers(ports.dns, fleet, domain.name)
    leads_to = await servers_behind(ports.dns, fleet, answers)
    with first_error():
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_exchanger(ports, domain, server, answers, leads_to)) for server in domain.exchangers
            ]
    mail = fleet.mail or Mail({})
    return DomainSurvey(domain, answers, leads_to, tuple(task.result() for task in tasks), mail.queue)


async def _exchanger(
    ports: Ports, domain: MailDomain, server: str, answers: Sequence[MxAnswer], leads_to: dict[str, str]
) -> ExchangerSeen:
    there, mail = ports.fleet.servers[server], ports.fleet.mail or Mail({})
    names = names_of(server, answers, leads_to)
    asked = asked_of(ports, server, domain, names[0] if names else None, rejects=True)
    unseen: list[str] = []
    with first_error():
        async with asyncio.TaskGroup() as group:
            smtp = group.create_task(ask_smtp(there.address, mail.ports.smtp, asked))
            certificate = group.create_task(_certificate(ports, server, mail.ports.smtp))
            queue = group.create_task(_queue(ports, server, unseen))
            recipients = group.create_task(_recipients(ports, server, unseen))
            delivery = group.create_task(_delivery(ports, domain, server))
    # What was not heard of a server that cannot be reached is said once, by SMTP.
    tls = smtp.result().tls or smtp.result().broken
    return ExchangerSeen(
        server,
        asked,
        smtp.result(),
        queue.result(),
        recipients.result(),
        delivery.result(),
        tuple(dict.fromkeys(unseen)),
        "" if tls else certificate.result(),
    )


async def _certificate(ports: Ports, server: str, port: int) -> str:
    there = ports.fleet.servers[server]
    return await certificate_trouble(there.address, port, there.checks.mail_name) if there.checks.mail_name else ""


async def _queue(ports: Ports, server: str, unseen: list[str]) -> Queue | None:
    try:
        return await queue_on(ports.ssh, server, ports.fleet.servers[server].mail)
    except OwnLackError:
        raise
    except SharpnetError as error:
        unseen.append(error.message if isinstance(error, MailError) else over_ssh(error))
        return None


async def _recipients(ports: Ports, server: str, unseen: list[str]) -> Recipients | None:
    try:
        return await recipients_on(ports.ssh, server, ports.fleet.servers[server].mail)
    except OwnLackError:
        raise
    except SharpnetError as error:
        unseen.append(over_ssh(error))
        return None


async def _delivery(ports: Ports, domain: MailDomain, server: str) -> Delivery | None:
    if domain.mailbox is None:
        return None
    prober = Prober(ports.fleet, ports.clock, secret_reader(ports.fleet))
    return await prober.deliver(domain, domain.mailbox, server)


def over_ssh(error: SharpnetError) -> str:
    """Say why a server's queue and recipients are not known."""
    if isinstance(error, LoginRefusedError | HostKeyError):
        return f"its queue and its recipients are not known: {error.message}"
    return f"its queue and its recipients are not known, without SSH: {error.message}"
