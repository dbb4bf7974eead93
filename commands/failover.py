"""`failover`: one exact plan for moving sites to another server, for approvers to read."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from commands import Command, Request, argument
from core.cutover.card import reply_of
from core.errors import UsageError
from core.fleet.lookup import server_named, server_or_site_named, site_named
from core.people import Role
from jobs.plans.prepare import FailoverRequest, prepare_failover

if TYPE_CHECKING:
    import argparse

    from core.reply import Reply
    from ops.ports import Ports


async def run(request: Request, ports: Ports) -> Reply:
    """Make the plan and show it; nothing changes until somebody approves it."""
    options = request.options
    fleet = ports.fleet
    if options.wave is not None and (options.wave < 1 or not options.planned):
        raise UsageError(
            "--wave needs --planned and at least one site at a time.",
            hint="In an emergency all sites move at once. For waves: `failover SERVER --planned --wave 10`.",
        )
    asked = tuple(dict.fromkeys(server_or_site_named(name, fleet) for name in options.names))
    failover = FailoverRequest(
        asked=asked,
        to=server_named(options.to, fleet) if options.to is not None else None,
        planned=options.planned,
        force=options.force,
        without=tuple(site_named(name, fleet).name for name in options.without),
        line=_typed_again(options, asked),
        wave=options.wave or 0,
        without_hooks=options.without_hooks,
    )
    return reply_of(await prepare_failover(ports, failover, request.person), fleet)


def _typed_again(options: argparse.Namespace, asked: tuple[str, ...]) -> str:
    """Return the line that asks for the same again; a reason for forcing counts once, so it is left out."""
    words = ["failover", *asked]
    words += ["--to", options.to] if options.to else []
    words += ["--planned"] if options.planned else []
    words += ["--wave", str(options.wave)] if options.wave else []
    words += ["--without-hooks"] if options.without_hooks else []
    for site in options.without:
        words += ["--without", site]
    return shlex.join(words)


COMMAND = Command(
    name="failover",
    summary="plan moving a server's sites, or some sites, to their mirror; approvers then approve it",
    run=run,
    who=Role.OPERATOR,
    arguments=(
        argument("names", nargs="+", metavar="SERVER or SITE", help="a server (all it serves now), or sites"),
        argument("--to", metavar="SERVER", help="where to go; otherwise each site's first mirror"),
        argument("--planned", action="store_true", help="the source is up: copy once more, then move"),
        argument("--wave", type=int, metavar="N", help="with --planned: N sites at a time, stop at a trouble"),
        argument("--without", action="append", default=[], metavar="SITE", help="leave this site where it is"),
        argument("--without-hooks", action="store_true", help="run none of the sites' hooks"),
        argument("--force", metavar="REASON", help="go on in spite of a block; shown to the approver, recorded"),
    ),
    examples=("failover SERVER", "failover SITE SITE --to SERVER", "failover SERVER --planned --wave 10"),
    answers_json=True,
    acts=lambda _options: True,
)
