"""`sync`: copies sites now, from where they are served to where their copies are kept; proves copies; undoes runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, argument
from commands._progress import ProgressView, copies_shown
from core.errors import UsageError
from core.fleet.lookup import server_named, site_named
from core.people import Role
from core.reply import Reply
from core.sync import undo_report
from core.sync.report import report
from core.sync.undo import paths_to_put_back
from core.verify import report as proof_report
from core.wording import listing
from jobs.sync import SyncRequest, sync_sites
from jobs.sync.undo import replaced_by_run, undo, undo_context, undoable_runs
from jobs.verify import verify_sites

if TYPE_CHECKING:
    import argparse

    from commands import Request
    from core.fleet import Site
    from ops.ports import Ports

COPYING = ("dry_run", "allow_delete", "take_active", "checksum", "served_from")
_OPTIONS = {"served_from": "from"}


async def run(request: Request, ports: Ports) -> Reply:
    """Do what was asked for. Exit code 0: all good; 1: one failed, or differs; 3: none failed, but one was refused."""
    options = request.options
    if options.undo is not None:
        return await _undo(request, ports)
    sites, to = _sites(options, ports), server_named(options.to, ports.fleet) if options.to else None
    if options.verify:
        return await _verify(request, ports, sites, to)
    if options.runs:
        return await _runs(request, ports, sites, to)
    sync_request = SyncRequest(
        who=request.person.label,
        dry_run=options.dry_run,
        allow_delete=options.allow_delete,
        take_active=options.take_active,
        checksum=options.checksum,
        served_from=_served_from(options, sites, ports),
    )
    on_progress = copies_shown(request, ports.clock)
    results = await sync_sites(ports, sites, sync_request, to=to, on_progress=on_progress)
    alone = _alone(sites, {result.site for result in results}, options, to)
    return report(results, alone, dry_run=options.dry_run)


async def _verify(request: Request, ports: Ports, sites: tuple[Site, ...], to: str | None) -> Reply:
    options = request.options
    _alone_with("--verify", options, *COPYING, "runs")
    shown = ProgressView(request, ports.clock, proof_report.progress_reply)

    def on_step(site: str, mirror: str, step: str) -> None:
        shown.take((site, mirror), (site, mirror, step))

    proofs = await verify_sites(ports, sites, request.person.label, to=to, on_step=on_step)
    alone = _alone(sites, {proof.site for proof in proofs}, options, to)
    return proof_report.report(proofs, alone, ports.fleet.timezone)


async def _runs(request: Request, ports: Ports, sites: tuple[Site, ...], to: str | None) -> Reply:
    options, fleet = request.options, ports.fleet
    _alone_with("--runs", options, *COPYING)
    if len(sites) != 1:
        raise UsageError("Say which site.", hint="For example: `sync SITE --runs`.")
    servers = [server for server in sites[0].servers if to in (None, server)]
    kept = await undoable_runs(ports, sites[0], servers)
    return undo_report.runs_reply(sites[0].name, kept.runs, kept.silent, fleet.timezone, fleet.sync.keep_replaced)


async def _undo(request: Request, ports: Ports) -> Reply:
    options, who = request.options, request.person.label
    _alone_with(
        "--undo", options, "all", "to", "allow_delete", "take_active", "checksum", "served_from", "verify", "runs"
    )
    paths = paths_to_put_back(options.sites)
    context = await undo_context(ports, options.undo, who)
    kept = await replaced_by_run(ports, context, paths)
    run = context.run
    next_words = undo_report.what_next(
        run.server, served=context.served, next_at=context.next_at, timezone=ports.fleet.timezone
    )
    if options.dry_run:
        return undo_report.listing_reply(run, kept.files, kept.count, kept.size_bytes, paths, next_words)
    question = f"Put back {kept.count:,} of {run.site} on {run.server}? {next_words}"
    if context.served and request.ask is not None and not request.ask(question):
        return Reply("Nothing was put back", exit_code=3)
    own, ended = await undo(ports, context, paths, who)
    return undo_report.done_reply(run, own, ended, next_words)


def _sites(options: argparse.Namespace, ports: Ports) -> tuple[Site, ...]:
    if bool(options.sites) == options.all:
        raise UsageError("Say which sites, or --all.", hint="For example: `sync SITE --dry-run`.")
    fleet = ports.fleet
    named = fleet.sites.values() if options.all else (site_named(name, fleet) for name in options.sites)
    return tuple({site.name: site for site in named}.values())


def _served_from(options: argparse.Namespace, sites: tuple[Site, ...], ports: Ports) -> str | None:
    """Return the server that somebody says serves these sites. Raises UsageError where it holds none of one."""
    if not options.served_from:
        return None
    server = server_named(options.served_from, ports.fleet)
    if options.all:
        raise UsageError(
            "--from is for sites by name: not all need be served alike.", hint="`sync SITE --from SERVER`."
        )
    without = next((site for site in sites if server not in site.servers), None)
    if without is not None:
        raise UsageError(f"{without.name} is not kept on {server}.", hint=f"It is on {listing(without.servers)}.")
    return server


def _alone(sites: tuple[Site, ...], copied: set[str], options: argparse.Namespace, to: str | None) -> tuple[str, ...]:
    """Return the sites that keep no copy there. Raises UsageError where one of them was asked for by name."""
    alone = tuple(site.name for site in sites if site.name not in copied)
    if alone and not options.all:
        where = f"on {to}" if to else "elsewhere"
        raise UsageError(f"{alone[0]} keeps no copy {where}.", hint="Mirrors are set in app.yaml; `sites` shows them.")
    return alone


def _alone_with(option: str, options: argparse.Namespace, *others: str) -> None:
    """Raise UsageError where an option was typed that `option` has nothing to do with."""
    typed = next((name for name in others if getattr(options, name)), None)
    if typed is not None:
        raise UsageError(
            f"{option} and --{_OPTIONS.get(typed, typed.replace('_', '-'))} do not go together.",
            hint="See `help sync`.",
        )


COMMAND = Command(
    name="sync",
    summary="copy sites now, from where they are served to their mirrors; a dry run lists what would change",
    run=run,
    who=Role.OPERATOR,
    arguments=(
        argument(
            "sites", nargs="*", metavar="SITE", help="which sites; with --undo, which paths below the site's root"
        ),
        argument("--all", action="store_true", help="every site that has a mirror"),
        argument("--to", metavar="SERVER", help="only the copies on this server"),
        argument(
            "--from",
            dest="served_from",
            metavar="SERVER",
            help="what serves the sites, where DNS does not tell; kept as if DNS had said so",
        ),
        argument("--dry-run", action="store_true", help="only say what would change"),
        argument("--allow-delete", action="store_true", help="let more files go than sync.max_delete allows"),
        argument(
            "--take-active",
            action="store_true",
            help="end a quarantine: overwrite the copy with the served one; its files stay recoverable",
        ),
        argument("--checksum", action="store_true", help="read every file, also where size and time are the same"),
        argument("--verify", action="store_true", help="copy nothing: prove that the copies are what was copied"),
        argument("--runs", action="store_true", help="copy nothing: list the runs of which something is kept"),
        argument("--undo", metavar="RUN", help="copy nothing: put back what that run replaced or deleted"),
    ),
    examples=(
        "sync SITE",
        "sync SITE --dry-run",
        "sync --all --to SERVER",
        "sync SITE --take-active",
        "sync SITE --from SERVER",
        "sync SITE --verify",
        "sync SITE --runs",
        "sync --undo RUN",
        "sync --undo RUN PATH --dry-run",
    ),
    answers_json=True,
    acts=lambda options: not (options.dry_run or options.runs or options.verify),
)
