"""`mail`: whether every exchanger takes what it must and nothing else, and mail arrives; and mailboxes on two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, _mailboxes, argument
from core.errors import UsageError
from core.fleet.lookup import mail_domain_named
from core.mail import report
from core.people import Role
from core.reply import Reply
from core.wording import listing
from ops.mail.survey import survey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from commands import Request
    from ops.ports import Ports


async def run(request: Request, ports: Ports) -> Reply:
    """Do what the first word says; a domain, or none: look at the exchangers."""
    options = request.options
    if options.what != "seed" and (options.source is not None or options.yes):
        raise UsageError("--from and --yes belong to `mail seed`.", hint=_mailboxes.EXAMPLE)
    if options.what in _DOES:
        return await _DOES[options.what](request, ports)
    if options.user is not None:
        raise UsageError(
            f"`mail` takes one mail domain, or one of {listing(tuple(_DOES))}.", hint="`mail` looks at all."
        )
    return await _look(request, ports)


async def _look(request: Request, ports: Ports) -> Reply:
    """Look at every exchanger of the domains, and say how they stand. Exit code 1: something is wrong, or not seen."""
    fleet = ports.fleet
    if fleet.mail is None:
        raise UsageError("app.yaml has no mail domain.", hint="Write one under mail.domains: docs/mail.md shows how.")
    asked: str | None = request.options.what
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


_DOES: Mapping[str, Callable[[Request, Ports], Awaitable[Reply]]] = {
    "boxes": _mailboxes.boxes,
    "sync": _mailboxes.sync,
    "seed": _mailboxes.seed,
}
COMMAND = Command(
    name="mail",
    summary="whether every mail server takes what it must and nothing else, what waits there, and whether mail arrives",
    run=run,
    who=Role.OPERATOR,
    arguments=(
        argument(
            "what",
            nargs="?",
            metavar="DOMAIN",
            help="only this domain; or boxes: whose mail is alike on two servers, sync: made so now, seed: made one",
        ),
        argument("user", nargs="?", metavar="USER", help="sync, seed: whose, as they log in; sync: left out, all"),
        argument(
            "--from",
            dest="source",
            metavar="SERVER",
            help="seed: whose mailboxes keep their identity; the other side's take it, and keep their messages",
        ),
        argument("--yes", action="store_true", help="seed: do it without asking"),
    ),
    examples=("mail", "mail DOMAIN", "mail boxes", "mail sync", "mail sync USER", "mail seed USER --from SERVER"),
    answers_json=True,
    acts=lambda options: options.what in {"sync", "seed"},
)
