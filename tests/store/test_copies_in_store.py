"""Syncs, comparisons, backups and what may be put back: the newest of each, of each site and server by itself."""

from __future__ import annotations

from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from store.others import ACTIVE, COMPARED, RUNNING, THEN

from core.reply import Reply
from core.sync.undo import UndoableRun
from ops.store.copies.backups import PROOF, RESTORE, SAVE, UPKEEP, BackupRun
from ops.store.copies.proofs import ProofRun
from ops.store.copies.protection import LastComparison
from ops.store.copies.served import QuarantinedCopy, SyncRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.conftest import LeaseClock

    from core.sync.moved_by_hand import SiteMove
    from ops.store import Store

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def synced(
    store: Store, name: str, outcome: str | None, at: datetime = NOW, site: str = "shop", to: str = "south", **body: int
) -> None:
    await store.copies.begin_sync(SyncRun(name, site, "north", to, at, None, None, {}), "bot")
    if outcome is not None:
        await store.copies.end_sync(name, outcome, body, at + HOUR, "bot")


async def compared(store: Store, name: str, outcome: str, at: datetime, site: str = "shop", to: str = "south") -> None:
    await store.proofs.add(ProofRun(name, site, "north", to, at, outcome, {}), at, "bot")


async def backed_up(
    store: Store,
    name: str,
    outcome: str | None,
    at: datetime = NOW,
    site: str = "shop",
    kind: str = SAVE,
    snapshot: str | None = None,
    **body: str,
) -> None:
    run = BackupRun(name, kind, site, "north", at)
    await store.backups.begin(run, "bot")
    if outcome is not None:
        await store.backups.end(run, outcome, snapshot, body, at + HOUR, "bot")


async def test_a_sync_that_ends_says_when_how_and_what_and_leaves_those_that_run(store: Store) -> None:
    for name, site in (("r1", "shop"), ("r2", "blog")):
        await store.copies.begin_sync(SyncRun(name, site, "north", "south", NOW, None, None, {"by": "clock"}), "bot")
    await store.copies.end_sync("r1", "failed", {"files": 3}, NOW + HOUR, "bot")
    last = await store.copies.last_syncs()
    ended = SyncRun("r1", "shop", "north", "south", NOW, NOW + HOUR, "failed", {"files": 3})
    assert {pair: run for pair, run in last.items() if run.source == "north"} == {("shop", "south"): ended}
    running = {run.id: run for run in await store.copies.running_syncs()}
    assert running.keys() == {"r2", RUNNING}
    assert running["r2"] == SyncRun("r2", "blog", "north", "south", NOW, None, None, {"by": "clock"})
    assert [entry.kind for entry in await store.record.entries(subject="shop")] == ["sync.begun", "sync.failed"]
    assert [entry.kind for entry in await store.record.entries(subject="blog")] == ["sync.begun"]


async def test_the_newest_run_is_that_of_a_site_on_a_server_whenever_others_ran(store: Store) -> None:
    await synced(store, "r3", "good", NOW)
    await synced(store, "r2", "good", NOW + HOUR)
    await synced(store, "r1", "failed", NOW + 2 * HOUR)
    await synced(store, "r0", None, NOW + 3 * HOUR)
    await synced(store, "s1", "good", NOW + 2 * HOUR, to="east")
    await synced(store, "t1", "good", NOW, site="blog")
    good, last = await store.copies.last_good(), await store.copies.last_syncs()
    assert {pair: run.id for pair, run in good.items() if run.source == "north"} == {
        ("shop", "south"): "r2",
        ("shop", "east"): "s1",
        ("blog", "south"): "t1",
    }
    assert last["shop", "south"].id == "r1"
    pairs = [("shop", "south"), ("shop", "east"), ("blog", "south"), ("blog", "east"), ("none", "south")]
    assert await store.states.newest_good(pairs) == {
        ("shop", "south"): NOW + HOUR,
        ("shop", "east"): NOW + 2 * HOUR,
        ("blog", "south"): NOW,
    }


async def test_how_old_copies_are_is_counted_of_the_pairs_that_are_asked_for(store: Store) -> None:
    await synced(store, "r1", "good", NOW)
    await synced(store, "r2", "good", NOW + HOUR, site="blog")
    await synced(store, "r3", "good", NOW + 2 * HOUR, site="shed")
    await synced(store, "r4", "failed", NOW, site="attic")
    await synced(store, "r5", "good", NOW - HOUR, site="not-asked")
    pairs = [(site, "south") for site in ("blog", "shop", "shed", "attic", "none")]
    found = await store.states.oldest_copies(pairs, NOW + HOUR, NOW + HOUR)
    assert (found.oldest, found.overdue, found.ahead, found.missing) == ((NOW, "shop", "south"), 1, 1, 2)
    none = await store.states.oldest_copies([("none", "south")], NOW, NOW)
    assert (none.oldest, none.overdue, none.ahead, none.missing) == (None, 0, 0, 1)


async def test_where_a_site_is_served_from_changes_for_it_alone_and_since_when_only_when_it_does(store: Store) -> None:
    await store.copies.set_active({"shop": "north", "blog": "north"}, NOW)
    await store.copies.set_active({"shop": "north", "blog": "south"}, NOW + HOUR)
    asked = "SELECT site, server, since_at FROM active WHERE site NOT IN ('ski', 'skate') ORDER BY site"
    rows = await store._db.read(lambda transaction: transaction.query(asked))
    assert [tuple(row.values()) for row in rows] == [
        ("blog", "south", "2026-06-14T14:02:07.000000Z"),
        ("shop", "north", "2026-06-14T13:02:07.000000Z"),
    ]
    assert await store.copies.active() == {"shop": "north", "blog": "south", **ACTIVE}
    assert await store.states.served_counts() == {"north": 1, "south": 1, "alps": 1, "lima": 1}
    assert await store.states.served_from(["blog", "none", "ski"]) == {"blog": "south", "ski": "alps"}


async def test_quarantine_is_of_one_site_on_one_server_and_keeps_its_first_reason(store: Store) -> None:
    copies = [("shop", "north"), ("shop", "south"), ("blog", "north")]
    await store.copies.quarantine(copies, "left", NOW, "bot")
    await store.copies.quarantine(copies[:1], "again", NOW + HOUR, "bot")
    assert (await store.copies.quarantined())["shop", "north"] == QuarantinedCopy("shop", "north", NOW, "left")
    await store.copies.release([("shop", "north"), ("none", "north")], "chosen", NOW, "slack:U2")
    assert set(await store.copies.quarantined()) == {("shop", "south"), ("blog", "north"), ("skate", "alps")}
    kinds = [entry.kind for entry in await store.record.entries(subject="shop")]
    assert kinds == ["quarantine.begun", "quarantine.begun", "quarantine.ended"]
    assert await store.record.entries(subject="none") == ()


HOMES = {"shop": "north", "blog": "south", "wiki": "north"}


async def told_by_dns(store: Store, seen: dict[str, str], asked_at: datetime = NOW) -> list[tuple[str, ...]]:
    """Take in what DNS said at `asked_at`, an hour later; return the moves that were told, each once."""
    told: list[tuple[str, ...]] = []

    def card(moves: Sequence[SiteMove]) -> Reply:
        told.extend(astuple(move) for move in moves)
        return Reply(f"{len(moves)} moved")

    assert [
        astuple(move) for move in await store.copies.follow_dns(seen, HOMES, asked_at, NOW + HOUR, "bot", card)
    ] == told
    return told


async def test_what_dns_moved_by_hand_leaves_a_quarantined_copy_and_a_card_and_the_rest_is_only_kept(
    store: Store,
) -> None:
    await store.copies.set_active({"shop": "south", "blog": "south"}, NOW - HOUR)
    seen = {"shop": "north", "blog": "south", "wiki": "south"}
    assert await told_by_dns(store, seen) == [("shop", "south", "north"), ("wiki", "north", "south")]
    assert await store.copies.active() == {**ACTIVE, **seen}
    assert set(await store.copies.quarantined()) == {("shop", "south"), ("wiki", "north"), ("skate", "alps")}
    assert [card.reply.title for card in await store.cards.waiting() if card.made_at == NOW + HOUR] == ["2 moved"]
    assert await told_by_dns(store, seen) == []


async def test_what_became_known_since_dns_was_asked_is_newer_than_what_it_said(store: Store) -> None:
    await store.copies.set_active({"shop": "south"}, NOW + timedelta(seconds=1))
    assert await told_by_dns(store, {"shop": "north"}) == []
    assert await store.copies.active() == {**ACTIVE, "shop": "south"}
    assert await told_by_dns(store, {"shop": "north"}, NOW + timedelta(seconds=1)) == [("shop", "south", "north")]


async def test_of_a_site_that_is_being_worked_on_dns_is_not_followed(store: Store) -> None:
    await store.claims.take(["site:wiki"], "K7Q2", "a cutover", NOW, None)
    assert await told_by_dns(store, {"wiki": "south", "shop": "south"}) == [("shop", "north", "south")]
    assert await store.copies.active() == {**ACTIVE, "shop": "south"}
    assert ("wiki", "north") not in await store.copies.quarantined()


@pytest.mark.parametrize(("lease_s", "counts"), [(-1, True), (0, False), (1, False), (None, False)])
async def test_a_look_that_found_nothing_counts_only_after_the_last_moment_of_anybodys_claim(
    store: Store, lease_clock: LeaseClock, lease_s: int | None, *, counts: bool
) -> None:
    lease = timedelta(seconds=60 + lease_s) if lease_s is not None else None
    await store.claims.take(["site:shop"], "one", "a sync", NOW, lease)
    lease_clock.passes(timedelta(seconds=60))
    runs = [SyncRun("r", "shop", "north", "south", NOW, None, "good", {})]
    assert await store.copies.found_same(runs, "bot", NOW) == ({"r"} if counts else set())


async def test_the_newest_comparison_is_that_of_a_copy_whatever_came_of_it(store: Store) -> None:
    await compared(store, "p4", "good", NOW)
    await compared(store, "p3", "differs", NOW + HOUR)
    await compared(store, "p2", "good", NOW + 2 * HOUR)
    await compared(store, "p1", "failed", NOW + 3 * HOUR)
    await compared(store, "q1", "differs", NOW + HOUR, to="east")
    await compared(store, "q2", "failed", NOW, site="blog")
    last = await store.proofs.last()
    assert {pair: run.id for pair, run in last.items() if run.source == "north"} == {
        ("shop", "south"): "p1",
        ("shop", "east"): "q1",
        ("blog", "south"): "q2",
    }
    assert await store.protection.compared() == {
        ("shop", "south"): LastComparison(NOW + 2 * HOUR, same=True),
        ("shop", "east"): LastComparison(NOW + HOUR, same=False),
        **COMPARED,
    }


async def test_a_comparison_that_is_kept_already_stays_as_it_is(store: Store) -> None:
    await compared(store, "p1", "good", NOW)
    await compared(store, "p1", "differs", NOW + HOUR)
    last = (await store.proofs.last())["shop", "south"]
    assert last == ProofRun("p1", "shop", "north", "south", NOW, "good", {})
    assert [entry.kind for entry in await store.record.entries(subject="shop")] == ["proof.good"]


async def test_a_backup_ends_once_and_leaves_the_others_running(store: Store) -> None:
    await backed_up(store, "b1", None, NOW + HOUR)
    await backed_up(store, "b2", None, NOW)
    await backed_up(store, "b0", None, NOW + 2 * HOUR)
    run = BackupRun("b1", SAVE, "shop", "north", NOW + HOUR)
    await store.backups.end(run, "good", "5nap", {"files": 3}, NOW + 2 * HOUR, "bot")
    await store.backups.end(run, "failed", "other", {}, NOW + 3 * HOUR, "bot")
    assert [one.id for one in await store.backups.running()] == ["b2", "b0", "b-ski"]
    made = await store.backups.newest(SAVE, ("good", "failed"))
    body = {"files": 3, "kind": SAVE}
    ended = BackupRun("b1", SAVE, "shop", "north", NOW + HOUR, NOW + 2 * HOUR, "good", "5nap", body)
    assert {site: one for site, one in made.items() if site != "skate"} == {"shop": ended}
    kinds = [entry.kind for entry in await store.record.entries(subject="shop")]
    assert kinds == ["backup.begun", "backup.begun", "backup.begun", "backup.good"]


async def test_the_newest_backup_is_that_of_a_kind_and_of_these_outcomes_by_site(store: Store) -> None:
    await backed_up(store, "b1", "good", NOW)
    await backed_up(store, "b2", "failed", NOW + HOUR)
    await backed_up(store, "b3", "proven", NOW + 2 * HOUR, kind=PROOF)
    await backed_up(store, "b4", "refused", NOW + 3 * HOUR)
    await backed_up(store, "b5", "good", NOW - HOUR, site="blog")
    await backed_up(store, "b6", "failed", NOW + 4 * HOUR, kind=RESTORE)
    found = await store.backups.newest(SAVE, ("good", "failed"))
    assert {site: run.id for site, run in found.items()} == {"shop": "b2", "blog": "b5", "skate": "b-skate"}
    assert {site: run.id for site, run in (await store.backups.newest(PROOF, ("proven",))).items()} == {"shop": "b3"}
    assert await store.backups.newest(RESTORE, ("restored",)) == {}


async def test_the_next_backup_is_compared_with_the_newest_good_one_of_its_site_that_had_not_shrunk(
    store: Store,
) -> None:
    await backed_up(store, "b1", "good", NOW)
    await backed_up(store, "b2", "good", NOW + HOUR, shrank="")
    await backed_up(store, "b3", "good", NOW + 2 * HOUR, shrank="by half")
    await backed_up(store, "b4", "failed", NOW + 3 * HOUR)
    await backed_up(store, "b5", "good", NOW + 4 * HOUR, site="blog")
    await backed_up(store, "b6", "good", NOW + 5 * HOUR, kind=PROOF)
    whole = await store.backups.newest_whole("shop")
    assert whole is not None
    assert whole.id == "b2"
    await backed_up(store, "b7", "good", NOW, site="attic")
    alone = await store.backups.newest_whole("attic")
    assert alone is not None
    assert alone.id == "b7"
    assert await store.backups.newest_whole("none") is None


async def test_a_snapshot_is_of_the_run_that_made_it_not_of_those_that_looked_at_it(store: Store) -> None:
    await backed_up(store, "b1", "good", NOW, snapshot="5nap")
    await backed_up(store, "b2", "proven", NOW + HOUR, kind=PROOF, snapshot="5nap")
    await backed_up(store, "b3", "good", NOW, site="blog", snapshot="1ater")
    found = await store.backups.by_snapshot(["5nap", "unknown"])
    assert {snapshot: [run.id for run in runs] for snapshot, runs in found.items()} == {"5nap": ["b1"]}


async def test_runs_whose_snapshots_have_the_same_short_id_are_all_known_newest_first(store: Store) -> None:
    await backed_up(store, "b1", "good", NOW, snapshot="5nap")
    await backed_up(store, "b2", "good", NOW + HOUR, site="blog", snapshot="5nap")
    await backed_up(store, "b3", "good", NOW, site="blog", snapshot="1ater")
    found = await store.backups.by_snapshot(["1ater", "5nap", "5nap"])
    assert {snapshot: [run.id for run in runs] for snapshot, runs in found.items()} == {
        "5nap": ["b2", "b1"],
        "1ater": ["b3"],
    }


async def test_a_repository_is_there_once_a_backup_made_a_snapshot_in_it(empty_store: Store) -> None:
    await backed_up(empty_store, "b1", "failed")
    await backed_up(empty_store, "b2", "proven", kind=PROOF, snapshot="5nap")
    await backed_up(empty_store, "b3", "done", kind=UPKEEP)
    assert await empty_store.backups.made_in() == frozenset()
    await backed_up(empty_store, "b4", "good", snapshot="5nap")
    assert await empty_store.backups.made_in() == {""}
    await backed_up(empty_store, "b5", "failed", snapshot="1ater", site="blog", repository="uk")
    assert await empty_store.backups.made_in() == {"", "uk"}
    assert await empty_store.backups.made_in("blog") == {"uk"}
    assert await empty_store.backups.made_in("shop") == {""}


async def test_when_a_site_was_last_backed_up_is_by_the_newest_good_run(store: Store) -> None:
    await backed_up(store, "b1", "good", NOW)
    await backed_up(store, "b2", "good", NOW + HOUR)
    await backed_up(store, "b3", "failed", NOW + 2 * HOUR)
    await backed_up(store, "b4", "failed", NOW, site="blog")
    assert await store.protection.backed_up() == {"shop": NOW + HOUR, "skate": THEN}


async def test_a_site_is_kept_nowhere_when_neither_its_own_sync_nor_its_own_backup_was_good(store: Store) -> None:
    await synced(store, "r1", "good", site="shop")
    await synced(store, "r2", "failed", site="blog")
    await backed_up(store, "b1", "good", site="attic")
    await backed_up(store, "b2", "failed", site="shed")
    wanted = ["none", "shed", "attic", "blog", "shop"]
    assert await store.protection.kept_nowhere(wanted) == ("none", "shed", "blog")


async def on_record(store: Store, kind: str, run: str, site: str = "shop") -> None:
    body = {"run": run, "server": "south", "undoes": "r", "returned": "r", "source": "north", "files": 2}
    await store.record.add(NOW, kind, site, "slack:U2", body)


async def test_what_may_be_put_back_is_every_run_of_a_site_but_those_refused(store: Store) -> None:
    await synced(store, "20260614T130000Z-a", "good", files=3)
    await synced(store, "20260614T130000Z-b", None)
    await synced(store, "20260614T130000Z-c", "refused")
    await synced(store, "20260614T130000Z-d", "good", site="blog")
    for number, kind in enumerate(["undo.begun", "keep.begun", "catch-up.begun", "undo.ended", "other"]):
        await on_record(store, kind, f"20260614T14000{number}Z-e")
    await on_record(store, "undo.begun", "20260614T140000Z-f", "blog")
    ids = [*(f"20260614T130000Z-{letter}" for letter in "abcd"), *(f"20260614T14000{n}Z-e" for n in range(5)), "none"]
    found = await store.undos.of_site("shop", [*ids, "20260614T140000Z-f"])
    assert {run.id: run.did for run in found.values()} == {
        "20260614T130000Z-a": "3 files copied",
        "20260614T130000Z-b": "a sync, running",
        "20260614T140000Z-e": "put back from r",
        "20260614T140001Z-e": "files kept from r",
        "20260614T140002Z-e": "2 files brought over from north",
    }
    assert list(await store.undos.of_site("shop", ids[:1])) == ids[:1]
    assert await store.undos.of_site("shop", []) == {}
    one = UndoableRun("20260614T130000Z-d", "blog", "south", "nothing changed")
    assert await store.undos.run("20260614T130000Z-d") == one
    assert await store.undos.run("20260614T130000Z") is None
    assert await store.undos.run("none") is None


async def test_the_newest_runs_since_are_those_that_may_have_changed_something_the_newest_first(store: Store) -> None:
    await synced(store, "20260614T125959Z-a", "good", files=3)
    await synced(store, "20260614T130000Z-a", "good", files=1)
    await synced(store, "20260614T130001Z-a", "good", deleted=1)
    await synced(store, "20260614T130002Z-a", "good", files=0, deleted=0)
    await synced(store, "20260614T130003Z-a", "failed")
    await on_record(store, "undo.begun", "20260614T130004Z-a")
    newest = ["20260614T130004Z-a", "20260614T130003Z-a", "20260614T130001Z-a", "20260614T130000Z-a"]
    since = datetime(2026, 6, 14, 13, tzinfo=UTC)
    found = [run.id for run in await store.undos.since(since, 9) if run.site == "shop"]
    assert found == newest
    before = datetime(2026, 6, 14, 12, tzinfo=UTC)
    assert [run.id for run in await store.undos.since(before, 3) if run.site == "shop"] == newest[:1]


async def test_an_undo_has_no_end_until_one_of_its_own_run_site_and_kind_is_on_record_after_it(store: Store) -> None:
    await on_record(store, "undo.good", "r1")
    for run in ("r1", "r2", "r3"):
        await on_record(store, "undo.begun", run)
    await on_record(store, "undo.begun", "r4", "blog")
    await on_record(store, "keep.begun", "r5")
    await on_record(store, "undo.good", "r2")
    await on_record(store, "keep.good", "r3")
    await on_record(store, "undo.good", "r3", "blog")
    await on_record(store, "undo.good", "r4")
    found = [(site, body["run"]) for site, who, body in await store.undos.without_end() if who == "slack:U2"]
    assert found == [("shop", "r1"), ("shop", "r3"), ("blog", "r4")]
    assert [body["run"] for _, _, body in await store.undos.without_end("keep")] == ["r5"]


async def test_an_undo_is_looked_for_among_the_newest_entries_only(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in ("r1", "r2", "r3"):
        await on_record(store, "undo.begun", run)
    monkeypatch.setattr("ops.store.copies.undos.LOOKED_AT", 2)
    assert [body["run"] for _, _, body in await store.undos.without_end()] == ["r2", "r3"]
