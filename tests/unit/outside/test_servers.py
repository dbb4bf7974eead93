"""Whatever a server says to a command, it is a result or a refusal of a kind that people are told."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from hypothesis import given
from unit.outside.harness import ENDED, SAID, SERVERS

from core.backup.repositories import repository_password
from core.backup.snapshots import Extent, RecordEnd, Snapshot
from core.databases.copies import DatabaseState
from core.errors import SharpnetError
from core.fleet import Database, HostLimits
from core.fleet.hook_runs import last_line
from core.monitor.host_checks import HostMeasurement, remarks_of
from core.sync.batches import complained_of
from ops.clock import SystemClock
from ops.contracts import BackupSource, Ran, SiteLocation
from ops.databases import SshDatabases
from ops.durable.witnesses import ServerWitness
from ops.fleetfile import load_fleet
from ops.probe.from_server import dns_look, line_look
from ops.restic.repository import ResticRepository
from ops.rsync import catch_up, reconcile, replaced, turn, verify
from ops.rsync.left_behind import left_behind
from ops.rsync.locate import located
from ops.rsync.mirror import MirrorCopy, dry_run
from ops.rsync.peer_rights import more_than_sites
from ops.rsync.shared_connection import open_shared
from ops.work_folder import Turn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from unit.outside.harness import AnySsh

EXAMPLE = load_fleet(Path(__file__).parents[1] / "fleet" / "fleet_example.yaml")
DATABASES = tuple(Database(engine, "shop", "/run/{server}.sock") for engine in ("mariadb", "postgresql"))
SITE = replace(next(site for site in EXAMPLE.sites.values() if site.mirrors), databases=DATABASES)
SOURCE, MIRROR = EXAMPLE.servers[SITE.home], EXAMPLE.servers[SITE.mirrors[0]]
COPY = MirrorCopy(SITE, SOURCE, MIRROR)
SIDES = reconcile.ReturnedSite(SITE, SOURCE, MIRROR)
PLACE = SiteLocation(SITE, SOURCE.name)
SNAPSHOT = Snapshot("1a2b3c4d" * 8, SITE.name, SOURCE.name, datetime(2026, 6, 14, tzinfo=UTC), ("/srv/a",))
CLOCK = SystemClock()
RUN = "20260614T130207-1a2b"


@pytest.fixture(scope="module", autouse=True)
def derived_once() -> Iterator[None]:
    """Derive a repository's password once: each time takes 50 ms, whatever a server says after it."""
    with patch("ops.restic.repository.repository_password", cache(repository_password)):
        yield


def restic(ssh: AnySsh) -> ResticRepository:
    assert EXAMPLE.offsite is not None
    return ResticRepository(EXAMPLE, EXAMPLE.offsite, ssh, lambda _ref: "password")  # type: ignore[arg-type]


def databases(ssh: AnySsh) -> SshDatabases:
    return SshDatabases(ssh, lambda _ref: "password")  # type: ignore[arg-type]


async def restored(ssh: AnySsh, database: Database) -> object:
    async def ask() -> Turn:
        return Turn(("/srv/a", "/srv", "/srv/.sharpnet/a"), RUN, 1)

    now = datetime(2026, 6, 14, tzinfo=UTC)
    return await databases(ssh).restore(database, MIRROR.name, "/srv/dump", "", RUN, now, ask)


END = RecordEnd("a", 1, "0" * 64)
ASKED: dict[str, Callable[[AnySsh], Awaitable[object]]] = {
    "what a sync would change": lambda ssh: dry_run(ssh, COPY),  # type: ignore[arg-type]
    "what differs": lambda ssh: verify.compare(ssh, COPY),  # type: ignore[arg-type]
    "what lies there": lambda ssh: verify.look_at(ssh, CLOCK, MIRROR.name, "/srv/a", [b"a"], content=True),  # type: ignore[arg-type]
    "what a returned server has": lambda ssh: reconcile.compare(ssh, CLOCK, SIDES, every_byte=True),  # type: ignore[arg-type]
    "what can be brought": lambda ssh: reconcile.why_not_bring(ssh, CLOCK, SIDES, [b"a"]),  # type: ignore[arg-type]
    "which runs are kept": lambda ssh: replaced.replaced_runs(ssh, SITE, MIRROR),  # type: ignore[arg-type]
    "what a run keeps": lambda ssh: replaced.replaced_files(ssh, SITE, MIRROR, RUN, [b"a"]),  # type: ignore[arg-type]
    "putting back": lambda ssh: replaced.put_back(ssh, SITE, MIRROR, RUN, RUN, [b"a"]),  # type: ignore[arg-type]
    "its clock": lambda ssh: catch_up.clock_of(ssh, SOURCE.name),  # type: ignore[arg-type]
    "what arrived": lambda ssh: catch_up.arrived_since(ssh, COPY, 1e9),  # type: ignore[arg-type]
    "what came late": lambda ssh: catch_up.differing(ssh, COPY),  # type: ignore[arg-type]
    "what is left behind": lambda ssh: left_behind(ssh, COPY),  # type: ignore[arg-type]
    "where a root leads": lambda ssh: located(ssh, EXAMPLE, SITE, [SOURCE]),  # type: ignore[arg-type]
    "what a peer key can do": lambda ssh: more_than_sites(ssh, COPY),  # type: ignore[arg-type]
    "a turn": lambda ssh: turn.take_turn(ssh, COPY, RUN),  # type: ignore[arg-type]
    "a turn for now": lambda ssh: turn.turn_now(ssh, COPY, Turn("/srv", RUN, 1)),  # type: ignore[arg-type]
    "a shared connection": lambda ssh: open_shared(ssh, SOURCE, MIRROR),  # type: ignore[arg-type]
    "the store's note": lambda ssh: ServerWitness(ssh, "uk", "/srv/note").read(1.0),  # type: ignore[arg-type]
    "what there is to back up": lambda ssh: restic(ssh).survey(PLACE),
    "what was saved": lambda ssh: restic(ssh).save(PLACE, BackupSource(Extent(1, 1), ()), END, with_dumps=False),
    "snapshots": lambda ssh: restic(ssh).snapshots(SOURCE.name),
    "the repository's size": lambda ssh: restic(ssh).size(SOURCE.name),
    "files of a snapshot": lambda ssh: restic(ssh).choose(PLACE, SNAPSHOT, "/srv/dumps", 1, 1, 1),
    "hashes": lambda ssh: restic(ssh).compare(PLACE, [("/a", "b")]),
    "dumps": lambda ssh: restic(ssh).broken_dumps(PLACE, ["/a"]),
    "the root": lambda ssh: restic(ssh).root_state(PLACE),
    "the work folder": lambda ssh: restic(ssh).settled(PLACE),
    "a database": lambda ssh: databases(ssh).look_only(DATABASES[0], SOURCE.name),
    "another database": lambda ssh: databases(ssh).look_only(DATABASES[1], SOURCE.name),
    "a database of a run": lambda ssh: databases(ssh).look(DATABASES[0], MIRROR.name),
    "another database of a run": lambda ssh: databases(ssh).look(DATABASES[1], MIRROR.name),
    "a restored database": lambda ssh: restored(ssh, DATABASES[0]),
    "another restored database": lambda ssh: restored(ssh, DATABASES[1]),
    "an account": lambda ssh: databases(ssh).account(DATABASES[0], SOURCE.name),
    "its rights": lambda ssh: databases(ssh).why_not_load(DATABASES[0], MIRROR.name, DatabaseState(exists=True)),
    "other rights": lambda ssh: databases(ssh).why_not_load(DATABASES[1], MIRROR.name, DatabaseState(exists=True)),
    "another account": lambda ssh: databases(ssh).account(DATABASES[1], SOURCE.name),
    "kept databases": lambda ssh: databases(ssh).kept(DATABASES[0], MIRROR.name),
    "other kept databases": lambda ssh: databases(ssh).kept(DATABASES[1], MIRROR.name),
}


@pytest.mark.parametrize("what", ASKED)
@given(ssh=SERVERS)
async def test_any_answer_is_a_result_or_a_refusal(what: str, ssh: AnySsh) -> None:
    with contextlib.suppress(SharpnetError):
        await ASKED[what](ssh)


@given(said=SAID, ended=ENDED)
def test_what_a_server_says_of_itself_and_of_others_is_a_remark_or_nothing(said: bytes, ended: int) -> None:
    measure = HostMeasurement(HostLimits(load=1.0, reboot=True), 1_000_000.0, 1_000_001.0)
    remarks = remarks_of(said.decode("utf-8", "replace"), measure)
    assert remarks is None or all(isinstance(remark, str) for remark in remarks)
    ran = Ran(ended, said, said)
    assert line_look(ran, "uk") is None or dns_look(ran, "uk") is not None
    assert len(last_line(said, said)) < 1000
    complained_of(said, ["/srv"], ["a"])
