from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from unit.replies import said

from core.cutover.card import card_of, reply_of
from core.dns.records import RecordChange, RecordSet
from core.fleet import ApprovalPolicy
from core.fleet.hook_runs import HookRun
from core.plan.basis import basis_of
from core.plan.plan import Failover, Move, Plan, PlanState, Rollback
from core.plan.progress import (
    CutoverProgress,
    LateFiles,
    NameServerProgress,
    ZoneDone,
    merged,
    progress_from_json,
    progress_to_json,
)
from core.plan.stored import StoredPlan
from core.plan.verdict import Level, Verdict
from core.reply import Reply, Table, Text, Tone

if TYPE_CHECKING:
    from datetime import datetime

    from core.fleet import Fleet

WARN = Verdict("data age", Level.WARN, "too old: shop", "What changed since is not in the copy.")
BLOCK = Verdict("target", Level.BLOCK, "south does not answer SSH: refused", "Choose another.")
PASS = Verdict("own link", Level.PASS, "the bot's own link is up")


@pytest.fixture
def done(plan: Plan, now: datetime) -> CutoverProgress:
    zones = {zone.key: ZoneDone(now + timedelta(seconds=21), zone.serial + 1) for zone in plan.zones}
    nameservers = (
        NameServerProgress("ns1", agrees=True, serial=11, seconds=0.4),
        NameServerProgress("ns2", agrees=True, serial=11),
    )
    return CutoverProgress("", zones, {}, nameservers, now + timedelta(seconds=22))


def stored(plan: Plan, state: PlanState, now: datetime, **more: object) -> StoredPlan:
    later = now + timedelta(seconds=20)
    return StoredPlan(plan, state, ("slack:U2",), later, later, **more)  # type: ignore[arg-type]


def in_waves(plan: Plan) -> Plan:
    moves = tuple(replace(move, wave=number) for number, move in enumerate(plan.moves))
    zones = tuple(replace(zone, wave=number) for number, zone in enumerate(plan.zones))
    return replace(plan, moves=moves, zones=zones, wave_size=1, purpose=Failover(planned=True))


def waves_in(reply: Reply) -> list[tuple[str, ...]]:
    return [
        row.cells for part in reply.parts if isinstance(part, Table) and part.columns[0] == "wave" for row in part.rows
    ]


def test_a_plan_asks_with_its_blast_radius_and_how_long_it_waits(plan: Plan, fleet: Fleet) -> None:
    card = card_of(StoredPlan(replace(plan, verdicts=(WARN, PASS)), PlanState.PLANNED), fleet)
    assert card.title == (
        "Move 2 sites from north (Northville) to south (Southville), east (Eastville)? "
        "5 records in 2 zones, 1 warning. Plan K7Q2, until 13:12:07 UTC"
    )
    assert [button.label for button in card.buttons] == ["Approve", "Cancel"]
    assert card.buttons[0].line == f"approve K7Q2 --digest {replace(plan, verdicts=(WARN, PASS)).digest[:16]}"
    assert "sharpnet approve K7Q2" in said(card)
    assert "A 192.0.2.1 → 192.0.2.2 | 60 s | www.shop.test" in said(card)
    assert "AAAA 2001:db8::1 → none | 300 s | blog.test" in said(card)
    assert card.exit_code == 0


def test_the_confirm_dialog_says_the_consequence_and_the_warnings_within_slacks_limits(
    plan: Plan, fleet: Fleet
) -> None:
    one = card_of(StoredPlan(replace(plan, verdicts=(WARN,)), PlanState.PLANNED), fleet).buttons[0].confirm
    assert one is not None
    assert one.text == (
        "DNS of 2 zones changes on 2 name servers; visitors go to south, east within 5 min. "
        "You accept 1 warning: too old: shop."
    )
    two = card_of(StoredPlan(replace(plan, verdicts=(WARN, WARN)), PlanState.PLANNED), fleet).buttons[0].confirm
    assert two is not None
    assert two.text.endswith("too old: shop and 1 more.")
    assert (one.title, one.yes) == ("Failover 2 sites?", "Yes, move them")


def test_a_blocked_plan_cannot_be_approved_and_says_what_stands_in_the_way(plan: Plan, fleet: Fleet) -> None:
    card = card_of(StoredPlan(replace(plan, verdicts=(WARN, BLOCK)), PlanState.BLOCKED), fleet)
    assert card.title == "Cannot go ahead, 2 sites stay on north: south does not answer SSH: refused"
    assert [button.line for button in card.buttons] == ["failover north"]
    assert card.exit_code == 3
    two = card_of(
        StoredPlan(replace(plan, verdicts=(BLOCK, BLOCK), line="", moves=plan.moves[:1]), PlanState.BLOCKED), fleet
    )
    assert two.title.startswith("Cannot go ahead, shop stays on north: ")
    assert two.title.endswith("refused, and 1 more")
    assert two.buttons == ()


def test_a_plan_without_any_record_cannot_be_approved(plan: Plan, fleet: Fleet) -> None:
    card = card_of(StoredPlan(replace(plan, zones=()), PlanState.BLOCKED), fleet)
    assert card.title == "Cannot go ahead, 2 sites stay on north: no record would change"


def test_a_forced_plan_shows_the_reason_to_the_approver(plan: Plan, fleet: Fleet) -> None:
    card = card_of(StoredPlan(replace(plan, verdicts=(BLOCK,), force="the house burns"), PlanState.PLANNED), fleet)
    assert "Forced by slack:U1: the house burns" in said(card)
    assert card.tone == Tone.WARN
    assert card.buttons[0].label == "Approve"


def test_sites_left_alone_are_named(plan: Plan, fleet: Fleet) -> None:
    card = card_of(StoredPlan(replace(plan, left_alone=(("alone", "it has no mirror"),)), PlanState.PLANNED), fleet)
    assert "1 site left alone: alone (it has no mirror)." in said(card)


def test_two_needed_approvals_are_said_with_who_gave_one(plan: Plan, fleet: Fleet) -> None:
    strict = replace(fleet, approval=ApprovalPolicy(needed=2))
    assert "Needs 2 approvals by different people." in said(card_of(StoredPlan(plan, PlanState.PLANNED), strict))
    card = card_of(StoredPlan(plan, PlanState.PLANNED, ("slack:U2",)), strict)
    assert "approved so far: slack:U2." in said(card)


def test_a_single_site_is_named(plan: Plan, fleet: Fleet) -> None:
    one = replace(plan, moves=plan.moves[:1], zones=plan.zones[:1])
    card = card_of(StoredPlan(one, PlanState.PLANNED), fleet)
    assert card.title.startswith("Move shop from north (Northville) to south (Southville)? 3 records in 1 zone.")
    assert card.buttons[0].confirm is not None
    assert card.buttons[0].confirm.yes == "Yes, move it"


def test_a_long_plan_says_how_many_records_are_left_out(plan: Plan, fleet: Fleet) -> None:
    zone = plan.zones[0]
    sets = [RecordChange(RecordSet(f"n{n}.test", "A", 60 + n % 20, ("192.0.2.1",)), None) for n in range(2000)]
    card = card_of(StoredPlan(replace(plan, zones=(replace(zone, changes=tuple(sets)),)), PlanState.PLANNED), fleet)
    table = next(part for part in card.parts if isinstance(part, Table))
    assert (len(table.rows), table.left_out) == (12, 8)
    assert table.rows[0].cells[2].endswith("and 60 more")


def test_a_running_cutover_shows_each_name_server(plan: Plan, fleet: Fleet, now: datetime) -> None:
    nameservers = (
        NameServerProgress("ns1", agrees=True, serial=11, seconds=0.4),
        NameServerProgress("ns2", agrees=False, old=1, serial=10),
    )
    card = card_of(
        stored(plan, PlanState.APPROVED, now, progress=CutoverProgress("Asking", nameservers=nameservers)), fleet
    )
    assert card.title.endswith("1 of 2 name servers in step")
    assert "ns1 | Oslo | new | 11 | 0.4 s" in said(card)
    assert "ns2 | Rome | old | 10 | " in said(card)
    assert "Asking." in said(card)
    assert "ns1 | Oslo | no answer yet |  | " in said(card_of(stored(plan, PlanState.APPROVED, now), fleet))


@pytest.mark.parametrize(
    ("one", "shown"),
    [
        (NameServerProgress("ns1", agrees=False, why="timed out"), "timed out"),
        (NameServerProgress("ns1", agrees=False, wrong=1, serial=11), "something else"),
        (NameServerProgress("ns1", agrees=False, serial=10), "old serial"),
    ],
)
def test_a_lagging_name_server_says_how(
    plan: Plan, fleet: Fleet, now: datetime, one: NameServerProgress, shown: str
) -> None:
    card = card_of(stored(plan, PlanState.APPROVED, now, progress=CutoverProgress(nameservers=(one,))), fleet)
    assert f"ns1 | Oslo | {shown} |" in said(card)


def test_the_end_says_the_measured_times_and_offers_the_way_back(
    plan: Plan, fleet: Fleet, now: datetime, done: CutoverProgress
) -> None:
    card = card_of(stored(plan, PlanState.CONFIRMED, now, progress=done), fleet)
    assert card.title.endswith("All 2 name servers agree, 2 s after approval")
    assert (
        "Asked 13:02:07 UTC, approved 13:02:27 UTC, changed 13:02:28 UTC, last name server in step 13:02:29 UTC. "
        "Resolvers may answer the old address until 13:07:29 UTC (TTL 300 s)."
    ) in said(card)
    assert [(button.label, button.line) for button in card.buttons] == [("Roll back", "rollback K7Q2")]
    assert card.exit_code == 0


def test_a_rollback_offers_no_way_back_of_its_own(
    plan: Plan, fleet: Fleet, now: datetime, done: CutoverProgress
) -> None:
    back = replace(plan, purpose=Rollback("AAAA"), force="hurry")
    card = card_of(stored(back, PlanState.CONFIRMED, now, progress=done), fleet)
    assert card.buttons == ()
    assert "Forced: hurry" in said(card)
    asked = card_of(StoredPlan(back, PlanState.PLANNED), fleet)
    assert asked.title.startswith("Roll back 2 sites")
    assert asked.buttons[0].confirm is not None
    assert asked.buttons[0].confirm.yes == "Yes, roll back"


def test_an_unfinished_cutover_names_who_does_not_agree(
    plan: Plan, fleet: Fleet, now: datetime, done: CutoverProgress
) -> None:
    late = (done.nameservers[0], NameServerProgress("ns2", agrees=False, why="timed out"))
    progress = replace(done, nameservers=late, in_step_at=None)
    card = card_of(stored(plan, PlanState.UNFINISHED, now, progress=progress), fleet)
    assert card.title.startswith("Unfinished: ")
    assert card.title.endswith("but only 1 of 2 name servers in step; not yet: ns2")
    assert "Resolvers may answer the old address while a name server does (TTL 300 s)." in said(card)
    assert (card.exit_code, [button.label for button in card.buttons]) == (5, ["Roll back"])


def test_a_cutover_in_part_shows_every_zone_and_both_ways_on(
    plan: Plan, fleet: Fleet, now: datetime, done: CutoverProgress
) -> None:
    first, second = plan.zones
    trouble = {second.key: "somebody changed it"}
    progress = replace(done, zones={first.key: done.zones[first.key]}, trouble=trouble)
    card = card_of(stored(plan, PlanState.PARTIAL, now, progress=progress), fleet)
    assert card.title.startswith("Done in part: 1 of 2 zones changed, moving 2 sites from north")
    assert "shop.test | changed" in said(card)
    assert "blog.test | somebody changed it" in said(card)
    assert [button.line for button in card.buttons] == ["failover north", "rollback K7Q2"]
    unknown = card_of(stored(replace(plan, line=""), PlanState.PARTIAL, now, progress=CutoverProgress()), fleet)
    assert "blog.test | not changed" in said(unknown)
    assert [button.line for button in unknown.buttons] == ["rollback K7Q2"]
    assert "Asked 13:02:07 UTC, approved 13:02:27 UTC." in said(unknown)


def test_a_stale_plan_says_what_changed_and_offers_a_fresh_one(plan: Plan, fleet: Fleet, now: datetime) -> None:
    card = card_of(
        stored(plan, PlanState.STALE, now), fleet, why=("www.shop.test A: now it is 192.0.2.9",), by="slack:U2"
    )
    assert card.title == "Nothing changed: plan K7Q2 (failover of 2 sites from north to south, east) no longer fits"
    assert "www.shop.test A: now it is 192.0.2.9" in said(card)
    assert "By slack:U2 at 13:02:27 UTC." in said(card)
    assert [button.line for button in card.buttons] == ["failover north"]
    assert card.exit_code == 3


@pytest.mark.parametrize("state", [PlanState.CANCELLED, PlanState.EXPIRED])
def test_a_plan_that_was_not_carried_out_says_that_nothing_changed(plan: Plan, fleet: Fleet, state: PlanState) -> None:
    card = card_of(StoredPlan(plan, state), fleet, by="slack:U2")
    assert card.title.endswith("Nothing changed")
    assert "By slack:U2." in said(card)
    assert not any(button.label == "Approve" for button in card.buttons)


def test_a_cutover_that_was_rolled_back_says_so(plan: Plan, fleet: Fleet, now: datetime) -> None:
    card = card_of(stored(plan, PlanState.ROLLED_BACK, now), fleet)
    assert card.title == "Rolled back: failover of 2 sites from north to south, east"
    assert card.buttons == ()


def test_trouble_on_the_way_is_shown(plan: Plan, fleet: Fleet, now: datetime) -> None:
    progress = CutoverProgress().with_trouble("busy", "a sync")
    card = card_of(stored(plan, PlanState.STALE, now, progress=progress), fleet)
    assert Text("busy: a sync", Tone.BAD) in card.parts
    assert card.title == "Nothing changed: the failover of 2 sites from north to south, east could not be carried out"


def test_what_is_under_way_can_be_cancelled_once(plan: Plan, fleet: Fleet, now: datetime) -> None:
    card = card_of(stored(plan, PlanState.APPROVED, now), fleet)
    (button,) = card.buttons
    assert (button.label, button.line) == ("Cancel", "cancel K7Q2")
    assert button.confirm is not None
    assert button.confirm.text.startswith("It ends after the step under way.")
    asked = stored(plan, PlanState.APPROVED, now, progress=CutoverProgress(cancelled_by="slack:U1"))
    assert card_of(asked, fleet).buttons == ()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (PlanState.APPROVED, "it ends after the step under way"),
        (PlanState.CANCELLED, "nothing was changed, and what was frozen is thawed"),
        (PlanState.PARTIAL, "what had not begun was left as it was"),
        (PlanState.CONFIRMED, "by then everything was changed"),
        (PlanState.UNFINISHED, "by then everything was changed"),
    ],
)
def test_a_cancelled_cutover_says_by_whom_and_what_was_done(
    plan: Plan, fleet: Fleet, now: datetime, state: PlanState, words: str
) -> None:
    progress = CutoverProgress(cancelled_by="slack:U1", gave_way={"shop": "a sync to south"})
    card = card_of(stored(plan, state, now, progress=progress), fleet)
    assert f"Cancelled by slack:U1: {words}." in said(card)
    assert "It did not wait for what ran on these sites, and ended that: shop (a sync to south)." in said(card)
    assert "Cancelled by" not in said(card_of(stored(plan, state, now), fleet))


def test_a_server_that_left_the_fleet_is_still_named(plan: Plan, fleet: Fleet) -> None:
    smaller = replace(fleet, servers={"north": fleet.servers["north"]})
    assert "to south, east?" in card_of(StoredPlan(plan, PlanState.PLANNED), smaller).title


def test_facts_hold_the_same_as_json_values(plan: Plan, fleet: Fleet, now: datetime, done: CutoverProgress) -> None:
    facts = reply_of(stored(plan, PlanState.CONFIRMED, now, progress=done), fleet).facts
    assert facts is not None
    assert (facts["state"], facts["digest"], facts["approved_by"]) == ("confirmed", plan.digest, ["slack:U2"])


def test_progress_survives_json_and_adds_up(done: CutoverProgress, now: datetime) -> None:
    assert progress_from_json(progress_to_json(done)) == done
    assert progress_from_json(progress_to_json(CutoverProgress())) == CutoverProgress()
    ended = CutoverProgress(cancelled_by="slack:U1", gave_way={"shop": "a sync to south"})
    assert progress_from_json(progress_to_json(ended)) == ended
    more = CutoverProgress().with_zone("a", ZoneDone(now, 3)).with_trouble("b", "why")
    assert (dict(more.zones), dict(more.trouble), more.in_step) == ({"a": ZoneDone(now, 3)}, {"b": "why"}, 0)
    assert done.in_step == 2


def test_a_plan_in_waves_shows_them_before_it_is_approved(plan: Plan, fleet: Fleet) -> None:
    card = card_of(StoredPlan(in_waves(plan), PlanState.PLANNED), fleet)
    assert " in 2 waves? 5 records in 2 zones" in card.title
    assert waves_in(card) == [("1", "shop", ""), ("2", "blog", "")]
    assert card.buttons[0].confirm is not None
    assert "In 2 waves." in card.buttons[0].confirm.text
    assert waves_in(card_of(StoredPlan(plan, PlanState.PLANNED), fleet)) == []


def test_hooks_that_are_alike_are_one_row_of_the_plan(plan: Plan, fleet: Fleet) -> None:
    hooks = [HookRun(site, "freeze", "north", "stop\nnow", 9.0, "north", "south", "/srv") for site in ("shop", "blog")]
    card = card_of(StoredPlan(replace(plan, hooks=tuple(hooks)), PlanState.PLANNED), fleet)
    assert "freeze | north | stop now | shop, blog" in said(card)
    assert card.buttons[0].confirm is not None
    assert "2 hooks run, as listed." in card.buttons[0].confirm.text


def test_a_running_cutover_says_which_wave_is_under_way(
    plan: Plan, fleet: Fleet, now: datetime, done: CutoverProgress
) -> None:
    waves = in_waves(plan)
    first = replace(done, zones={waves.zones[0].key: done.zones[plan.zones[0].key]})
    card = card_of(stored(waves, PlanState.APPROVED, now, progress=replace(first, wave=1)), fleet)
    assert ", wave 2 of 2: " in card.title
    assert waves_in(card) == [("1", "shop", "moved"), ("2", "blog", "under way")]
    begun = card_of(stored(waves, PlanState.APPROVED, now, progress=CutoverProgress()), fleet)
    assert waves_in(begun) == [("1", "shop", "under way"), ("2", "blog", "waits")]


def test_a_cutover_that_stopped_after_a_wave_says_what_moved_and_asks_for_the_rest_by_name(
    plan: Plan, fleet: Fleet, now: datetime, done: CutoverProgress
) -> None:
    waves = replace(in_waves(plan), line="failover shop blog --planned --wave 1")
    zones = {waves.zones[0].key: done.zones[plan.zones[0].key]}
    progress = replace(done, zones=zones, wave=1, trouble={"sync blog": "no room"})
    card = card_of(stored(waves, PlanState.PARTIAL, now, progress=progress), fleet)
    assert card.title.startswith("Done in part: 1 of 2 waves moved, moving 2 sites from north")
    assert waves_in(card) == [("1", "shop", "moved"), ("2", "blog", "stays")]
    assert "sync blog: no room" in said(card)
    assert [button.line for button in card.buttons] == ["failover blog --planned --wave 1", "rollback K7Q2"]
    stopped = replace(progress, wave=0)
    assert (
        waves_in(card_of(stored(waves, PlanState.PARTIAL, now, progress=stopped), fleet))[0][2] == "moved, with trouble"
    )


def test_a_rest_that_is_too_long_to_type_or_is_none_has_no_button(
    plan: Plan, fleet: Fleet, now: datetime, done: CutoverProgress
) -> None:
    long = replace(plan, line="failover shop blog " + "--without far " * 200)
    assert [b.label for b in card_of(stored(long, PlanState.PARTIAL, now), fleet).buttons] == ["Roll back"]
    whole = replace(plan, line="failover shop blog")
    assert [b.label for b in card_of(stored(whole, PlanState.PARTIAL, now, progress=done), fleet).buttons] == [
        "Roll back"
    ]
    smaller = replace(fleet, sites={"blog": fleet.sites["blog"]})
    card = card_of(stored(whole, PlanState.PARTIAL, now, progress=done), smaller)
    assert card.buttons[0].line == "failover shop"


def test_a_wave_of_which_only_a_part_changed_says_so(
    plan: Plan, fleet: Fleet, now: datetime, done: CutoverProgress
) -> None:
    both = replace(plan, wave_size=2)
    progress = replace(done, zones=dict(list(done.zones.items())[:1]))
    card = card_of(stored(both, PlanState.PARTIAL, now, progress=progress), fleet)
    assert waves_in(card) == [("1", "shop, blog", "moved in part")]
    assert "0 of 1 wave moved" in card.title


def test_of_many_waves_those_around_the_one_under_way_are_shown(plan: Plan, fleet: Fleet, now: datetime) -> None:
    moves = tuple(Move(f"site{number}", "north", "south", number) for number in range(40))
    many = replace(plan, moves=moves, zones=(), wave_size=1)
    card = card_of(stored(many, PlanState.APPROVED, now, progress=CutoverProgress(wave=20)), fleet)
    numbers = [int(cells[0]) for cells in waves_in(card)]
    assert numbers == list(range(18, 30))
    table = next(part for part in card.parts if isinstance(part, Table) and part.columns[0] == "wave")
    assert table.left_out == 28


def test_what_arrived_meanwhile_is_told_with_the_first_names(
    plan: Plan, fleet: Fleet, now: datetime, done: CutoverProgress
) -> None:
    caught = {"shop": LateFiles(7, ("a", "b", "c", "d", "e")), "blog": LateFiles(1, ("f",), 2)}
    card = card_of(stored(plan, PlanState.CONFIRMED, now, progress=replace(done, caught=caught)), fleet)
    assert (
        "8 files that arrived meanwhile were brought over: shop: a, shop: b, shop: c, shop: d, shop: e and 3 more."
    ) in said(card)
    assert "2 files that arrived meanwhile stayed, as something newer is served: blog. They stay recoverable" in said(
        card
    )
    one = card_of(
        stored(plan, PlanState.CONFIRMED, now, progress=replace(done, caught={"shop": LateFiles(1, ("a",))})), fleet
    )
    assert "1 file that arrived meanwhile was brought over: shop: a." in said(one)
    assert card.exit_code == 0


def test_what_went_wrong_once_dns_had_moved_is_in_the_title_and_the_exit_code(
    plan: Plan, fleet: Fleet, now: datetime, done: CutoverProgress
) -> None:
    progress = done.with_trouble("thaw shop", "it may still be frozen")
    card = card_of(stored(plan, PlanState.CONFIRMED, now, progress=progress), fleet)
    assert card.title.endswith("after approval, but not all else went well")
    assert (card.exit_code, card.tone) == (1, Tone.WARN)
    assert "thaw shop: it may still be frozen" in said(card)


def test_the_end_says_until_when_it_can_be_rolled_back(
    plan: Plan, fleet: Fleet, now: datetime, done: CutoverProgress
) -> None:
    card = card_of(stored(plan, PlanState.CONFIRMED, now, progress=done), fleet)
    assert "It can be rolled back until 2026-06-21 13:02:27 UTC." in said(card)
    back = card_of(stored(replace(plan, purpose=Rollback("AAAA")), PlanState.CONFIRMED, now, progress=done), fleet)
    assert "It can be rolled back" not in said(back)
    unended = replace(stored(plan, PlanState.UNFINISHED, now, progress=done), ended_at=None)
    assert "It can be rolled back" not in said(card_of(unended, fleet))


def test_what_several_steps_add_at_once_adds_up(now: datetime) -> None:
    before = CutoverProgress("Copying", trouble={"old": "one"}, wave=1)
    parts = (
        replace(before, since={"shop": 1.5}).with_trouble("shop", "no"),
        replace(before, since={"blog": 2.5}, caught={"blog": LateFiles(1, ("a",))}).with_zone("z", ZoneDone(now, 3)),
    )
    both = merged(before, parts)
    assert (both.since, both.caught) == ({"shop": 1.5, "blog": 2.5}, {"blog": LateFiles(1, ("a",))})
    assert (both.trouble, dict(both.zones)) == ({"old": "one", "shop": "no"}, {"z": ZoneDone(now, 3)})
    assert merged(before, parts[:1]) is parts[0]
    assert progress_from_json(progress_to_json(both)) == both


def test_progress_that_was_kept_before_there_were_waves_is_read() -> None:
    plain = progress_to_json(CutoverProgress("Asking"))
    for later in ("wave", "since", "caught"):
        del plain[later]
    assert progress_from_json(plain) == CutoverProgress("Asking")


def based(plan: Plan, fleet: Fleet) -> Plan:
    return replace(plan, basis=basis_of(plan, fleet))


def test_a_name_server_that_left_the_file_is_not_counted_and_named(
    plan: Plan, fleet: Fleet, now: datetime, done: CutoverProgress
) -> None:
    gone = NameServerProgress("ns2", agrees=False, gone=True)
    progress = replace(done, nameservers=(done.nameservers[0], gone))
    one_left = replace(fleet, dns=replace(fleet.dns, nameservers=fleet.dns.nameservers[:1]))
    # Drawn by a bot that was not started anew, and by one that was.
    for drawn_by in (fleet, one_left):
        card = card_of(stored(based(plan, fleet), PlanState.CONFIRMED, now, progress=progress), drawn_by)
        assert card.title.endswith("name server agrees, 2 s after approval, without ns2: no longer in the fleet file")
        assert "ns2 | Rome | not waited for: no longer in the fleet file" in said(card)
    assert (progress.in_step, progress.late, progress.gone) == (1, (), ("ns2",))
    assert progress_from_json(json.loads(json.dumps(progress_to_json(progress)))) == progress
    agreed = replace(done, nameservers=(done.nameservers[0], replace(gone, agrees=True)))
    card = card_of(stored(based(plan, fleet), PlanState.CONFIRMED, now, progress=agreed), fleet)
    assert card.title.endswith("2 s after approval")
    assert (agreed.in_step, agreed.late, agreed.gone) == (1, (), ())


def test_a_name_server_that_came_since_is_shown_and_counted(
    plan: Plan, fleet: Fleet, now: datetime, done: CutoverProgress
) -> None:
    third = NameServerProgress("ns3", agrees=False, why="timed out")
    progress = replace(done, nameservers=(*done.nameservers, third), in_step_at=None)
    card = card_of(stored(based(plan, fleet), PlanState.UNFINISHED, now, progress=progress), fleet)
    assert "but only 2 of 3 name servers in step; not yet: ns3" in card.title
    assert "ns3 |  | timed out" in said(card)


def test_a_cutover_whose_names_were_moved_on_says_by_what_and_offers_no_way_back(
    plan: Plan, fleet: Fleet, now: datetime, done: CutoverProgress
) -> None:
    lagging = replace(done.nameservers[1], agrees=False, old=1)
    on = {"shop.test": "BBBB", "www.shop.test": "BBBB"}
    progress = replace(done, nameservers=(done.nameservers[0], lagging), in_step_at=None, moved_on=on)
    half = card_of(stored(plan, PlanState.UNFINISHED, now, progress=progress), fleet)
    assert "Moved on since by plan BBBB, so nobody is asked about it any more: shop.test, www.shop.test." in said(half)
    assert half.title.startswith("Unfinished: ")
    progress = replace(progress, moved_on={**on, "blog.test": "CCCC"})
    card = card_of(stored(plan, PlanState.OVERTAKEN, now, progress=progress), fleet)
    assert card.title.startswith("Overtaken: 2 sites moved from north (Northville) to south (Southville), ")
    assert card.title.endswith(", and on since by plan BBBB, CCCC, before all name servers agreed")
    assert (card.buttons, card.exit_code) == ((), 5)
    assert "is asked again until it does" not in said(card)
    assert progress_from_json(json.loads(json.dumps(progress_to_json(progress)))) == progress
