"""A sync is on record before it starts, holds its site, and follows where DNS points."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from lapsed import let_leases_pass
from sync.harness import WHO, contents_at, point, tree_at

from jobs.interrupted import end_interrupted, report
from jobs.sync import SyncRequest, sync_sites
from jobs.sync.many import sync_many
from jobs.sync.serving import Serving
from ops.durable.claimed import LEASE
from ops.store.copies.served import SyncRun

if TYPE_CHECKING:
    from sync.harness import Rig

    from core.fleet import Site
    from core.sync.result import SyncProgress

pytestmark = pytest.mark.xdist_group("sync-jobs")


async def kinds_on_record(rig: Rig, site: Site) -> list[str]:
    return [entry.kind for entry in await rig.ports.store.record.entries(subject=site.name)]


def spoil(rig: Rig, site: Site) -> None:
    """Have the next sync of the site refused."""
    for path in rig.root(site, site.home).rglob("*.html"):
        path.unlink()
    for path in rig.root(site, site.home).rglob("*.txt"):
        path.unlink()


async def test_a_sync_is_on_record_with_who_asked_before_it_starts_and_when_it_ended(rig: Rig) -> None:
    site = rig.take()
    await rig.filled(site)
    begun, ended = await rig.ports.store.record.entries(subject=site.name)
    assert (begun.kind, ended.kind) == ("sync.begun", "sync.good")
    assert begun.who == ended.who == WHO
    assert (begun.body["source"], begun.body["mirror"]) == ("oslo", "lima")
    assert ended.body["files"] == len(contents_at(rig.root(site, "oslo")))


async def test_data_age_counts_from_the_moment_at_which_the_good_run_began(rig: Rig) -> None:
    site = rig.take()
    before = rig.ports.clock.now()
    await rig.filled(site)
    run = (await rig.ports.store.copies.last_good())[site.name, "lima"]
    assert run.ended_at is not None
    assert before <= run.begun_at < run.ended_at


async def test_a_refused_sync_leaves_the_data_age_as_it_was(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    good = (await rig.ports.store.copies.last_good())[site.name, "lima"]
    spoil(rig, site)
    assert (await rig.sync(site)).outcome == "refused"
    assert (await rig.ports.store.copies.last_good())[site.name, "lima"] == good
    assert (await rig.ports.store.copies.last_syncs())[site.name, "lima"].outcome == "refused"
    assert await kinds_on_record(rig, site) == ["sync.begun", "sync.good", "sync.begun", "sync.refused"]


async def test_a_dry_run_is_not_on_record_as_a_sync(rig: Rig) -> None:
    site = rig.take()
    await rig.sync(site, dry_run=True)
    assert await kinds_on_record(rig, site) == []


async def test_a_site_that_a_cutover_holds_is_refused_with_its_plan_and_the_attempt_is_on_record(rig: Rig) -> None:
    site = rig.take()
    now = rig.ports.clock.now()
    await rig.ports.store.claims.take([f"site:{site.name}"], "K7Q2", "a cutover", now, None)
    result = await rig.sync(site)
    assert result.trouble is not None
    assert (result.outcome, result.trouble.code) == ("refused", "held")
    assert "a cutover (K7Q2)" in result.summary
    assert await kinds_on_record(rig, site) == ["sync.refused"]
    assert [claim.owner for claim in await rig.ports.store.claims.held()] == ["K7Q2"]


async def test_a_cutover_may_copy_the_site_that_it_holds_and_goes_on_holding_it(rig: Rig) -> None:
    site = rig.take()
    now = rig.ports.clock.now()
    await rig.ports.store.claims.take([f"site:{site.name}"], "K7Q2", "a cutover", now, None)
    assert (await rig.sync(site, claimed_by="K7Q2")).outcome == "good"
    assert [claim.owner for claim in await rig.ports.store.claims.held()] == ["K7Q2"]


async def test_the_claim_is_given_back_however_the_sync_ended(rig: Rig) -> None:
    for site in (rig.take(), await rig.filled(rig.take())):
        if contents_at(rig.root(site, "lima")):
            spoil(rig, site)
        await rig.sync(site)
        assert await rig.ports.store.claims.held() == ()


async def test_a_sync_that_is_cancelled_is_on_record_as_interrupted_and_gives_its_claim_back(rig: Rig) -> None:
    site = rig.take()
    begun = asyncio.Event()
    request = SyncRequest(WHO)

    def on_progress(progress: SyncProgress) -> None:
        if progress.doing == "comparing":
            begun.set()

    working = asyncio.create_task(sync_sites(rig.ports, [site], request, on_progress=on_progress))
    await begun.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert await kinds_on_record(rig, site) == ["sync.begun", "sync.interrupted"]
    assert await rig.ports.store.claims.held() == ()


async def test_a_sync_whose_bot_is_gone_is_reported_as_interrupted_when_its_claim_has_lapsed(rig: Rig) -> None:
    site = rig.take()
    store, now = rig.ports.store, rig.ports.clock.now()
    run = SyncRun(
        "20260101T000000Z-dead", site.name, "oslo", "lima", now, None, None, {"owner": "20260101T000000Z-dead"}
    )
    await store.claims.take([f"site:{site.name}"], run.id, "a sync", now, LEASE)
    await store.copies.begin_sync(run, WHO)
    assert not await end_interrupted(rig.ports)
    await let_leases_pass(store)
    await report(rig.ports, "", now)
    assert await store.copies.running_syncs() == ()
    assert (await store.copies.last_syncs())[site.name, "lima"].outcome == "interrupted"
    assert not await end_interrupted(rig.ports)


async def test_what_a_cutover_copies_is_not_interrupted_while_the_cutover_holds_the_site(rig: Rig) -> None:
    site = rig.take()
    store, now = rig.ports.store, rig.ports.clock.now()
    await store.claims.take([f"site:{site.name}"], "K7Q2", "a cutover", now, None)
    await store.copies.begin_sync(SyncRun("run", site.name, "oslo", "lima", now, None, None, {"owner": "K7Q2"}), WHO)
    await let_leases_pass(store)
    assert not await end_interrupted(rig.ports)
    await store.claims.release("K7Q2")
    assert await end_interrupted(rig.ports) == {"syncs": 1}


async def test_a_quarantined_mirror_is_refused_until_someone_takes_the_active_copy(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    rig.write(site, "lima", {"index.html": "written while it was away", "only-here": "x"})
    await rig.ports.store.copies.quarantine([(site.name, "lima")], "left by failover K7Q2", rig.ports.clock.now(), WHO)
    before = tree_at(rig.root(site, "lima"))
    refused = await rig.say(f"sync {site.name}")
    assert refused.exit_code == 3
    assert f"sync {site.name} --take-active" in str(refused.parts)
    assert tree_at(rig.root(site, "lima")) == before
    taken = await rig.say(f"sync {site.name} --take-active")
    assert taken.exit_code == 0, taken
    assert await rig.ports.store.copies.quarantined() == {}
    assert rig.same(site)
    assert rig.replaced(site, "lima") == {"index.html": b"written while it was away", "only-here": b"x"}
    assert (await kinds_on_record(rig, site))[-1] == "quarantine.ended"


async def test_a_dry_run_over_a_quarantined_copy_says_which_files_are_newer_there(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    rig.write(site, "lima", {"index.html": "written while it was away"})
    rig.write(site, "oslo", {"about us.html": "written at the source"})
    await rig.ports.store.copies.quarantine([(site.name, "lima")], "left by failover K7Q2", rig.ports.clock.now(), WHO)
    result = await rig.sync(site, dry_run=True)
    assert [change.shown for change in result.newer] == ["index.html"]
    assert {change.shown for change in result.changes if not change.is_folder} == {"index.html", "about us.html"}


async def test_a_quarantine_stays_where_taking_the_active_copy_does_not_succeed(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    await rig.ports.store.copies.quarantine([(site.name, "lima")], "left", rig.ports.clock.now(), WHO)
    spoil(rig, site)
    assert (await rig.say(f"sync {site.name} --take-active")).exit_code == 3
    assert (site.name, "lima") in await rig.ports.store.copies.quarantined()


async def test_after_a_cutover_content_flows_from_the_mirror_home(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    point(rig, site, "lima")
    await rig.ports.store.copies.set_active({site.name: "lima"}, rig.ports.clock.now())
    rig.write(site, "lima", {"index.html": "written after the cutover"})
    reply = await rig.say(f"sync {site.name}")
    assert reply.exit_code == 0, reply
    assert (rig.root(site, "oslo") / "index.html").read_text() == "written after the cutover"
    assert rig.same(site)


async def test_sites_served_from_a_server_that_left_the_file_are_refused_each_by_itself(rig: Rig) -> None:
    sites = [await rig.filled(rig.take()) for _ in range(2)]
    serving = Serving({site.name: "gone" for site in sites}, {})
    pairs = [(site, "lima") for site in sites]
    results = await sync_many(rig.ports, pairs, SyncRequest(WHO), serving, lambda _progress: None)
    assert [one.outcome for one in results] == ["refused", "refused"]
    assert all(one.trouble is not None and "gone holds no copy of it" in one.trouble.message for one in results)


async def test_a_change_of_dns_by_hand_turns_the_direction_and_quarantines_what_it_left(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    await rig.ports.store.copies.set_active({site.name: "oslo"}, rig.ports.clock.now())
    point(rig, site, "lima")
    before = tree_at(rig.root(site, "lima")), tree_at(rig.root(site, "oslo"))
    rig.write(site, "oslo", {"index.html": "not served any more"})
    assert (await rig.sync(site)).outcome == "refused"
    assert tree_at(rig.root(site, "lima")) == before[0]
    assert (await rig.ports.store.copies.active())[site.name] == "lima"
    assert (site.name, "oslo") in await rig.ports.store.copies.quarantined()
    assert (await rig.say(f"sync {site.name}")).exit_code == 3


async def test_what_was_copied_is_not_put_in_place_where_the_site_was_moved_meanwhile(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    rig.write(site, "oslo", {"index.html": "changed"})
    before = tree_at(rig.root(site, "lima"))
    moving: list[asyncio.Task[None]] = []

    def on_progress(progress: SyncProgress) -> None:
        if progress.doing == "copying" and not moving:
            now = rig.ports.clock.now()
            moving.append(asyncio.ensure_future(rig.ports.store.copies.set_active({site.name: "lima"}, now)))

    results = await sync_sites(rig.ports, [site], SyncRequest(WHO), on_progress=on_progress)
    assert results[0].trouble is not None
    assert results[0].trouble.code == "direction"
    assert tree_at(rig.root(site, "lima")) == before


async def test_what_was_copied_is_not_put_in_place_where_a_cutover_took_the_site_meanwhile(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    rig.write(site, "oslo", {"index.html": "changed"})
    before = tree_at(rig.root(site, "lima"))
    taking: list[asyncio.Task[object]] = []

    async def take() -> None:
        # As if this process had stood still until its lease was over.
        await let_leases_pass(rig.ports.store)
        await rig.ports.store.claims.take([f"site:{site.name}"], "K7Q2", "a cutover", rig.ports.clock.now(), None)

    def on_progress(progress: SyncProgress) -> None:
        if progress.doing == "copying" and not taking:
            taking.append(asyncio.ensure_future(take()))

    results = await sync_sites(rig.ports, [site], SyncRequest(WHO), on_progress=on_progress)
    assert results[0].trouble is not None
    assert results[0].trouble.code == "overtaken"
    assert tree_at(rig.root(site, "lima")) == before
    await rig.ports.store.claims.release("K7Q2")
