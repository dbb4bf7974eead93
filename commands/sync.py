"""`sync`: copies sites now, from where they are served to where their copies are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command
from core.errors import UsageError
from core.naming import server_named, site_named
from core.people import Role
from core.sync_report import progress_reply, report
from jobs.sync import Wish, sync_sites

if TYPE_CHECKING:
    import argparse

    from commands import Request
    from core.reply import Reply
    from core.sync_result import SyncProgress
    from ops.ports import Clock, Ports

SHOW_EVERY_S = 1.0


async def run(request: Request, ports: Ports) -> Reply:
    """Copy what was asked for. Exit code 0: all good; 1: one failed; 3: none failed, but one was refused."""
    options, fleet = request.options, ports.fleet
    if bool(options.sites) == options.all:
        raise UsageError("Say which sites, or --all.", hint="For example: `sync SITE --dry-run`.")
    named = fleet.sites.values() if options.all else (site_named(name, fleet) for name in options.sites)
    sites = tuple(dict.fromkeys(named))
    to = server_named(options.to, fleet) if options.to else None
    wish = Wish(
        who=request.person.label,
        dry_run=options.dry_run,
        allow_delete=options.allow_delete,
        take_active=options.take_active,
    )
    shown = _Shown(request, ports.clock)
    results = await sync_sites(ports, sites, wish, to=to, on_progress=shown.take)
    copied = {result.site for result in results}
    alone = tuple(site.name for site in sites if site.name not in copied)
    if alone and not options.all:
        where = f"on {to}" if to else "elsewhere"
        raise UsageError(f"{alone[0]} keeps no copy {where}.", hint="Mirrors are set in app.yaml; `sites` shows them.")
    return report(results, alone, dry_run=options.dry_run)


class _Shown:
    """Shows how far everything is, at most once a second."""

    def __init__(self, request: Request, clock: Clock) -> None:
        self._request = request
        self._clock = clock
        self._latest: dict[tuple[str, str], SyncProgress] = {}
        self._shown_at_s: float | None = None

    def take(self, progress: SyncProgress) -> None:
        """Take in how far one copy is."""
        self._latest[progress.site, progress.mirror] = progress
        now_s = self._clock.monotonic()
        if self._shown_at_s is None or now_s - self._shown_at_s >= SHOW_EVERY_S:
            self._shown_at_s = now_s
            self._request.show(progress_reply(tuple(self._latest.values())))


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sites", nargs="*", metavar="SITE", help="which sites")
    parser.add_argument("--all", action="store_true", help="every site that has a mirror")
    parser.add_argument("--to", metavar="SERVER", help="only the copies on this server")
    parser.add_argument("--dry-run", action="store_true", help="only say what would change")
    parser.add_argument("--allow-delete", action="store_true", help="let more files go than sync.max_delete allows")
    parser.add_argument(
        "--take-active",
        action="store_true",
        help="end a quarantine: the served copy wins, the other side's files are kept aside",
    )


COMMAND = Command(
    name="sync",
    summary="copy sites now, from where they are served to their mirrors; a dry run lists what would change",
    run=run,
    who=Role.OPERATOR,
    arguments=_arguments,
    examples=("sync SITE", "sync SITE --dry-run", "sync --all --to SERVER", "sync SITE --take-active"),
    answers_json=True,
)
