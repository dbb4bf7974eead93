"""All that was seen of one mail domain, and everything that is not as it should be with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.mail.delivery import judge_delivery
from core.mail.finding import Finding, Level, worst_of
from core.mail.mx import judge_mx
from core.mail.queue import judge_queue
from core.mail.recipients import judge_recipients
from core.mail.smtp import judge_smtp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import MailDomain, MailQueue
    from core.mail.delivery import Delivery
    from core.mail.mx import MxAnswer
    from core.mail.queue import Queue
    from core.mail.recipients import Recipients
    from core.mail.smtp import SmtpAsked, SmtpSeen


@dataclass(frozen=True, slots=True)
class ExchangerSeen:
    """What was seen of one exchanger. queue, recipients, delivery: None: not asked for, or not known.

    unseen: what could not be looked at, each with why. certificate: what else is wrong with its certificate.
    """

    server: str
    asked: SmtpAsked
    smtp: SmtpSeen
    queue: Queue | None = None
    recipients: Recipients | None = None
    delivery: Delivery | None = None
    unseen: tuple[str, ...] = ()
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class DomainSurvey:
    """One domain. leads_to: the server that each name in an MX record leads to."""

    domain: MailDomain
    answers: tuple[MxAnswer, ...]
    leads_to: Mapping[str, str]
    exchangers: tuple[ExchangerSeen, ...]
    limits: MailQueue
    findings: tuple[Finding, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "findings", tuple(dict.fromkeys(self._judged())))

    def _judged(self) -> list[Finding]:
        found = list(judge_mx(self.domain.exchangers, self.answers, self.leads_to))
        address = self.domain.mailbox.address_in(self.domain.name) if self.domain.mailbox is not None else ""
        for seen in self.exchangers:
            found += judge_smtp(seen.server, seen.smtp, seen.asked)
            found += [Finding(Level.WRONG, seen.server, f"SMTP: {seen.certificate}")] if seen.certificate else []
            found += judge_queue(seen.server, seen.queue, self.limits) if seen.queue is not None else ()
            found += judge_delivery(seen.server, address, seen.delivery) if seen.delivery is not None else ()
            found += [Finding(Level.UNKNOWN, seen.server, text) for text in seen.unseen]
        known = {seen.server: seen.recipients for seen in self.exchangers if seen.recipients is not None}
        return [*found, *judge_recipients(self.domain.name, known)]

    def of(self, server: str) -> tuple[Finding, ...]:
        """Return what was found about one server or name server."""
        return tuple(one for one in self.findings if one.where == server)

    @property
    def worst(self) -> Level | None:
        """How bad the worst finding is; None: there is none."""
        return worst_of(self.findings)

    @property
    def well(self) -> bool:
        """Whether everything was seen and is as it should be; what a server asks to try again later is no fault."""
        return self.worst is None or self.worst == Level.LATER
