"""What is to be seen of a world from outside: its name servers, the copies on its servers, its record and cards."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from cutover.harness import root_of
from driver.fleet import FROZEN, HOOK_LOG
from driver.history import Look, Seen, histories

from core.backup.repositories import repository_password, repository_path
from lab import LabError
from ops.store.replies import reply_to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from driver.history import Copy
    from driver.world import World

    from ops.store.copies.served import QuarantinedCopy

SITES = ("fjord.example", "ski.example", "ceviche.example")
ZONES = SITES
SERVERS = ("oslo", "lima")
NAME_SERVERS = ("ns1", "ns2", "ns3")
COPIES: tuple[Copy, ...] = tuple((site, server) for site in SITES for server in SERVERS)
PAGE, NOTES = "version.txt", "notes"
# How the store says why copies are quarantined that it knows of from its witnesses; a card of its own says how many.
BY_WITNESSES = re.compile(r"it was (in quarantine before the store was put back|so in the store )")


async def look_at(world: World) -> Look:
    """Return what is to be seen now, but for what somebody was seen to choose or write."""
    store = world.stage.ports.store
    return Look(
        entries=len(await store.record.entries()),
        served={} if "primary" in world.dropped else served(world),
        versions={copy: _version(world, copy) for copy in COPIES},
        notes={copy: frozenset(_names(root_of(world.stage, *copy) / NOTES)) for copy in COPIES},
        quarantined=frozenset(copy for copy in await store.copies.quarantined() if copy in COPIES),
    )


async def seen_of(world: World) -> Seen:
    """Return everything that a checker goes by, at rest."""
    store = world.stage.ports.store
    quarantined = await store.copies.quarantined()
    record = await store.record.entries()
    plans = [entry.subject for entry in record if entry.kind == "plan.made"]
    cards = {plan: (await world.stage.card(plan)) for plan in plans}
    said = [reply_to_text(card) for card in cards.values()]
    now = serials(world)
    seen = Seen(
        homes={site: world.stage.ports.fleet.sites[site].home for site in SITES},
        record=record,
        looks=tuple(world.looks),
        rose={zone: now[zone] - world.began[zone] for zone in ZONES},
        by_hand=world.by_hand,
        answers=answers(world),
        active={site: server for site, server in (await store.copies.active()).items() if site in SITES},
        quarantined=frozenset(quarantined),
        cards={plan: card.title for plan, card in cards.items()},
        told=frozenset(copy for copy, one in quarantined.items() if _is_told(one, plans, said)),
        works=tuple(f"{claim.name} ({claim.purpose})" for claim in await store.claims.held()),
        past=world.past,
        known=world.known,
        has_to_ask=tuple(world.has_to_ask),
        ran=_ran(world),
        frozen=frozenset(site for site, server in COPIES if (_beside(world, server) / f"{FROZEN}{site}").exists()),
        notes={site: frozenset(notes) for site, notes in world.notes.items()},
        anywhere=dict.fromkeys(SITES, _anywhere(world)),
    )
    for history in histories(seen.happened).values():
        restore = history.restore
        if restore is not None and restore["full_id"] not in world.saved:
            world.saved[restore["full_id"]] = _saved(world, restore)
    return replace(seen, saved=world.saved)


def served(world: World) -> dict[str, str]:
    """Return the server that the update server names for each site."""
    return {site: _named_by(world, "primary", site) for site in SITES}


def answers(world: World) -> dict[str, dict[str, str]]:
    """Return the server that each name server, the update server too, names for each site."""
    return {site: {one: _named_by(world, one, site) for one in ("primary", *NAME_SERVERS)} for site in SITES}


def serials(world: World) -> dict[str, int]:
    """Return the serial of each zone."""
    return {zone: int(world.lab.query("primary", zone, "SOA")[0].split()[2]) for zone in ZONES}


def _named_by(world: World, name_server: str, site: str) -> str:
    servers = {tuple(world.stage.address(server)): server for server in SERVERS}
    try:
        found = tuple(world.lab.query(name_server, site, "A"))
    except LabError as error:
        return str(error)
    return servers.get(found, str(found))


def _version(world: World, copy: Copy) -> int:
    try:
        return int((root_of(world.stage, *copy) / PAGE).read_text())
    except FileNotFoundError:
        return 0


def _names(folder: Path) -> Iterable[str]:
    return (path.name for path in folder.iterdir()) if folder.exists() else ()


def _beside(world: World, server: str) -> Path:
    """Return the folder around the roots there."""
    return root_of(world.stage, SITES[0], server).parent


def _anywhere(world: World) -> frozenset[str]:
    """Return the names of all notes that lie in a copy or are kept aside, on any server; each has its own."""
    return frozenset(
        path.name for server in SERVERS for path in _beside(world, server).rglob("note-*") if path.is_file()
    )


def _ran(world: World) -> Mapping[tuple[str, str], int]:
    logs = [_beside(world, server) / HOOK_LOG for server in SERVERS]
    lines = [line.split() for log in logs if log.exists() for line in log.read_text().splitlines()]
    return Counter((moment, site) for moment, site in lines)


def _is_told(quarantined: QuarantinedCopy, plans: list[str], said: list[str]) -> bool:
    """Return whether a card says so: that of the plan that has left it behind, one that names the site, a store's."""
    by_plan = any(plan in quarantined.why for plan in plans)
    return by_plan or any(quarantined.site in words for words in said) or bool(BY_WITNESSES.match(quarantined.why))


def _saved(world: World, restore: Mapping[str, str]) -> int:
    """Return the number in the page that a snapshot holds, as restic itself gives it out."""
    offsite = world.stage.ports.fleet.offsite
    assert offsite is not None
    repository = world.lab.path_on("offsite", repository_path(offsite.path, restore["repository"]))
    words = ["restic", "-r", str(repository), "--no-lock", "--no-cache", "dump", restore["full_id"]]
    words.append(f"{restore['root']}/{PAGE}")
    own = repository_password(world.lab.env["SHARPNET_TEST_RESTIC"].encode(), restore["repository"]).decode()
    ran = subprocess.run(words, env=os.environ | {"RESTIC_PASSWORD": own}, capture_output=True, check=False)
    assert ran.returncode == 0 or b"not found" in ran.stderr, ran.stderr.decode()
    return int(ran.stdout) if ran.returncode == 0 else 0
