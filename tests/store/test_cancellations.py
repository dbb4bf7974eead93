"""Work that somebody takes away from who carries it out: one claim, once, beside those of others that stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from core.errors import FencedError
from ops.store.claims import Claim
from ops.store.copies.backups import SAVE, BackupRun
from ops.store.copies.served import SyncRun
from ops.store.fence import ClaimFence, fenced, unfenced

if TYPE_CHECKING:
    from store.conftest import LeaseClock

    from ops.store import Store

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
LEASE = timedelta(seconds=30)


async def claimed(store: Store, name: str, owner: str, lease: timedelta | None = LEASE) -> Claim:
    assert await store.claims.take([name], owner, "a sync to lima", NOW, lease) == ()
    return next(claim for claim in await store.claims.held() if claim.name == name)


async def owners(store: Store) -> dict[str, str]:
    """Return who has what, but for what the others of the fixture have."""
    held = await store.claims.held()
    return {claim.name: claim.owner for claim in held if claim.name not in ("site:ski", "site:skate")}


async def cancelled(store: Store) -> list[str]:
    return [entry.subject for entry in await store.record.entries() if entry.kind == "claim.cancelled"]


async def test_a_cancelled_claim_is_free_at_once_and_its_owner_is_shut_out(store: Store, second: Store) -> None:
    claim, other = await claimed(store, "site:shop", "one"), await claimed(store, "site:blog", "two")
    assert await second.cancellations.end(claim, "slack:U1", NOW)
    assert await owners(store) == {"site:blog": "two"}
    with fenced(ClaimFence("site:shop", "one")), pytest.raises(FencedError):
        await store.record.add(NOW, "too late", "shop", "one")
    with fenced(ClaimFence("site:blog", other.owner)):
        await store.record.add(NOW, "goes on", "blog", "two")
    await claimed(store, "site:shop", "three")
    found = await store.cancellations.of_claim("site:shop", "one")
    assert found is not None
    assert found.words == "cancelled by slack:U1"
    assert await store.cancellations.of_claim("site:shop", "three") is None
    assert await store.cancellations.of_claim("site:blog", "one") is None
    kept = [(one.kind, one.subject, one.who, dict(one.body)) for one in await store.record.entries(subject="shop")]
    body = {"claim": "site:shop", "run": "one", "why": "a sync to lima was cancelled", "plan": ""}
    assert kept == [("claim.cancelled", "shop", "slack:U1", body)]


async def test_it_is_cancelled_once_and_never_from_who_came_after(store: Store) -> None:
    claim = await claimed(store, "site:shop", "one")
    assert await store.cancellations.end(claim, "slack:U1", NOW)
    await claimed(store, "site:shop", "two")
    assert not await store.cancellations.end(claim, "slack:U2", NOW)
    assert await owners(store) == {"site:shop": "two"}
    assert await cancelled(store) == ["shop"]


@pytest.mark.parametrize("ended", [True, False])
async def test_what_has_an_end_on_record_is_not_cancelled_any_more(store: Store, *, ended: bool) -> None:
    sync = await claimed(store, "site:shop", "one")
    backup = await claimed(store, "backup:shop", "two")
    undo = await claimed(store, "site:blog", "three")
    run = BackupRun("two", SAVE, "shop", "oslo", NOW)
    await store.copies.begin_sync(SyncRun("one", "shop", "oslo", "lima", NOW, None, None, {}), "who")
    await store.copies.begin_sync(SyncRun("other", "shop", "oslo", "lima", NOW, None, None, {}), "who")
    await store.copies.end_sync("other", "good", {}, NOW, "who")
    await store.backups.begin(run, "who")
    await store.record.add(NOW, "undo.begun", "blog", "who", {"run": "three"})
    await store.record.add(NOW, "undo.good", "blog", "who", {"run": "other"})
    await store.record.add(NOW, "undo.good", "shop", "who", {"run": "three"})
    if ended:
        await store.copies.end_sync("one", "good", {}, NOW, "who")
        await store.backups.end(run, "good", "abc", {}, NOW, "who")
        await store.record.add(NOW, "undo.good", "blog", "who", {"run": "three"})
    for claim in (sync, backup, undo):
        assert await store.cancellations.end(claim, "slack:U1", NOW) is not ended
    assert await owners(store) == ({"backup:shop": "two", "site:blog": "three", "site:shop": "one"} if ended else {})


async def test_an_emergency_takes_all_its_sites_from_who_works_there_under_a_lease(store: Store) -> None:
    for site, owner in (("shop", "one"), ("blog", "two"), ("far", "three")):
        await claimed(store, f"site:{site}", owner)
    names = ["site:shop", "site:blog", "site:free"]
    gave_way, in_the_way = await store.cancellations.make_way(names, "K7Q2", "a cutover", NOW, "bot:cutover")
    assert ([claim.owner for claim in gave_way], in_the_way) == (["two", "one"], ())
    taken = dict.fromkeys(names, "K7Q2")
    assert await owners(store) == {**taken, "site:far": "three"}
    found = await store.cancellations.of_claim("site:shop", "one")
    assert found is not None
    assert (found.who, found.words) == ("bot:cutover", "it gave way to plan K7Q2")
    assert await store.cancellations.of_claim("site:far", "three") is None
    # Taken again after a crash: nothing is in the way, and nothing gives way twice.
    again = await store.cancellations.make_way(names, "K7Q2", "a cutover", NOW, "bot:cutover")
    assert again == ((), ())
    assert await cancelled(store) == ["blog", "shop"]
    await store.claims.release("K7Q2")
    assert await owners(store) == {"site:far": "three"}


async def test_an_emergency_changes_nothing_where_another_cutover_has_one_of_its_sites(
    store: Store, lease_clock: LeaseClock
) -> None:
    await claimed(store, "site:shop", "one")
    await claimed(store, "site:blog", "ANXB", lease=None)
    lease_clock.passes(timedelta(seconds=1))
    names = ["site:shop", "site:blog"]
    gave_way, in_the_way = await store.cancellations.make_way(names, "K7Q2", "a cutover", NOW, "bot:cutover")
    assert (gave_way, [claim.owner for claim in in_the_way]) == ((), ["ANXB"])
    assert await owners(store) == {"site:blog": "ANXB", "site:shop": "one"}
    assert await cancelled(store) == []


async def test_what_has_lapsed_gives_way_unsaid(store: Store, lease_clock: LeaseClock) -> None:
    await claimed(store, "site:shop", "one")
    lease_clock.passes(LEASE + timedelta(seconds=1))
    later = NOW + LEASE
    assert await store.cancellations.make_way(["site:shop"], "K7Q2", "a cutover", later, "bot") == ((), ())
    lease_clock.passes(timedelta(days=1))
    assert await owners(store) == {"site:shop": "K7Q2"}
    assert (await store.claims.held())[0] == Claim("site:shop", "K7Q2", "a cutover", later)
    asked = "SELECT epoch, until_s FROM claims WHERE name = 'site:shop'"
    assert await store._db.read(lambda transaction: transaction.query(asked)) == [{"epoch": None, "until_s": None}]


async def test_of_an_owner_of_two_claims_one_alone_is_taken_away(store: Store) -> None:
    claim = await claimed(store, "site:shop", "one")
    await claimed(store, "site:blog", "one")
    assert await store.cancellations.end(claim, "slack:U1", NOW)
    assert await owners(store) == {"site:blog": "one"}
    gave_way, _ = await store.cancellations.make_way(["site:blog", "site:far"], "K7Q2", "a cutover", NOW, "bot")
    assert [claim.name for claim in gave_way] == ["site:blog"]


async def test_what_gives_way_and_what_stands_in_the_way_come_by_name(store: Store) -> None:
    for site, lease in (("b", LEASE), ("a", LEASE), ("d", None), ("c", None)):
        await claimed(store, f"site:{site}", site, lease)
    gave_way, _ = await store.cancellations.make_way(["site:b", "site:a"], "K7Q2", "a cutover", NOW, "bot")
    assert [claim.name for claim in gave_way] == ["site:a", "site:b"]
    _, in_the_way = await store.cancellations.make_way(["site:d", "site:c"], "K7Q2", "a cutover", NOW, "bot")
    assert [claim.name for claim in in_the_way] == ["site:c", "site:d"]


async def test_who_has_lost_a_claim_still_gives_back_what_is_its_own(store: Store) -> None:
    outer = await claimed(store, "backup", "run")
    await claimed(store, "backup:shop", "one")
    await claimed(store, "backup:blog", "two")
    await store.cancellations.end(outer, "slack:U1", NOW)
    with fenced(ClaimFence("backup", "run")):
        with pytest.raises(FencedError):
            await store.claims.release("one")
        with unfenced():
            await store.claims.release("one")
        with pytest.raises(FencedError):
            await store.claims.release("two")
    assert await owners(store) == {"backup:blog": "two"}


async def test_on_what_work_was_ended_lately_is_told_by_site_whoever_ended_it(store: Store) -> None:
    before, sites = NOW - timedelta(minutes=10), ["shop", "blog", "far", "old"]
    assert await store.cancellations.taken_away(sites, before) == frozenset()
    old, shop = await claimed(store, "site:old", "zero"), await claimed(store, "site:shop", "one")
    await claimed(store, "site:blog", "two")
    await claimed(store, "site:far", "three")
    await store.cancellations.end(old, "slack:U1", before - timedelta(seconds=1))
    await store.cancellations.end(shop, "slack:U1", before)
    await store.cancellations.make_way(["site:blog"], "K7Q2", "a cutover", NOW, "bot")
    assert await store.cancellations.taken_away(sites, before) == {"shop", "blog"}
    assert await store.cancellations.taken_away(["far", "blog"], before) == {"blog"}
