"""`failback`: what a returned server has that the served copies have not, the choice between them, and the way home."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from commands import Command, argument
from commands._progress import ProgressView, copies_shown
from core.cutover.card import reply_of
from core.errors import RefusedError, UsageError
from core.failback.keep import read_paths
from core.failback.report import progress_reply, report
from core.failback.report_chosen import at_home_reply, kept_report, taken_parts, with_own_hint
from core.fleet.lookup import server_named, server_or_site_named
from core.people import Role
from core.reply import Button, Text
from core.sync import report as sync_report
from core.wording import count, listing
from jobs.failback.compare import compare_returned, failback_state_now, sites_about
from jobs.failback.keep import KeepRequest, keep_and_take, release_served
from jobs.plans.prepare import FailoverRequest, prepare_failover
from jobs.sync import SyncRequest, sync_sites
from ops.gather.silent import silent_servers

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from commands import Request
    from core.failback.compare import FailbackState, ReturnedCopy
    from core.reply import Part, Reply
    from core.sync.result import SyncResult
    from ops.ports import Ports


async def run(request: Request, ports: Ports) -> Reply:
    """Show what differs, or do what was chosen, or plan the way home: whatever comes next for these sites."""
    options = request.options
    _check(options)
    asked = await _asked(options, ports)
    choosing = bool(options.keep or options.take_active)
    found = await failback_state_now(ports, asked, request.person.label, to_choose=choosing)
    if options.keep:
        return await _keep(request, ports, found)
    if options.take_active:
        return await _take(request, ports, found)
    if found.returned:
        shown = ProgressView(request, ports.clock, progress_reply)

        def on_step(copy: ReturnedCopy, step: str) -> None:
            shown.take((copy.site.name, copy.server), (copy, step))

        compared = await compare_returned(ports, found.returned, every_byte=options.checksum, on_step=on_step)
        names = shlex.join(options.names) + (f" --from {options.server}" if options.server else "")
        return report(compared, names, found.away, ports.fleet.timezone, ports.clock.now())
    if found.away:
        return await _go_home(request, ports, found)
    return at_home_reply(found.at_home)


def _check(options: argparse.Namespace) -> None:
    """Raise UsageError where options are typed together that do not go together."""
    if options.keep and len(options.names) > 1:
        raise UsageError("--keep is for one site.", hint="`failback SITE --keep PATH --keep PATH`, site by site.")
    if options.allow_delete and not (options.keep or options.take_active):
        raise UsageError("--allow-delete goes with --take-active or --keep.", hint="Without them nothing is deleted.")
    going = options.wave is not None or options.force is not None or options.without_hooks
    if going and (options.keep or options.take_active):
        raise UsageError(
            "--wave, --without-hooks and --force are for the failback itself.",
            hint="Choose first; `failback SERVER --wave 10` then plans it.",
        )
    if options.wave is not None and options.wave < 1:
        raise UsageError("--wave takes at least one site at a time.", hint="`failback SERVER --wave 10`.")


async def _asked(options: argparse.Namespace, ports: Ports) -> dict[str, tuple[str, ...]]:
    """Return the sites that are asked about, and of each the servers whose copies are meant; empty: all."""
    only = (server_named(options.server, ports.fleet),) if options.server else ()
    asked: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys(server_or_site_named(name, ports.fleet) for name in options.names):
        if name in ports.fleet.servers:
            if options.keep:
                raise UsageError("--keep is for one site, not for a server.", hint="`failback SERVER` lists its sites.")
            for site in await sites_about(ports, name):
                asked.setdefault(site.name, only or (name,))
        else:
            asked[name] = only
    return asked


async def _keep(request: Request, ports: Ports, found: FailbackState) -> Reply:
    options = request.options
    paths = read_paths(options.keep)
    if len(found.returned) != 1:
        raise _nothing_to_choose(options, found)
    copy = found.returned[0]
    chosen = KeepRequest(copy, paths, request.person.label, options.allow_delete, options.checksum)
    kept, result = await keep_and_take(ports, chosen, copies_shown(request, ports.clock))
    taken = await _taken(ports, [copy], [result]) if result is not None else None
    return kept_report(kept, result, taken)


async def _take(request: Request, ports: Ports, found: FailbackState) -> Reply:
    options, who = request.options, request.person.label
    if not found.returned:
        raise _nothing_to_choose(options, found)
    on_progress = copies_shown(request, ports.clock)
    results: list[SyncResult] = []
    for server, active in dict.fromkeys((copy.server, copy.active) for copy in found.returned):
        copies = [copy for copy in found.returned if (copy.server, copy.active) == (server, active)]
        wanted = SyncRequest(
            who=who,
            allow_delete=options.allow_delete,
            take_active=True,
            checksum=options.checksum,
            served_from=active,
        )
        for copy in copies:
            await release_served(ports, copy, who)
        sites = [copy.site for copy in copies]
        results += await sync_sites(ports, sites, wanted, to=server, on_progress=on_progress)
    return await _taken(ports, found.returned, results)


async def _taken(ports: Ports, copies: Sequence[ReturnedCopy], results: Sequence[SyncResult]) -> Reply:
    """Return what to say of copies that were taken, where the other side's files are, and what comes next."""
    reply = sync_report.report([with_own_hint(one) for one in results], (), dry_run=False)
    good = {(one.site, one.mirror): one for one in results if one.outcome == "good" and one.deleted + one.files}
    last = await ports.store.copies.last_good()
    asides = [(good[pair], last[pair].id) for copy in copies if (pair := (copy.site.name, copy.server)) in good]
    done = {one.site for one in results if one.outcome == "good"}
    home = [copy.site.name for copy in copies if copy.site.name in done and copy.server == copy.site.home]
    buttons = (Button("Plan failback", shlex.join(["failback", *dict.fromkeys(home)])),) if home else ()
    return replace(reply, parts=(*reply.parts, *taken_parts(asides)), buttons=(*buttons, *reply.buttons))


async def _go_home(request: Request, ports: Ports, found: FailbackState) -> Reply:
    """Make the plan that takes reconciled sites home, and show it. Raises RefusedError where their home is down."""
    options = request.options
    homes = tuple(dict.fromkeys(site.home for site in found.away))
    if len(homes) > 1:
        raise RefusedError(
            f"These sites have different homes: {listing(homes)}.",
            hint=" ".join(f"`failback {home}`" for home in homes) + ": one after the other.",
        )
    silent = await silent_servers(ports, homes)
    if silent:
        stay = count(len(found.away), "site stays where it is", "sites stay where they are")
        raise RefusedError(
            f"{silent[homes[0]].message}. {stay} served now.",
            hint="A planned move needs both servers up.",
        )
    names = tuple(site.name for site in found.away)
    again = ["--wave", str(options.wave)] if options.wave is not None else []
    again += ["--without-hooks"] if options.without_hooks else []
    wanted = FailoverRequest(
        asked=names,
        to=homes[0],
        planned=True,
        force=options.force,
        line=shlex.join(["failback", *options.names, *again]),
        wave=options.wave or 0,
        without_hooks=options.without_hooks,
    )
    reply = reply_of(await prepare_failover(ports, wanted, request.person), ports.fleet)
    return replace(reply, parts=(*reply.parts, *_at_home(found)))


def _at_home(found: FailbackState) -> tuple[Part, ...]:
    if not found.at_home:
        return ()
    names = listing([site.name for site in found.at_home])
    return (Text(f"{count(len(found.at_home), 'site is', 'sites are')} at home already: {names}."),)


def _nothing_to_choose(options: argparse.Namespace, found: FailbackState) -> RefusedError:
    if found.returned:
        servers = listing([copy.server for copy in found.returned])
        return RefusedError(f"Several of its copies are in quarantine: on {servers}.", hint="Say which: --from SERVER.")
    what = listing(options.names)
    where = f" on {options.server}" if options.server else ""
    return RefusedError(
        f"No copy of {what}{where} is in quarantine, so there is nothing to choose.",
        hint=f"`{shlex.join(['failback', *options.names])}` says what comes next.",
    )


COMMAND = Command(
    name="failback",
    summary="bring a returned server's sites home: see what differs, choose, then approve the move",
    run=run,
    who=Role.OPERATOR,
    arguments=(
        argument("names", nargs="+", metavar="SERVER or SITE", help="a returned server, or sites"),
        argument(
            "--take-active",
            action="store_true",
            help="overwrite the returned copies with the served ones; theirs stays recoverable",
        ),
        argument(
            "--keep",
            action="append",
            default=[],
            metavar="PATH",
            help="bring this file or folder from the returned copy first; counts as often as it is given",
        ),
        argument("--from", dest="server", metavar="SERVER", help="only the returned copies on this server"),
        argument("--checksum", action="store_true", help="read every file, also where size and time are the same"),
        argument("--allow-delete", action="store_true", help="let more files go than sync.max_delete allows"),
        argument("--wave", type=int, metavar="N", help="on failback: N sites at a time, stop at a trouble"),
        argument("--without-hooks", action="store_true", help="on failback: run none of the sites' hooks"),
        argument("--force", metavar="REASON", help="on failback: in spite of a block; shown and recorded"),
    ),
    examples=("failback SERVER", "failback SITE --keep PATH", "failback SERVER --take-active"),
    answers_json=True,
    acts=lambda options: options.take_active or bool(options.keep),
)
