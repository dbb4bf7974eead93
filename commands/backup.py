"""`backup`: the off-site copy: how old it is, made now, listed, proven, and brought back."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from commands import Command, argument
from commands._progress import ProgressView
from core.backup.origin import Origin
from core.backup.report import list_reply, progress_reply, run_reply, status_reply
from core.backup.result import BackupProgress
from core.backup.sample import proof_reply
from core.backup.snapshots import SHRUNK, moment
from core.cutover.card import reply_of
from core.cutover.card_restore import dry_run_reply
from core.errors import UsageError
from core.fleet.lookup import server_named, site_named
from core.people import Role
from jobs.backup import BackupRequest, back_up, list_backups
from jobs.backup.listing import known_backups, repository_bytes, under_way, with_figures
from jobs.backup.lock import offsite_of
from jobs.backup.restore import restore_at_once
from jobs.backup.restore_site import what_to_restore
from jobs.backup.test_restore import prove_sites
from jobs.plans.prepare import prepare_restore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from commands import Request
    from core.fleet import Site
    from core.reply import Reply
    from ops.ports import Ports


async def run(request: Request, ports: Ports) -> Reply:
    """Do what was asked for; without a word, say how old the backups are."""
    return await _DOES[request.options.action or "status"](request, ports)


async def _status(_request: Request, ports: Ports) -> Reply:
    """Answer from what is on record; nothing is asked of any server. Exit code 1: a backup is too old."""
    offsite_of(ports)
    offsite = ports.fleet.offsite
    if offsite is None:
        raise UsageError("This fleet has no off-site host.")
    known, size = await known_backups(ports), await repository_bytes(ports)
    return status_reply(known, offsite.max_age, size, await under_way(ports), ports.clock.now())


async def _run(request: Request, ports: Ports) -> Reply:
    """Back up now. Exit code 1: one failed; 3: one was refused."""
    options = request.options
    backup_request = BackupRequest(
        request.person.label, allow_shrink=options.allow_shrink, new_repository=options.new_repository
    )
    on_progress = _progress(request, ports)
    backed = await back_up(ports, _sites(request, ports), backup_request, on_progress)
    return run_reply(backed.results, backed.upkeep)


async def _list(request: Request, ports: Ports) -> Reply:
    names = request.options.sites
    if len(names) > 1:
        raise UsageError("Name one site, or none for all.", hint="For example: `backup list SITE`.")
    site = site_named(names[0], ports.fleet) if names else None
    found = await list_backups(ports, site)
    have = {backup.snapshot.site for backup in found if backup.origin is not Origin.FOREIGN}
    backup_request = [site.name] if site is not None else list(ports.fleet.sites)
    without = [name for name in backup_request if name not in have]
    listed = await with_figures(ports, found)
    return list_reply(listed, without, ports.fleet.timezone, ports.clock.now())


async def _verify(request: Request, ports: Ports) -> Reply:
    """Restore a sample of each backup beside the site and compare. Exit code 1: one could not be proven."""
    on_progress = _progress(request, ports)
    proofs, structure = await prove_sites(ports, _sites(request, ports), request.person.label, on_progress)
    return proof_reply(proofs, structure, ports.fleet.timezone, ports.clock.now())


async def _restore(request: Request, ports: Ports) -> Reply:
    """Bring one site back to one server: at once where that replaces nothing, else by a plan that is approved."""
    options, fleet = request.options, ports.fleet
    if len(options.sites) != 1 or options.to is None:
        raise UsageError("Say which site, and where to.", hint="For example: `backup restore SITE --to SERVER`.")
    site, server = site_named(options.sites[0], fleet), server_named(options.to, fleet)
    at = " ".join(options.at) if options.at else ""
    words = ["backup", "restore", site.name, "--to", server, *(["--at", at] if at else [])]

    def show(doing: str) -> None:
        request.show(progress_reply((BackupProgress(site.name, server, doing),)))

    not_after = moment(at, fleet.timezone) if at else None
    restore = await what_to_restore(ports, site, server, not_after, request.person.label)
    if options.dry_run:
        return dry_run_reply(restore, fleet, ports.clock.now())
    if restore.needs_approval:
        return reply_of(await prepare_restore(ports, restore, request.person, shlex.join(words)), ports.fleet)
    return await restore_at_once(ports, restore, request.person.label, show)


def _sites(request: Request, ports: Ports) -> tuple[Site, ...]:
    named = [site_named(name, ports.fleet) for name in request.options.sites]
    return tuple(dict.fromkeys(named)) or tuple(ports.fleet.sites.values())


def _progress(request: Request, ports: Ports) -> Callable[[BackupProgress], None]:
    shown = ProgressView(request, ports.clock, progress_reply)
    return lambda progress: shown.take(progress.site, progress)


_DOES: Mapping[str, Callable[[Request, Ports], Awaitable[Reply]]] = {
    "status": _status,
    "run": _run,
    "list": _list,
    "verify": _verify,
    "restore": _restore,
}


COMMAND = Command(
    name="backup",
    summary="the off-site copy: how old it is, made now, listed, proven, and brought back",
    run=run,
    who=Role.OPERATOR,
    arguments=(
        argument("action", nargs="?", choices=[name for name in _DOES if name != "status"], help="what to do"),
        argument("sites", nargs="*", metavar="SITE", help="which sites; left out: all"),
        argument(
            "--allow-shrink", action="store_true", help=f"run: what is there now is right, though {SHRUNK} of before"
        ),
        argument("--to", metavar="SERVER", help="restore: the server that the site is brought back to"),
        argument("--at", metavar="TIME", nargs="+", help="restore: as it was then; left out: the newest backup"),
        argument("--dry-run", action="store_true", help="restore: only say what would happen"),
        argument("--new-repository", action="store_true", help="run: begin anew where the repository is gone for good"),
    ),
    examples=(
        "backup",
        "backup run",
        "backup run SITE",
        "backup list SITE",
        "backup verify SITE",
        "backup restore SITE --to SERVER",
    ),
    answers_json=True,
    acts=lambda options: options.action in {"run", "verify", "restore"} and not options.dry_run,
)
