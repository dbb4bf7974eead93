"""Where the record ends, for whoever keeps that outside of this machine, and what they say of it when asked."""

from __future__ import annotations

import asyncio
import json
import posixpath
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from core.audit import FIRST, Anchor, read_anchor
from core.errors import SharpnetError
from core.store_standing import StoreNote
from core.wording import from_stamp
from ops.durable.witnesses import BESIDE
from ops.understood import understood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Server
    from ops.contracts import Ssh
    from ops.ports import Ports

PAGE_S = 10.0
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
