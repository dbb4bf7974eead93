"""The store over a real database, shared by two openers as a bot and a terminal share it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from store.harness import CARD, LEASE, NOW, a_plan
from store.others import ACTIVE, COMPARED, PLAN, RUNNING, THEN, WAITING_CARD, WAITING_PLAN

from core.audit import first_broken
from core.cutover.steps import Outcome
from core.errors import RefusedError, StoreError
from core.plan.plan import PlanState
from core.plan.progress import CutoverProgress, ZoneDone
from core.reply import Button, Confirm, Heading, Reply, Row, Table, Text, Tone, Typed
from ops.store import Store
from ops.store.copies.backups import SAVE, BackupRun
from ops.store.copies.proofs import ProofRun
from ops.store.copies.protection import LastComparison
from ops.store.copies.served import SyncRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.contracts import Db


async def test_the_record_is_chained_across_openers(store: Store, second: Store) -> None:
    before = len(await store.record.entries())
    await asyncio.gather(
        *(one.record.add(NOW, "kind", str(n), "who", {"n": n}) for n in range(20) for one in (store, second))
    )
    entries = await store.record.entries()
    assert len(entries) == before + 40
    assert first_broken(entries) is None


@pytest.mark.parametrize("statement", ["UPDATE record SET who = 'other'", "DELETE FROM record"])
async def test_the_record_cannot_be_changed_or_shortened_through_sql(store: Store, db: Db, statement: str) -> None:
    await store.record.add(NOW, "kind", "subject", "who")
    before = await store.record.entries()
    with pytest.raises(StoreError, match="append-only"):
        await db.write(lambda transaction: transaction.execute(statement))
    assert await store.record.entries() == before


async def test_the_newest_entries_of_a_subject_come_oldest_first(store: Store) -> None:
    for n in range(5):
        await store.record.add(NOW, "kind", "even" if n % 2 == 0 else "odd", "who", {"n": n})
    assert [entry.body["n"] for entry in await store.record.entries(last=2, subject="even")] == [2, 4]


async def test_a_store_that_is_not_open_refuses(new_db: Callable[[], Db]) -> None:
    with pytest.raises(StoreError, match="is not open"):
        await Store(new_db()).record.entries()


async def test_a_card_survives_with_all_its_parts(store: Store, second: Store) -> None:
    confirm = Confirm("Sure?", "It changes DNS.", "Yes")
    table = Table(("a", "b"), (Row(("1", "2"), Tone.GOOD),), left_out=3)
    parts = (Text("text", Tone.WARN), Heading("heading"), table, Typed("sharpnet status"))
    reply = Reply(
        "title", parts, (Button("Go", "approve K7Q2", "danger", confirm), Button("No", "cancel K7Q2")), Tone.BAD
    )
    await store.cards.put("plan:K7Q2", reply, NOW)
    card = await second.cards.get("plan:K7Q2")
    assert card is not None
    assert card.reply == reply


async def test_cards_wait_in_the_order_in_which_they_were_made_until_the_newest_revision_is_shown(store: Store) -> None:
    await store.cards.put("b", Reply("first"), NOW)
    await store.cards.put("a", Reply("second"), NOW)
    await store.cards.put("b", Reply("first, changed"), NOW + LEASE)
    waiting = [(card.key, card.revision) for card in await store.cards.waiting()]
    assert waiting == [(WAITING_CARD, 1), ("b", 2), ("a", 1)]
    await store.cards.posted("b", 1, "C1", "17.1")
    assert [card.key for card in await store.cards.waiting()] == [WAITING_CARD, "b", "a"]
    await store.cards.posted("b", 2, "C1", "17.1")
    assert [card.key for card in await store.cards.waiting()] == [WAITING_CARD, "a"]


async def test_the_same_card_again_is_no_new_revision(store: Store) -> None:
    await store.cards.put("a", CARD, NOW)
    await store.cards.put("a", CARD, NOW + LEASE)
    card = await store.cards.get("a")
    assert card is not None
    assert (card.revision, card.changed_at) == (1, NOW)


async def test_thread_lines_wait_for_their_card_to_be_posted(store: Store) -> None:
    await store.cards.put("a", CARD, NOW)
    await store.cards.note("a", "more", NOW)
    of_others = await store.cards.waiting_notes()
    assert "a" not in {note.card for note in of_others}
    await store.cards.posted("a", 1, "C1", "17.1")
    (*others, note) = await store.cards.waiting_notes()
    assert (tuple(others), note.card, note.text, note.at) == (of_others, "a", "more", NOW)
    await store.cards.note_sent(note.number, NOW)
    assert await store.cards.waiting_notes() == of_others


async def test_a_plan_is_approved_once_and_takes_its_sites(store: Store, second: Store) -> None:
    plan = a_plan()
    await store.plans.add(plan, CARD)
    states = await asyncio.gather(*(one.plans.approve(plan, "slack:U2", 1, lambda: NOW) for one in (store, second)))
    assert states == [PlanState.APPROVED, PlanState.APPROVED]
    assert [e.kind for e in await store.record.entries(subject="K7Q2")] == ["plan.made", "plan.approved"]
    other = a_plan("AAAA")
    await store.plans.add(other, CARD)
    with pytest.raises(RefusedError, match="Another cutover is under way: shop in plan K7Q2"):
        await second.plans.approve(other, "slack:U2", 1, lambda: NOW)
    stored = await store.plans.get("AAAA")
    assert stored is not None
    assert (stored.state, stored.approved_by) == (PlanState.PLANNED, ())


async def test_two_needed_approvals_are_two_people(store: Store) -> None:
    plan = a_plan()
    await store.plans.add(plan, CARD)
    assert await store.plans.approve(plan, "slack:U2", 2, lambda: NOW) == PlanState.PLANNED
    assert await store.plans.approve(plan, "slack:U2", 2, lambda: NOW) == PlanState.PLANNED
    assert await store.plans.approve(plan, "slack:U3", 2, lambda: NOW) == PlanState.APPROVED


async def test_an_approval_counts_by_the_time_at_which_it_is_kept(store: Store) -> None:
    plan, other = a_plan(), replace(a_plan("AAAA"), expires_at=NOW + timedelta(days=1))
    for one in (plan, other):
        await store.plans.add(one, CARD)
    with pytest.raises(RefusedError, match=r"Plan K7Q2 was not approved. It expired just now"):
        await store.plans.approve(plan, "slack:U2", 1, lambda: plan.expires_at)
    stored = await store.plans.get("K7Q2")
    assert stored is not None
    assert (stored.state, stored.approved_by) == (PlanState.PLANNED, ())
    assert await store.plans.approve(other, "slack:U2", 1, lambda: plan.expires_at) == PlanState.APPROVED


async def test_the_steps_of_a_plan_that_have_begun_are_its_own(store: Store) -> None:
    for name in ("K7Q2", "AAAA"):
        await store.plans.add(a_plan(name), CARD)
    await store.plans.begin_steps("AAAA", ["update ski.example"], NOW, "bot")
    assert await store.plans.begun("K7Q2") == frozenset()
    await store.plans.begin_steps("K7Q2", ["hold", "hold wave 2"], NOW, "bot")
    assert await store.plans.begun("K7Q2") == {"hold", "hold wave 2"}


async def test_another_plan_than_the_stored_one_is_never_approved(store: Store) -> None:
    plan = a_plan()
    await store.plans.add(plan, CARD)
    tampered = replace(plan, zones=())
    assert await store.plans.approve(tampered, "slack:U2", 1, lambda: NOW) == PlanState.PLANNED
    assert [e.kind for e in await store.record.entries(subject="K7Q2")] == ["plan.made"]


async def test_a_plan_moves_only_from_the_states_it_may(store: Store, second: Store) -> None:
    await store.plans.add(a_plan(), CARD)
    moved = await asyncio.gather(
        *(
            one.plans.move("K7Q2", {PlanState.PLANNED}, to, NOW, "slack:U2", "why", CARD)
            for one, to in ((store, PlanState.CANCELLED), (second, PlanState.EXPIRED))
        )
    )
    assert sorted(moved) == [False, True]
    assert not await store.plans.move("none", {PlanState.PLANNED}, PlanState.EXPIRED, NOW, "who", "why", CARD)


async def test_an_ended_cutover_gives_its_sites_back(store: Store) -> None:
    first, other = a_plan(), a_plan("AAAA")
    await store.plans.add(first, CARD)
    await store.plans.add(other, CARD)
    await store.plans.approve(first, "slack:U2", 1, lambda: NOW)
    await store.plans.move("K7Q2", {PlanState.APPROVED}, PlanState.CONFIRMED, NOW, "bot", "done", CARD)
    assert await store.plans.approve(other, "slack:U2", 1, lambda: NOW) == PlanState.APPROVED
    assert await store.plans.last_moves() == {"shop": NOW}


async def test_how_far_a_plan_is_is_kept_with_its_move_and_shown_only_in_the_state_it_is_for(store: Store) -> None:
    for plan_id, site in (("K7Q2", "shop"), ("AAAA", "blog")):
        await store.plans.add(a_plan(plan_id, site), CARD)
        await store.plans.approve(a_plan(plan_id, site), "slack:U2", 1, lambda: NOW)
    far, further = (CutoverProgress(zones={"shop.test": ZoneDone(NOW, serial)}) for serial in (11, 12))
    other_card = replace(CARD, title="later")
    await store.plans.show("K7Q2", far, other_card, NOW, only=PlanState.UNFINISHED)
    assert await stored_progress(store, "K7Q2") == CutoverProgress()
    await store.plans.show("K7Q2", far, CARD, NOW)
    assert await stored_progress(store, "K7Q2") == far
    assert not await store.plans.move(
        "K7Q2", {PlanState.UNFINISHED}, PlanState.CONFIRMED, NOW, "bot", "", CARD, further
    )
    assert await stored_progress(store, "K7Q2") == far
    assert await store.plans.move("K7Q2", {PlanState.APPROVED}, PlanState.UNFINISHED, NOW, "bot", "", CARD, further)
    assert await stored_progress(store, "K7Q2") == further
    await store.plans.show("K7Q2", far, other_card, NOW)
    await store.plans.show("none", far, other_card, NOW)
    assert await stored_progress(store, "K7Q2") == further
    card = await store.cards.get("plan:K7Q2")
    assert card is not None
    assert card.reply.title == CARD.title
    assert await stored_progress(store, "AAAA") == CutoverProgress()


async def test_what_was_approved_later_is_returned_oldest_first_and_nothing_else(store: Store) -> None:
    for number, plan_id in enumerate(["AAAA", "BBBB", "CCCC", "DDDD"]):
        plan = replace(a_plan(plan_id, f"site{number}"), asked_at=NOW + number * LEASE)
        await store.plans.add(plan, CARD)
        if plan_id != "CCCC":
            await store.plans.approve(plan, "slack:U2", 1, lambda at=NOW + number * LEASE: at)  # type: ignore[misc]
    assert await ids_since(store, NOW) == ["BBBB", "DDDD", PLAN]
    assert await ids_since(store, NOW - LEASE) == ["AAAA", "BBBB", "DDDD", PLAN]
    assert await ids_since(store, NOW + 3 * LEASE) == [PLAN]


async def ids_since(store: Store, at: datetime) -> list[str]:
    return [stored.id for stored in await store.plans.carried_out_since(at)]


async def stored_progress(store: Store, plan_id: str) -> CutoverProgress:
    stored = await store.plans.get(plan_id)
    assert stored is not None
    return stored.progress


async def test_a_step_ends_once_and_keeps_the_progress_with_it(store: Store) -> None:
    await store.plans.add(a_plan(), CARD)
    progress = CutoverProgress(zones={"shop.test": ZoneDone(NOW, 11)})
    assert await store.plans.begin_steps("K7Q2", ["hold", "verify"], NOW, "bot") == frozenset()
    assert await store.plans.begin_steps("K7Q2", ["hold", "switch"], NOW, "bot") == {"hold"}
    await store.plans.end_steps("K7Q2", [("hold", Outcome.DONE, "held")], progress, NOW, "bot")
    await store.plans.end_steps("K7Q2", [("hold", Outcome.REFUSED, "late")], progress, NOW, "bot")
    assert await store.plans.outcomes("K7Q2") == {"hold": Outcome.DONE}
    stored = await store.plans.get("K7Q2")
    assert stored is not None
    assert stored.progress == progress


async def test_open_plans_are_those_that_wait_run_or_are_unfinished(store: Store) -> None:
    for number, (plan_id, state) in enumerate(
        [("AAAA", None), ("BBBB", PlanState.UNFINISHED), ("CCCC", PlanState.CONFIRMED), ("DDDD", PlanState.CANCELLED)]
    ):
        await store.plans.add(replace(a_plan(plan_id, f"site{number}"), asked_at=NOW + number * LEASE), CARD)
        if state is not None:
            await store.plans.move(plan_id, {PlanState.PLANNED}, state, NOW, "who", "why", CARD)
    assert [stored.id for stored in await store.plans.open()] == ["AAAA", "BBBB", PLAN, WAITING_PLAN]


async def test_data_age_counts_from_the_newest_good_run(store: Store) -> None:
    for number, outcome in enumerate(["good", "good", "failed"]):
        run = SyncRun(f"r{number}", "shop", "north", "south", NOW + number * LEASE, None, None, {})
        await store.copies.begin_sync(run, "bot")
        await store.copies.end_sync(run.id, outcome, {"files": number}, NOW + number * LEASE, "bot")
    assert (await store.copies.last_good())["shop", "south"].id == "r1"
    assert (await store.copies.last_syncs())["shop", "south"].id == "r2"
    assert [run.id for run in await store.copies.running_syncs()] == [RUNNING]


async def test_a_sync_ends_once(store: Store) -> None:
    await store.copies.begin_sync(SyncRun("r", "shop", "north", "south", NOW, None, None, {}), "bot")
    assert {run.id for run in await store.copies.running_syncs()} == {RUNNING, "r"}
    await store.copies.end_sync("r", "good", {}, NOW, "bot")
    await store.copies.end_sync("r", "interrupted", {}, NOW, "bot")
    assert (await store.copies.last_syncs())["shop", "south"].outcome == "good"


async def test_runs_that_found_nothing_are_on_record_together_and_count_as_copies_from_when_they_began(
    store: Store,
) -> None:
    runs = [SyncRun(f"r{site}", site, "north", "south", NOW, None, "good", {"files": 0}) for site in ("shop", "blog")]
    assert await store.copies.found_same(runs, "bot", NOW + LEASE) == {"rshop", "rblog"}
    good = await store.copies.last_good()
    assert {(good[site, "south"].begun_at, good[site, "south"].ended_at) for site in ("shop", "blog")} == {
        (NOW, NOW + LEASE)
    }
    for site in ("shop", "blog"):
        entries = await store.record.entries(subject=site)
        assert [(entry.kind, entry.who) for entry in entries] == [("sync.begun", "bot"), ("sync.good", "bot")]
    assert first_broken(await store.record.entries()) is None


async def test_a_run_that_found_nothing_does_not_count_where_the_site_was_taken_moved_or_quarantined_meanwhile(
    store: Store,
) -> None:
    await store.claims.take(["site:held"], "K7Q2", "a cutover", NOW, None)
    await store.claims.take(["site:lapsed"], "gone", "a sync", NOW, -LEASE)
    await store.copies.set_active({"moved": "south", "there": "north"}, NOW)
    await store.copies.quarantine([("left", "south"), ("back", "north"), ("lapsed", "east")], "left", NOW, "bot")
    sites = ("held", "lapsed", "moved", "there", "left", "back")
    runs = [SyncRun(site, site, "north", "south", NOW, None, "good", {}) for site in sites]
    assert await store.copies.found_same(runs, "bot", NOW) == {"lapsed", "there"}
    assert {site for site, _ in await store.copies.last_good()} == {"lapsed", "there", "skate"}
    assert await store.record.entries(subject="held") == ()


async def test_quarantine_begins_and_ends_once_on_record(store: Store) -> None:
    for _ in range(2):
        await store.copies.quarantine([("shop", "north")], "left by failover K7Q2", NOW, "bot")
    assert set(await store.copies.quarantined()) == {("shop", "north"), ("skate", "alps")}
    for _ in range(2):
        await store.copies.release([("shop", "north")], "the active copy was taken", NOW, "slack:U2")
    assert set(await store.copies.quarantined()) == {("skate", "alps")}
    kinds = [entry.kind for entry in await store.record.entries(subject="shop")]
    assert kinds == ["quarantine.begun", "quarantine.ended"]


async def test_where_a_site_is_served_from_is_kept(store: Store, second: Store) -> None:
    await store.copies.set_active({"shop": "south", "blog": "north"}, NOW)
    await store.copies.set_active({"shop": "north"}, NOW)
    assert await second.copies.active() == {"shop": "north", "blog": "north", **ACTIVE}


async def test_what_is_known_of_copies_spans_mirrors_comparisons_and_backups(store: Store) -> None:
    await store.copies.begin_sync(SyncRun("r1", "shop", "north", "south", NOW, None, None, {}), "boss")
    await store.copies.end_sync("r1", "good", {}, NOW, "boss")
    later = NOW + timedelta(hours=1)
    ends = [("p1", NOW, "good"), ("p2", later, "differs"), ("p3", later + timedelta(hours=1), "failed")]
    for name, at, outcome in ends:
        await store.proofs.add(ProofRun(name, "shop", "north", "south", at, outcome, {}), at, "boss")
    for name, at, outcome in (("b1", NOW, "good"), ("b2", later, "failed")):
        run = BackupRun(name, SAVE, "blog", "north", at)
        await store.backups.begin(run, "boss")
        await store.backups.end(run, outcome, None, {}, at, "boss")
    assert await store.protection.compared() == {("shop", "south"): LastComparison(later, same=False), **COMPARED}
    assert await store.protection.backed_up() == {"blog": NOW, "skate": THEN}
    assert await store.protection.kept_nowhere(["attic", "shop", "blog", "shed"]) == ("attic", "shed")


async def test_the_quarantine_of_a_served_copy_is_ended_while_it_is_the_served_one(store: Store) -> None:
    away = [(site, server) for site in ("shop", "blog") for server in ("north", "south")]
    await store.copies.quarantine(away, "left", NOW, "bot")
    await store.copies.set_active({"shop": "south", "blog": "north"}, NOW)
    for server in ("north", "south"):
        await store.copies.release_served("shop", server, "north", "chosen", NOW, "boss")
    assert {*away} - set(await store.copies.quarantined()) == {("shop", "south")}
    assert [entry.kind for entry in await store.record.entries(subject="shop")][-1] == "quarantine.ended"


async def test_a_site_of_which_nothing_is_known_is_served_from_its_home(store: Store) -> None:
    await store.copies.quarantine([("shop", "north"), ("shop", "south")], "left", NOW, "bot")
    for server in ("north", "south"):
        await store.copies.release_served("shop", server, "north", "chosen", NOW, "boss")
    assert {one for one in await store.copies.quarantined() if one[0] == "shop"} == {("shop", "south")}
