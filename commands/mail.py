"""`mail`: whether every exchanger of a mail domain takes what it must and nothing else, and mail arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, argument
from core.errors import UsageError
from core.fleet.lookup import mail_domain_named
from core.mail import report
from core.reply import Reply
from ops.mail.survey import survey

if TYPE_CHECKING:
    from commands import Request
    from ops.ports import Ports


async def run(request: Request, ports: Ports) -> Reply:
    """Look at every exchanger of the domains, and say how they stand. Exit code 1: something is wrong, or not seen."""
    fleet = ports.fleet
    if fleet.mail is None:
        raise UsageError("app.yaml has no mail domain.", hint="Write one under mail.domains: docs/mail.md shows how.")
    asked: str | None = request.options.domain
    domains = [mail_domain_named(asked, fleet)] if asked else list(fleet.mail.domains.values())
    surveyed = await survey(ports, domains)
    places = {server.name: server.location for server in fleet.servers.values()}
    return Reply(
        title=report.title(surveyed),
        parts=tuple(report.parts(surveyed, places)),
        tone=report.tone(surveyed),
        facts=report.facts(surveyed),
        exit_code=0 if all(one.well for one in surveyed) else 1,
    )


COMMAND = Command(
    name="mail",
    summary="whether every mail server takes what it must and nothing else, what waits there, and whether mail arrives",
    run=run,
    arguments=(argument("domain", nargs="?", metavar="DOMAIN", help="only this mail domain"),),
    examples=("mail", "mail DOMAIN"),
    answers_json=True,
)
