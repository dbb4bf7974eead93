"""Where the record ends, for whoever keeps that outside of this machine, and what they say of it when asked."""

from __future__ import annotations

import asyncio
import json
import posixpath
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.audit import FIRST, Anchor, read_anchor
from core.backup.snapshots import record_end_of
from core.errors import SharpnetError
from core.failure import Failure
from core.store_standing import StoreNote
from core.wording import from_stamp
from ops.durable.witnesses import BESIDE
from ops.or_failure import or_failure
from ops.understood import understood

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.backup.snapshots import Snapshot
    from core.fleet import Server
    from ops.contracts import Ssh
    from ops.ports import Ports

PAGE_S = 10.0
# Each repository is a restic on this machine; what has not answered by then is not waited for.
BACKUPS_S = 60.0
AT_ONCE = 3
# A backup run gives away one, and backups are let go. Whoever has a server's rights there can add as many as they like.
MOST_NOTED = 10_000
# The page of a fleet of 20 servers with their 90 days each has 300 kB.
MOST_PAGE_BYTES = 4_000_000


async def record_end(ports: Ports) -> Anchor:
    """Return the last entry's number and hash, as it is given away."""
    own = await ports.store.identity.own(ports.clock.now())
    return Anchor(own.number, own.hash, "the store", own.at)


async def anchors_on_pages(ports: Ports) -> tuple[Anchor, ...]:
    """Return what the status pages say of the record, as the servers have them; of those that answer."""
    with_page = [server for server in ports.fleet.servers.values() if server.status_page is not None]
    found = await asyncio.gather(*(_on_page(ports.ssh, server) for server in with_page))
    return tuple(one for one in found if one is not None)


def anchors_of_witnesses(told: Mapping[str, StoreNote | str | None], store: str) -> tuple[Anchor, ...]:
    """Return what servers were told of this store's record; the file beside the store is on this very machine."""
    return tuple(
        Anchor(note.number, note.hash, f"the note on {name}", note.at)
        for name, note in told.items()
        if name != BESIDE and isinstance(note, StoreNote) and note.store == store
    )


@dataclass(frozen=True, slots=True)
class BackupAnchors:
    """What backups keep of the record, and the repositories that could not be read in time or hold too many notes."""

    anchors: tuple[Anchor, ...] = ()
    unread: tuple[str, ...] = ()


async def anchors_in_backups(ports: Ports) -> BackupAnchors:
    """Return what the backups of each server keep of this store's record."""
    restic, store = ports.restic, (await ports.store.identity.own(ports.clock.now())).store
    if restic is None:
        return BackupAnchors()
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(repository: str) -> tuple[Anchor, ...] | None:
        async with gate:
            found = await or_failure(restic.snapshots(repository))
        return anchors_of_snapshots(found, repository, store) if not isinstance(found, Failure) else None

    servers = dict.fromkeys(server for site in ports.fleet.sites.values() for server in site.servers)
    asked = {server: asyncio.create_task(ask(server)) for server in servers}
    try:
        if asked:
            await asyncio.wait(asked.values(), timeout=BACKUPS_S)
        answers = {server: task.result() if task.done() else None for server, task in asked.items()}
    finally:
        for task in asked.values():
            task.cancel()
        await asyncio.gather(*asked.values(), return_exceptions=True)
    read = [anchors for anchors in answers.values() if anchors is not None]
    unread = tuple(server for server, anchors in answers.items() if anchors is None)
    return BackupAnchors(tuple(anchor for anchors in read for anchor in anchors), unread)


def anchors_of_snapshots(snapshots: Iterable[Snapshot], repository: str, store: str) -> tuple[Anchor, ...] | None:
    """Return what a repository's snapshots say of the record of `store`, each once; None: more than backups have made.

    It is the word of the repository's server, which can add to it, and take nothing away.
    """
    ends = (record_end_of(tag) for snapshot in snapshots for tag in snapshot.tags)
    found = {(end.number, end.hash) for end in ends if end is not None and end.store == store}
    where = f"the backups of {repository}"
    return tuple(Anchor(*one, where) for one in sorted(found)) if len(found) <= MOST_NOTED else None


async def _on_page(ssh: Ssh, server: Server) -> Anchor | None:
    if server.status_page is None:
        return None
    path = shlex.quote(posixpath.join(server.status_page.root, "status.json"))
    try:
        ran = await ssh.run(server.name, f"head -c {MOST_PAGE_BYTES} -- {path}", timeout_s=PAGE_S)
        return page_anchor(ran.out, f"the status page on {server.name}")
    except SharpnetError:
        return None


def page_anchor(page: bytes, where: str) -> Anchor | None:
    """Return what a status page says of the record; None: nothing. Raises NotUnderstoodError."""
    with understood(where, "where the record ends"):
        read = json.loads(page)
        record, at = read.get("record"), from_stamp(str(read["written_at"]))
        if record is None:
            return None
        found = read_anchor(f"{int(record['number'])}:{record['hash']}", where)
        if len(found.hash) != len(FIRST):
            raise ValueError(found.hash)
    return replace(found, at=at)
